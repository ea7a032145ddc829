/**
 * Recomputes a bill from a call's metadata alone: the prices that the named version of the catalog
 * gives at the call's moment, and the cost of what was used. Pure.
 */
import {
  BUCKETS,
  computeCost,
  type NanoUsd,
  type Prices,
  REGIONS,
  SERVICE_TIERS,
  SPEEDS,
  type Surcharge,
  type Usage,
} from '@farebox/money';
import type { Catalog } from './catalog.ts';
import { type ModelPrices, type ResolvedPrices, resolvePrices } from './model-prices.ts';

/** The metadata of a call that its bill follows from. */
export type BilledCall = Readonly<{
  /** `provider/model`. */
  model: string;
  provider: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
  priceRule: string;
  usage: Usage;
  prices: Prices;
  fees: readonly Surcharge[];
  /** Charged and absorbed by the platform together. */
  cost: NanoUsd;
  /** True if the cost is that of the usage: not an estimate, a waiver or an expired hold. */
  isExact: boolean;
}>;

/** The account object takes the time of a hold a moment after the gateway has priced it. */
const CLOCK_TOLERANCE_MS = 5_000;

const TERMS = SERVICE_TIERS.flatMap((tier) =>
  SPEEDS.flatMap((speed) => REGIONS.map((region) => ({ tier, speed, region }))),
);

/** Finds the prices that the rule's name stands for, among all terms that a call may be served on. */
function findPrices(prices: ModelPrices, call: BilledCall): ResolvedPrices | undefined {
  for (const at of [call.createdAt, call.createdAt - CLOCK_TOLERANCE_MS]) {
    for (const terms of TERMS) {
      const resolved = resolvePrices(prices, { at, ...terms }, call.usage);
      const isSame = BUCKETS.every((bucket) => resolved.prices[bucket] === call.prices[bucket]);
      if (resolved.rule === call.priceRule && isSame) return resolved;
    }
  }
  return undefined;
}

/** A provider rounds its charge as we round ours, but not at the same digit: nano-USD. */
const PROVIDER_COST_TOLERANCE = 1n;

/** Returns whether a provider's own statement of a cost is another than its prices give. */
export function differsFromProviderCost(computed: NanoUsd, stated: NanoUsd): boolean {
  const difference = computed - stated;
  return difference > PROVIDER_COST_TOLERANCE || difference < -PROVIDER_COST_TOLERANCE;
}

function toProviderFee(fee: Surcharge, resolved: ResolvedPrices): Surcharge {
  const price = Object.entries(resolved.providerSurchargePrices).find(
    ([kind]) => kind === fee.kind,
  );
  return price === undefined ? fee : { ...fee, nano_usd_per_million: price[1] };
}

/**
 * Computes what the provider charges for a call by its own prices, without a margin; nano-USD.
 * Undefined if the version of the catalog has no such model, rule or prices.
 */
export function recomputeProviderCost(catalog: Catalog, call: BilledCall): NanoUsd | undefined {
  const model = catalog.findModel(call.model, [call.provider]);
  const resolved = model === undefined ? undefined : findPrices(model.prices, call);
  if (resolved === undefined) return undefined;
  const fees = call.fees.map((fee) => toProviderFee(fee, resolved));
  return computeCost(call.usage, resolved.providerPrices, fees);
}

/**
 * Returns what differs: `model` if the version has none of that name, `prices` if no rule of that
 * name gives them, `cost` if usage times prices is another amount. Undefined if nothing does.
 */
export function findBillDifference(
  catalog: Catalog,
  call: BilledCall,
): 'model' | 'prices' | 'cost' | undefined {
  const model = catalog.findModel(call.model, [call.provider]);
  if (model === undefined) return 'model';
  if (findPrices(model.prices, call) === undefined) return 'prices';
  if (!call.isExact) return undefined;
  return computeCost(call.usage, call.prices, call.fees) === call.cost ? undefined : 'cost';
}

/**
 * Recomputes a bill from a call's metadata alone: the prices that the named version of the catalog
 * gives at the call's moment, and the cost of what was used. Pure.
 */
import {
  BUCKETS,
  computeCost,
  mapBuckets,
  type NanoUsd,
  type Prices,
  REGIONS,
  removeMargins,
  SERVICE_TIERS,
  SPEEDS,
  type Surcharge,
  type Usage,
} from '@farebox/money';
import type { Catalog } from './catalog.ts';
import { listImageTerms, listPricesBySize, type ModelPrices } from './model-prices.ts';

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
  /** Hundredths of a percent; null in a call of a release before. */
  marginBasisPoints: number | null;
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

/**
 * Returns whether the rule that the bill names gives its prices, on any terms that a call may be
 * served on. The size of a whole bill is that of its input or, of a provider's own loop, of its
 * largest turn; an estimate that was waived has another size than the usage that is kept.
 */
function areListed(prices: ModelPrices, call: BilledCall): boolean {
  const moments = [call.createdAt, call.createdAt - CLOCK_TOLERANCE_MS];
  const usage = call.isExact ? call.usage : null;
  const images = listImageTerms(prices, { size: null, quality: null });
  const terms = TERMS.flatMap((served) => images.map((image) => ({ ...served, ...image })));
  return moments.some((at) =>
    terms.some((served) =>
      listPricesBySize(prices, { at, ...served }, usage).some(
        (listed) =>
          listed.rule === call.priceRule &&
          BUCKETS.every((bucket) => listed.prices[bucket] === call.prices[bucket]),
      ),
    ),
  );
}

/** A provider rounds its charge as we round ours, but not at the same digit: nano-USD. */
const PROVIDER_COST_TOLERANCE = 1n;

/** Returns whether a provider's own statement of a cost is another than its prices give. */
export function differsFromProviderCost(computed: NanoUsd, stated: NanoUsd): boolean {
  const difference = computed - stated;
  return difference > PROVIDER_COST_TOLERANCE || difference < -PROVIDER_COST_TOLERANCE;
}

/**
 * Computes what the provider charges for a call by its own prices, without a margin; nano-USD.
 * Undefined if the version of the catalog has no such model, rule or prices.
 */
export function recomputeProviderCost(catalog: Catalog, call: BilledCall): NanoUsd | undefined {
  const model = catalog.findModel(call.model, [call.provider]);
  if (model === undefined || !areListed(model.prices, call)) return undefined;
  const marginBasisPoints = Number(model.prices.marginBasisPoints);
  const { prices, fees } = removeMargins({ ...call, marginBasisPoints });
  return computeCost(call.usage, prices, fees);
}

/**
 * Returns by how much `charged` exceeds the cost at the right prices; nano-USD, 0 if it does not. A
 * kind of token without a right price keeps the one it was charged at.
 */
export function computeOvercharge(
  call: Pick<BilledCall, 'usage' | 'prices' | 'fees'> & Readonly<{ charged: NanoUsd }>,
  rightPrices: Partial<Prices>,
): NanoUsd {
  const prices = mapBuckets((bucket) => rightPrices[bucket] ?? call.prices[bucket]);
  const excess = call.charged - computeCost(call.usage, prices, call.fees);
  return excess > 0n ? excess : 0n;
}

/**
 * Returns what differs: `model` if the version has none of that name, `prices` if no rule of that
 * name gives them, `margin` if its margin is another, `cost` if usage times prices is another amount.
 * Undefined if nothing does.
 */
export function findBillDifference(
  catalog: Catalog,
  call: BilledCall,
): 'model' | 'prices' | 'margin' | 'cost' | undefined {
  const model = catalog.findModel(call.model, [call.provider]);
  if (model === undefined) return 'model';
  if (!areListed(model.prices, call)) return 'prices';
  const { marginBasisPoints } = call;
  if (marginBasisPoints !== null && BigInt(marginBasisPoints) !== model.prices.marginBasisPoints) {
    return 'margin';
  }
  if (!call.isExact) return undefined;
  return computeCost(call.usage, call.prices, call.fees) === call.cost ? undefined : 'cost';
}

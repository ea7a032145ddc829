/**
 * What a call's usage costs: its prices are those of the hold's moment, of the terms on which it was
 * served, and of its size; passes that the usage leaves out have prices of their own size. Pure.
 */
import {
  getCacheWriteBucket,
  isPricedSurcharge,
  listPricedTerms,
  type Model,
  type PriceTerms,
  type ResolvedPrices,
  resolvePrices,
} from '@farebox/catalog';
import { type CacheWrites, DIALECT_SPECS, type SurchargeCount } from '@farebox/dialects';
import {
  addMargin,
  BUCKETS,
  type Bucket,
  computeCost,
  type NanoUsd,
  NO_USAGE,
  type Prices,
  type Surcharge,
  type SurchargeKind,
  totalInputTokens,
  type Usage,
} from '@farebox/money';
import type { Reading } from '@farebox/providers';
import type { Plan } from './plan.ts';

export type PricedUsage = Readonly<{
  usage: Usage;
  prices: Prices;
  /** What gave the prices: version, rule and factors. */
  priceRule: string;
  /** The platform's margin in the prices and fees, in hundredths of a percent. */
  marginBasisPoints: number;
  fees: readonly Surcharge[];
  cost: NanoUsd;
}>;

/** The part of a reading that prices depend on, beside the usage itself. */
export type PricedReading = Pick<
  Reading,
  'surcharges' | 'passes' | 'otherModelPasses' | 'served' | 'largestTurn'
>;

export const NOTHING_READ: PricedReading = {
  surcharges: [],
  passes: [],
  otherModelPasses: [],
  served: {},
  largestTurn: null,
};

/** The surcharge that each bucket of a compaction is billed as. */
const COMPACTION_KINDS: readonly (readonly [Bucket, SurchargeKind])[] = [
  ['input_uncached', 'compaction_input'],
  ['cache_read', 'compaction_cache_read'],
  ['cache_write_5m', 'compaction_cache_write'],
  ['cache_write_1h', 'compaction_cache_write_1h'],
  ['output', 'compaction_output'],
];

const LIFETIME_BUCKETS: Readonly<Record<CacheWrites, Bucket | null>> = {
  automatic: null,
  '5m': 'cache_write_5m',
  '30m': 'cache_write_30m',
  '1h': 'cache_write_1h',
  '12h': 'cache_write_12h',
};

/**
 * Moves cache writes to the lifetime that the request asked for, in dialects whose answers do not
 * tell it (OpenAI's `cache_write_tokens`).
 */
function assignCacheWrites({ facts, model }: Plan, usage: Usage): Usage {
  const { cacheWriteLifetimes } = DIALECT_SPECS[facts.dialect].answer;
  if (cacheWriteLifetimes === 'reported' || usage.cache_write_5m === 0) return usage;
  const bucket = getCacheWriteBucket(model, LIFETIME_BUCKETS[facts.cacheWrites]);
  const writes = usage.cache_write_5m;
  return { ...usage, cache_write_5m: 0, [bucket]: writes };
}

/**
 * A model with a price of grounded prompts bills an answer with search results once (Gemini 2.x),
 * any other each query.
 */
function toBilledSurcharges(
  surcharges: readonly SurchargeCount[],
  { surchargePrices }: ResolvedPrices,
): readonly SurchargeCount[] {
  if (surchargePrices.grounded_prompt === undefined) return surcharges;
  return surcharges.map((surcharge) =>
    surcharge.kind === 'web_search' ? { kind: 'grounded_prompt', count: 1 } : surcharge,
  );
}

function priceSurcharge(kind: SurchargeKind, { surchargePrices }: ResolvedPrices): bigint {
  return isPricedSurcharge(kind) ? (surchargePrices[kind] ?? 0n) : 0n;
}

/** Returns whether the model has a price for the terms, and the hold covers it. */
function areBillable(plan: Plan, terms: PriceTerms, size: Usage): boolean {
  const { tier, speed, region } = listPricedTerms(plan.model, terms.at);
  const arePriced =
    tier.includes(terms.tier) && speed.includes(terms.speed) && region.includes(terms.region);
  const { prices } = resolvePrices(plan.model, terms, size);
  return arePriced && BUCKETS.every((bucket) => prices[bucket] <= plan.maxPrices.prices[bucket]);
}

/** The terms of the bill; `areServed` is false where the answer states others. */
type BilledTerms = Readonly<{ terms: PriceTerms; areServed: boolean }>;

/**
 * Returns the terms that the answer states, where it states some, else those asked for. Terms that
 * nobody asked for, without a price or above what the hold covers, are not charged to the caller.
 */
function billedTerms(plan: Plan, served: Reading['served'], size: Usage): BilledTerms {
  const asked = { at: plan.pricedAt, ...plan.facts.terms };
  const stated = { ...asked, ...served };
  const isAsAsked =
    stated.tier === asked.tier && stated.speed === asked.speed && stated.region === asked.region;
  if (isAsAsked) return { terms: asked, areServed: true };
  const areServed = areBillable(plan, stated, size);
  return { terms: areServed ? stated : asked, areServed };
}

/** Adds up fees of the same kind and price. */
function mergeFees(fees: readonly Surcharge[]): Surcharge[] {
  const merged = new Map<string, Surcharge>();
  for (const fee of fees) {
    const key = `${fee.kind} ${fee.nano_usd_per_million}`;
    const count = (merged.get(key)?.count ?? 0) + fee.count;
    merged.set(key, { ...fee, count });
  }
  return [...merged.values()];
}

/**
 * Returns the input whose size decides on long-context prices: that of the largest turn. Where the
 * answer adds the turns of the provider's own loop up, no turn was larger than the context window.
 */
function billedSize(
  { facts, maxInputTokens }: Plan,
  usage: Usage,
  largestTurn: Usage | null,
): Usage {
  if (largestTurn !== null) return largestTurn;
  if (facts.serverPasses === 1 || totalInputTokens(usage) <= maxInputTokens) return usage;
  return { ...NO_USAGE, input_uncached: maxInputTokens };
}

/** The passes that have prices, each with the model that it ran on. */
function listPasses(plan: Plan, reading: PricedReading): { model: Model; usage: Usage }[] {
  const own = reading.passes.map((usage) => ({ model: plan.model, usage }));
  const others = reading.otherModelPasses.flatMap(({ model: name, usage }) => {
    const model = plan.findOtherModel(name);
    return model === undefined ? [] : [{ model, usage }];
  });
  return [...own, ...others];
}

/** The margin of a call is that of its model, also on the passes that ran on another. */
function pricePass(plan: Plan, model: Model, terms: PriceTerms, pass: Usage): Surcharge[] {
  const { marginBasisPoints } = plan.model.prices;
  const { prices, providerPrices } = resolvePrices(model, terms, pass);
  return COMPACTION_KINDS.filter(([bucket]) => pass[bucket] > 0).map(([bucket, kind]) => ({
    kind,
    count: pass[bucket],
    nano_usd_per_million:
      model.prices.marginBasisPoints === marginBasisPoints
        ? prices[bucket]
        : addMargin(providerPrices[bucket], marginBasisPoints),
  }));
}

/** Prices `usage` and all that the reading has beside it. */
export function priceUsage(plan: Plan, reported: Usage, reading: PricedReading): PricedUsage {
  const usage = assignCacheWrites(plan, reported);
  const size = billedSize(plan, usage, reading.largestTurn);
  const { terms } = billedTerms(plan, reading.served, size);
  const resolved = resolvePrices(plan.model, terms, size);
  const { prices, rule: priceRule } = resolved;
  const surcharges = toBilledSurcharges(reading.surcharges, resolved).map(({ kind, count }) => ({
    kind,
    count,
    nano_usd_per_million: priceSurcharge(kind, resolved),
  }));
  const passes = listPasses(plan, reading).flatMap((pass) =>
    pricePass(plan, pass.model, terms, pass.usage),
  );
  const fees = mergeFees([...surcharges, ...passes]);
  const marginBasisPoints = Number(plan.model.prices.marginBasisPoints);
  const cost = computeCost(usage, prices, fees);
  return { usage, prices, priceRule, marginBasisPoints, fees, cost };
}

/**
 * Counts what an answer states and no price covers: unknown fields and terms, terms beyond the hold,
 * surcharges that the model has no price for. The platform absorbs it, and it is logged.
 */
export function countUnpriceable(plan: Plan, reading: Reading): number {
  const usage = reading.usage ?? NO_USAGE;
  const size = billedSize(plan, usage, reading.largestTurn);
  const { terms, areServed } = billedTerms(plan, reading.served, size);
  const resolved = resolvePrices(plan.model, terms, size);
  const unpriced = toBilledSurcharges(reading.surcharges, resolved).filter(
    ({ kind }) => isPricedSurcharge(kind) && resolved.surchargePrices[kind] === undefined,
  );
  const unknownModels = reading.otherModelPasses.filter(
    ({ model }) => plan.findOtherModel(model) === undefined,
  );
  const unstated = unpriced.length + unknownModels.length + (areServed ? 0 : 1);
  return reading.unpriceable + unstated;
}

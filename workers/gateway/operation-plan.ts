/**
 * Plans a call to an operation before any I/O: its model and provider, the most that it may cost, and
 * what it is billed for where the provider reports nothing. Pure.
 */
import {
  type MaxPrices,
  type Model,
  maxPrices,
  PRICED_SURCHARGE_KINDS,
  type ResolvedPrices,
  resolveImagePrices,
} from '@farebox/catalog';
import { type Counts, OPERATION_SPECS, type OperationFacts } from '@farebox/dialects';
import {
  BUCKETS,
  computeCost,
  type NanoUsd,
  NO_USAGE,
  STANDARD_TERMS,
  type Surcharge,
  type Usage,
} from '@farebox/money';
import type { Provider } from '@farebox/providers';
import { err, ok, type Result } from '@farebox/result';
import type { ApiError } from './errors.ts';
import { findTarget, type PlanDeps, unsupportedEndpointError } from './plan.ts';

export type OperationPlan = Readonly<{
  facts: OperationFacts;
  model: Model;
  provider: Provider;
  /** The prices of the hold's moment. */
  prices: ResolvedPrices;
  /** That moment, in milliseconds since the epoch. */
  pricedAt: number;
  /** What is billed where the provider reports nothing. */
  expected: Counts;
  /** True where `expected` rests on a guess about the request. */
  isGuess: boolean;
  /** nano-USD: the most that the call may cost, which its hold covers. */
  maxCost: NanoUsd;
  /** nano-USD: what a report may come to, at least `maxCost`. */
  believableCost: NanoUsd;
  /** nano-USD per million tokens of the output, if the model bills it by the token. */
  outputPrice: bigint;
}>;

export type OperationPlanResult = Result<{ plan: OperationPlan }, ApiError>;

/** Prices of buckets and surcharges; a surcharge without a price is absent. */
type UnitPrices = Pick<MaxPrices, 'prices' | 'surchargePrices'>;

/** Returns whether the model bills any of what was counted. */
export function hasPrice({ prices, surchargePrices }: UnitPrices, counts: Counts): boolean {
  return (
    BUCKETS.some((bucket) => counts[bucket] !== undefined && prices[bucket] > 0n) ||
    PRICED_SURCHARGE_KINDS.some(
      (kind) => counts[kind] !== undefined && (surchargePrices[kind] ?? 0n) > 0n,
    )
  );
}

function toUsage(counts: Counts, { prices }: UnitPrices): Usage {
  const billed = BUCKETS.map((bucket) => [bucket, prices[bucket] > 0n ? (counts[bucket] ?? 0) : 0]);
  return { ...NO_USAGE, ...Object.fromEntries(billed) };
}

function toFees(counts: Counts, { surchargePrices }: UnitPrices): Surcharge[] {
  return PRICED_SURCHARGE_KINDS.flatMap((kind) => {
    const count = counts[kind] ?? 0;
    const price = surchargePrices[kind];
    return count === 0 || price === undefined ? [] : { kind, count, nano_usd_per_million: price };
  });
}

export type PricedCounts = Readonly<{ usage: Usage; fees: readonly Surcharge[]; cost: NanoUsd }>;

/** Prices counts, of which a model bills those that it has a price for. */
export function priceCounts(counts: Counts, prices: UnitPrices): PricedCounts {
  const usage = toUsage(counts, prices);
  const fees = toFees(counts, prices);
  return { usage, fees, cost: computeCost(usage, prices.prices, fees) };
}

/** Answers that are plain text state no length, and the bytes of this recording do not tell it. */
const UNKNOWN_LENGTH: OperationPlanResult = err('invalid_field', {
  field: 'response_format',
  expected:
    'json or verbose_json, which state what is billed: the length of this recording can not be told from its bytes. Or send it as WAV, MP3, FLAC or Opus',
});

/** Pictures and speech are output too, where they are billed by the token. */
function maxOutputPrice({ prices, surchargePrices }: MaxPrices): bigint {
  const { image_output: image = 0n, audio_output: audio = 0n } = surchargePrices;
  return [prices.output, image, audio].reduce((a, b) => (a > b ? a : b));
}

function buildPlan(
  facts: OperationFacts,
  model: Model,
  provider: Provider,
  now: number,
): OperationPlanResult {
  const { tier, speed, region } = STANDARD_TERMS;
  const { imageTerms } = facts.request;
  const possible = {
    at: now,
    tiers: [tier],
    speeds: [speed],
    regions: [region],
    image: imageTerms,
  };
  const max = maxPrices(model, possible);
  const { contextWindow: context, maxOutput: output } = model;
  const measure = OPERATION_SPECS[facts.operation].measure(facts.request, { context, output });
  const prices = resolveOperationPrices(facts, model, now);
  const { expected, isGuess = false } = measure;
  const { cost: maxCost } = priceCounts(measure.max, max);
  const { cost: believableCost } = priceCounts(measure.believable ?? measure.max, max);
  if (isGuess && facts.answer === 'text' && maxCost > 0n) return UNKNOWN_LENGTH;
  const outputPrice = maxOutputPrice(max);
  const costs = { expected, isGuess, maxCost, believableCost, outputPrice };
  return ok({ plan: { facts, model, provider, prices, pricedAt: now, ...costs } });
}

function resolveOperationPrices(
  { request }: OperationFacts,
  model: Model,
  at: number,
): ResolvedPrices {
  return resolveImagePrices(model, { at, ...STANDARD_TERMS }, request.imageTerms);
}

/** Returns the plan with other prices of its model; its hold and its measure stay. */
export function repriceOperation(plan: OperationPlan, model: Model): OperationPlan {
  return { ...plan, model, prices: resolveOperationPrices(plan.facts, model, plan.pricedAt) };
}

/** Plans a call at `now` (milliseconds since the epoch), or returns why it can't be made. */
export function planOperation(
  facts: OperationFacts,
  deps: Pick<PlanDeps, 'catalog' | 'providers'>,
  now: number,
): OperationPlanResult {
  const target = findTarget(facts.model, deps, now);
  if (!target.ok) return target;
  const { model, provider } = target;
  const isServed = model.operations.includes(facts.operation);
  if (!isServed || provider.endpoints[facts.endpoint] === undefined)
    return unsupportedEndpointError(facts.model, target);
  return buildPlan(facts, model, provider, now);
}

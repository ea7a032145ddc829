/**
 * Computes what a call is charged and why (design: "what is charged"): the provider's usage if it
 * was reported, an estimate of the output if the response was truncated, nothing if nothing was
 * produced. Pure: the caller passes what was read, how the response ended and how long it took.
 */
import { DIALECT_SPECS } from '@farebox/dialects';
import type { SettleReason } from '@farebox/ledger';
import { type NanoUsd, NO_USAGE, type Usage } from '@farebox/money';
import type { Reading } from '@farebox/providers';
import type { EndReason } from './end-reason.ts';
import type { Plan } from './plan.ts';
import { isPlausible, withoutReport } from './plausible-usage.ts';
import { NOTHING_READ, type PricedUsage, priceUsage } from './usage-prices.ts';

export type CallOutcome = Readonly<{
  reading: Reading;
  endReason: EndReason;
  /** Milliseconds before the first output. Counted for models that hide their reasoning only. */
  hiddenGenerationMs: number;
  /** The output limit enforced upstream, per choice. */
  maxOutput: number;
  held: NanoUsd;
  /** The cost of the last checkpoint; no estimate falls below it. */
  floor: NanoUsd;
}>;

export type Bill = PricedUsage &
  Readonly<{
    reason: SettleReason;
    /** nano-USD: what the provider says that it charged; null where it says nothing. */
    providerCost: NanoUsd | null;
    /**
     * What the provider may bill for a waived call, charged once the account's daily waivers are used
     * up; absent where the provider bills nothing.
     */
    waivedCost?: NanoUsd;
    /** The estimated usage that `waivedCost` is the price of. */
    waivedUsage?: Usage;
  }>;

/**
 * Tokens per second that a model is assumed to generate unseen, if it was truncated before it
 * reported its usage: the upper end of what today's models stream.
 */
const HIDDEN_TOKENS_PER_SECOND = 100;

/** The ends that the provider alone decides: no caller can make a call cheaper by one of them. */
const PROVIDER_ENDS: ReadonlySet<EndReason> = new Set([
  'upstream_disconnected',
  'upstream_timeout',
]);

/**
 * Estimates the input that was not reported. A provider that caches unasked reports what it read
 * from its cache with the usage, at the end. Where it broke off, the input counts as read from the
 * cache, the least that the whole answer can have cost
 * (docs/decisions/0031-bounds-of-estimates.md).
 */
function estimateInputUsage(plan: Plan, { reading, endReason }: CallOutcome): Usage {
  if (reading.usage !== null) return reading.usage;
  const { mayCacheUnasked } = DIALECT_SPECS[plan.facts.dialect].request;
  const { prices } = plan.maxPrices;
  const isCheaperCached = mayCacheUnasked && prices.cache_read < prices.input_uncached;
  const bucket = isCheaperCached && PROVIDER_ENDS.has(endReason) ? 'cache_read' : 'input_uncached';
  return { ...NO_USAGE, [bucket]: reading.partial.input ?? plan.estimatedInputTokens };
}

/**
 * Estimates the reasoning that no byte shows. A response that is whole shows its output whole, and
 * so does every model that does not hide its reasoning.
 */
function estimateHiddenTokens(plan: Plan, outcome: CallOutcome): number {
  if (!plan.model.hidesReasoning || outcome.endReason === 'complete') return 0;
  return Math.ceil((outcome.hiddenGenerationMs / 1000) * HIDDEN_TOKENS_PER_SECOND);
}

function estimateOutputUsage(
  plan: Plan,
  outcome: CallOutcome,
): { output: number; output_reasoning: number } {
  const { reading } = outcome;
  const hiddenTokens = estimateHiddenTokens(plan, outcome);
  const maxTokens = outcome.maxOutput * plan.facts.choices;
  const reported = reading.usage?.output ?? reading.partial.output ?? 0;
  const visibleTokens = Math.max(reading.estimatedOutputTokens, reported);
  // In a provider's own loop more is seen than one turn may write; what is hidden is not believed to
  // be, because the time of its tools counts as well.
  const seenTokens = Math.min(outcome.maxOutput * plan.maxOutputs, visibleTokens);
  const output = Math.max(seenTokens, Math.min(maxTokens, visibleTokens + hiddenTokens));
  return { output, output_reasoning: Math.max(0, Math.min(hiddenTokens, output - visibleTokens)) };
}

/** Estimates the bill of a call from what was seen so far, for checkpoints and truncated calls. */
export function estimateBill(plan: Plan, call: CallOutcome, reason: SettleReason): Bill {
  const outcome = withoutImplausible(plan, call);
  const usage = {
    ...estimateInputUsage(plan, outcome),
    ...estimateOutputUsage(plan, outcome),
  };
  const bill = priceUsage(plan, usage, outcome.reading);
  const flooredCost = bill.cost > outcome.floor ? bill.cost : outcome.floor;
  const cost = flooredCost < outcome.held ? flooredCost : outcome.held;
  return { ...bill, reason, providerCost: null, cost };
}

const ESTIMATE_REASON: Readonly<Record<EndReason, SettleReason>> = {
  complete: 'estimated_usage_missing',
  client_disconnected: 'estimated_after_disconnect',
  upstream_disconnected: 'estimated_after_upstream_cut',
  upstream_timeout: 'estimated_after_upstream_cut',
  stopped_by_account: 'estimated_after_disconnect',
};

/** An answer that ended in the provider's error is not whole, however it was read to its end. */
function estimateReason({ reading, endReason }: CallOutcome): SettleReason {
  if (reading.usageFinal) return 'estimated_usage_implausible';
  const isCut = endReason === 'complete' && reading.failed;
  return ESTIMATE_REASON[isCut ? 'upstream_disconnected' : endReason];
}

/**
 * Returns whether the provider failed before it produced anything, so that it bills nothing: an
 * error inside a 200, or a connection that broke.
 */
function isUpstreamFailure({ reading, endReason }: CallOutcome): boolean {
  return reading.failed || endReason === 'upstream_disconnected';
}

/** Waives a call that the provider may bill; the account's ledger counts such waivers by the day. */
function waive(plan: Plan, outcome: CallOutcome, reason: SettleReason): Bill {
  const reading = { ...outcome.reading, surcharges: [], passes: [], otherModelPasses: [] };
  const tokens = { ...outcome, reading };
  const { usage, cost, ...estimate } = estimateBill(plan, tokens, reason);
  return { ...estimate, usage: NO_USAGE, cost: 0n, waivedCost: cost, waivedUsage: usage };
}

/** Returns whether the answer is a refusal that the provider does not bill, whatever it reports. */
function isUnbilledRefusal(plan: Plan, { refusal, estimatedOutputTokens }: Reading): boolean {
  if (refusal === null || estimatedOutputTokens > 0) return false;
  return plan.provider.quirks.unbilledRefusals?.includes(refusal.category) === true;
}

/** Returns the outcome without a report that its call cannot have used. */
function withoutImplausible(plan: Plan, outcome: CallOutcome): CallOutcome {
  if (isPlausible(plan, outcome.reading)) return outcome;
  return { ...outcome, reading: withoutReport(outcome.reading) };
}

/** Computes the bill of a call that reached the provider. */
export function computeBill(plan: Plan, call: CallOutcome): Bill {
  if (isUnbilledRefusal(plan, call.reading)) return zeroBill(plan, 'refused_without_output');
  const outcome = withoutImplausible(plan, call);
  const { reading, endReason } = outcome;
  if (reading.usage !== null && reading.usageFinal) {
    const bill = priceUsage(plan, reading.usage, reading);
    const reason = bill.cost === 0n ? 'free' : 'provider_reported';
    return { ...bill, reason, providerCost: reading.statedCost };
  }
  if (reading.estimatedOutputTokens > 0) return estimateBill(plan, outcome, estimateReason(call));
  if (isUpstreamFailure(outcome)) return failureBill(plan, outcome);
  if (endReason === 'upstream_timeout') return waive(plan, outcome, 'waived_upstream_error');
  if (reading.usage === null && endReason === 'complete')
    return waive(plan, outcome, 'waived_empty');
  return estimateBill(plan, outcome, ESTIMATE_REASON[endReason]);
}

/**
 * Computes the bill of a prompt that the provider refused with an error and bills all the same: the
 * usage that the error reports, or the estimated input.
 */
export function computeRefusalBill(plan: Plan, outcome: CallOutcome): Bill {
  const { reading } = withoutImplausible(plan, outcome);
  if (reading.usage === null) return estimateBill(plan, outcome, 'estimated_usage_missing');
  const bill = priceUsage(plan, reading.usage, reading);
  return { ...bill, reason: 'provider_reported', providerCost: reading.statedCost };
}

/**
 * The bill of a call that failed before it produced anything. A rejection that came as an event counts
 * as one that came as a status does: it is free within a daily allowance, unless the provider bills
 * prompts that it refuses.
 */
function failureBill(plan: Plan, outcome: CallOutcome): Bill {
  const { rejection } = outcome.reading;
  if (rejection === 'content' && plan.provider.quirks.billsRefusedPrompts === true)
    return computeRefusalBill(plan, outcome);
  return zeroBill(plan, rejection === null ? 'waived_upstream_error' : 'upstream_refused');
}

/**
 * Returns what the caller will be charged, or null where only the account knows: a waived call costs
 * nothing until the day's waivers are used up.
 */
export function knownCost({ cost, waivedCost = 0n }: Bill): NanoUsd | null {
  return waivedCost === 0n ? cost : null;
}

/** The reasons of a call that no provider bills. */
export type ZeroBillReason =
  | 'upstream_refused'
  | 'not_sent'
  | 'waived_upstream_error'
  | 'refused_without_output';

/** Returns the bill of a call that the provider rejected, failed, or never received. */
export function zeroBill(plan: Plan, reason: ZeroBillReason): Bill {
  return { ...priceUsage(plan, NO_USAGE, NOTHING_READ), reason, providerCost: null };
}

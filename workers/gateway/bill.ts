/**
 * What a call is charged and why (design: "what is charged"): the provider's own count, always, where
 * there is one; an estimate of what was produced where the answer was cut; nothing where nothing was
 * produced. Pure: the parent hands in what was read, how it ended, and how long it took.
 */
import { feePrice, type Model, priceAt } from '@farebox/catalog';
import type { SettleReason } from '@farebox/ledger';
import {
  costOf,
  type Fee,
  type FeeKind,
  type NanoUsd,
  NO_USAGE,
  type Prices,
  type Usage,
} from '@farebox/money';
import type { Reading } from '@farebox/providers';
import type { Plan } from './plan.ts';

/** How an answer came to its end. */
export type Ending = 'complete' | 'client_gone' | 'upstream_cut' | 'upstream_silent' | 'stopped';

export type Course = Readonly<{
  reading: Reading;
  ending: Ending;
  /**
   * Milliseconds in which the model may have written what nobody saw: hidden reasoning, or all of an
   * answer that is not streamed. The parent counts them only where that can be.
   */
  unseenMs: number;
  /** The output limit enforced upstream, per choice. */
  maxOutput: number;
  held: NanoUsd;
  /** What checkpoints have promised; no estimate falls below it. */
  floor: NanoUsd;
}>;

export type Bill = Readonly<{
  reason: SettleReason;
  usage: Usage;
  prices: Prices;
  fees: readonly Fee[];
  cost: NanoUsd;
  /** What a waived call would have cost: charged once the account's daily waivers are used up. */
  waivedCost?: NanoUsd;
}>;

/**
 * How fast a model is taken to write what nobody sees, in tokens a second, where it was cut before it
 * could report: the upper end of what today's models stream.
 */
const UNSEEN_TOKENS_PER_SECOND = 100;

function inputTotal(usage: Usage): number {
  return usage.input_uncached + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h;
}

/** A compaction's tokens are billed like any others of the model; other kinds have their own price. */
function unitPrice(kind: FeeKind, model: Model, prices: Prices): bigint {
  switch (kind) {
    case 'compaction_input':
      return prices.input_uncached;
    case 'compaction_cache_read':
      return prices.cache_read;
    case 'compaction_cache_write':
      return prices.cache_write_5m;
    case 'compaction_output':
      return prices.output;
    default:
      return feePrice(model, kind);
  }
}

function price(plan: Plan, usage: Usage, extras: Reading['extras'], reason: SettleReason): Bill {
  const prices = priceAt(plan.model, plan.pricedAt, inputTotal(usage));
  const fees = extras.map(({ kind, count }) => ({
    kind,
    count,
    nano_usd_per_million: unitPrice(kind, plan.model, prices),
  }));
  return { reason, usage, prices, fees, cost: costOf(usage, prices, fees) };
}

function likelyInput(plan: Plan, reading: Reading): Usage {
  if (reading.usage !== null) return reading.usage;
  const tokens = Math.min(plan.facts.inputTokensLikely, plan.inputTokensAtMost);
  return { ...NO_USAGE, input_uncached: tokens };
}

function likelyOutput(plan: Plan, course: Course): { output: number; output_reasoning: number } {
  const { reading } = course;
  const unseen = Math.ceil((course.unseenMs / 1000) * UNSEEN_TOKENS_PER_SECOND);
  const most = course.maxOutput * plan.facts.choices;
  const seen = Math.max(reading.outputLikely, reading.usage?.output ?? 0);
  const output = Math.min(most, seen + unseen);
  const reasoning = plan.model.hidesReasoning ? Math.max(0, Math.min(unseen, output - seen)) : 0;
  return { output, output_reasoning: reasoning };
}

/** What the call has come to so far, as far as can be told: the base of checkpoints and of cut calls. */
export function estimate(plan: Plan, course: Course, reason: SettleReason): Bill {
  const usage = { ...likelyInput(plan, course.reading), ...likelyOutput(plan, course) };
  const bill = price(plan, usage, course.reading.extras, reason);
  const atLeast = bill.cost > course.floor ? bill.cost : course.floor;
  return { ...bill, cost: atLeast < course.held ? atLeast : course.held };
}

const ESTIMATE_REASON: Readonly<Record<Ending, SettleReason>> = {
  complete: 'estimated_usage_missing',
  client_gone: 'estimated_after_disconnect',
  upstream_cut: 'estimated_after_upstream_cut',
  upstream_silent: 'estimated_after_upstream_cut',
  stopped: 'estimated_after_disconnect',
};

/** The answer came from us or the provider ended it: not the caller's doing. */
function upstreamsFault(course: Course): boolean {
  return (
    course.reading.failed || course.ending === 'upstream_cut' || course.ending === 'upstream_silent'
  );
}

function waive(plan: Plan, course: Course, reason: SettleReason): Bill {
  const wouldBe = estimate(plan, course, reason);
  return { ...price(plan, NO_USAGE, [], reason), waivedCost: wouldBe.cost };
}

/** The bill of one call that reached the provider. */
export function billOf(plan: Plan, course: Course): Bill {
  const { reading } = course;
  if (reading.usage !== null && reading.usageFinal) {
    const bill = price(plan, reading.usage, reading.extras, 'provider_reported');
    return bill.cost === 0n ? { ...bill, reason: 'free' } : bill;
  }
  const produced = reading.outputLikely > 0;
  if (!produced && upstreamsFault(course)) return waive(plan, course, 'waived_upstream_error');
  if (!produced && reading.usage === null && course.ending === 'complete') {
    return waive(plan, course, 'waived_empty');
  }
  return estimate(plan, course, ESTIMATE_REASON[course.ending]);
}

/** The bill of a call the provider refused or never got. */
export function unpaid(plan: Plan, reason: 'upstream_refused' | 'not_sent'): Bill {
  return price(plan, NO_USAGE, [], reason);
}

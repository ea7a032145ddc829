/**
 * Whether a provider's report can be the usage of its call. A report beyond what the model can read
 * and write is a fault of the provider, and must not empty the account
 * (docs/decisions/0031-bounds-of-estimates.md). Pure.
 */
import { NO_USAGE_REPORTED, type NormalizedUsage, type SurchargeBound } from '@farebox/dialects';
import { totalInputTokens } from '@farebox/money';
import type { Reading } from '@farebox/providers';
import type { Plan } from './plan.ts';

/**
 * How far a report may exceed what the model can read or write and still be charged as reported:
 * limits of the catalog may be out of date. Not the request's own limit: a provider that ignores it
 * has written, and bills, what it reports.
 */
const MAX_OVERRUN = 2;
const MAX_EXTRA_OUTPUT_TOKENS = 1_000;
/** Calls of tools, and passes, beyond those that the request can cause. */
const MAX_EXTRA_CALLS = 20;

/** The kinds that count tokens apart from the buckets, and those that count calls of tools. */
const INPUT_KIND = /_input$/;
const OUTPUT_KIND = /_output$/;
const CALL_KIND = /(?<!_input|_output)$/;

type Bounds = Readonly<{ input: number; output: number }>;

/** Returns the most tokens that one turn can read, and that an answer can have. */
function toBounds({ facts, model, maxInputTokens, output }: Plan): Bounds {
  const limit = output.kind === 'explicit' ? output.tokens : output.max;
  return {
    input: MAX_OVERRUN * Math.max(model.contextWindow, maxInputTokens),
    output:
      MAX_OVERRUN * Math.max(model.maxOutput, limit) * facts.choices * facts.serverPasses +
      MAX_EXTRA_OUTPUT_TOKENS,
  };
}

function countBound({ facts }: Plan, isCounted: (bound: SurchargeBound) => boolean): number {
  return facts.surchargeBounds
    .filter(isCounted)
    .reduce((sum, { maxCount }) => sum + maxCount, MAX_EXTRA_CALLS);
}

/** Adds up the surcharges of the kinds that `pattern` names. */
function countSurcharges({ surcharges }: NormalizedUsage, pattern: RegExp): number {
  return surcharges
    .filter(({ kind }) => pattern.test(kind))
    .reduce((sum, { count }) => sum + count, 0);
}

/** Returns whether a call of this plan can have used what `reading` reports. */
export function isPlausible(plan: Plan, reading: NormalizedUsage): boolean {
  const { usage, partial, passes, otherModelPasses } = reading;
  const bounds = toBounds(plan);
  const input = usage === null ? (partial.input ?? 0) : totalInputTokens(usage);
  const output = usage?.output ?? partial.output ?? 0;
  const allPasses = [...passes, ...otherModelPasses.map((pass) => pass.usage)];
  return (
    input + countSurcharges(reading, INPUT_KIND) <= bounds.input * plan.facts.serverPasses &&
    output + countSurcharges(reading, OUTPUT_KIND) <= bounds.output &&
    countSurcharges(reading, CALL_KIND) <= countBound(plan, ({ kind }) => kind !== 'compaction') &&
    allPasses.length <= countBound(plan, ({ kind }) => kind === 'compaction') &&
    allPasses.every(
      (pass) => totalInputTokens(pass) <= bounds.input && pass.output <= bounds.output,
    )
  );
}

/** Returns the reading without its report, so that what was seen is what counts. */
export function withoutReport(reading: Reading): Reading {
  return { ...reading, ...NO_USAGE_REPORTED, served: reading.served, usageFinal: false };
}

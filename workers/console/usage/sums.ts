/** Sums of use in the order a chart and its table show them. Pure. */
import type { DaySpan, UsageGroup, UsageSum } from '@farebox/database';
import { dayText } from '../charts/figures.ts';
import { daysOf } from './range.ts';

export type Shown = UsageSum & Readonly<{ name: string }>;

export function totalOf(sums: readonly UsageSum[]): UsageSum {
  const total = { group: '', calls: 0, inputTokens: 0, outputTokens: 0, charged: 0n };
  for (const sum of sums) {
    total.calls += sum.calls;
    total.inputTokens += sum.inputTokens;
    total.outputTokens += sum.outputTokens;
    total.charged += sum.charged;
  }
  return total;
}

/** The dearest; undefined where nothing was charged. */
export function dearestOf<Sum extends UsageSum>(sums: readonly Sum[]): Sum | undefined {
  const [first] = [...sums].sort(dearestFirst);
  return first === undefined || first.charged === 0n ? undefined : first;
}

function dearestFirst(a: UsageSum, b: UsageSum): number {
  if (a.charged !== b.charged) return a.charged > b.charged ? -1 : 1;
  return b.calls - a.calls || (a.group < b.group ? -1 : 1);
}

/** Each day of the span, in order, also those without a call. */
export function eachDay(sums: readonly UsageSum[], span: DaySpan): readonly UsageSum[] {
  const known = new Map(sums.map((sum) => [sum.group, sum]));
  return daysOf(span).map((day) => {
    const none = { group: String(day), calls: 0, inputTokens: 0, outputTokens: 0, charged: 0n };
    return known.get(none.group) ?? none;
  });
}

export type Naming = Readonly<{
  language: string;
  /** What a person calls the key. */
  keyName: (keyId: string) => string;
}>;

export function shownOf(
  by: UsageGroup,
  sums: readonly UsageSum[],
  span: DaySpan,
  naming: Naming,
): readonly Shown[] {
  switch (by) {
    case 'day':
      return eachDay(sums, span).map((sum) => ({
        ...sum,
        name: dayText(Number(sum.group), naming.language),
      }));
    case 'key':
      return [...sums]
        .sort(dearestFirst)
        .map((sum) => ({ ...sum, name: naming.keyName(sum.group) }));
    case 'model':
      return [...sums].sort(dearestFirst).map((sum) => ({ ...sum, name: sum.group }));
  }
}

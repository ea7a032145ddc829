/** Aggregates usage by day, key or model, in the order of the chart and its table. Pure. */
import type { DayRange, UsageGroup, UsageSum } from '@farebox/database/statements';
import { formatDay } from '@farebox/design';
import { listDays } from './date-range.ts';

export type UsageRow = UsageSum & Readonly<{ name: string }>;

export function totalUsage(sums: readonly UsageSum[]): UsageSum {
  const total = { group: '', calls: 0, inputTokens: 0, outputTokens: 0, charged: 0n };
  for (const sum of sums) {
    total.calls += sum.calls;
    total.inputTokens += sum.inputTokens;
    total.outputTokens += sum.outputTokens;
    total.charged += sum.charged;
  }
  return total;
}

/** Returns the row with the highest charge; undefined where nothing was charged. */
export function findLargest<Sum extends UsageSum>(sums: readonly Sum[]): Sum | undefined {
  const [first] = [...sums].sort(byChargeDescending);
  return first === undefined || first.charged === 0n ? undefined : first;
}

function byChargeDescending(a: UsageSum, b: UsageSum): number {
  if (a.charged !== b.charged) return a.charged > b.charged ? -1 : 1;
  return b.calls - a.calls || (a.group < b.group ? -1 : 1);
}

/** Returns every day of the range in order, including days without calls. */
export function fillMissingDays(sums: readonly UsageSum[], range: DayRange): readonly UsageSum[] {
  const known = new Map(sums.map((sum) => [sum.group, sum]));
  return listDays(range).map((day) => {
    const empty = { group: String(day), calls: 0, inputTokens: 0, outputTokens: 0, charged: 0n };
    return known.get(empty.group) ?? empty;
  });
}

export type UsageLabels = Readonly<{
  language: string;
  /** Returns the name of the key, as its owner chose it. */
  keyName: (keyId: string) => string;
}>;

export function toUsageRows(
  by: UsageGroup,
  sums: readonly UsageSum[],
  range: DayRange,
  labels: UsageLabels,
): readonly UsageRow[] {
  switch (by) {
    case 'day':
      return fillMissingDays(sums, range).map((sum) => ({
        ...sum,
        name: formatDay(Number(sum.group), labels.language),
      }));
    case 'key':
      return [...sums]
        .sort(byChargeDescending)
        .map((sum) => ({ ...sum, name: labels.keyName(sum.group) }));
    case 'model':
      return [...sums].sort(byChargeDescending).map((sum) => ({ ...sum, name: sum.group }));
  }
}

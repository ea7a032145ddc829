/**
 * Usage of several days as the columns and series of a stacked chart: the largest groups by
 * themselves, the rest together. Pure.
 */
import type { DailyUsageSum, DayRange, UsageSum } from '@farebox/database/statements';
import { type ChartColumn, formatShortDay, SERIES_COLORS, type SeriesColor } from '@farebox/design';
import { totalUsage } from './aggregate.ts';

/** What a chart of usage measures; amounts of money are nano-USD. */
export const METRICS = ['charged', 'calls', 'tokens'] as const;
export type Metric = (typeof METRICS)[number];

const MEASURES: Readonly<Record<Metric, (sum: Omit<UsageSum, 'group'>) => bigint>> = {
  charged: ({ charged }) => charged,
  calls: ({ calls }) => BigInt(calls),
  tokens: ({ inputTokens, outputTokens }) => BigInt(inputTokens) + BigInt(outputTokens),
};

export function measure(sum: Omit<UsageSum, 'group'>, metric: Metric): bigint {
  return MEASURES[metric](sum);
}

export type StackSeries = Readonly<{
  /** Null for the groups that have no series of their own. */
  group: string | null;
  /** How many groups are in this series. */
  groups: number;
  color: SeriesColor;
  total: UsageSum;
  /** One amount of the metric per column. */
  amounts: readonly bigint[];
}>;

export type UsageStack = Readonly<{
  series: readonly StackSeries[];
  /** The first and last day of each column. */
  columns: readonly DayRange[];
}>;

const MAX_DAILY_COLUMNS = 92;
const WEEK_DAYS = 7;

/** Days, or weeks where there would be more days than fit. The last one may be shorter. */
function listColumns({ from, to }: DayRange): readonly DayRange[] {
  const size = to - from + 1 > MAX_DAILY_COLUMNS ? WEEK_DAYS : 1;
  const count = Math.ceil((to - from + 1) / size);
  return Array.from({ length: count }, (_, index) => ({
    from: from + index * size,
    to: Math.min(to, from + (index + 1) * size - 1),
  }));
}

function groupSums(sums: readonly DailyUsageSum[]): ReadonlyMap<string, readonly DailyUsageSum[]> {
  const groups = new Map<string, DailyUsageSum[]>();
  for (const sum of sums) {
    const known = groups.get(sum.group);
    if (known === undefined) groups.set(sum.group, [sum]);
    else known.push(sum);
  }
  return groups;
}

/** The number of series before the one of all other groups. */
const MAX_SERIES = SERIES_COLORS.length - 1;

export function buildUsageStack(
  sums: readonly DailyUsageSum[],
  range: DayRange,
  metric: Metric,
): UsageStack {
  const columns = listColumns(range);
  const size = (columns[0]?.to ?? 0) - (columns[0]?.from ?? 0) + 1;
  const groups = [...groupSums(sums)]
    .map(([group, rows]) => ({ group, rows, amount: measure(totalUsage(rows), metric) }))
    .sort((a, b) =>
      a.amount === b.amount ? (a.group < b.group ? -1 : 1) : a.amount > b.amount ? -1 : 1,
    );
  const own = groups.length <= SERIES_COLORS.length ? groups : groups.slice(0, MAX_SERIES);
  const rest = groups.slice(own.length);
  const toSeries = (
    group: string | null,
    count: number,
    rows: readonly DailyUsageSum[],
    color: SeriesColor,
  ): StackSeries => {
    const amounts = columns.map(() => 0n);
    for (const row of rows) {
      const index = Math.floor((row.day - range.from) / size);
      amounts[index] = (amounts[index] ?? 0n) + measure(row, metric);
    }
    return { group, groups: count, color, total: totalUsage(rows), amounts };
  };
  const series = own.map(({ group, rows }, index) =>
    toSeries(group, 1, rows, SERIES_COLORS[index] ?? 6),
  );
  if (rest.length === 0) return { series, columns };
  const others = rest.flatMap(({ rows }) => rows);
  return { series: [...series, toSeries(null, rest.length, others, 6)], columns };
}

/** Converts a stack to the columns of a chart; `toText` formats the total of one column. */
export function toChartColumns(
  { series, columns }: UsageStack,
  locale: Readonly<{ today: number; todayLabel: string; language: string }>,
  toText: (amount: bigint) => string,
): readonly ChartColumn[] {
  return columns.map(({ from, to }, index) => {
    const amounts = series.map((one) => one.amounts[index] ?? 0n);
    const partial = to >= locale.today;
    const day = formatShortDay(from, locale.language);
    const total = amounts.reduce((all, amount) => all + amount, 0n);
    return {
      label: partial && from === to ? locale.todayLabel : day,
      title: `${from === to ? day : `${day} – ${formatShortDay(to, locale.language)}`}: ${toText(total)}`,
      amounts,
      partial,
    };
  });
}

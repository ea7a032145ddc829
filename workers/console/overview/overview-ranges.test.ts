/** The days that the overview reads for each choice of its period. */
import { describe, expect, it } from 'vitest';
import { listDailyAmounts } from '../usage/daily-amounts.ts';
import { computeBurnRate } from './burn-rate.ts';
import { toOverviewRanges } from './overview-ranges.ts';

const TODAY = 20_000;

/** One dollar a day of one key, on the days that a range reads. */
function readDailyDollar({ from, to }: Readonly<{ from: number; to: number }>) {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    day: from + index,
    group: String(from + index),
    calls: 1,
    inputTokens: 0,
    outputTokens: 0,
    charged: 1_000_000_000n,
  }));
}

describe('the days of the overview', () => {
  it.each([7, 30, 90])('are the last %d, today among them', (days) => {
    const { shown } = toOverviewRanges(TODAY, days);
    expect(shown).toEqual({ from: TODAY - days + 1, to: TODAY });
  });

  it.each([7, 30, 90])(
    'give the same daily spend and the same sparkline where the last %d are shown',
    (days) => {
      const sums = readDailyDollar(toOverviewRanges(TODAY, days).loaded);
      const { perDay, daysLeft } = computeBurnRate(sums, TODAY, 10_000_000_000n);
      expect({ perDay, daysLeft }).toEqual({ perDay: 1_000_000_000n, daysLeft: 10 });
      expect(listDailyAmounts(sums, TODAY)).toEqual(Array(14).fill(1_000_000_000n));
    },
  );
});

/** The periods of budgets, against calendars that are written as plainly as they can be. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUDGET_PERIODS, type BudgetPeriod, DAY_MS } from './index.ts';
import {
  addToPeriods,
  noPeriodSpending,
  periodEnd,
  periodStart,
  spentInPeriod,
} from './period-spending.ts';

const toDate = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);
const toDay = (date: string) => Date.parse(`${date}T00:00:00Z`) / DAY_MS;

function lastMonday(day: number): number {
  return new Date(day * DAY_MS).getUTCDay() === 1 ? day : lastMonday(day - 1);
}

/** The same for all days of one period, and for no others. */
const LABELS: Readonly<Record<BudgetPeriod, (day: number) => string>> = {
  day: toDate,
  week: (day) => toDate(lastMonday(day)),
  month: (day) => toDate(day).slice(0, 7),
};

describe('periodStart and periodEnd', () => {
  it.each([
    ['day', '2026-11-26', '2026-11-26', '2026-11-27'],
    ['week', '2026-11-26', '2026-11-23', '2026-11-30'],
    ['week', '2026-11-23', '2026-11-23', '2026-11-30'],
    ['week', '2026-11-29', '2026-11-23', '2026-11-30'],
    ['week', '1970-01-01', '1969-12-29', '1970-01-05'],
    ['month', '2026-11-30', '2026-11-01', '2026-12-01'],
    ['month', '2026-12-31', '2026-12-01', '2027-01-01'],
    ['month', '2028-02-29', '2028-02-01', '2028-03-01'],
  ] as const)('bound the %s of %s by %s and %s', (period, date, start, end) => {
    expect(toDate(periodStart(period, toDay(date)))).toBe(start);
    expect(toDate(periodEnd(period, toDay(date)))).toBe(end);
  });

  it('contain the day and no day of another period, on every day of 60 years', () => {
    const wrong: string[] = [];
    for (let day = toDay('2020-01-01'); day < toDay('2080-01-01'); day++) {
      const isBounded = (period: BudgetPeriod) => {
        const label = LABELS[period];
        const [start, end] = [periodStart(period, day), periodEnd(period, day)];
        const isInside = [start, end - 1].every((inside) => label(inside) === label(day));
        const isOutside = [start - 1, end].every((outside) => label(outside) !== label(day));
        return start <= day && day < end && isInside && isOutside;
      };
      wrong.push(...BUDGET_PERIODS.filter((period) => !isBounded(period)).map(() => toDate(day)));
    }
    expect(wrong).toEqual([]);
  });
});

describe('spentInPeriod', () => {
  it('is the sum of the charges of the day’s periods, whenever they came and whenever it is asked', () => {
    const charge = fc.record({
      gap: fc.constantFrom(0, 0, 0, 1, 1, 2, 6, 7, 27, 31, 90, 366),
      amount: fc.bigInt({ min: -5n, max: 100n }),
    });
    const history = fc.record({
      first: fc.integer({ min: 0, max: 30_000 }),
      charges: fc.array(charge, { maxLength: 40 }),
      asked: fc.constantFrom(0, 1, 2, 6, 30, 31),
    });
    fc.assert(
      fc.property(history, ({ first, charges, asked }) => {
        const spending = noPeriodSpending();
        const entries: { day: number; amount: bigint }[] = [];
        let day = first;
        for (const { gap, amount } of charges) {
          day += gap;
          entries.push({ day, amount });
          addToPeriods(spending, day, amount);
        }
        const today = day + asked;
        for (const period of BUDGET_PERIODS) {
          const label = LABELS[period];
          const same = entries.filter((entry) => label(entry.day) === label(today));
          const expected = same.reduce((sum, { amount }) => sum + amount, 0n);
          expect(spentInPeriod(spending, period, today)).toBe(expected);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/**
 * What a key is charged in the day, week and month that are under way, in UTC: pure arithmetic, no
 * storage. A charge counts in the periods of its entry, as it does in statements
 * (docs/decisions/0046-budgets-by-period.md). Adding charges one by one or by whole days gives the
 * same result, so that the cache can be rebuilt from the tables.
 */
import type { NanoUsd } from '@farebox/money';
import { BUDGET_PERIODS, type BudgetPeriod, DAY_MS } from './contract/index.ts';

/** Days are whole days since 1970-01-01. */
export type PeriodSpending = Record<BudgetPeriod, NanoUsd> & {
  /** The day of the last charge: the sums are those of its periods. */
  lastDay: number;
};

export function noPeriodSpending(): PeriodSpending {
  return { lastDay: 0, day: 0n, week: 0n, month: 0n };
}

const DAYS_PER_WEEK = 7;
/** 1970-01-01 was a Thursday, three days after a Monday. */
const DAYS_SINCE_MONDAY = 3;

/** Returns the first day of the period that contains `day`. */
export function periodStart(period: BudgetPeriod, day: number): number {
  switch (period) {
    case 'day':
      return day;
    case 'week':
      return day - ((day + DAYS_SINCE_MONDAY) % DAYS_PER_WEEK);
    case 'month':
      return day - new Date(day * DAY_MS).getUTCDate() + 1;
  }
}

/** Returns the first day after the period that contains `day`. */
export function periodEnd(period: BudgetPeriod, day: number): number {
  switch (period) {
    case 'day':
      return day + 1;
    case 'week':
      return periodStart('week', day) + DAYS_PER_WEEK;
    case 'month': {
      const date = new Date(day * DAY_MS);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1) / DAY_MS;
    }
  }
}

/** Returns what was charged in the period that contains `day`, which is not before the last charge. */
export function spentInPeriod(
  spending: PeriodSpending,
  period: BudgetPeriod,
  day: number,
): NanoUsd {
  const { lastDay } = spending;
  if (day <= lastDay || periodStart(period, day) === periodStart(period, lastDay))
    return spending[period];
  return 0n;
}

/** Adds a charge of `day` in place; days do not go back. */
export function addToPeriods(spending: PeriodSpending, day: number, amount: NanoUsd): void {
  if (day > spending.lastDay) {
    for (const period of BUDGET_PERIODS) spending[period] = spentInPeriod(spending, period, day);
    spending.lastDay = day;
  }
  spending.day += amount;
  spending.week += amount;
  spending.month += amount;
}

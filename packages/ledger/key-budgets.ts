/**
 * The budgets of a key: of its whole life, and by day, week and month. A hold must fit each of them,
 * whatever else the key has open, so that no period's charges exceed its budget. A key without
 * budgets costs nothing here.
 */
import type { NanoUsd } from '@farebox/money';
import {
  BUDGET_PERIODS,
  type BudgetDecline,
  type BudgetPeriod,
  DAY_MS,
  type Instant,
  type PeriodBudgetStatus,
} from './contract/index.ts';
import { HELD_RETRY_SECONDS, toUtcDay } from './limits.ts';
import { periodEnd, spentInPeriod } from './period-spending.ts';
import { minBigInt } from './sql-amounts.ts';
import { type AccountCache, type Key, readBalance, type Tx } from './transaction.ts';

/** A budget and what it leaves. `period` is null for the budget of the key's whole life. */
export type Budget = Readonly<{
  period: BudgetPeriod | null;
  budget: NanoUsd;
  spent: NanoUsd;
  left: NanoUsd;
}>;

const NO_BUDGETS: readonly Budget[] = [];

/**
 * The day in whose periods a call is admitted. No entry is dated before the last one, whatever the
 * clock says, so neither is the period.
 */
export function currentDay({
  cache,
  now,
}: Readonly<{ cache: AccountCache; now: Instant }>): number {
  return toUtcDay(Math.max(now, cache.lastEntryAt));
}

function listPeriodBudgets(key: Key, day: number): readonly PeriodBudgetStatus[] {
  const { periodBudgets } = key.limits;
  if (periodBudgets === undefined) return [];
  return BUDGET_PERIODS.flatMap((period) => {
    const budget = periodBudgets[period];
    if (budget === undefined) return [];
    const spent = spentInPeriod(key.periodSpending, period, day);
    const left = budget - spent - key.held;
    return { period, budget, spent, left, resetsAt: periodEnd(period, day) * DAY_MS };
  });
}

/**
 * Lists the budgets of a key, that of its whole life first and then the longest period. What is left
 * may be below zero.
 */
export function listBudgets(tx: Tx, key: Key): readonly Budget[] {
  const { budget, periodBudgets } = key.limits;
  if (budget === null && periodBudgets === undefined) return NO_BUDGETS;
  const { spent, held } = key;
  const whole =
    budget === null ? [] : [{ period: null, budget, spent, left: budget - spent - held }];
  return [...whole, ...listPeriodBudgets(key, currentDay(tx)).toReversed()];
}

/** Returns the least of `available` and what each budget leaves. */
export function spendableWithin(budgets: readonly Budget[], available: NanoUsd): NanoUsd {
  return budgets.reduce((least, { left }) => minBigInt(least, left), available);
}

/** Whether a budget has no room for a call though every open call were to cost nothing. */
export function isSpentFor({ budget, spent }: Budget, amount: NanoUsd): boolean {
  return spent + amount > budget;
}

/** Null where waiting does not help. What open calls reserve comes back long before the renewal. */
function secondsUntilRoom(exceeded: Budget, amount: NanoUsd, untilReset: number): number | null {
  if (amount > exceeded.budget) return null;
  return isSpentFor(exceeded, amount) ? untilReset : HELD_RETRY_SECONDS;
}

/**
 * Declines a call that does not fit a budget. Of several it names the one that holds the call back
 * longest. `affordableOutput` is what the key can spend on output.
 */
export function checkBudgets(
  tx: Tx,
  budgets: readonly Budget[],
  amount: NanoUsd,
  affordableOutput: number,
): BudgetDecline | undefined {
  const exceeded =
    budgets.find((budget) => isSpentFor(budget, amount)) ??
    budgets.find(({ left }) => left < amount);
  if (exceeded === undefined) return undefined;
  const { period, budget, left } = exceeded;
  const missingAmount = amount - left;
  const decline = { reason: 'key_limit_exceeded', missingAmount, affordableOutput } as const;
  if (period === null) return decline;
  const resetsAt = periodEnd(period, currentDay(tx)) * DAY_MS;
  const untilReset = Math.ceil((resetsAt - tx.now) / 1_000);
  const retryAfterSeconds = secondsUntilRoom(exceeded, amount, untilReset);
  return { ...decline, renewing: { period, budget, resetsAt, retryAfterSeconds } };
}

function atLeastZero(amount: NanoUsd): NanoUsd {
  return amount > 0n ? amount : 0n;
}

/** What a key can still spend, as its owner and its clients see it. */
export function budgetStatus(
  tx: Tx,
  key: Key,
): Readonly<{ spendable: NanoUsd; periodBudgets: readonly PeriodBudgetStatus[] }> {
  const { posted, held } = readBalance(tx);
  const periodBudgets = listPeriodBudgets(key, currentDay(tx));
  return {
    spendable: atLeastZero(spendableWithin(listBudgets(tx, key), posted - held)),
    periodBudgets: periodBudgets.map((status) => ({ ...status, left: atLeastZero(status.left) })),
  };
}

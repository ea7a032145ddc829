/** Budgets of a key that renew, by their periods in UTC. */
import type { NanoUsd } from '@farebox/money';
import type { Instant } from './identifiers.ts';

/** Shortest first. A day starts at midnight UTC, a week on Monday, a month on its first day. */
export const BUDGET_PERIODS = ['day', 'week', 'month'] as const;

export type BudgetPeriod = (typeof BUDGET_PERIODS)[number];

/** A period without a budget is absent. */
export type PeriodBudgets = Readonly<Partial<Record<BudgetPeriod, NanoUsd>>>;

/** What the limits of a key leave after a hold. */
export type KeyQuota = Readonly<{
  /** Null without a limit. `resetSeconds`: until the oldest call of the minute counts no more. */
  calls: Readonly<{ limit: number; left: number; resetSeconds: number }> | null;
  budgets: readonly Readonly<{
    period: BudgetPeriod;
    budget: NanoUsd;
    left: NanoUsd;
    resetSeconds: number;
  }>[];
}>;

/** A budget that renews, in the period that is under way. */
export type PeriodBudgetStatus = Readonly<{
  period: BudgetPeriod;
  budget: NanoUsd;
  /** Charged in the period; below zero if late settlements gave back more than was charged. */
  spent: NanoUsd;
  /** What calls can still reserve, with the holds of open calls taken off; never below zero. */
  left: NanoUsd;
  resetsAt: Instant;
}>;

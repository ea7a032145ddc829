/** The limits of a key: in one form, in columns, and compared. Pure. */
import { MAX_AMOUNT, type NanoUsd } from '@farebox/money';
import { BUDGET_PERIODS, type BudgetPeriod, type KeyLimits } from './contract/index.ts';
import { minBigInt, toSql } from './sql-amounts.ts';

export function sameLimits(a: KeyLimits, b: KeyLimits): boolean {
  return (
    a.budget === b.budget &&
    a.expiresAt === b.expiresAt &&
    a.callsPerMinute === b.callsPerMinute &&
    a.concurrentCalls === b.concurrentCalls &&
    a.maxOutputPrice === b.maxOutputPrice &&
    BUDGET_PERIODS.every((period) => a.periodBudgets?.[period] === b.periodBudgets?.[period]) &&
    (a.models === null) === (b.models === null) &&
    a.models?.join('\n') === b.models?.join('\n')
  );
}

/** Caps an amount at the largest one: the balance limits spending before that. */
function capAmount(amount: NanoUsd): NanoUsd {
  return minBigInt(amount, MAX_AMOUNT);
}

/** Empty where no period has a budget, so that a hold compares one property. */
export function toPeriodBudgets(
  budgetFor: (period: BudgetPeriod) => NanoUsd | null | undefined,
): Pick<KeyLimits, 'periodBudgets'> {
  const budgets = BUDGET_PERIODS.flatMap((period) => {
    const budget = budgetFor(period) ?? null;
    return budget === null ? [] : [[period, capAmount(budget)] as const];
  });
  return budgets.length === 0 ? {} : { periodBudgets: Object.fromEntries(budgets) };
}

/** Caps the amounts, and leaves out what is unlimited. */
export function normalizeLimits(limits: KeyLimits): KeyLimits {
  const { budget, periodBudgets, maxOutputPrice = null, ...others } = limits;
  return {
    ...others,
    budget: budget === null ? null : capAmount(budget),
    ...toPeriodBudgets((period) => periodBudgets?.[period]),
    ...(maxOutputPrice === null ? {} : { maxOutputPrice: capAmount(maxOutputPrice) }),
  };
}

/**
 * Returns the limits of an update, in one form: limits of later releases that it does not name stay as
 * they are, because its writer may not know them.
 */
export function updateLimits(current: KeyLimits, update: KeyLimits): KeyLimits {
  const { periodBudgets = current.periodBudgets, maxOutputPrice = current.maxOutputPrice } = update;
  return normalizeLimits({
    ...update,
    ...(periodBudgets === undefined ? {} : { periodBudgets }),
    ...(maxOutputPrice === undefined ? {} : { maxOutputPrice }),
  });
}

function toNullableSql(amount: NanoUsd | null | undefined): number | null {
  return amount === null || amount === undefined ? null : toSql(amount);
}

/**
 * Returns the values of budget, expires_at, models, calls_per_minute, concurrent_calls, the budgets of
 * day, week and month, and output_price_limit, in this order.
 */
export function limitColumns(limits: KeyLimits): readonly (number | string | null)[] {
  return [
    toNullableSql(limits.budget),
    limits.expiresAt,
    limits.models === null ? null : limits.models.join('\n'),
    limits.callsPerMinute,
    limits.concurrentCalls,
    ...BUDGET_PERIODS.map((period) => toNullableSql(limits.periodBudgets?.[period])),
    toNullableSql(limits.maxOutputPrice),
  ];
}

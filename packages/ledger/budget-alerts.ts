/**
 * Notifies the owner when a key has used 80 % of a budget, and when the budget is used up: each once
 * for a budget and period, because the id of the notification names both. A budget is used up when
 * its last nano-USD is charged, or, since a hold reserves the worst case, when it is nearly used and
 * a call does not fit any more.
 */
import type { NanoUsd } from '@farebox/money';
import { type Budget, currentDay, isSpentFor, listBudgets } from './key-budgets.ts';
import { notify } from './notifications.ts';
import { periodStart } from './period-spending.ts';
import type { Key, Tx } from './transaction.ts';

const LOW_PERCENT = 80n;
/** The alerts that a key's object remembers: more than it has budgets. */
const MAX_REMEMBERED = 16;

function isLow({ budget }: Budget, spent: NanoUsd): boolean {
  return spent * 100n >= budget * LOW_PERCENT;
}

function alertId(tx: Tx, key: Key, { period, budget }: Budget): string {
  const start = period === null ? 'whole' : `${period}:${periodStart(period, currentDay(tx))}`;
  return `${key.keyId}:${start}:${budget}`;
}

function alert(tx: Tx, key: Key, budget: Budget, kind: 'budget_low' | 'budget_reached'): void {
  const { keyId } = key;
  const { spent, period } = budget;
  const id = `${kind}:${alertId(tx, key, budget)}`;
  const fields = { model: null, amount: spent, at: Math.max(tx.now, tx.cache.lastEntryAt) };
  notify(tx, { id, kind, keyId, ...fields, budgetPeriod: period });
}

/** Notifies about each budget that a charge of `amount`, already counted, took past a threshold. */
export function alertOnBudgets(tx: Tx, key: Key, amount: NanoUsd): void {
  if (amount <= 0n) return;
  for (const budget of listBudgets(tx, key)) {
    const before = budget.spent - amount;
    if (budget.budget === 0n) continue;
    if (before < budget.budget && budget.spent >= budget.budget)
      alert(tx, key, budget, 'budget_reached');
    else if (!isLow(budget, before) && isLow(budget, budget.spent))
      alert(tx, key, budget, 'budget_low');
  }
}

/**
 * Notifies that a budget is used up where a call was declined and little of it is unspent, whatever
 * open calls reserve. Writes once:
 * the object remembers what it raised, and after a restart the queue's consumer does.
 */
export function alertOnDecline(
  tx: Tx,
  key: Key,
  budgets: readonly Budget[],
  amount: NanoUsd,
): void {
  const { budgetAlerts } = key;
  for (const budget of budgets) {
    const isUsedUp = isSpentFor(budget, amount) && budget.spent > 0n && isLow(budget, budget.spent);
    const id = isUsedUp ? alertId(tx, key, budget) : null;
    if (id === null || budgetAlerts.has(id)) continue;
    if (budgetAlerts.size >= MAX_REMEMBERED) budgetAlerts.clear();
    budgetAlerts.add(id);
    alert(tx, key, budget, 'budget_reached');
  }
}

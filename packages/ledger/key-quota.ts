/** What the limits of a key leave, as its clients are told with each answer. */
import type { KeyQuota } from './contract/index.ts';
import { budgetStatus } from './key-budgets.ts';
import { WINDOW_MS } from './sliding-window.ts';
import type { Key, Tx } from './transaction.ts';

function toSeconds(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1_000));
}

function callQuota(key: Key, now: number): KeyQuota['calls'] {
  const { callsPerMinute } = key.limits;
  if (callsPerMinute === null) return null;
  const { count, oldestAt } = key.recentCalls.usage(now);
  const resetMs = (oldestAt ?? now) + WINDOW_MS - now;
  const left = Math.max(0, callsPerMinute - count);
  return { limit: callsPerMinute, left, resetSeconds: toSeconds(resetMs) };
}

/** Undefined for a key without a limit of calls and without a budget that renews. */
export function keyQuota(tx: Tx, key: Key): KeyQuota | undefined {
  const { callsPerMinute, periodBudgets } = key.limits;
  if (callsPerMinute === null && periodBudgets === undefined) return undefined;
  const budgets = budgetStatus(tx, key).periodBudgets;
  return {
    calls: callQuota(key, tx.now),
    budgets: budgets.map(({ period, budget, left, resetsAt }) => ({
      period,
      budget,
      left,
      resetSeconds: toSeconds(resetsAt - tx.now),
    })),
  };
}

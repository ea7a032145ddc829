/** The calendar months of a statement with their opening and closing balances. Pure. */
import type { PastBalance } from '@farebox/database/statements';

/** The starts of the last `count` months, oldest first, and of the one that follows; UTC. */
export function listMonthStarts(now: number, count: number): readonly number[] {
  const date = new Date(now);
  return Array.from({ length: count + 1 }, (_, index) =>
    Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - count + 1 + index, 1),
  );
}

export type MonthBalance = Readonly<{ start: number; opening: bigint; closing: bigint }>;

/**
 * The months between balances, newest first, without those before the account's first entry.
 * `balances` are those at the starts of consecutive months, oldest first.
 */
export function toMonthBalances(balances: readonly PastBalance[]): readonly MonthBalance[] {
  const months: MonthBalance[] = [];
  for (const [index, { before: start, posted: opening }] of balances.entries()) {
    const end = balances[index + 1];
    if (end !== undefined && end.seq > 0) months.unshift({ start, opening, closing: end.posted });
  }
  return months;
}

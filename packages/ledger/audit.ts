/**
 * Reads the whole ledger of the account and names every violated invariant. It writes and repairs
 * nothing: a violation needs an engineer.
 */

import { MAX_AMOUNT } from '@farebox/money';
import { listSpendingByKeyAndDay, listStoredPeriods, loadCache } from './cache.ts';
import { type Audit, BUDGET_PERIODS, type BudgetPeriod, type KeyId } from './contract/index.ts';
import { REFUND_ENTRY_PREFIX } from './entries.ts';
import { countUnchained, findBrokenLink } from './entry-chain.ts';
import { ENTRY_RETENTION_MS, RECENTLY_REVOKED_MS, toUtcDay } from './limits.ts';
import {
  addToPeriods,
  noPeriodSpending,
  type PeriodSpending,
  periodStart,
} from './period-spending.ts';
import { sumReserved } from './reserved-sum.ts';
import type { SpendBaseline } from './spend-baseline.ts';
import { fromSql, fromSqlText, minBigInt } from './sql-amounts.ts';
import type { Key, MutableBalance, OpenHold, Tx } from './transaction.ts';

const ACCOUNT = `SELECT posted, held, seq, acknowledged, open_from, wiped, pruned_count, pruned_delta
  FROM account`;
type AccountSums = {
  posted: number;
  held: number;
  seq: number;
  acknowledged: number;
  open_from: number;
  wiped: number;
  pruned_count: number;
  pruned_delta: string;
};
const ENTRY_SUMS = `SELECT count(seq) AS count, coalesce(max(seq), 0) AS last,
  CAST(coalesce(sum(delta), 0) AS TEXT) AS delta FROM entries`;
/** Reads the whole table: it does not trust where the open calls begin. */
const OPEN_HOLDS = `SELECT count(*) AS count, CAST(coalesce(sum(held), 0) AS TEXT) AS held,
  coalesce(min(row), 9007199254740991) AS first FROM entries WHERE seq IS NULL`;
type OpenHolds = { count: number; held: string; first: number };
type EntrySums = { count: number; last: number; delta: string };

/** Each statement counts violations of its invariant. */
const VIOLATION_COUNTS: readonly (readonly [invariant: string, sql: string])[] = [
  [
    'running_balance',
    `SELECT count(*) AS n FROM entries e JOIN entries p ON p.seq = e.seq - 1
     WHERE e.posted_after <> p.posted_after + e.delta`,
  ],
  [
    'last_entry_is_balance',
    `SELECT count(*) AS n FROM entries e JOIN account a ON e.seq = a.seq
     WHERE e.posted_after <> a.posted`,
  ],
  [
    'hold_ends_once',
    `SELECT count(*) AS n FROM entries h JOIN entries e ON e.id = h.id || ':late'
     WHERE h.seq IS NULL`,
  ],
  [
    'charge_is_sum_of_entries',
    `SELECT count(*) AS n FROM entries e LEFT JOIN entries b ON b.id = e.call_id AND b.seq <> e.seq
     WHERE e.kind = 'charge' AND e.id = e.call_id AND e.charged <> -e.delta
        OR e.kind = 'charge' AND e.id <> e.call_id AND b.seq IS NOT NULL
           AND e.charged <> b.charged - e.delta`,
  ],
  [
    'hold_has_key',
    `SELECT count(*) AS n FROM entries
     WHERE seq IS NULL AND key_id NOT IN (SELECT id FROM keys)`,
  ],
];

/** Covers acknowledged entries (keys.ts), and applies only while no entry has been pruned. */
const COUNT_SPENDING_MISMATCHES = `SELECT count(*) AS n FROM keys k, account a WHERE a.pruned_count = 0 AND k.spent <>
  (SELECT min(9007199254740991, coalesce(-sum(e.delta), 0)) FROM entries e
   WHERE e.key_id = k.id AND e.seq <= a.acknowledged)`;

/** A paid refund has its entry with its amount, and no other refund has one. */
const COUNT_REFUND_MISMATCHES = `SELECT count(*) AS n FROM refunds r
  LEFT JOIN entries e ON e.id = '${REFUND_ENTRY_PREFIX}' || r.id
  WHERE (r.state = 'paid') <> (e.id IS NOT NULL) OR e.delta <> -r.amount`;

function count(tx: Tx, sql: string): number {
  return tx.sql.exec<{ n: number }>(sql).one().n;
}

function sameKey(cached: Key | undefined, stored: Key): boolean {
  return (
    cached !== undefined &&
    cached.held === stored.held &&
    cached.openCalls === stored.openCalls &&
    cached.spent === stored.spent &&
    cached.pausedAt === stored.pausedAt &&
    samePeriods(cached.periodSpending, stored.periodSpending) &&
    sameBaseline(cached.baseline, stored.baseline)
  );
}

function sameHold(cached: OpenHold | undefined, stored: OpenHold): boolean {
  return (
    cached !== undefined &&
    cached.row === stored.row &&
    cached.amount === stored.amount &&
    cached.floor === stored.floor &&
    cached.deadline === stored.deadline
  );
}

function sameBalance(cached: MutableBalance, stored: MutableBalance): boolean {
  return (
    cached.state === stored.state &&
    cached.posted === stored.posted &&
    cached.held === stored.held &&
    cached.seq === stored.seq &&
    cached.day === stored.day &&
    cached.waived === stored.waived &&
    cached.expired === stored.expired &&
    cached.refused === stored.refused &&
    cached.shortfalls === stored.shortfalls &&
    cached.early_declines === stored.early_declines &&
    cached.chain_seq === stored.chain_seq &&
    cached.chain_hash === stored.chain_hash
  );
}

function cacheMatchesTables(tx: Tx): boolean {
  const fresh = loadCache(tx.sql, tx.now);
  const { cache } = tx;
  const { keys, holds } = fresh;
  return (
    sameBalance(cache.balance, fresh.balance) &&
    holds.size === cache.holds.size &&
    [...holds.values()].every((hold) => sameHold(cache.holds.get(hold.id), hold)) &&
    keys.size === cache.keys.size &&
    [...keys.values()].every((key) => sameKey(cache.keys.get(key.keyId), key)) &&
    fresh.held === cache.held &&
    fresh.reserved === cache.reserved &&
    fresh.acknowledged === cache.acknowledged &&
    fresh.nextRow <= cache.nextRow &&
    fresh.pendingNotifications === cache.pendingNotifications &&
    fresh.isBalanceLow === cache.isBalanceLow
  );
}

function samePeriods(a: PeriodSpending, b: PeriodSpending): boolean {
  return a.lastDay === b.lastDay && BUDGET_PERIODS.every((period) => a[period] === b[period]);
}

function sameBaseline(a: SpendBaseline, b: SpendBaseline): boolean {
  return (
    a.day === b.day && a.today === b.today && a.mean === b.mean && a.activeDays === b.activeDays
  );
}

/** What the rows of keys should say of a period, from entries; those of a month ago may be pruned. */
type KeptEntries = Readonly<{ acknowledged: number; isPruned: boolean }>;

function sumPeriods({ sql }: Tx, acknowledged: number): ReadonlyMap<KeyId, PeriodSpending> {
  const sums = new Map<KeyId, PeriodSpending>();
  for (const { keyId, day, amount } of listSpendingByKeyAndDay(sql, 0, acknowledged)) {
    const spending = sums.get(keyId) ?? noPeriodSpending();
    addToPeriods(spending, day, amount);
    sums.set(keyId, spending);
  }
  return sums;
}

/** Compares the stored sums of the periods of each key's last charge with its entries. */
function periodsMatchEntries(tx: Tx, { acknowledged, isPruned }: KeptEntries): boolean {
  const sums = sumPeriods(tx, acknowledged);
  const firstKept = toUtcDay(tx.now - ENTRY_RETENTION_MS) + 1;
  return listStoredPeriods(tx.sql).every(({ keyId, spending }) => {
    const expected = sums.get(keyId) ?? noPeriodSpending();
    const isKept = (period: BudgetPeriod) =>
      !isPruned || periodStart(period, spending.lastDay) >= firstKept;
    return BUDGET_PERIODS.every(
      (period) => !isKept(period) || spending[period] === minBigInt(expected[period], MAX_AMOUNT),
    );
  });
}

function listRecentlyRevoked(tx: Tx): readonly KeyId[] {
  const keys = [...tx.cache.keys.values()];
  return keys
    .filter(({ revokedAt }) => revokedAt !== null && revokedAt > tx.now - RECENTLY_REVOKED_MS)
    .map(({ keyId }) => keyId);
}

export function audit(tx: Tx): Audit {
  const account = tx.sql.exec<AccountSums>(ACCOUNT).one();
  const entries = tx.sql.exec<EntrySums>(ENTRY_SUMS).one();
  const posted = fromSql(account.posted);
  const held = fromSql(account.held);
  const violations: string[] = [];
  const check = (invariant: string, ok: boolean): void => {
    if (!ok) violations.push(invariant);
  };
  const sum = fromSqlText(account.pruned_delta) + fromSqlText(entries.delta);
  check('posted_is_sum_of_entries', sum === posted);
  check('entries_contiguous', entries.count + account.pruned_count === account.seq);
  // A tombstone keeps no charge, not even the last.
  const last = account.wiped === 1 ? entries.last <= account.seq : entries.last === account.seq;
  check('last_entry_is_last', last);
  const open = tx.sql.exec<OpenHolds>(OPEN_HOLDS).one();
  check('held_is_sum_of_holds', fromSqlText(open.held) + sumReserved(tx.sql) === held);
  check('paid_refund_has_entry', count(tx, COUNT_REFUND_MISMATCHES) === 0);
  check('open_holds_are_known', open.first >= account.open_from);
  check('balance_bounds', 0n <= held && held <= posted);
  for (const [invariant, sql] of VIOLATION_COUNTS) check(invariant, count(tx, sql) === 0);
  check('key_spending', count(tx, COUNT_SPENDING_MISMATCHES) === 0);
  const isPruned = account.pruned_count > 0;
  const kept = { acknowledged: account.acknowledged, isPruned };
  check('key_period_spending', periodsMatchEntries(tx, kept));
  check('entries_are_chained', countUnchained(tx) === 0 && findBrokenLink(tx) === null);
  check('cache_matches_tables', cacheMatchesTables(tx));
  return {
    posted,
    held,
    lastSeq: account.seq,
    acknowledgedSeq: account.acknowledged,
    recentlyRevoked: listRecentlyRevoked(tx),
    violations,
  };
}

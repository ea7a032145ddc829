/**
 * Reads the newest entries of the account, all of them where they are not many, and names every
 * violated invariant (docs/decisions/0061-audits-read-the-newest-entries.md). It writes and repairs
 * nothing: a violation needs an engineer.
 */

import { MAX_AMOUNT, type NanoUsd } from '@farebox/money';
import { listSpendingByKeyAndDay, listStoredSpending, loadCache } from './cache.ts';
import { type Audit, BUDGET_PERIODS, type KeyId } from './contract/index.ts';
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
const ENTRY_SUMS = `SELECT count(*) AS count, coalesce(max(seq), 0) AS last,
  CAST(coalesce(sum(delta), 0) AS TEXT) AS delta FROM entries WHERE seq > ?`;
const OPEN_HOLDS = `SELECT CAST(coalesce(sum(held), 0) AS TEXT) AS held,
  coalesce(min(row), 9007199254740991) AS first FROM entries WHERE row > ? AND seq IS NULL`;
type OpenHolds = { held: string; first: number };
type EntrySums = { count: number; last: number; delta: string };

/** Each statement counts violations of its invariant, by the entries after the given one. */
const ENTRY_VIOLATIONS: readonly (readonly [invariant: string, sql: string])[] = [
  [
    'running_balance',
    `SELECT count(*) AS n FROM entries e JOIN entries p ON p.seq = e.seq - 1
     WHERE e.seq > ? AND e.posted_after <> p.posted_after + e.delta`,
  ],
  [
    'last_entry_is_balance',
    `SELECT count(*) AS n FROM entries e JOIN account a ON e.seq = a.seq
     WHERE e.seq > ? AND e.posted_after <> a.posted`,
  ],
  [
    'charge_is_sum_of_entries',
    `SELECT count(*) AS n FROM entries e LEFT JOIN entries b ON b.id = e.call_id AND b.seq <> e.seq
     WHERE e.seq > ? AND e.kind = 'charge'
       AND (e.id = e.call_id AND e.charged <> -e.delta
         OR e.id <> e.call_id AND b.seq IS NOT NULL AND e.charged <> b.charged - e.delta)`,
  ],
];

/** The same by the open calls after the given row. */
const HOLD_VIOLATIONS: readonly (readonly [invariant: string, sql: string])[] = [
  [
    'hold_ends_once',
    `SELECT count(*) AS n FROM entries h JOIN entries e ON e.id = h.id || ':late'
     WHERE h.row > ? AND h.seq IS NULL`,
  ],
  [
    'hold_has_key',
    `SELECT count(*) AS n FROM entries
     WHERE row > ? AND seq IS NULL AND key_id NOT IN (SELECT id FROM keys)`,
  ],
];

/** A paid refund has its entry with its amount, and no other refund has one. */
const COUNT_REFUND_MISMATCHES = `SELECT count(*) AS n FROM refunds r
  LEFT JOIN entries e ON e.id = '${REFUND_ENTRY_PREFIX}' || r.id
  WHERE (r.state = 'paid') <> (e.id IS NOT NULL) OR e.delta <> -r.amount`;

function count(tx: Tx, sql: string, ...after: readonly number[]): number {
  return tx.sql.exec<{ n: number }>(sql, ...after).one().n;
}

/** The newest entries that one audit reads: some 15 µs each, during which no call is answered. */
const MAX_AUDITED_ENTRIES = 50_000;

/** Where an audit begins. */
type AuditStart = Readonly<{
  /** The entry and the row after which it reads. */
  seq: number;
  row: number;
  /** The number of earlier entries, and their sum. */
  count: number;
  posted: NanoUsd;
  /** The first day of which it reads every charge. */
  firstDay: number;
}>;

const SELECT_START = 'SELECT posted_after, at FROM entries WHERE seq = ?';
const FIRST_CHARGE = `SELECT seq FROM entries WHERE kind = 'charge' AND seq > 0
  ORDER BY seq LIMIT 1`;

/** Whether no entry after `seq` is pruned: charges are, oldest first. */
function keepsAllAfter({ sql }: Tx, seq: number, { pruned_count }: AccountSums): boolean {
  if (pruned_count === 0) return true;
  const [charge] = sql.exec<{ seq: number }>(FIRST_CHARGE).toArray();
  return charge !== undefined && charge.seq <= seq;
}

/**
 * Starts before the newest entries, with the balance of the entry before them. Where entries after
 * that one are pruned, few are kept, and everything is read.
 */
function findStart(tx: Tx, account: AccountSums): AuditStart {
  const { sql, cache, now } = tx;
  // An open call that is not looked for is missing in the sum of the holds.
  const row = Math.min(account.open_from - 1, cache.nextRow - 1 - MAX_AUDITED_ENTRIES);
  const seq = account.seq - MAX_AUDITED_ENTRIES;
  const [entry] = sql.exec<{ posted_after: number; at: number }>(SELECT_START, seq).toArray();
  if (entry !== undefined && keepsAllAfter(tx, seq, account)) {
    const firstDay = toUtcDay(entry.at) + 1;
    return { seq, row, count: seq, posted: fromSql(entry.posted_after), firstDay };
  }
  const { pruned_count, pruned_delta } = account;
  const firstDay = pruned_count > 0 ? toUtcDay(now - ENTRY_RETENTION_MS) + 1 : 0;
  return { seq: 0, row, count: pruned_count, posted: fromSqlText(pruned_delta), firstDay };
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

type KeySpending = Readonly<{ total: NanoUsd; periods: PeriodSpending }>;

const NO_SPENDING: KeySpending = { total: 0n, periods: noPeriodSpending() };

/** What the acknowledged entries after `after` say that each key spent. */
function sumSpending(
  { sql }: Tx,
  after: number,
  acknowledged: number,
): ReadonlyMap<KeyId, KeySpending> {
  const sums = new Map<KeyId, KeySpending>();
  for (const { keyId, day, amount } of listSpendingByKeyAndDay(sql, after, acknowledged)) {
    const { total, periods } = sums.get(keyId) ?? { total: 0n, periods: noPeriodSpending() };
    addToPeriods(periods, day, amount);
    sums.set(keyId, { total: total + amount, periods });
  }
  return sums;
}

/**
 * Compares what each key's row says that it spent with its entries: in its whole life where every
 * entry is read, and in the periods of its last charge as far as all of their entries are.
 */
function checkSpending(
  tx: Tx,
  { seq, firstDay }: AuditStart,
  acknowledged: number,
): Readonly<{ total: boolean; periods: boolean }> {
  const sums = sumSpending(tx, seq, acknowledged);
  const isSum = (stored: NanoUsd, sum: NanoUsd) => stored === minBigInt(sum, MAX_AMOUNT);
  const stored = listStoredSpending(tx.sql).map((key) => ({
    ...key,
    entries: sums.get(key.keyId) ?? NO_SPENDING,
  }));
  return {
    total: firstDay > 0 || stored.every(({ spent, entries: { total } }) => isSum(spent, total)),
    periods: stored.every(({ periods, entries }) =>
      BUDGET_PERIODS.every(
        (period) =>
          periodStart(period, periods.lastDay) < firstDay ||
          isSum(periods[period], entries.periods[period]),
      ),
    ),
  };
}

function listRecentlyRevoked(tx: Tx): readonly KeyId[] {
  const keys = [...tx.cache.keys.values()];
  return keys
    .filter(({ revokedAt }) => revokedAt !== null && revokedAt > tx.now - RECENTLY_REVOKED_MS)
    .map(({ keyId }) => keyId);
}

export function audit(tx: Tx): Audit {
  const account = tx.sql.exec<AccountSums>(ACCOUNT).one();
  const start = findStart(tx, account);
  const entries = tx.sql.exec<EntrySums>(ENTRY_SUMS, start.seq).one();
  const posted = fromSql(account.posted);
  const held = fromSql(account.held);
  const violations: string[] = [];
  const check = (invariant: string, ok: boolean): void => {
    if (!ok) violations.push(invariant);
  };
  check('posted_is_sum_of_entries', start.posted + fromSqlText(entries.delta) === posted);
  check('entries_contiguous', start.count + entries.count === account.seq);
  // Of a tombstone every charge goes, the last too.
  const last = account.wiped === 1 ? entries.last <= account.seq : entries.last === account.seq;
  check('last_entry_is_last', last);
  const open = tx.sql.exec<OpenHolds>(OPEN_HOLDS, start.row).one();
  check('held_is_sum_of_holds', fromSqlText(open.held) + sumReserved(tx.sql) === held);
  check('paid_refund_has_entry', count(tx, COUNT_REFUND_MISMATCHES) === 0);
  check('open_holds_are_known', open.first >= account.open_from);
  check('balance_bounds', 0n <= held && held <= posted);
  for (const [invariant, sql] of ENTRY_VIOLATIONS)
    check(invariant, count(tx, sql, start.seq) === 0);
  for (const [invariant, sql] of HOLD_VIOLATIONS) check(invariant, count(tx, sql, start.row) === 0);
  const spending = checkSpending(tx, start, account.acknowledged);
  check('key_spending', spending.total);
  check('key_period_spending', spending.periods);
  check('entries_are_chained', countUnchained(tx, start.seq) === 0 && findBrokenLink(tx) === null);
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

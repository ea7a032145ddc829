/**
 * The cache of the account's tables, and how charges reach the keys' rows. Loading it again gives
 * the same cache: charges that are not in the rows yet are added up anew.
 */
import { MAX_AMOUNT, type NanoUsd } from '@farebox/money';
import type { AccountId, Instant, KeyId, KeyLimits } from './contract/index.ts';
import { DAY_MS } from './contract/index.ts';
import { EarlyGrants } from './early-grants.ts';
import { normalizeLimits, toPeriodBudgets } from './key-limits.ts';
import { openingFromText } from './metadata-text.ts';
import { countNotifications } from './notifications.ts';
import { addToPeriods, type PeriodSpending } from './period-spending.ts';
import { loadRecentCalls } from './recent-calls.ts';
import { sumReserved } from './reserved-sum.ts';
import { SlidingWindow } from './sliding-window.ts';
import { addSpendToBaseline, type SpendBaseline } from './spend-baseline.ts';
import { fromSql, fromSqlText, minBigInt, toSql, toSqlSaturating } from './sql-amounts.ts';
import {
  type AccountCache,
  type Key,
  loadBalance,
  type OpenHold,
  type RetiredSecret,
  type Tx,
} from './transaction.ts';

type SpendingRow = {
  spent: number;
  baseline_day: number;
  baseline_today: number;
  baseline_mean: number;
  baseline_active_days: number;
  week_spent: number;
  month_spent: number;
};

type KeyRow = SpendingRow & {
  id: number;
  secret_hash: string;
  budget: number | null;
  expires_at: number | null;
  models: string | null;
  calls_per_minute: number | null;
  concurrent_calls: number | null;
  day_budget: number | null;
  week_budget: number | null;
  month_budget: number | null;
  output_price_limit: number | null;
  revoked_at: number | null;
  created_at: number;
  alert_multiple: number | null;
  pause_multiple: number | null;
  paused_at: number | null;
  guard_disabled_day: number;
  last_alert_day: number;
  used_expensive_model: number;
};

type AccountRow = {
  id: string;
  acknowledged: number;
  pruned_count: number;
  open_from: number;
  early_until: number;
  early_isolates: string;
  low_balance: number | null;
  is_low: number;
};
type RetiredSecretRow = { keyId: number; hash: string; expiresAt: number };
type HoldRow = {
  row: number;
  id: string;
  held: number;
  floor: number;
  deadline: number;
  max_output: number;
  hold_fingerprint: string;
  opening: string;
};

const ACCOUNT = `SELECT id, acknowledged, pruned_count, open_from, early_until, early_isolates,
  low_balance, is_low FROM account`;
const LAST_AT = 'SELECT at FROM entries WHERE seq > 0 ORDER BY seq DESC LIMIT 1';
const LAST_ROW = 'SELECT coalesce(max(row), 0) AS row FROM entries';
const OPEN_CALLS = `SELECT row, id, held, floor, deadline, max_output, hold_fingerprint, opening
  FROM entries WHERE row >= ? AND seq IS NULL ORDER BY row`;
/** Sums charges per key and day; the time of an entry is never before that of the previous one. */
const SPENDING_BY_KEY_AND_DAY = `SELECT key_id, at / ${DAY_MS} AS day, CAST(-sum(delta) AS TEXT) AS spent FROM entries
  WHERE kind = 'charge' AND seq > ?1 AND seq <= ?2 GROUP BY key_id, day ORDER BY key_id, day`;
type SpendingSumRow = { key_id: number; day: number; spent: string };
export type KeyDaySpending = Readonly<{ keyId: KeyId; day: number; amount: NanoUsd }>;
const SELECT_SPENDING = `SELECT spent, baseline_day, baseline_today, baseline_mean,
  baseline_active_days, week_spent, month_spent FROM keys WHERE id = ?`;
const UPDATE_SPENDING = `UPDATE keys SET spent = ?, baseline_day = ?, baseline_today = ?,
  baseline_mean = ?, baseline_active_days = ?, week_spent = ?, month_spent = ? WHERE id = ?`;
const SELECT_RETIRED_SECRETS = `SELECT key_id AS keyId, hash, expires_at AS expiresAt
  FROM retired_secrets ORDER BY expires_at DESC, hash`;

function toAmount(value: number | null): NanoUsd | null {
  return value === null ? null : fromSql(value);
}

function toLimits(row: KeyRow): KeyLimits {
  return normalizeLimits({
    budget: toAmount(row.budget),
    ...toPeriodBudgets((period) => toAmount(row[`${period}_budget`])),
    maxOutputPrice: toAmount(row.output_price_limit),
    expiresAt: row.expires_at,
    models: row.models === null ? null : row.models.split('\n').filter((name) => name !== ''),
    callsPerMinute: row.calls_per_minute,
    concurrentCalls: row.concurrent_calls,
  });
}

function toBaseline(row: SpendingRow): SpendBaseline {
  const { baseline_day: day, baseline_active_days: activeDays } = row;
  return { day, activeDays, today: fromSql(row.baseline_today), mean: fromSql(row.baseline_mean) };
}

/** The sums of the day and of the baseline's are the same. */
function toPeriodSpending(row: SpendingRow): PeriodSpending {
  return {
    lastDay: row.baseline_day,
    day: fromSql(row.baseline_today),
    week: fromSql(row.week_spent),
    month: fromSql(row.month_spent),
  };
}

function toKey(row: KeyRow, retiredSecrets: readonly RetiredSecret[]): Key {
  return {
    keyId: row.id,
    secretHash: row.secret_hash,
    retiredSecrets,
    limits: toLimits(row),
    spendGuard: { alertMultiple: row.alert_multiple, pauseMultiple: row.pause_multiple },
    createdAt: row.created_at,
    revokedAt: row.revoked_at,
    spent: fromSql(row.spent),
    periodSpending: toPeriodSpending(row),
    budgetAlerts: new Set(),
    held: 0n,
    openCalls: 0,
    recentCalls: new SlidingWindow(),
    refusals: { count: 0, lastAt: 0 },
    baseline: toBaseline(row),
    pausedAt: row.paused_at,
    guardDisabledDay: row.guard_disabled_day,
    lastAlertDay: row.last_alert_day,
    usedExpensiveModel: row.used_expensive_model === 1,
  };
}

function loadAccount(sql: SqlStorage, row: AccountRow): AccountCache {
  const account: AccountId = row.id;
  return {
    account,
    balance: loadBalance(sql),
    keys: new Map(),
    holds: new Map(),
    nextRow: sql.exec<{ row: number }>(LAST_ROW).one().row + 1,
    acknowledged: row.acknowledged,
    prunedTo: row.pruned_count,
    providerCalls: new Map(),
    held: 0n,
    reserved: sumReserved(sql),
    lastEntryAt: sql.exec<{ at: number }>(LAST_AT).toArray()[0]?.at ?? 0,
    lowBalance: row.low_balance === null ? null : fromSql(row.low_balance),
    isBalanceLow: row.is_low === 1,
    pendingNotifications: countNotifications(sql),
    earlyGrants: new EarlyGrants({ until: row.early_until, isolates: row.early_isolates }),
  };
}

function toOpenHold(row: HoldRow): OpenHold {
  return {
    row: row.row,
    id: row.id,
    amount: fromSql(row.held),
    maxOutput: row.max_output,
    fingerprint: row.hold_fingerprint,
    opening: openingFromText(row.opening),
    floor: fromSql(row.floor),
    deadline: row.deadline,
  };
}

/** The retired secrets of each key, in one statement: no index has them by key. */
function loadRetiredSecrets(sql: SqlStorage): ReadonlyMap<KeyId, readonly RetiredSecret[]> {
  const secrets = new Map<KeyId, RetiredSecret[]>();
  for (const { keyId, hash, expiresAt } of sql.exec<RetiredSecretRow>(SELECT_RETIRED_SECRETS)) {
    const ofKey = secrets.get(keyId) ?? [];
    secrets.set(keyId, ofKey);
    ofKey.push({ hash, expiresAt });
  }
  return secrets;
}

/** Loads the cache from the tables, at start and after a failed transaction. */
export function loadCache(sql: SqlStorage, now: Instant): AccountCache {
  const account = sql.exec<AccountRow>(ACCOUNT).one();
  const cache = loadAccount(sql, account);
  const retiredSecrets = loadRetiredSecrets(sql);
  for (const row of sql.exec<KeyRow>('SELECT * FROM keys').toArray())
    cache.keys.set(row.id, toKey(row, retiredSecrets.get(row.id) ?? []));
  const { acknowledged, balance } = cache;
  for (const { keyId, day, amount } of listSpendingByKeyAndDay(sql, acknowledged, balance.seq)) {
    const key = cache.keys.get(keyId);
    if (key === undefined) continue;
    key.spent = addSpending(key.spent, amount);
    key.baseline = addSpendToBaseline(key.baseline, day, amount);
    addToPeriods(key.periodSpending, day, amount);
  }
  for (const row of sql.exec<HoldRow>(OPEN_CALLS, account.open_from)) {
    addHold(cache, toOpenHold(row));
  }
  loadRecentCalls(sql, cache, now);
  return cache;
}

/** Lists the charges of each key and day, oldest day first, of the entries above `after` up to `upTo`. */
export function listSpendingByKeyAndDay(
  sql: SqlStorage,
  after: number,
  upTo: number,
): readonly KeyDaySpending[] {
  return sql
    .exec<SpendingSumRow>(SPENDING_BY_KEY_AND_DAY, after, upTo)
    .toArray()
    .map(toKeyDaySpending);
}

function toKeyDaySpending({ key_id: keyId, day, spent }: SpendingSumRow): KeyDaySpending {
  return { keyId, day, amount: fromSqlText(spent) };
}

/** What the row of each key says that it spent, in its life and in the periods of its last charge. */
export function listStoredSpending(
  sql: SqlStorage,
): readonly Readonly<{ keyId: KeyId; spent: NanoUsd; periods: PeriodSpending }>[] {
  const rows = sql.exec<KeyRow>('SELECT * FROM keys').toArray();
  return rows.map((row) => ({
    keyId: row.id,
    spent: fromSql(row.spent),
    periods: toPeriodSpending(row),
  }));
}

export function addHold(cache: AccountCache, hold: OpenHold): void {
  cache.holds.set(hold.id, hold);
  countHold(cache, hold, 1);
}

export function removeHold(cache: AccountCache, hold: OpenHold): void {
  cache.holds.delete(hold.id);
  countHold(cache, hold, -1);
}

function countHold(cache: AccountCache, { amount, opening }: OpenHold, sign: 1 | -1): void {
  const signedAmount = sign === 1 ? amount : -amount;
  cache.held += signedAmount;
  const key = cache.keys.get(opening.keyId);
  if (key === undefined) return;
  key.held += signedAmount;
  key.openCalls += sign;
}

export function addSpending(spent: NanoUsd, amount: NanoUsd): NanoUsd {
  return minBigInt(spent + amount, MAX_AMOUNT);
}

/**
 * Adds the charges above `after` up to `upTo` to their keys' rows; called once when they are
 * acknowledged.
 */
export function rollUpSpending(tx: Tx, after: number, upTo: number): void {
  const { sql } = tx;
  for (const spending of listSpendingByKeyAndDay(sql, after, upTo)) addToRow(sql, spending);
}

function addToRow(sql: SqlStorage, spending: KeyDaySpending): void {
  const { keyId, amount } = spending;
  const row = sql.exec<SpendingRow>(SELECT_SPENDING, keyId).toArray()[0];
  if (row === undefined) return;
  const baseline = addSpendToBaseline(toBaseline(row), spending.day, amount);
  const { day, today, mean, activeDays } = baseline;
  const periods = toPeriodSpending(row);
  addToPeriods(periods, spending.day, amount);
  const spent = toSql(addSpending(fromSql(row.spent), amount));
  const sums = [toSqlSaturating(periods.week), toSqlSaturating(periods.month)];
  const values = [spent, day, toSqlSaturating(today), toSql(mean), activeDays, ...sums];
  sql.exec(UPDATE_SPENDING, ...values, keyId);
}

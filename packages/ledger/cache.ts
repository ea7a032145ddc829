/**
 * The cache of the account's tables, and how charges reach the keys' rows. Loading it again gives
 * the same cache: charges that are not in the rows yet are added up anew.
 */
import { MAX_AMOUNT, type NanoUsd } from '@farebox/money';
import type { AccountId, Instant, KeyId, KeyLimits } from './contract/index.ts';
import { DAY_MS } from './contract/index.ts';
import { countNotifications } from './notifications.ts';
import { loadRecentCalls } from './recent-calls.ts';
import { SlidingWindow } from './sliding-window.ts';
import { addSpendToBaseline, type SpendBaseline } from './spend-baseline.ts';
import { fromSql, fromSqlText, minBigInt, toSql, toSqlSaturating } from './sql-amounts.ts';
import type { AccountCache, Key, RetiredSecret, Tx } from './transaction.ts';

type SpendingRow = {
  spent: number;
  baseline_day: number;
  baseline_today: number;
  baseline_mean: number;
  baseline_active_days: number;
};

type KeyRow = SpendingRow & {
  id: number;
  secret_hash: string;
  budget: number | null;
  expires_at: number | null;
  models: string | null;
  calls_per_minute: number | null;
  concurrent_calls: number | null;
  revoked_at: number | null;
  created_at: number;
  alert_multiple: number | null;
  pause_multiple: number | null;
  paused_at: number | null;
  guard_disabled_day: number;
  last_alert_day: number;
  used_expensive_model: number;
};

type AccountRow = { id: string; state: string; low_balance: number | null; is_low: number };

const ACCOUNT = 'SELECT id, state, low_balance, is_low FROM account';
const LAST_AT = 'SELECT at FROM entries ORDER BY seq DESC LIMIT 1';
/** Sums charges per key and day; the time of an entry is never before that of the previous one. */
const SPENDING_BY_KEY_AND_DAY = `SELECT key_id, at / ${DAY_MS} AS day, CAST(-sum(delta) AS TEXT) AS spent FROM entries
  WHERE kind = 'charge' AND seq > ?1 AND seq <= ?2 GROUP BY key_id, day ORDER BY key_id, day`;
type KeyDaySpending = { key_id: number; day: number; spent: string };
const OUTBOX_POSITION = 'SELECT seq, acknowledged FROM account';
const SELECT_SPENDING = `SELECT spent, baseline_day, baseline_today, baseline_mean,
  baseline_active_days FROM keys WHERE id = ?`;
const UPDATE_SPENDING = `UPDATE keys SET spent = ?, baseline_day = ?, baseline_today = ?,
  baseline_mean = ?, baseline_active_days = ? WHERE id = ?`;
const SELECT_RETIRED_SECRETS =
  'SELECT hash, expires_at AS expiresAt FROM retired_secrets WHERE key_id = ? ORDER BY expires_at DESC, hash';

function toLimits(row: KeyRow): KeyLimits {
  return {
    budget: row.budget === null ? null : fromSql(row.budget),
    expiresAt: row.expires_at,
    models: row.models === null ? null : row.models.split('\n').filter((name) => name !== ''),
    callsPerMinute: row.calls_per_minute,
    concurrentCalls: row.concurrent_calls,
  };
}

function toBaseline(row: SpendingRow): SpendBaseline {
  const { baseline_day: day, baseline_active_days: activeDays } = row;
  return { day, activeDays, today: fromSql(row.baseline_today), mean: fromSql(row.baseline_mean) };
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

function loadAccount(sql: SqlStorage): AccountCache {
  const row = sql.exec<AccountRow>(ACCOUNT).one();
  const account: AccountId = row.id;
  return {
    account,
    keys: new Map(),
    providerCalls: new Map(),
    held: 0n,
    openCalls: 0,
    closed: row.state === 'closed',
    lastEntryAt: sql.exec<{ at: number }>(LAST_AT).toArray()[0]?.at ?? 0,
    lowBalance: row.low_balance === null ? null : fromSql(row.low_balance),
    isBalanceLow: row.is_low === 1,
    pendingNotifications: countNotifications(sql),
  };
}

/** Loads the cache from the tables, at start and after a failed transaction. */
export function loadCache(sql: SqlStorage, now: Instant): AccountCache {
  const cache = loadAccount(sql);
  for (const row of sql.exec<KeyRow>('SELECT * FROM keys').toArray()) {
    const retiredSecrets = sql
      .exec<{ hash: string; expiresAt: number }>(SELECT_RETIRED_SECRETS, row.id)
      .toArray();
    cache.keys.set(row.id, toKey(row, retiredSecrets));
  }
  const { seq, acknowledged } = sql
    .exec<{ seq: number; acknowledged: number }>(OUTBOX_POSITION)
    .one();
  for (const spending of sql.exec<KeyDaySpending>(SPENDING_BY_KEY_AND_DAY, acknowledged, seq)) {
    const key = cache.keys.get(spending.key_id);
    if (key === undefined) continue;
    const amount = fromSqlText(spending.spent);
    key.spent = addSpending(key.spent, amount);
    key.baseline = addSpendToBaseline(key.baseline, spending.day, amount);
  }
  const holds = sql.exec<{ key_id: number; amount: number }>('SELECT key_id, amount FROM holds');
  for (const hold of holds) applyHold(cache, hold.key_id, fromSql(hold.amount), 1);
  loadRecentCalls(sql, cache, now);
  return cache;
}

/** Adds a hold to the cache (`sign` = 1) or removes it (`sign` = -1). */
export function applyHold(cache: AccountCache, keyId: KeyId, amount: NanoUsd, sign: 1 | -1): void {
  const signedAmount = sign === 1 ? amount : -amount;
  cache.held += signedAmount;
  cache.openCalls += sign;
  const key = cache.keys.get(keyId);
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
  for (const spending of sql.exec<KeyDaySpending>(SPENDING_BY_KEY_AND_DAY, after, upTo).toArray()) {
    const row = sql.exec<SpendingRow>(SELECT_SPENDING, spending.key_id).toArray()[0];
    if (row === undefined) continue;
    const amount = fromSqlText(spending.spent);
    const { day, today, mean, activeDays } = addSpendToBaseline(
      toBaseline(row),
      spending.day,
      amount,
    );
    const spent = toSql(addSpending(fromSql(row.spent), amount));
    const values = [spent, day, toSqlSaturating(today), toSql(mean), activeDays];
    sql.exec(UPDATE_SPENDING, ...values, spending.key_id);
  }
}

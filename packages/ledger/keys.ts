/**
 * The account's API keys: credentials, limits and spending. A secret is compared by its hash only
 * and never known here. A revoked key stays revoked.
 */
import { constantTimeEqual } from '@farebox/crypto';
import type { NanoUsd } from '@farebox/money';
import { alertOnBudgets } from './budget-alerts.ts';
import { addSpending } from './cache.ts';
import {
  type Authenticated,
  type Balance,
  type CallId,
  DEFAULT_SPEND_GUARD,
  type Generation,
  type Instant,
  type KeyCredential,
  type KeyError,
  type KeyId,
  type KeyStatus,
  type PutKeyRequest,
  type PutKeyResult,
  type RevokeKeyResult,
} from './contract/index.ts';
import { findGeneration } from './entries.ts';
import { budgetStatus } from './key-budgets.ts';
import { limitColumns, normalizeLimits, sameLimits } from './key-limits.ts';
import { keyQuota } from './key-quota.ts';
import { toUtcDay } from './limits.ts';
import { addToPeriods, noPeriodSpending } from './period-spending.ts';
import { SlidingWindow } from './sliding-window.ts';
import { baselineOn, emptyBaseline, typicalDailySpend } from './spend-baseline.ts';
import { pausedAt, recordSpend } from './spend-guard.ts';
import { type Key, readBalance, type Tx } from './transaction.ts';

const INSERT = `INSERT INTO keys (id, secret_hash, budget, expires_at, models, calls_per_minute,
  concurrent_calls, day_budget, week_budget, month_budget, output_price_limit, spent, revoked_at,
  created_at, alert_multiple, pause_multiple)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL, ?, ?, ?)`;
const REVOKE = 'UPDATE keys SET revoked_at = ? WHERE id = ?';
const REVOKE_ALL = 'UPDATE keys SET revoked_at = ? WHERE revoked_at IS NULL';

/**
 * Adds a charge to the key's spending, in the cache only: the entry is the record, and its amount
 * reaches the key's row when the entry is acknowledged. That saves one write per call.
 */
export function chargeKey(tx: Tx, keyId: KeyId, amount: NanoUsd): void {
  const key = tx.cache.keys.get(keyId);
  if (key === undefined) return;
  key.spent = addSpending(key.spent, amount);
  addToPeriods(key.periodSpending, toUtcDay(tx.cache.lastEntryAt), amount);
  alertOnBudgets(tx, key, amount);
  recordSpend(tx, key, amount, tx.cache.lastEntryAt);
}

/** Returns the key if the credential is its secret, or a retired secret that is still valid. */
export function findKey(tx: Tx, credential: KeyCredential): Key | undefined {
  const key = tx.cache.keys.get(credential.keyId);
  if (key === undefined || constantTimeEqual(key.secretHash, credential.secretHash)) return key;
  const isValid = key.retiredSecrets.some(
    ({ hash, expiresAt }) => expiresAt > tx.now && constantTimeEqual(hash, credential.secretHash),
  );
  return isValid ? key : undefined;
}

export function keyError(key: Key, now: Instant): 'key_revoked' | 'key_expired' | undefined {
  if (key.revokedAt !== null) return 'key_revoked';
  const { expiresAt } = key.limits;
  return expiresAt !== null && expiresAt <= now ? 'key_expired' : undefined;
}

/** Returns the key if it may read its account; a frozen account can be read. */
export function authenticateKey(tx: Tx, credential: KeyCredential): Key | KeyError {
  const key = findKey(tx, credential);
  if (key === undefined) return 'invalid_api_key';
  if (readBalance(tx).state === 'closed') return 'account_closed';
  return keyError(key, tx.now) ?? key;
}

/** Runs `read` for a credential that may look at its account. */
function authenticated<T>(
  tx: Tx,
  credential: KeyCredential,
  read: (key: Key) => T,
): Authenticated<T> {
  const key = authenticateKey(tx, credential);
  return typeof key === 'string' ? { ok: false, reason: key } : { ok: true, value: read(key) };
}

export function getBalance(tx: Tx, credential: KeyCredential): Authenticated<Balance> {
  return authenticated(tx, credential, () => {
    const { posted, held } = readBalance(tx);
    return { posted, held };
  });
}

export function getGeneration(
  tx: Tx,
  credential: KeyCredential,
  id: CallId,
): Authenticated<Generation | null> {
  return authenticated(tx, credential, () => findGeneration(tx, id));
}

export function getKeyStatus(tx: Tx, credential: KeyCredential): Authenticated<KeyStatus> {
  return authenticated(tx, credential, (key) => {
    const quota = keyQuota(tx, key);
    return { ...toKeyStatus(tx, key), ...(quota === undefined ? {} : { quota }) };
  });
}

export function toKeyStatus(tx: Tx, key: Key): KeyStatus {
  const { now } = tx;
  const { keyId, limits, spent, held, createdAt, spendGuard, revokedAt } = key;
  const baseline = baselineOn(key.baseline, toUtcDay(now));
  return {
    keyId,
    limits,
    spent,
    held,
    ...budgetStatus(tx, key),
    createdAt,
    spendGuard,
    pausedAt: pausedAt(key, now),
    revokedAt,
    spentToday: baseline.today > 0n ? baseline.today : 0n,
    typicalDailySpend: typicalDailySpend(baseline),
  };
}

export function putKey(tx: Tx, request: PutKeyRequest): PutKeyResult {
  const { keyId, secretHash } = request;
  const limits = normalizeLimits(request.limits);
  const spendGuard = request.spendGuard ?? DEFAULT_SPEND_GUARD;
  const existing = tx.cache.keys.get(keyId);
  if (existing !== undefined) {
    const same =
      constantTimeEqual(existing.secretHash, secretHash) && sameLimits(existing.limits, limits);
    return same ? { ok: true } : { ok: false, reason: 'conflict' };
  }
  if (readBalance(tx).state === 'closed') return { ok: false, reason: 'closed' };
  tx.sql.exec(
    INSERT,
    keyId,
    secretHash,
    ...limitColumns(limits),
    tx.now,
    spendGuard.alertMultiple,
    spendGuard.pauseMultiple,
  );
  tx.cache.keys.set(keyId, newKey({ keyId, secretHash, limits, spendGuard }, tx.now));
  return { ok: true };
}

function newKey(
  fields: Pick<Key, 'keyId' | 'secretHash' | 'limits' | 'spendGuard'>,
  now: Instant,
): Key {
  return {
    ...fields,
    retiredSecrets: [],
    createdAt: now,
    revokedAt: null,
    spent: 0n,
    periodSpending: noPeriodSpending(),
    budgetAlerts: new Set(),
    held: 0n,
    openCalls: 0,
    recentCalls: new SlidingWindow(),
    refusals: { count: 0, lastAt: 0 },
    baseline: emptyBaseline(),
    pausedAt: null,
    guardDisabledDay: -1,
    lastAlertDay: -1,
    usedExpensiveModel: false,
  };
}

export function revokeKey(tx: Tx, keyId: KeyId): RevokeKeyResult {
  const key = tx.cache.keys.get(keyId);
  if (key === undefined) return { ok: false, reason: 'unknown' };
  if (key.revokedAt === null) {
    key.revokedAt = tx.now;
    tx.sql.exec(REVOKE, tx.now, keyId);
  }
  return { ok: true };
}

export function revokeAllKeys(tx: Tx): void {
  const { now } = tx;
  for (const key of tx.cache.keys.values()) key.revokedAt ??= now;
  tx.sql.exec(REVOKE_ALL, now);
}

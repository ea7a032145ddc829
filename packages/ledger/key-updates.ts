/**
 * Changes to an existing key: limits, spend guard, secret and pause, and the revocation of a leaked
 * key. Each can be repeated safely. A new secret retires the earlier ones, which stay valid for a
 * while.
 */
import { MAX_AMOUNT, type NanoUsd } from '@farebox/money';
import type { NoData, Result } from '@farebox/result';
import type { Instant, KeyCredential, KeyId, KeyStatus, KeyUpdate } from './contract/index.ts';
import { limitColumns, updateLimits } from './key-limits.ts';
import { findKey, revokeKey, toKeyStatus } from './keys.ts';
import { MAX_RETIRED_SECRETS, toUtcDay } from './limits.ts';
import { notify } from './notifications.ts';
import { pausedAt } from './spend-guard.ts';
import { minBigInt, toSql } from './sql-amounts.ts';
import { isClosed, type Key, type RetiredSecret, readBalance, type Tx } from './transaction.ts';

export type KeyUpdateResult = Result<NoData, 'unknown' | 'revoked' | 'closed'>;

const UPDATE_LIMITS = `UPDATE keys SET budget = ?, expires_at = ?, models = ?, calls_per_minute = ?,
  concurrent_calls = ?, day_budget = ?, week_budget = ?, month_budget = ?, output_price_limit = ?
  WHERE id = ?`;
const UPDATE_SPEND_GUARD =
  'UPDATE keys SET alert_multiple = ?, pause_multiple = ?, paused_at = ? WHERE id = ?';
const UPDATE_RESUMED = 'UPDATE keys SET paused_at = NULL, guard_disabled_day = ? WHERE id = ?';
const UPDATE_SECRET = 'UPDATE keys SET secret_hash = ? WHERE id = ?';
const DELETE_RETIRED_SECRETS = 'DELETE FROM retired_secrets WHERE key_id = ?';
const INSERT_RETIRED_SECRET =
  'INSERT INTO retired_secrets (hash, key_id, expires_at) VALUES (?, ?, ?)';

/** Runs `work` on a key that its owner can still change. */
function updateActiveKey(tx: Tx, keyId: KeyId, work: (key: Key) => void): KeyUpdateResult {
  if (isClosed(tx.cache)) return { ok: false, reason: 'closed' };
  const key = tx.cache.keys.get(keyId);
  if (key === undefined) return { ok: false, reason: 'unknown' };
  if (key.revokedAt !== null) return { ok: false, reason: 'revoked' };
  work(key);
  return { ok: true };
}

export function updateKey(tx: Tx, keyId: KeyId, update: KeyUpdate): KeyUpdateResult {
  return updateActiveKey(tx, keyId, (key) => {
    if (update.limits !== undefined) {
      key.limits = updateLimits(key.limits, update.limits);
      tx.sql.exec(UPDATE_LIMITS, ...limitColumns(key.limits), keyId);
    }
    if (update.spendGuard !== undefined) {
      // The new guard decides anew, at the next call.
      key.spendGuard = update.spendGuard;
      key.pausedAt = null;
      tx.sql.exec(
        UPDATE_SPEND_GUARD,
        key.spendGuard.alertMultiple,
        key.spendGuard.pauseMultiple,
        null,
        keyId,
      );
    }
  });
}

/** Resumes the key; nothing pauses it again until the day ends. */
export function resumeKey(tx: Tx, keyId: KeyId): KeyUpdateResult {
  const { now } = tx;
  return updateActiveKey(tx, keyId, (key) => {
    if (pausedAt(key, now) === null) return;
    key.pausedAt = null;
    key.guardDisabledDay = toUtcDay(now);
    tx.sql.exec(UPDATE_RESUMED, key.guardDisabledDay, keyId);
  });
}

export type RollSecretRequest = Readonly<{
  keyId: KeyId;
  secretHash: string;
  previousExpiresAt: Instant;
}>;

/** Retires the current secret. No earlier secret stays valid after `previousExpiresAt`. */
function retireSecret(
  key: Key,
  previousExpiresAt: Instant,
  now: Instant,
): readonly RetiredSecret[] {
  const secrets = [{ hash: key.secretHash, expiresAt: previousExpiresAt }, ...key.retiredSecrets];
  return secrets
    .map(({ hash, expiresAt }) => ({ hash, expiresAt: Math.min(expiresAt, previousExpiresAt) }))
    .filter(({ expiresAt }) => expiresAt > now)
    .slice(0, MAX_RETIRED_SECRETS);
}

export function rollKey(tx: Tx, request: RollSecretRequest): KeyUpdateResult {
  const { keyId, secretHash, previousExpiresAt } = request;
  return updateActiveKey(tx, keyId, (key) => {
    if (key.secretHash === secretHash) return;
    key.retiredSecrets = retireSecret(key, previousExpiresAt, tx.now);
    key.secretHash = secretHash;
    tx.sql.exec(DELETE_RETIRED_SECRETS, keyId);
    for (const { hash, expiresAt } of key.retiredSecrets)
      tx.sql.exec(INSERT_RETIRED_SECRET, hash, keyId, expiresAt);
    tx.sql.exec(UPDATE_SECRET, secretHash, keyId);
  });
}

/** Returns null for a credential of no key, otherwise whether the key was revoked already. */
export function revokeLeaked(
  tx: Tx,
  credential: KeyCredential,
): Readonly<{ alreadyRevoked: boolean }> | null {
  const key = findKey(tx, credential);
  if (key === undefined) return null;
  const { keyId } = key;
  if (key.revokedAt !== null) return { alreadyRevoked: true };
  revokeKey(tx, keyId);
  const fields = { keyId, model: null, amount: null, at: tx.now };
  notify(tx, { id: `key_leaked:${keyId}`, kind: 'key_leaked', ...fields });
  return { alreadyRevoked: false };
}

/** Lists all keys, oldest first. */
export function listKeyStatuses(tx: Tx): readonly KeyStatus[] {
  const keys = [...tx.cache.keys.values()];
  keys.sort((a, b) => a.createdAt - b.createdAt || a.keyId - b.keyId);
  return keys.map((key) => toKeyStatus(tx, key));
}

const LOW_BALANCE = 'UPDATE account SET low_balance = ?, is_low = ? WHERE singleton = 1';

/**
 * Sets the threshold. A balance already below it raises no notification: the owner sees it right
 * there.
 */
export function setLowBalance(tx: Tx, threshold: NanoUsd | null): void {
  if (threshold !== null && threshold < 0n) throw new RangeError('negative threshold');
  const { cache } = tx;
  if (isClosed(cache)) return;
  cache.lowBalance = threshold === null ? null : minBigInt(threshold, MAX_AMOUNT);
  cache.isBalanceLow = cache.lowBalance !== null && readBalance(tx).posted < cache.lowBalance;
  const value = cache.lowBalance === null ? null : toSql(cache.lowBalance);
  tx.sql.exec(LOW_BALANCE, value, cache.isBalanceLow ? 1 : 0);
}

/**
 * What an owner does to a key that exists: its limits and brakes, its secret, its pause; and what is
 * done to one that was found in public. Each may be asked again without harm. A new secret retires
 * those before it, which still open for a while; a secret itself is never known here.
 */
import { LARGEST_AMOUNT, type NanoUsd } from '@farebox/money';
import { smaller, toSql } from './amounts.ts';
import { dayOf, MOST_RETIRED_SECRETS } from './bounds.ts';
import { pausedAt } from './brakes.ts';
import type { Instant, KeyChange, KeyId, KeyProof, KeyStanding } from './contract.ts';
import { findKey, limitColumns, revokeKey, standingOf, storable } from './keys.ts';
import { note } from './notices.ts';
import { type Key, type RetiredSecret, readBalance, type Shelf } from './shelf.ts';

export type KeyDone =
  | Readonly<{ ok: true }>
  | Readonly<{ ok: false; reason: 'unknown' | 'revoked' | 'closed' }>;

const LIMITS = `UPDATE keys SET budget = ?, expires_at = ?, models = ?, calls_per_minute = ?,
  concurrent_calls = ? WHERE id = ?`;
const BRAKES = 'UPDATE keys SET notice_at = ?, pause_at = ?, paused_at = ? WHERE id = ?';
const RESUME = 'UPDATE keys SET paused_at = NULL, resumed_day = ? WHERE id = ?';
const SECRET = 'UPDATE keys SET secret_hash = ? WHERE id = ?';
const FORGET_RETIRED = 'DELETE FROM retired_secrets WHERE key_id = ?';
const RETIRE = 'INSERT INTO retired_secrets (hash, key_id, until) VALUES (?, ?, ?)';

/** Runs `work` on a key that its owner may still change. */
function changing(shelf: Shelf, keyId: KeyId, work: (key: Key) => void): KeyDone {
  if (shelf.memory.closed) return { ok: false, reason: 'closed' };
  const key = shelf.memory.keys.get(keyId);
  if (key === undefined) return { ok: false, reason: 'unknown' };
  if (key.revokedAt !== null) return { ok: false, reason: 'revoked' };
  work(key);
  return { ok: true };
}

export function changeKey(shelf: Shelf, keyId: KeyId, change: KeyChange): KeyDone {
  return changing(shelf, keyId, (key) => {
    if (change.limits !== undefined) {
      key.limits = storable(change.limits);
      shelf.sql.exec(LIMITS, ...limitColumns(key.limits), keyId);
    }
    if (change.brakes !== undefined) {
      // Other brakes, another judgement: the next call makes it.
      key.brakes = change.brakes;
      key.pausedAt = null;
      shelf.sql.exec(BRAKES, key.brakes.noticeAt, key.brakes.pauseAt, null, keyId);
    }
  });
}

/** Until the day ends nothing pauses the key again. */
export function resumeKey(shelf: Shelf, keyId: KeyId, now: Instant): KeyDone {
  return changing(shelf, keyId, (key) => {
    if (pausedAt(key, now) === null) return;
    key.pausedAt = null;
    key.resumedDay = dayOf(now);
    shelf.sql.exec(RESUME, key.resumedDay, keyId);
  });
}

export type NewSecret = Readonly<{ keyId: KeyId; secretHash: string; previousUntil: Instant }>;

/** None of the secrets before opens longer than `previousUntil`; whichever opened less long still does. */
function retire(key: Key, previousUntil: Instant, now: Instant): readonly RetiredSecret[] {
  const before = [{ hash: key.secretHash, until: previousUntil }, ...key.retired];
  return before
    .map(({ hash, until }) => ({ hash, until: Math.min(until, previousUntil) }))
    .filter(({ until }) => until > now)
    .slice(0, MOST_RETIRED_SECRETS);
}

export function rollKey(shelf: Shelf, request: NewSecret, now: Instant): KeyDone {
  const { keyId, secretHash, previousUntil } = request;
  return changing(shelf, keyId, (key) => {
    if (key.secretHash === secretHash) return;
    key.retired = retire(key, previousUntil, now);
    key.secretHash = secretHash;
    shelf.sql.exec(FORGET_RETIRED, keyId);
    for (const { hash, until } of key.retired) shelf.sql.exec(RETIRE, hash, keyId, until);
    shelf.sql.exec(SECRET, secretHash, keyId);
  });
}

/** Null where the text opens nothing; otherwise whether the key was revoked already. */
export function revokeLeaked(
  shelf: Shelf,
  proof: KeyProof,
  now: Instant,
): Readonly<{ alreadyRevoked: boolean }> | null {
  const key = findKey(shelf, proof, now);
  if (key === undefined) return null;
  const { keyId } = key;
  if (key.revokedAt !== null) return { alreadyRevoked: true };
  revokeKey(shelf, keyId, now);
  const said = { keyId, model: null, amount: null, at: now };
  note(shelf, { id: `key_leaked:${keyId}`, kind: 'key_leaked', ...said });
  return { alreadyRevoked: false };
}

/** Oldest first. */
export function standings(shelf: Shelf, now: Instant): readonly KeyStanding[] {
  const keys = [...shelf.memory.keys.values()];
  keys.sort((a, b) => a.createdAt - b.createdAt || a.keyId - b.keyId);
  return keys.map((key) => standingOf(key, now));
}

const LOW_BALANCE = 'UPDATE account SET low_balance = ?, low = ? WHERE one = 1';

/** A balance below it at this moment is no news: its owner sees it where they set the threshold. */
export function setLowBalance(shelf: Shelf, threshold: NanoUsd | null): void {
  if (threshold !== null && threshold < 0n) throw new RangeError('negative threshold');
  const { memory } = shelf;
  if (memory.closed) return;
  memory.lowBalance = threshold === null ? null : smaller(threshold, LARGEST_AMOUNT);
  memory.low = memory.lowBalance !== null && readBalance(shelf).posted < memory.lowBalance;
  const written = memory.lowBalance === null ? null : toSql(memory.lowBalance);
  shelf.sql.exec(LOW_BALANCE, written, memory.low ? 1 : 0);
}

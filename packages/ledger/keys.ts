/**
 * The account's keys: who may call, with which limits, and what each has spent. It promises that a
 * secret is only ever compared by its hash, and that a revoked key stays revoked; it never knows a
 * secret itself.
 */
import { LARGEST_AMOUNT, type NanoUsd } from '@farebox/money';
import { smaller, toSql } from './amounts.ts';
import { dayOf } from './bounds.ts';
import { countSpending, pausedAt } from './brakes.ts';
import {
  DEFAULT_BRAKES,
  type Instant,
  type KeyId,
  type KeyLimits,
  type KeyProof,
  type KeyRefusal,
  type KeyStanding,
  type PutKeyRequest,
  type PutKeyResult,
  type RevokeKeyResult,
} from './contract.ts';
import { habitOn, noHabit, usualDay } from './habits.ts';
import { addSpending } from './recall.ts';
import { type Key, readBalance, type Shelf } from './shelf.ts';

const INSERT = `INSERT INTO keys (id, secret_hash, budget, expires_at, models, calls_per_minute,
  concurrent_calls, spent, revoked_at, created_at, notice_at, pause_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, 0, NULL, ?, ?, ?)`;
const REVOKE = 'UPDATE keys SET revoked_at = ? WHERE id = ?';
const REVOKE_ALL = 'UPDATE keys SET revoked_at = ? WHERE revoked_at IS NULL';

/**
 * Counts what a line took. Only the memory is told: the line itself is the record, and its sum reaches
 * the key's row when it is acknowledged, so that ending a call is one write less.
 */
export function spend(shelf: Shelf, keyId: KeyId, amount: NanoUsd): void {
  const key = shelf.memory.keys.get(keyId);
  if (key === undefined) return;
  key.spent = addSpending(key.spent, amount);
  countSpending(shelf, key, amount, shelf.memory.lastAt);
}

/** Both are hashes already; comparing them in constant time costs nothing and settles the question. */
export function sameHash(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

/** The key's own secret, or one it had before that still opens. */
export function findKey(shelf: Shelf, proof: KeyProof, now: Instant): Key | undefined {
  const key = shelf.memory.keys.get(proof.keyId);
  if (key === undefined || sameHash(key.secretHash, proof.secretHash)) return key;
  const opens = key.retired.some(
    ({ hash, until }) => until > now && sameHash(hash, proof.secretHash),
  );
  return opens ? key : undefined;
}

export function keyRefusal(key: Key, now: Instant): 'key_revoked' | 'key_expired' | undefined {
  if (key.revokedAt !== null) return 'key_revoked';
  const { expiresAt } = key.limits;
  return expiresAt !== null && expiresAt <= now ? 'key_expired' : undefined;
}

/** A key that may look at its account, also a frozen one. */
export function prove(shelf: Shelf, proof: KeyProof, now: Instant): Key | KeyRefusal {
  const key = findKey(shelf, proof, now);
  if (key === undefined) return 'key_unknown';
  if (readBalance(shelf).state === 'closed') return 'account_closed';
  return keyRefusal(key, now) ?? key;
}

export function standingOf(key: Key, now: Instant): KeyStanding {
  const { keyId, limits, spent, held, createdAt, brakes, revokedAt } = key;
  const habit = habitOn(key.habit, dayOf(now));
  return {
    keyId,
    limits,
    spent,
    held,
    createdAt,
    brakes,
    pausedAt: pausedAt(key, now),
    revokedAt,
    spentToday: habit.today > 0n ? habit.today : 0n,
    usualDay: usualDay(habit),
  };
}

function sameLimits(a: KeyLimits, b: KeyLimits): boolean {
  return (
    a.budget === b.budget &&
    a.expiresAt === b.expiresAt &&
    a.callsPerMinute === b.callsPerMinute &&
    a.concurrentCalls === b.concurrentCalls &&
    (a.models === null) === (b.models === null) &&
    a.models?.join('\n') === b.models?.join('\n')
  );
}

/** A budget above the largest amount limits nothing that the balance does not. */
export function storable(limits: KeyLimits): KeyLimits {
  if (limits.budget === null) return limits;
  return { ...limits, budget: smaller(limits.budget, LARGEST_AMOUNT) };
}

export function putKey(shelf: Shelf, request: PutKeyRequest, now: Instant): PutKeyResult {
  const { keyId, secretHash } = request;
  const limits = storable(request.limits);
  const brakes = request.brakes ?? DEFAULT_BRAKES;
  const known = shelf.memory.keys.get(keyId);
  if (known !== undefined) {
    const same = sameHash(known.secretHash, secretHash) && sameLimits(known.limits, limits);
    return same ? { ok: true } : { ok: false, reason: 'conflict' };
  }
  if (readBalance(shelf).state === 'closed') return { ok: false, reason: 'closed' };
  shelf.sql.exec(
    INSERT,
    keyId,
    secretHash,
    ...limitColumns(limits),
    now,
    brakes.noticeAt,
    brakes.pauseAt,
  );
  shelf.memory.keys.set(keyId, newKey({ keyId, secretHash, limits, brakes }, now));
  return { ok: true };
}

/** In the order of the row's columns: budget, expiry, models, calls a minute, calls at once. */
export function limitColumns(limits: KeyLimits): readonly (number | string | null)[] {
  return [
    limits.budget === null ? null : toSql(limits.budget),
    limits.expiresAt,
    limits.models === null ? null : limits.models.join('\n'),
    limits.callsPerMinute,
    limits.concurrentCalls,
  ];
}

function newKey(made: Pick<Key, 'keyId' | 'secretHash' | 'limits' | 'brakes'>, now: Instant): Key {
  return {
    ...made,
    retired: [],
    createdAt: now,
    revokedAt: null,
    spent: 0n,
    held: 0n,
    open: 0,
    admitted: [],
    habit: noHabit(),
    pausedAt: null,
    resumedDay: -1,
    noticedDay: -1,
    dear: false,
  };
}

export function revokeKey(shelf: Shelf, keyId: KeyId, now: Instant): RevokeKeyResult {
  const key = shelf.memory.keys.get(keyId);
  if (key === undefined) return { ok: false, reason: 'unknown' };
  if (key.revokedAt === null) {
    key.revokedAt = now;
    shelf.sql.exec(REVOKE, now, keyId);
  }
  return { ok: true };
}

export function revokeAllKeys(shelf: Shelf, now: Instant): void {
  for (const key of shelf.memory.keys.values()) key.revokedAt ??= now;
  shelf.sql.exec(REVOKE_ALL, now);
}

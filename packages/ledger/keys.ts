/**
 * The account's keys: who may call, with which limits, and what each has spent. It promises that a
 * secret is only ever compared by its hash, and that a revoked key stays revoked; it never knows a
 * secret itself.
 */
import { LARGEST_AMOUNT, type NanoUsd } from '@farebox/money';
import { fromSql, fromSqlText, smaller, toSql } from './amounts.ts';
import type {
  AccountId,
  Instant,
  KeyId,
  KeyLimits,
  KeyProof,
  KeyRefusal,
  KeyStanding,
  PutKeyRequest,
  PutKeyResult,
  RevokeKeyResult,
} from './contract.ts';
import { type Key, type Memory, readBalance, type Shelf } from './shelf.ts';

type KeyRow = {
  id: number;
  secret_hash: string;
  budget: number | null;
  expires_at: number | null;
  models: string | null;
  calls_per_minute: number | null;
  concurrent_calls: number | null;
  spent: number;
  revoked_at: number | null;
  created_at: number;
};

const INSERT = `INSERT INTO keys (id, secret_hash, budget, expires_at, models, calls_per_minute,
  concurrent_calls, spent, revoked_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, 0, NULL, ?)`;
/** What lines beyond the acknowledged one took from each key: not in `keys.spent` yet. */
const SPENT_SINCE = `SELECT key_id, CAST(-sum(delta) AS TEXT) AS spent FROM entries
  WHERE kind = 'charge' AND seq > (SELECT acknowledged FROM account) GROUP BY key_id`;
const FOLD = `UPDATE keys SET spent = min(?3, spent - line.delta)
  FROM (SELECT key_id, sum(delta) AS delta FROM entries
    WHERE kind = 'charge' AND seq > ?1 AND seq <= ?2 GROUP BY key_id) AS line
  WHERE keys.id = line.key_id`;
const REVOKE = 'UPDATE keys SET revoked_at = ? WHERE id = ?';
const REVOKE_ALL = 'UPDATE keys SET revoked_at = ? WHERE revoked_at IS NULL';

function limitsOf(row: KeyRow): KeyLimits {
  return {
    budget: row.budget === null ? null : fromSql(row.budget),
    expiresAt: row.expires_at,
    models: row.models === null ? null : row.models.split('\n').filter((name) => name !== ''),
    callsPerMinute: row.calls_per_minute,
    concurrentCalls: row.concurrent_calls,
  };
}

function keyOf(row: KeyRow): Key {
  return {
    keyId: row.id,
    secretHash: row.secret_hash,
    limits: limitsOf(row),
    createdAt: row.created_at,
    revokedAt: row.revoked_at,
    spent: fromSql(row.spent),
    held: 0n,
    open: 0,
    admitted: [],
  };
}

/** Reads what the object remembers from its own tables: after a start, and after a failed transaction. */
export function recall(sql: SqlStorage): Memory {
  const account: AccountId = sql.exec<{ id: string }>('SELECT id FROM account').one().id;
  const memory: Memory = { account, keys: new Map(), held: 0n, open: 0 };
  for (const row of sql.exec<KeyRow>('SELECT * FROM keys')) memory.keys.set(row.id, keyOf(row));
  for (const since of sql.exec<{ key_id: number; spent: string }>(SPENT_SINCE)) {
    spend(memory, since.key_id, fromSqlText(since.spent));
  }
  const holds = sql.exec<{ key_id: number; amount: number }>('SELECT key_id, amount FROM holds');
  for (const hold of holds) remember(memory, hold.key_id, fromSql(hold.amount), 1);
  return memory;
}

/** Counts a hold in (`by` = 1) or out (`by` = -1). */
export function remember(memory: Memory, keyId: KeyId, amount: NanoUsd, by: 1 | -1): void {
  const moved = by === 1 ? amount : -amount;
  memory.held += moved;
  memory.open += by;
  const key = memory.keys.get(keyId);
  if (key === undefined) return;
  key.held += moved;
  key.open += by;
}

/**
 * Counts what a line took. Only the memory is told: the line itself is the record, and its sum reaches
 * the key's row when it is acknowledged, so that ending a call is one write less.
 */
export function spend(memory: Memory, keyId: KeyId, amount: NanoUsd): void {
  const key = memory.keys.get(keyId);
  if (key !== undefined) key.spent = smaller(key.spent + amount, LARGEST_AMOUNT);
}

/** Adds the lines above `after` up to `upTo` to their keys' rows; whoever acknowledges lines calls it once. */
export function foldSpending(shelf: Shelf, after: number, upTo: number): void {
  shelf.sql.exec(FOLD, after, upTo, toSql(LARGEST_AMOUNT));
}

/** Both are hashes already; comparing them in constant time costs nothing and settles the question. */
function sameHash(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

export function findKey(shelf: Shelf, proof: KeyProof): Key | undefined {
  const key = shelf.memory.keys.get(proof.keyId);
  return key !== undefined && sameHash(key.secretHash, proof.secretHash) ? key : undefined;
}

export function keyRefusal(key: Key, now: Instant): 'key_revoked' | 'key_expired' | undefined {
  if (key.revokedAt !== null) return 'key_revoked';
  const { expiresAt } = key.limits;
  return expiresAt !== null && expiresAt <= now ? 'key_expired' : undefined;
}

/** A key that may look at its account, also a frozen one. */
export function prove(shelf: Shelf, proof: KeyProof, now: Instant): Key | KeyRefusal {
  const key = findKey(shelf, proof);
  if (key === undefined) return 'key_unknown';
  if (readBalance(shelf).state === 'closed') return 'account_closed';
  return keyRefusal(key, now) ?? key;
}

export function standingOf(key: Key): KeyStanding {
  const { keyId, limits, spent, held, createdAt } = key;
  return { keyId, limits, spent, held, createdAt };
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
function storable(limits: KeyLimits): KeyLimits {
  if (limits.budget === null) return limits;
  return { ...limits, budget: smaller(limits.budget, LARGEST_AMOUNT) };
}

export function putKey(shelf: Shelf, request: PutKeyRequest, now: Instant): PutKeyResult {
  const { keyId, secretHash } = request;
  const limits = storable(request.limits);
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
    limits.budget === null ? null : toSql(limits.budget),
    limits.expiresAt,
    limits.models === null ? null : limits.models.join('\n'),
    limits.callsPerMinute,
    limits.concurrentCalls,
    now,
  );
  const key = { keyId, secretHash, limits, createdAt: now, revokedAt: null, spent: 0n, held: 0n };
  shelf.memory.keys.set(keyId, { ...key, open: 0, admitted: [] });
  return { ok: true };
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

/**
 * The rows of API keys, for lists. The account object decides whether a key is valid, and the rows
 * follow it: `pending` before the object has the key, `active` after, `revoked` once the object
 * refuses it. Only the hash of a key's secret is stored.
 */
import type { AccountId, Instant, KeyId, KeyLimits, PeriodBudgets } from '@farebox/ledger';
import { and, eq, inArray, ne } from 'drizzle-orm';
import { type Database, DatabaseError, queryOrThrow, tryQuery } from '../connection/connection.ts';
import { apiKeys } from '../schema/ledger.ts';

export type PendingKey = Readonly<{
  accountId: AccountId;
  keyId: KeyId;
  /** 1 to 64 characters. */
  name: string;
  last4: string;
  secretHash: string;
  limits: KeyLimits;
  now: Instant;
}>;

/** The columns of the limits that are named: an update keeps the others, and null is their default. */
function limitColumns(limits: KeyLimits) {
  const { periodBudgets, maxOutputPrice } = limits;
  return {
    budget: limits.budget,
    expiresAt: limits.expiresAt === null ? null : new Date(limits.expiresAt),
    models: limits.models === null ? null : [...limits.models],
    callsPerMinute: limits.callsPerMinute,
    concurrentCalls: limits.concurrentCalls,
    ...(periodBudgets === undefined ? {} : periodColumns(periodBudgets)),
    ...(maxOutputPrice === undefined ? {} : { maxOutputPrice }),
  };
}

function periodColumns({ day, week, month }: PeriodBudgets) {
  return { dayBudget: day ?? null, weekBudget: week ?? null, monthBudget: month ?? null };
}

export type InsertKeyResult =
  | Readonly<{ ok: true }>
  | Readonly<{ ok: false; reason: 'id_taken' | 'account_unknown' }>;

export async function insertPendingKey(db: Database, key: PendingKey): Promise<InsertKeyResult> {
  const { accountId, keyId, name, last4, secretHash, limits } = key;
  const inserted = await tryQuery(
    db.insert(apiKeys).values({
      accountId,
      keyId,
      name,
      last4,
      secretHash,
      state: 'pending',
      ...limitColumns(limits),
      createdAt: new Date(key.now),
    }),
  );
  if (inserted.ok) return { ok: true };
  const { error: failure } = inserted;
  if (failure.kind === 'refused' && failure.sqlState === '23505')
    return { ok: false, reason: 'id_taken' };
  if (failure.kind === 'refused' && failure.sqlState === '23503') {
    return { ok: false, reason: 'account_unknown' };
  }
  throw new DatabaseError(failure);
}

export type ChangeKeyResult =
  | Readonly<{ ok: true }>
  | Readonly<{ ok: false; reason: 'unknown' | 'revoked' }>;

/** Idempotent; a revoked key never becomes active again. */
export async function activateKey(
  db: Database,
  accountId: AccountId,
  keyId: KeyId,
  now: Instant,
): Promise<ChangeKeyResult> {
  const isThisKey = and(eq(apiKeys.accountId, accountId), eq(apiKeys.keyId, keyId));
  const [, [row]] = await queryOrThrow(
    db.batch([
      db
        .update(apiKeys)
        .set({ state: 'active', activatedAt: new Date(now) })
        .where(and(isThisKey, eq(apiKeys.state, 'pending'))),
      db.select({ state: apiKeys.state }).from(apiKeys).where(isThisKey),
    ]),
  );
  if (row === undefined) return { ok: false, reason: 'unknown' };
  return row.state === 'active' ? { ok: true } : { ok: false, reason: 'revoked' };
}

/** Idempotent: the first time of revocation stays. */
export async function markKeyRevoked(
  db: Database,
  accountId: AccountId,
  keyId: KeyId,
  now: Instant,
): Promise<Readonly<{ ok: true }> | Readonly<{ ok: false; reason: 'unknown' }>> {
  const isThisKey = and(eq(apiKeys.accountId, accountId), eq(apiKeys.keyId, keyId));
  const [, [row]] = await queryOrThrow(
    db.batch([
      db
        .update(apiKeys)
        .set({ state: 'revoked', revokedAt: new Date(now) })
        .where(and(isThisKey, ne(apiKeys.state, 'revoked'))),
      db.select({ state: apiKeys.state }).from(apiKeys).where(isThisKey),
    ]),
  );
  return row === undefined ? { ok: false, reason: 'unknown' } : { ok: true };
}

/** Changes what is given; the row of a revoked key stays as it is. */
export async function updateKeyRow(
  db: Database,
  accountId: AccountId,
  keyId: KeyId,
  change: Readonly<{ name?: string; limits?: KeyLimits }>,
): Promise<void> {
  const { name, limits } = change;
  if (name === undefined && limits === undefined) return;
  await queryOrThrow(
    db
      .update(apiKeys)
      .set({
        ...(name === undefined ? {} : { name }),
        ...(limits === undefined ? {} : limitColumns(limits)),
      })
      .where(isUnrevokedKey(accountId, keyId)),
  );
}

/** Records the new secret of a rotated key. */
export async function rollKeyRow(
  db: Database,
  accountId: AccountId,
  keyId: KeyId,
  secret: Readonly<{ secretHash: string; last4: string }>,
): Promise<void> {
  await queryOrThrow(db.update(apiKeys).set(secret).where(isUnrevokedKey(accountId, keyId)));
}

/** Marks those of the keys that are not revoked yet. */
export async function markKeysRevoked(
  db: Database,
  accountId: AccountId,
  keyIds: readonly KeyId[],
  now: Instant,
): Promise<void> {
  await queryOrThrow(
    db
      .update(apiKeys)
      .set({ state: 'revoked', revokedAt: new Date(now) })
      .where(
        and(
          eq(apiKeys.accountId, accountId),
          inArray(apiKeys.keyId, [...keyIds]),
          ne(apiKeys.state, 'revoked'),
        ),
      ),
  );
}

function isUnrevokedKey(accountId: AccountId, keyId: KeyId) {
  return and(
    eq(apiKeys.accountId, accountId),
    eq(apiKeys.keyId, keyId),
    ne(apiKeys.state, 'revoked'),
  );
}

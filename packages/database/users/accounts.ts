/**
 * Accounts and the identities of their owners. The row of an account is inserted before its Durable
 * Object is opened, so that the reconciliation finds every object; `opened_at` records the second
 * step.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { and, eq, isNull } from 'drizzle-orm';
import { type Database, DatabaseError, queryOrThrow, tryQuery } from '../connection/connection.ts';
import { accounts, identities } from '../schema/accounts.ts';

export type NewAccount = Readonly<{
  accountId: AccountId;
  email: string;
  emailKey: string;
  passwordHash: string;
  language: string;
  verified: boolean;
  now: Instant;
}>;

export type InsertAccountResult =
  | Readonly<{ ok: true }>
  | Readonly<{ ok: false; reason: 'email_taken' | 'id_taken' }>;

/** Inserts both rows or neither. */
export async function insertAccount(
  db: Database,
  account: NewAccount,
): Promise<InsertAccountResult> {
  const createdAt = new Date(account.now);
  const { accountId, email, emailKey, passwordHash, language } = account;
  const verifiedAt = account.verified ? createdAt : null;
  const inserted = await tryQuery(
    db.batch([
      db.insert(accounts).values({ id: accountId, createdAt }),
      db
        .insert(identities)
        .values({ accountId, email, emailKey, passwordHash, language, verifiedAt, createdAt }),
    ]),
  );
  if (inserted.ok) return { ok: true };
  const { error: failure } = inserted;
  if (failure.kind === 'refused' && failure.sqlState === '23505') {
    if (failure.constraint === 'identities_email_key') return { ok: false, reason: 'email_taken' };
    if (failure.constraint === 'accounts_pkey') return { ok: false, reason: 'id_taken' };
  }
  throw new DatabaseError(failure);
}

/** Records that the account object is open. Idempotent: the first time stays. */
export async function markAccountOpened(db: Database, id: AccountId, now: Instant): Promise<void> {
  await queryOrThrow(
    db
      .update(accounts)
      .set({ openedAt: new Date(now) })
      .where(and(eq(accounts.id, id), isNull(accounts.openedAt))),
  );
}

export type Identity = Readonly<{
  accountId: AccountId;
  passwordHash: string;
  verified: boolean;
  opened: boolean;
}>;

export async function findIdentity(db: Database, emailKey: string): Promise<Identity | undefined> {
  const [row] = await queryOrThrow(
    db
      .select({
        accountId: identities.accountId,
        passwordHash: identities.passwordHash,
        verifiedAt: identities.verifiedAt,
        openedAt: accounts.openedAt,
      })
      .from(identities)
      .innerJoin(accounts, eq(accounts.id, identities.accountId))
      .where(eq(identities.emailKey, emailKey)),
  );
  if (row === undefined) return undefined;
  const { accountId, passwordHash, verifiedAt, openedAt } = row;
  return { accountId, passwordHash, verified: verifiedAt !== null, opened: openedAt !== null };
}

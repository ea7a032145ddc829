/**
 * What goes: everything about a person when they leave, and of everybody what has outlived its use.
 * The pseudonymous book and the receipts stay (docs/storage.md).
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { eq, inArray, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toTimestamp } from '../connection/raw-sql.ts';
import { accounts, apiKeys, identities } from '../schema/ledger.ts';
import {
  consents,
  emails,
  emailTokens,
  knownDevices,
  notifications,
  passkeyChallenges,
  passkeys,
  recoveryCodes,
  sessions,
  signInSteps,
  signUps,
  totpFactors,
} from '../schema/users.ts';

/**
 * Every row about the account's owner, in one transaction; mail events go with their mails. The answer
 * is the address to write the farewell to, undefined where it was erased before. Repeating it is safe.
 */
export async function eraseOwner(
  db: Database,
  accountId: AccountId,
  now: Instant,
): Promise<Readonly<{ email: string; language: string }> | undefined> {
  const columns = { accountId: identities.accountId, emailKey: identities.emailKey };
  const ownEmailKey = db
    .select({ emailKey: columns.emailKey })
    .from(identities)
    .where(eq(columns.accountId, accountId));
  const [, erased] = await queryOrThrow(
    db.batch([
      db.delete(signUps).where(inArray(signUps.emailKey, ownEmailKey)),
      db
        .delete(identities)
        .where(eq(identities.accountId, accountId))
        .returning({ email: identities.email, language: identities.language }),
      db.delete(sessions).where(eq(sessions.accountId, accountId)),
      db.delete(knownDevices).where(eq(knownDevices.accountId, accountId)),
      db.delete(signInSteps).where(eq(signInSteps.accountId, accountId)),
      db.delete(totpFactors).where(eq(totpFactors.accountId, accountId)),
      db.delete(passkeys).where(eq(passkeys.accountId, accountId)),
      db.delete(passkeyChallenges).where(eq(passkeyChallenges.accountId, accountId)),
      db.delete(recoveryCodes).where(eq(recoveryCodes.accountId, accountId)),
      db.delete(emailTokens).where(eq(emailTokens.accountId, accountId)),
      db.delete(consents).where(eq(consents.accountId, accountId)),
      db.delete(notifications).where(eq(notifications.accountId, accountId)),
      db.delete(emails).where(eq(emails.accountId, accountId)),
      db.delete(apiKeys).where(eq(apiKeys.accountId, accountId)),
      db
        .update(accounts)
        .set({ closedAt: sql`coalesce(${accounts.closedAt}, ${toTimestamp(now)})` })
        .where(eq(accounts.id, accountId)),
    ]),
  );
  return erased[0];
}

export type PurgeLimits = Readonly<{
  now: Instant;
  /** How long a session lasts unused. */
  idleMs: number;
  /** How long a factor that was begun may wait for its first code. */
  unconfirmedMs: number;
  /** Rows of each table at a time. */
  limit: number;
}>;

/** Deletes expired rows, a bounded number of each kind, and says how many went. */
export async function deleteExpiredRows(db: Database, limits: PurgeLimits): Promise<number> {
  const now = toTimestamp(limits.now);
  const idle = toTimestamp(limits.now - limits.idleMs);
  const unconfirmed = toTimestamp(limits.now - limits.unconfirmedMs);
  const limit = sql`${limits.limit}::int`;
  const deleteExpired = (table: string, key: string, where = sql`expires_at <= ${now}`) => {
    const [from, column] = [sql.identifier(table), sql.identifier(key)];
    return db.execute(sql`delete from ${from} where ${column} in
      (select ${column} from ${from} where ${where} limit ${limit}) returning 1`);
  };
  const results = await queryOrThrow(
    db.batch([
      deleteExpired('sign_ups', 'token_hash'),
      deleteExpired('email_tokens', 'token_hash'),
      deleteExpired('sessions', 'token_hash', sql`expires_at <= ${now} or seen_at <= ${idle}`),
      deleteExpired('known_devices', 'token_hash'),
      deleteExpired('sign_in_steps', 'token_hash'),
      deleteExpired('passkey_challenges', 'challenge_hash'),
      deleteExpired('rate_limit_counters', 'bucket', sql`resets_at <= ${now}`),
      deleteExpired(
        'totp_factors',
        'account_id',
        sql`confirmed_at is null and created_at <= ${unconfirmed}`,
      ),
    ]),
  );
  return results.reduce((sum, { rows }) => sum + rows.length, 0);
}

/**
 * Links in emails to an account's owner. The statement that applies a link also deletes it, or does
 * neither.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import { type Database, DatabaseError, tryQuery } from '../connection/connection.ts';
import { decoy, firstRow, type RawRow, toTimestamp } from '../connection/raw-sql.ts';
import { buildSessionInserts, type NewSession } from './sessions.ts';
import { type EmailRecipient, type EmailRecipientRow, toEmailRecipient } from './sign-ups.ts';

export type NewPasswordReset = Readonly<{
  tokenHash: string;
  emailKey: string;
  now: Instant;
  expiresAt: Instant;
}>;

/**
 * Inserts a reset token for the account of the address. An unknown address gets a decoy row
 * instead.
 */
export async function insertPasswordReset(
  db: Database,
  reset: NewPasswordReset,
): Promise<EmailRecipient | undefined> {
  return toEmailRecipient(
    await firstRow<EmailRecipientRow>(
      db,
      sql`
      with owner as (
        select account_id, email, language from identities where email_key = ${reset.emailKey}
      ), kept as (
        insert into email_tokens (token_hash, account_id, purpose, created_at, expires_at)
        select ${reset.tokenHash}, account_id, 'reset', ${toTimestamp(reset.now)}, ${toTimestamp(reset.expiresAt)}
        from owner
      ), ${decoy(reset.tokenHash, reset.expiresAt, sql`not exists (select 1 from owner)`)}
      select account_id, email, language from owner`,
    ),
  );
}

/** Finds the account of a valid link without consuming the link. */
export async function findPasswordReset(
  db: Database,
  tokenHash: string,
  now: Instant,
): Promise<EmailRecipient | undefined> {
  return toEmailRecipient(
    await firstRow<EmailRecipientRow>(
      db,
      sql`select i.account_id, i.email, i.language
        from email_tokens t join identities i on i.account_id = t.account_id
        where t.token_hash = ${tokenHash} and t.purpose = 'reset' and t.expires_at > ${toTimestamp(now)}`,
    ),
  );
}

/**
 * Sets the new password and deletes everything that the old one gave access to: sessions, pending
 * sign-ins, known devices and all other links. Following the link verifies the address.
 */
export async function consumePasswordReset(
  db: Database,
  request: Readonly<{ tokenHash: string; passwordHash: string; now: Instant }>,
): Promise<EmailRecipient | undefined> {
  const now = toTimestamp(request.now);
  return toEmailRecipient(
    await firstRow<EmailRecipientRow>(
      db,
      sql`
      with spent as (
        delete from email_tokens
        where token_hash = ${request.tokenHash} and purpose = 'reset' and expires_at > ${now}
        returning account_id
      ), changed as (
        update identities i
        set password_hash = ${request.passwordHash}, verified_at = coalesce(i.verified_at, ${now})
        from spent where i.account_id = spent.account_id
        returning i.account_id, i.email, i.language
      ), no_sessions as (
        delete from sessions where account_id in (select account_id from spent)
      ), no_devices as (
        delete from known_devices where account_id in (select account_id from spent)
      ), no_steps as (
        delete from sign_in_steps where account_id in (select account_id from spent)
      ), no_links as (
        delete from email_tokens where account_id in (select account_id from spent)
          and token_hash <> ${request.tokenHash}
      )
      select account_id, email, language from changed`,
    ),
  );
}

export type PasswordChange = Readonly<{
  /** The hash that was verified. */
  before: string;
  after: string;
  /** The session that replaces all others. */
  session: NewSession;
}>;

/** As `consumePasswordReset`, for a user who knows the old password and stays signed in. */
export async function updatePasswordHash(db: Database, change: PasswordChange): Promise<boolean> {
  const { accountId, tokenHash, deviceHash } = change.session;
  const row = await firstRow(
    db,
    sql`
    with allowed as (
      update identities set password_hash = ${change.after}
      where account_id = ${accountId} and password_hash = ${change.before}
      returning account_id
    ), ${buildSessionInserts({ ...change.session, replacedDeviceHash: null })}, no_sessions as (
      delete from sessions where account_id in (select account_id from allowed)
        and token_hash <> ${tokenHash}
    ), no_devices as (
      delete from known_devices where account_id in (select account_id from allowed)
        and token_hash <> ${deviceHash}
    ), no_steps as (
      delete from sign_in_steps where account_id in (select account_id from allowed)
    ), no_links as (
      delete from email_tokens where account_id in (select account_id from allowed)
    )
    select account_id from opened`,
  );
  return row !== undefined;
}

export type NewEmailChange = Readonly<{
  tokenHash: string;
  accountId: AccountId;
  email: string;
  emailKey: string;
  now: Instant;
  expiresAt: Instant;
}>;

/** Inserts a token for the new address, or returns the account that already has the address. */
export async function insertEmailChange(
  db: Database,
  change: NewEmailChange,
): Promise<EmailRecipient | undefined> {
  return toEmailRecipient(
    await firstRow<EmailRecipientRow>(
      db,
      sql`
      with taken as (
        select account_id, email, language from identities where email_key = ${change.emailKey}
          and account_id <> ${change.accountId}
      ), kept as (
        insert into email_tokens
          (token_hash, account_id, purpose, new_email, new_email_key, created_at, expires_at)
        select ${change.tokenHash}, ${change.accountId}, 'change_email', ${change.email},
          ${change.emailKey}, ${toTimestamp(change.now)}, ${toTimestamp(change.expiresAt)}
        where not exists (select 1 from taken)
      ), ${decoy(change.tokenHash, change.expiresAt, sql`exists (select 1 from taken)`)}
      select account_id, email, language from taken`,
    ),
  );
}

export type ChangedEmail = Readonly<{
  accountId: AccountId;
  before: string;
  after: string;
  language: string;
}>;
type ChangedEmailRow = RawRow & EmailRecipientRow & { before: string };

/**
 * Changes the address unless another account has it by now. Links sent to the old mailbox are
 * deleted.
 */
export async function consumeEmailChange(
  db: Database,
  request: Readonly<{ tokenHash: string; now: Instant }>,
): Promise<ChangedEmail | undefined> {
  const now = toTimestamp(request.now);
  const result = await tryQuery(
    db.execute<ChangedEmailRow>(sql`
      with spent as (
        delete from email_tokens
        where token_hash = ${request.tokenHash} and purpose = 'change_email' and expires_at > ${now}
        returning account_id, new_email, new_email_key
      ), old as (
        select i.account_id, i.email from identities i join spent s on s.account_id = i.account_id
      ), changed as (
        update identities i
        set email = spent.new_email, email_key = spent.new_email_key, verified_at = ${now}
        from spent where i.account_id = spent.account_id
        returning i.account_id, i.email, i.language
      ), no_links as (
        delete from email_tokens where account_id in (select account_id from spent)
          and token_hash <> ${request.tokenHash}
      )
      select c.account_id, c.email, c.language, o.email as before
      from changed c join old o on o.account_id = c.account_id`),
  );
  if (!result.ok) {
    const { error: failure } = result;
    // Another account has the address by now: nothing was written, and the link expires.
    if (failure.kind === 'refused' && failure.constraint === 'identities_email_key')
      return undefined;
    throw new DatabaseError(failure);
  }
  const row = result.value.rows[0];
  if (row === undefined) return undefined;
  const { account_id, email, language, before } = row;
  return { accountId: account_id, before, after: email, language };
}

/**
 * Sign-ups whose email is not verified yet. The statement itself decides whether the address has an
 * account, so that both cases take the same time.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { eq, sql } from 'drizzle-orm';
import { type Database, DatabaseError, queryOrThrow, tryQuery } from '../connection/connection.ts';
import { decoy, firstRow, toTimestamp } from '../connection/raw-sql.ts';
import { signUps } from '../schema/users.ts';

/** The account of an address, for an email to its owner. */
export type EmailRecipient = Readonly<{ accountId: AccountId; email: string; language: string }>;
export type EmailRecipientRow = { account_id: string; email: string; language: string };

export function toEmailRecipient(row: EmailRecipientRow | undefined): EmailRecipient | undefined {
  if (row === undefined) return undefined;
  return { accountId: row.account_id, email: row.email, language: row.language };
}

export type NewSignUp = Readonly<{
  tokenHash: string;
  email: string;
  emailKey: string;
  passwordHash: string;
  language: string;
  now: Instant;
  expiresAt: Instant;
}>;

/** Inserts the sign-up, or returns the account that already has the address. */
export async function insertSignUp(
  db: Database,
  row: NewSignUp,
): Promise<EmailRecipient | undefined> {
  return toEmailRecipient(
    await firstRow<EmailRecipientRow>(
      db,
      sql`
      with taken as (
        select account_id, email, language from identities where email_key = ${row.emailKey}
      ), kept as (
        insert into sign_ups
          (token_hash, email, email_key, password_hash, language, created_at, expires_at)
        select ${row.tokenHash}, ${row.email}, ${row.emailKey}, ${row.passwordHash},
          ${row.language}, ${toTimestamp(row.now)}, ${toTimestamp(row.expiresAt)}
        where not exists (select 1 from taken)
      ), ${decoy(row.tokenHash, row.expiresAt, sql`exists (select 1 from taken)`)}
      select account_id, email, language from taken`,
    ),
  );
}

export type SignUp = Readonly<{ emailKey: string; passwordHash: string }>;

/** Finds a sign-up that has not expired, without consuming it. */
export async function findSignUp(
  db: Database,
  tokenHash: string,
  now: Instant,
): Promise<SignUp | undefined> {
  const row = await firstRow<{ email_key: string; password_hash: string }>(
    db,
    sql`select email_key, password_hash from sign_ups
      where token_hash = ${tokenHash} and expires_at > ${toTimestamp(now)}`,
  );
  if (row === undefined) return undefined;
  return { emailKey: row.email_key, passwordHash: row.password_hash };
}

export type ConfirmedSignUp = Readonly<{
  tokenHash: string;
  emailKey: string;
  accountId: AccountId;
  now: Instant;
}>;
export type ConfirmSignUpRowResult =
  | Readonly<{ ok: true }>
  | Readonly<{ ok: false; reason: 'already_used' | 'email_taken' | 'id_taken' }>;

/**
 * Consumes the token and inserts the rows of the account, or does neither. Other sign-ups with the
 * same address are deleted: this one proved who owns the mailbox.
 */
export async function insertConfirmedAccount(
  db: Database,
  confirmed: ConfirmedSignUp,
): Promise<ConfirmSignUpRowResult> {
  const { tokenHash, emailKey, accountId } = confirmed;
  const now = toTimestamp(confirmed.now);
  const result = await tryQuery(
    db.execute<{ account_id: string }>(sql`
      with spent as (
        delete from sign_ups where email_key = ${emailKey} and exists (
          select 1 from sign_ups
          where token_hash = ${tokenHash} and email_key = ${emailKey} and expires_at > ${now}
        )
        returning token_hash, email, email_key, password_hash, language
      ), mine as (
        select * from spent where token_hash = ${tokenHash}
      ), account as (
        insert into accounts (id, created_at) select ${accountId}, ${now} from mine
      ), identity as (
        insert into identities (account_id, email, email_key, password_hash, language, verified_at,
          created_at)
        select ${accountId}, email, email_key, password_hash, language, ${now}, ${now} from mine
        returning account_id
      )
      select account_id from identity`),
  );
  if (result.ok) {
    return result.value.rows.length === 1 ? { ok: true } : { ok: false, reason: 'already_used' };
  }
  const { error: failure } = result;
  if (failure.kind === 'refused' && failure.sqlState === '23505') {
    if (failure.constraint === 'identities_email_key') return { ok: false, reason: 'email_taken' };
    if (failure.constraint === 'accounts_pkey') return { ok: false, reason: 'id_taken' };
  }
  throw new DatabaseError(failure);
}

/** Deletes the sign-ups of an address that got an account in another way meanwhile. */
export async function deleteSignUps(db: Database, emailKey: string): Promise<void> {
  await queryOrThrow(db.delete(signUps).where(eq(signUps.emailKey, emailKey)));
}

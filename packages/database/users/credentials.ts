/** The credentials of an account's owner, as sign-in reads and changes them. */
import type { AccountId, Instant } from '@farebox/ledger';
import { and, eq, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, type RawRow, toEpochMs, toTimestamp } from '../connection/raw-sql.ts';
import { identities } from '../schema/accounts.ts';

/** The second factors that are set up. Recovery codes alone are not a second factor. */
export type FactorKinds = Readonly<{ totp: boolean; passkey: boolean; recoveryCode: boolean }>;

export type Credentials = Readonly<{
  accountId: AccountId;
  email: string;
  language: string;
  passwordHash: string;
  /** Whether the account object is known to be open. */
  opened: boolean;
  /** Whether this browser has signed in to this account before. */
  deviceKnown: boolean;
  factors: FactorKinds;
}>;

type CredentialsRow = RawRow & {
  account_id: string;
  email: string;
  language: string;
  password_hash: string;
  opened: boolean;
  device_known: boolean;
  totp: boolean;
  passkey: boolean;
  recovery_code: boolean;
};

const FACTOR_COLUMNS = sql`
  exists (select 1 from totp_factors t
    where t.account_id = i.account_id and t.confirmed_at is not null) as totp,
  exists (select 1 from passkeys p where p.account_id = i.account_id) as passkey,
  exists (select 1 from recovery_codes r where r.account_id = i.account_id) as recovery_code`;

function credentialColumns(deviceHash: string | null, now: Instant) {
  return sql`i.account_id, i.email, i.language, i.password_hash, a.opened_at is not null as opened,
    exists (select 1 from known_devices d where d.token_hash = ${deviceHash}
      and d.account_id = i.account_id and d.expires_at > ${toTimestamp(now)}) as device_known, ${FACTOR_COLUMNS}`;
}

function toCredentials(row: CredentialsRow): Credentials {
  return {
    accountId: row.account_id,
    email: row.email,
    language: row.language,
    passwordHash: row.password_hash,
    opened: row.opened,
    deviceKnown: row.device_known,
    factors: { totp: row.totp, passkey: row.passkey, recoveryCode: row.recovery_code },
  };
}

/** `deviceHash` is the hash of the browser's device cookie, or null without one. */
export async function findCredentials(
  db: Database,
  emailKey: string,
  deviceHash: string | null,
  now: Instant,
): Promise<Credentials | undefined> {
  const row = await firstRow<CredentialsRow>(
    db,
    sql`select ${credentialColumns(deviceHash, now)}
      from identities i join accounts a on a.id = i.account_id where i.email_key = ${emailKey}`,
  );
  return row === undefined ? undefined : toCredentials(row);
}

export async function findCredentialsByAccount(
  db: Database,
  accountId: AccountId,
  now: Instant,
): Promise<Credentials | undefined> {
  const row = await firstRow<CredentialsRow>(
    db,
    sql`select ${credentialColumns(null, now)}
      from identities i join accounts a on a.id = i.account_id where i.account_id = ${accountId}`,
  );
  return row === undefined ? undefined : toCredentials(row);
}

/**
 * Stores the same password under costlier parameters. Returns false if the password changed
 * meanwhile.
 */
export async function rehashPassword(
  db: Database,
  accountId: AccountId,
  hashes: Readonly<{ before: string; after: string }>,
): Promise<boolean> {
  const rows = await queryOrThrow(
    db
      .update(identities)
      .set({ passwordHash: hashes.after })
      .where(and(eq(identities.accountId, accountId), eq(identities.passwordHash, hashes.before)))
      .returning({ accountId: identities.accountId }),
  );
  return rows.length === 1;
}

export async function updateLanguage(
  db: Database,
  accountId: AccountId,
  language: string,
): Promise<void> {
  await queryOrThrow(
    db.update(identities).set({ language }).where(eq(identities.accountId, accountId)),
  );
}

export type NewMfaChallenge = Readonly<{
  tokenHash: string;
  accountId: AccountId;
  /** The hash that was verified. If the password changes meanwhile, no challenge is inserted. */
  passwordHash: string;
  now: Instant;
  expiresAt: Instant;
}>;

export async function insertMfaChallenge(
  db: Database,
  challenge: NewMfaChallenge,
): Promise<boolean> {
  const row = await firstRow(
    db,
    sql`insert into sign_in_steps (token_hash, account_id, tries, created_at, expires_at)
      select ${challenge.tokenHash}, account_id, 0, ${toTimestamp(challenge.now)}, ${toTimestamp(challenge.expiresAt)}
      from identities
      where account_id = ${challenge.accountId} and password_hash = ${challenge.passwordHash}
      returning account_id`,
  );
  return row !== undefined;
}

export type MfaChallenge = Credentials & Readonly<{ attempts: number; expiresAt: Instant }>;

/** Finds a pending sign-in that has not expired. */
export async function findMfaChallenge(
  db: Database,
  tokenHash: string,
  deviceHash: string | null,
  now: Instant,
): Promise<MfaChallenge | undefined> {
  const row = await firstRow<CredentialsRow & { tries: number; expires_at: string }>(
    db,
    sql`select s.tries, ${toEpochMs(sql`s.expires_at`)} as expires_at, ${credentialColumns(deviceHash, now)}
      from sign_in_steps s join identities i on i.account_id = s.account_id
      join accounts a on a.id = i.account_id
      where s.token_hash = ${tokenHash} and s.expires_at > ${toTimestamp(now)}`,
  );
  if (row === undefined) return undefined;
  return { ...toCredentials(row), attempts: row.tries, expiresAt: Number(row.expires_at) };
}

/** Counts an attempt before it is checked. Returns false if none are left. */
export async function countMfaAttempt(
  db: Database,
  tokenHash: string,
  maxAttempts: number,
  now: Instant,
): Promise<boolean> {
  const row = await firstRow(
    db,
    sql`update sign_in_steps set tries = tries + 1
      where token_hash = ${tokenHash} and tries < ${maxAttempts} and expires_at > ${toTimestamp(now)}
      returning tries`,
  );
  return row !== undefined;
}

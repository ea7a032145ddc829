/** Passkeys of an account and their WebAuthn challenges. */
import type { AccountId, Instant } from '@farebox/ledger';
import { asc, eq, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, type RawRow, toTimestamp, unnestTexts } from '../connection/raw-sql.ts';
import { passkeys } from '../schema/users.ts';
import {
  type AddFactorResult,
  type AddFactorRow,
  insertInitialCodes,
  toAddFactorResult,
} from './recovery-codes.ts';

export type Passkey = Readonly<{
  credentialId: string;
  /** COSE, base64url. */
  publicKey: string;
  counter: number;
  name: string;
  transports: readonly string[];
  createdAt: Instant;
  usedAt: Instant | null;
}>;

/** Lists the passkeys, oldest first. */
export async function listPasskeys(
  db: Database,
  accountId: AccountId,
): Promise<readonly Passkey[]> {
  const rows = await queryOrThrow(
    db
      .select()
      .from(passkeys)
      .where(eq(passkeys.accountId, accountId))
      .orderBy(asc(passkeys.createdAt), asc(passkeys.credentialId)),
  );
  return rows.map((row) => ({
    credentialId: row.credentialId,
    publicKey: row.publicKey,
    counter: row.counter,
    name: row.name,
    transports: row.transports,
    createdAt: row.createdAt.getTime(),
    usedAt: row.usedAt?.getTime() ?? null,
  }));
}

export type NewPasskey = Readonly<{
  accountId: AccountId;
  credentialId: string;
  publicKey: string;
  counter: number;
  name: string;
  transports: readonly string[];
  now: Instant;
}>;

/**
 * Adds nothing if the credential is registered to any account, or if the account is at its limit.
 */
export async function insertPasskey(
  db: Database,
  passkey: NewPasskey,
  codeHashes: readonly string[],
  maxPasskeys: number,
): Promise<AddFactorResult> {
  const { accountId, credentialId, publicKey, counter, name, transports } = passkey;
  return toAddFactorResult(
    await firstRow<AddFactorRow>(
      db,
      sql`
      with added as (
        insert into passkeys
          (credential_id, account_id, public_key, counter, name, transports, created_at)
        select ${credentialId}, ${accountId}, ${publicKey}, ${counter}::bigint, ${name},
          array(select r.value from ${unnestTexts(transports)}), ${toTimestamp(passkey.now)}
        where (select count(*) from passkeys where account_id = ${accountId}) < ${maxPasskeys}::int
        on conflict (credential_id) do nothing
        returning account_id
      ), ${insertInitialCodes(accountId, codeHashes, passkey.now)}`,
    ),
  );
}

/**
 * Returns false if the counter did not grow, unless it is always 0 (WebAuthn level 3, section
 * 6.1.1).
 */
export async function recordPasskeyUse(
  db: Database,
  use: Readonly<{ accountId: AccountId; credentialId: string; counter: number; now: Instant }>,
): Promise<boolean> {
  const row = await firstRow(
    db,
    sql`update passkeys set counter = ${use.counter}::bigint, used_at = ${toTimestamp(use.now)}
      where credential_id = ${use.credentialId} and account_id = ${use.accountId}
        and (counter < ${use.counter}::bigint or (counter = 0 and ${use.counter}::bigint = 0))
      returning credential_id`,
  );
  return row !== undefined;
}

/** Returns whether the passkey existed. Recovery codes are deleted with the last factor. */
export async function deletePasskey(
  db: Database,
  accountId: AccountId,
  credentialId: string,
): Promise<boolean> {
  const row = await firstRow<{ removed: boolean }>(
    db,
    sql`
    with removed as (
      delete from passkeys where account_id = ${accountId} and credential_id = ${credentialId}
      returning credential_id
    ), no_codes as (
      delete from recovery_codes where account_id = ${accountId}
        and exists (select 1 from removed)
        and not exists (select 1 from passkeys
          where account_id = ${accountId} and credential_id <> ${credentialId})
        and not exists (select 1 from totp_factors
          where account_id = ${accountId} and confirmed_at is not null)
    )
    select exists (select 1 from removed) as removed`,
  );
  return row?.removed ?? false;
}

export type ChallengePurpose = 'register' | 'sign_in' | 'reauthenticate';
export type PasskeyChallenge = Readonly<{
  challengeHash: string;
  accountId: AccountId;
  purpose: ChallengePurpose;
}>;

export async function insertPasskeyChallenge(
  db: Database,
  challenge: PasskeyChallenge,
  expiresAt: Instant,
): Promise<void> {
  await firstRow(
    db,
    sql`insert into passkey_challenges (challenge_hash, account_id, purpose, expires_at)
      values (${challenge.challengeHash}, ${challenge.accountId}, ${challenge.purpose},
        ${toTimestamp(expiresAt)})`,
  );
}

/** Deletes the challenge. Returns whether it was valid for this account and purpose. */
export async function consumeChallenge(
  db: Database,
  challenge: PasskeyChallenge,
  now: Instant,
): Promise<boolean> {
  const row = await firstRow<RawRow & { good: boolean }>(
    db,
    sql`delete from passkey_challenges where challenge_hash = ${challenge.challengeHash}
      returning account_id = ${challenge.accountId} and purpose = ${challenge.purpose}
        and expires_at > ${toTimestamp(now)} as good`,
  );
  return row?.good ?? false;
}

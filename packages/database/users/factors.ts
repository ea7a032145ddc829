/**
 * Second factors. What may happen once happens in one statement: a code's time step moves forward, a
 * recovery code goes, a passkey's counter grows.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { and, asc, eq, isNotNull, lt, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, type RawRow, toTimestamp, unnestTexts } from '../connection/raw-sql.ts';
import { passkeys, recoveryCodes, totpFactors } from '../schema/users.ts';

export type TotpFactor = Readonly<{
  sealedSecret: string;
  createdAt: Instant;
  confirmed: boolean;
  lastStep: number;
}>;

export async function findTotp(
  db: Database,
  accountId: AccountId,
): Promise<TotpFactor | undefined> {
  const [row] = await queryOrThrow(
    db.select().from(totpFactors).where(eq(totpFactors.accountId, accountId)),
  );
  if (row === undefined) return undefined;
  const { sealedSecret, createdAt, confirmedAt, lastStep } = row;
  return {
    sealedSecret,
    createdAt: createdAt.getTime(),
    confirmed: confirmedAt !== null,
    lastStep,
  };
}

/** Replaces what was begun and never confirmed; a confirmed factor stays as it is. */
export async function insertPendingTotp(
  db: Database,
  accountId: AccountId,
  sealedSecret: string,
  now: Instant,
): Promise<void> {
  const createdAt = new Date(now);
  await queryOrThrow(
    db
      .insert(totpFactors)
      .values({ accountId, sealedSecret, createdAt, lastStep: 0 })
      .onConflictDoUpdate({
        target: totpFactors.accountId,
        set: { sealedSecret, createdAt, lastStep: 0 },
        setWhere: sql`${totpFactors.confirmedAt} is null`,
      }),
  );
}

/** What came of adding a factor: whether it is there now, and whether the codes handed in were kept. */
export type AddFactorResult = Readonly<{ added: boolean; codesStored: boolean }>;
type AddFactorRow = { added: boolean; codes_kept: boolean };

/** Codes come with the first factor; who has some already keeps them. Follows `added(account_id)`. */
function insertInitialCodes(accountId: AccountId, codeHashes: readonly string[], now: Instant) {
  return sql`codes as (
      insert into recovery_codes (account_id, code_hash, created_at)
      select ${accountId}, r.value, ${toTimestamp(now)} from ${unnestTexts(codeHashes)}
      where exists (select 1 from added)
        and not exists (select 1 from recovery_codes where account_id = ${accountId})
      returning 1
    )
    select exists (select 1 from added) as added, exists (select 1 from codes) as codes_kept`;
}

function toAddFactorResult(row: AddFactorRow | undefined): AddFactorResult {
  return { added: row?.added ?? false, codesStored: row?.codes_kept ?? false };
}

export async function activateTotp(
  db: Database,
  accountId: AccountId,
  /** The secret that the code was checked against: one begun anew meanwhile is not confirmed. */
  confirmed: Readonly<{ sealedSecret: string; step: number }>,
  codeHashes: readonly string[],
  now: Instant,
): Promise<AddFactorResult> {
  return toAddFactorResult(
    await firstRow<AddFactorRow>(
      db,
      sql`
      with added as (
        update totp_factors set confirmed_at = ${toTimestamp(now)}, last_step = ${confirmed.step}
        where account_id = ${accountId} and confirmed_at is null
          and sealed_secret = ${confirmed.sealedSecret}
        returning account_id
      ), ${insertInitialCodes(accountId, codeHashes, now)}`,
    ),
  );
}

/** A code counts once, and none that is older than one that counted (RFC 6238 section 5.2). */
export async function consumeTotpStep(
  db: Database,
  accountId: AccountId,
  step: number,
): Promise<boolean> {
  const rows = await queryOrThrow(
    db
      .update(totpFactors)
      .set({ lastStep: step })
      .where(
        and(
          eq(totpFactors.accountId, accountId),
          isNotNull(totpFactors.confirmedAt),
          lt(totpFactors.lastStep, step),
        ),
      )
      .returning({ accountId: totpFactors.accountId }),
  );
  return rows.length === 1;
}

/** Whether there was a confirmed one. Recovery codes go with the last factor. */
export async function deleteTotp(db: Database, accountId: AccountId): Promise<boolean> {
  const row = await firstRow<{ removed: boolean }>(
    db,
    sql`
    with removed as (
      delete from totp_factors where account_id = ${accountId} returning confirmed_at
    ), no_codes as (
      delete from recovery_codes where account_id = ${accountId}
        and not exists (select 1 from passkeys where account_id = ${accountId})
    )
    select exists (select 1 from removed where confirmed_at is not null) as removed`,
  );
  return row?.removed ?? false;
}

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

/** Oldest first. */
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

/** Not added where anybody has registered it, or where the account has `most` already. */
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

/** False where the counter did not grow, unless it never does (WebAuthn level 3, section 6.1.1). */
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

/** Whether it was there. Recovery codes go with the last factor. */
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

/** Whether it was asked of this account, for this, and is still good. It is gone either way. */
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

/** How many codes are left after this one; undefined where it is none of the account's. */
export async function consumeRecoveryCode(
  db: Database,
  accountId: AccountId,
  codeHash: string,
): Promise<number | undefined> {
  const row = await firstRow<{ left: string }>(
    db,
    sql`
    with used as (
      delete from recovery_codes where account_id = ${accountId} and code_hash = ${codeHash}
      returning 1
    )
    select count(*) - 1 as left from recovery_codes
    where account_id = ${accountId} having exists (select 1 from used)`,
  );
  return row === undefined ? undefined : Number(row.left);
}

export async function countRecoveryCodes(db: Database, accountId: AccountId): Promise<number> {
  return queryOrThrow(db.$count(recoveryCodes, eq(recoveryCodes.accountId, accountId)));
}

/** New codes for old, where there is a factor that they stand in for. */
export async function replaceRecoveryCodes(
  db: Database,
  accountId: AccountId,
  codeHashes: readonly string[],
  now: Instant,
): Promise<boolean> {
  const row = await firstRow(
    db,
    sql`
    with standing as (
      select 1 from totp_factors where account_id = ${accountId} and confirmed_at is not null
      union all
      select 1 from passkeys where account_id = ${accountId}
    ), old as (
      delete from recovery_codes where account_id = ${accountId} and exists (select 1 from standing)
    ), fresh as (
      insert into recovery_codes (account_id, code_hash, created_at)
      select ${accountId}, r.value, ${toTimestamp(now)} from ${unnestTexts(codeHashes)}
      where exists (select 1 from standing)
      returning 1
    )
    select 1 as replaced from fresh limit 1`,
  );
  return row !== undefined;
}

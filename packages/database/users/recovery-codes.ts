/** Recovery codes of an account: issued with its first second factor, deleted with its last. */
import type { AccountId, Instant } from '@farebox/ledger';
import { eq, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, toTimestamp, unnestTexts } from '../connection/raw-sql.ts';
import { recoveryCodes } from '../schema/users.ts';

/** Whether the factor was added, and whether the codes passed along were stored. */
export type AddFactorResult = Readonly<{ added: boolean; codesStored: boolean }>;
export type AddFactorRow = { added: boolean; codes_kept: boolean };

/**
 * Stores codes with the first factor; existing codes are kept. Follows a CTE `added(account_id)`.
 */
export function insertInitialCodes(
  accountId: AccountId,
  codeHashes: readonly string[],
  now: Instant,
) {
  return sql`codes as (
      insert into recovery_codes (account_id, code_hash, created_at)
      select ${accountId}, r.value, ${toTimestamp(now)} from ${unnestTexts(codeHashes)}
      where exists (select 1 from added)
        and not exists (select 1 from recovery_codes where account_id = ${accountId})
      returning 1
    )
    select exists (select 1 from added) as added, exists (select 1 from codes) as codes_kept`;
}

export function toAddFactorResult(row: AddFactorRow | undefined): AddFactorResult {
  return { added: row?.added ?? false, codesStored: row?.codes_kept ?? false };
}

/** Returns how many codes remain, or undefined if the code is not one of the account's. */
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

/** Replaces all codes. Returns false if the account has no second factor. */
export async function replaceRecoveryCodes(
  db: Database,
  accountId: AccountId,
  codeHashes: readonly string[],
  now: Instant,
): Promise<boolean> {
  const row = await firstRow(
    db,
    sql`
    with factors as (
      select 1 from totp_factors where account_id = ${accountId} and confirmed_at is not null
      union all
      select 1 from passkeys where account_id = ${accountId}
    ), old as (
      delete from recovery_codes where account_id = ${accountId} and exists (select 1 from factors)
    ), fresh as (
      insert into recovery_codes (account_id, code_hash, created_at)
      select ${accountId}, r.value, ${toTimestamp(now)} from ${unnestTexts(codeHashes)}
      where exists (select 1 from factors)
      returning 1
    )
    select 1 as replaced from fresh limit 1`,
  );
  return row !== undefined;
}

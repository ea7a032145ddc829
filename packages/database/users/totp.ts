/**
 * The authenticator app (TOTP) of an account: pending with a new secret, active after its first
 * code.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { and, eq, isNotNull, lt, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, toTimestamp } from '../connection/raw-sql.ts';
import { totpFactors } from '../schema/users.ts';
import {
  type AddFactorResult,
  type AddFactorRow,
  insertInitialCodes,
  toAddFactorResult,
} from './recovery-codes.ts';

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

/** Replaces a pending secret; an active one stays as it is. */
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

export async function activateTotp(
  db: Database,
  accountId: AccountId,
  /** The secret that the code was checked against; a newer pending secret is not activated. */
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

/** Accepts a code once, and none older than the last accepted one (RFC 6238 section 5.2). */
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

/** Returns whether an active one existed. Recovery codes are deleted with the last factor. */
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

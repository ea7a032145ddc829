/**
 * The deletion of an account. The row first says closed and then wiped; the steps between the two
 * run in other packages, and an account that is closed but not wiped goes through all of them
 * again.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { and, asc, eq, inArray, isNotNull, isNull, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, toTimestamp } from '../connection/raw-sql.ts';
import { accounts, identities } from '../schema/accounts.ts';
import { emails, notifications } from '../schema/email.ts';
import { apiKeys } from '../schema/ledger.ts';
import { consents } from '../schema/privacy.ts';
import { refunds } from '../schema/refunds.ts';
import {
  emailTokens,
  knownDevices,
  passkeyChallenges,
  passkeys,
  recoveryCodes,
  sessions,
  signInSteps,
  signUps,
  totpFactors,
} from '../schema/users.ts';
import { webhooks } from '../schema/webhooks.ts';

/**
 * Closes the account, ends its sessions and inserts the receipt. Idempotent: returns the id of the
 * first receipt.
 */
export async function beginDeletion(
  db: Database,
  request: Readonly<{ account: AccountId; receiptId: string; now: Instant }>,
): Promise<string> {
  const { account, receiptId } = request;
  const now = toTimestamp(request.now);
  const row = await firstRow<{ id: string }>(
    db,
    sql`
    with closed as (
      update accounts set closed_at = ${now} where id = ${account} and closed_at is null
      returning id
    ), receipt as (
      insert into receipts (id, account_id, kind, actor, at)
      select ${receiptId}, id, 'account_deleted', 'user', ${now} from closed
      returning id
    ), ended as (
      delete from sessions where account_id in (select id from closed)
    )
    select id from receipt
    union all
    (select id from receipts where account_id = ${account} and kind = 'account_deleted'
      order by at limit 1)`,
  );
  return row?.id ?? receiptId;
}

/** Lists accounts that are closed but not wiped, longest waiting first. */
export async function listUnfinishedDeletions(
  db: Database,
  limit: number,
): Promise<readonly AccountId[]> {
  const rows = await queryOrThrow(
    db
      .select({ id: accounts.id })
      .from(accounts)
      .where(and(isNotNull(accounts.closedAt), isNull(accounts.wipedAt)))
      .orderBy(asc(accounts.closedAt))
      .limit(limit),
  );
  return rows.map(({ id }) => id);
}

/** Finds where to send the last email; undefined once the owner's data is erased. */
export async function findEmailRecipient(
  db: Database,
  account: AccountId,
): Promise<Readonly<{ email: string; language: string }> | undefined> {
  const [row] = await queryOrThrow(
    db
      .select({ email: identities.email, language: identities.language })
      .from(identities)
      .where(eq(identities.accountId, account)),
  );
  return row;
}

/** Records that the account object is reduced to its tombstone. */
export async function markWiped(db: Database, account: AccountId, now: Instant): Promise<void> {
  await queryOrThrow(
    db
      .update(accounts)
      .set({ wipedAt: new Date(now) })
      .where(and(eq(accounts.id, account), isNotNull(accounts.closedAt), isNull(accounts.wipedAt))),
  );
}

/**
 * Deletes every row about the owner in one transaction; the events of an email are deleted with it.
 * Returns the address for the last email, or undefined if it was erased before. Idempotent.
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
      // A confirmed refund is still paid; the link of another one is gone with its email.
      db
        .update(refunds)
        .set({ state: 'cancelled', confirmationHash: null, endedAt: new Date(now) })
        .where(and(eq(refunds.accountId, accountId), eq(refunds.state, 'requested'))),
      db.delete(consents).where(eq(consents.accountId, accountId)),
      // With the attempts to deliver to it.
      db.delete(webhooks).where(eq(webhooks.accountId, accountId)),
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

/**
 * How far an account's deletion has come, as its row says it: closed, and then wiped. Between the two are
 * steps in other rooms; what finds an account closed and not wiped takes them again.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { and, asc, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, toTimestamp } from '../connection/raw-sql.ts';
import { accounts, identities } from '../schema/ledger.ts';

/**
 * The account is closed from this moment: no session of it opens anything any more. Its receipt is written
 * with it; a second time changes nothing and answers with the first receipt.
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

/** Those whose deletion is not finished, the longest waiting first. */
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

/** Where the farewell goes; undefined where nothing of the owner is left. */
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

/** The account's object keeps nothing but its tombstone. */
export async function markWiped(db: Database, account: AccountId, now: Instant): Promise<void> {
  await queryOrThrow(
    db
      .update(accounts)
      .set({ wipedAt: new Date(now) })
      .where(and(eq(accounts.id, account), isNotNull(accounts.closedAt), isNull(accounts.wipedAt))),
  );
}

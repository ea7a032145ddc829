/** The accounts in the order in which the daily reconciliation takes them. */
import type { AccountId } from '@farebox/ledger';
import { asc, gt } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { accounts } from '../schema/accounts.ts';

/**
 * Returns the accounts after `after` in a fixed order, so that a rotation takes each; `''` is the
 * start.
 */
export async function accountsToReconcile(
  db: Database,
  page: Readonly<{ after: AccountId; limit: number }>,
): Promise<readonly AccountId[]> {
  const rows = await queryOrThrow(
    db
      .select({ id: accounts.id })
      .from(accounts)
      .where(gt(accounts.id, page.after))
      .orderBy(asc(accounts.id))
      .limit(page.limit),
  );
  return rows.map((row) => row.id);
}

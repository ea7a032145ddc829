/**
 * Receipts: that a right was exercised, when and by whom. They identify no user and outlive the
 * account.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { desc, eq } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { receipts } from '../schema/privacy.ts';

export type Receipt = Readonly<{
  /** 32 hexadecimal digits. */
  id: string;
  /**
   * `consent_given`, `consent_withdrawn`, `data_exported`, `data_corrected` or `account_deleted`.
   */
  kind: string;
  /** The consent, field or table concerned; null if the kind says everything. */
  about: string | null;
  actor: string;
  at: Instant;
}>;

export async function insertReceipt(
  db: Database,
  receipt: Readonly<{
    id: string;
    account: AccountId;
    kind: string;
    about: string | null;
    actor: 'user' | 'operator' | 'link';
    now: Instant;
  }>,
): Promise<void> {
  const { id, account: accountId, kind, about, actor, now } = receipt;
  await queryOrThrow(
    db.insert(receipts).values({ id, accountId, kind, about, actor, at: new Date(now) }),
  );
}

/** Lists receipts, newest first. */
export async function listReceipts(
  db: Database,
  account: AccountId,
  limit: number,
): Promise<readonly Receipt[]> {
  const rows = await queryOrThrow(
    db
      .select()
      .from(receipts)
      .where(eq(receipts.accountId, account))
      .orderBy(desc(receipts.at), desc(receipts.id))
      .limit(limit),
  );
  return rows.map(({ id, kind, about, actor, at }) => ({
    id,
    kind,
    about,
    actor,
    at: at.getTime(),
  }));
}

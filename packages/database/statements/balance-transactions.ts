/** The credits and adjustments of one account: its ledger entries without the charges. */
import type { AccountId, Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { and, desc, eq, lt, ne, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { ledgerEntries } from '../schema/ledger.ts';

export type BalanceTransaction = Readonly<{
  seq: number;
  id: string;
  kind: 'credit' | 'adjustment';
  delta: NanoUsd;
  postedAfter: NanoUsd;
  at: Instant;
}>;

/** Lists credits and adjustments, newest first, before the entry `beforeSeq`. */
export async function listBalanceTransactions(
  db: Database,
  account: AccountId,
  page: Readonly<{ beforeSeq: number | null; limit: number }>,
): Promise<readonly BalanceTransaction[]> {
  const { beforeSeq, limit } = page;
  const rows = await queryOrThrow(
    db
      .select()
      .from(ledgerEntries)
      .where(
        and(
          eq(ledgerEntries.accountId, account),
          // Written like the predicate of the partial index.
          ne(ledgerEntries.kind, sql`'charge'`),
          beforeSeq === null ? undefined : lt(ledgerEntries.seq, beforeSeq),
        ),
      )
      .orderBy(desc(ledgerEntries.seq))
      .limit(limit),
  );
  return rows.map(({ seq, id, kind, delta, postedAfter, at }) => ({
    seq,
    id,
    kind: kind === 'credit' ? 'credit' : 'adjustment',
    delta,
    postedAfter,
    at: at.getTime(),
  }));
}

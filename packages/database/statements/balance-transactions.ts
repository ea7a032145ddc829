/** The credits, adjustments and refunds of one account: its ledger entries without the charges. */
import type { AccountId, Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { and, desc, eq, lt, ne, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { deposits } from '../schema/deposits.ts';
import { ledgerEntries } from '../schema/ledger.ts';

export type BalanceTransaction = Readonly<{
  seq: number;
  id: string;
  /** `correction`: an operator's correction of the bill of one call. */
  kind: 'credit' | 'adjustment' | 'refund' | 'correction';
  delta: NanoUsd;
  postedAfter: NanoUsd;
  /** The platform's margin on a top-up, which `delta` leaves out. */
  fee: NanoUsd;
  at: Instant;
}>;

function toKind(kind: string, id: string): BalanceTransaction['kind'] {
  if (kind === 'credit' || kind === 'refund') return kind;
  return id.startsWith('correction:') ? 'correction' : 'adjustment';
}

/** Lists credits, adjustments and refunds, newest first, before the entry `beforeSeq`. */
export async function listBalanceTransactions(
  db: Database,
  account: AccountId,
  page: Readonly<{ beforeSeq: number | null; limit: number }>,
): Promise<readonly BalanceTransaction[]> {
  const { beforeSeq, limit } = page;
  const rows = await queryOrThrow(
    db
      .select({
        seq: ledgerEntries.seq,
        id: ledgerEntries.id,
        kind: ledgerEntries.kind,
        delta: ledgerEntries.delta,
        postedAfter: ledgerEntries.postedAfter,
        at: ledgerEntries.at,
        fee: sql`coalesce(${deposits.fee}, 0)::text`.mapWith(BigInt),
      })
      .from(ledgerEntries)
      // The id of a deposit's credit is `chainId:txHash:logIndex`.
      .leftJoin(
        deposits,
        and(
          eq(deposits.accountId, ledgerEntries.accountId),
          sql`${deposits.txHash} = split_part(${ledgerEntries.id}, ':', 2)`,
          sql`${deposits.logIndex}::text = split_part(${ledgerEntries.id}, ':', 3)`,
        ),
      )
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
  return rows.map(({ seq, id, kind, delta, postedAfter, fee, at }) => ({
    seq,
    id,
    kind: toKind(kind, id),
    delta,
    postedAfter,
    fee,
    at: at.getTime(),
  }));
}

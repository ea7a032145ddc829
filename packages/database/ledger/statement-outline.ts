/** Which entries a statement has: those of a period that are chained, and how many are not yet. */
import type { AccountId, Instant, StatementOutline, StatementPeriod } from '@farebox/ledger';
import { and, eq, gte, lt, type SQL, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { ledgerEntries } from '../schema/ledger.ts';

function toDate(at: Instant | null): Date | null {
  return at === null ? null : new Date(at);
}

function isInPeriod({ since, before }: StatementPeriod): SQL | undefined {
  const from = toDate(since);
  const until = toDate(before);
  return and(
    from === null ? undefined : gte(ledgerEntries.at, from),
    until === null ? undefined : lt(ledgerEntries.at, until),
  );
}

/** Entries are chained oldest first, so those of a period that are chained follow each other. */
export async function outlineStatement(
  db: Database,
  account: AccountId,
  period: StatementPeriod,
): Promise<StatementOutline> {
  const [row] = await queryOrThrow(
    db
      .select({
        first:
          sql`min(${ledgerEntries.seq}) filter (where ${ledgerEntries.hash} is not null)`.mapWith(
            Number,
          ),
        last: sql`max(${ledgerEntries.seq}) filter (where ${ledgerEntries.hash} is not null)`.mapWith(
          Number,
        ),
        unchained: sql`count(*) filter (where ${ledgerEntries.hash} is null)`.mapWith(Number),
      })
      .from(ledgerEntries)
      .where(and(eq(ledgerEntries.accountId, account), isInPeriod(period))),
  );
  const { first = null, last = null, unchained = 0 } = row ?? {};
  const range = first === null || last === null ? null : { first, last };
  return { range, unchained };
}

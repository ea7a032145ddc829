/** Which entries a statement has: those of a period that are chained, and how many are not yet. */
import type { AccountId, Instant, StatementOutline, StatementPeriod } from '@farebox/ledger';
import { and, eq, gt, lte, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { ledgerEntries } from '../schema/ledger.ts';
import { listPastBalances } from '../statements/balance-history.ts';

/** Returns the numbers of the entries of a period: those after `after`, up to `upTo`. */
async function findRange(
  db: Database,
  account: AccountId,
  { since, before }: StatementPeriod,
): Promise<Readonly<{ after: number; upTo: number | null }>> {
  const times = [since, before].filter((time) => time !== null);
  const past = times.length === 0 ? [] : await listPastBalances(db, account, times);
  const lastBefore = (time: Instant | null) => past.find((one) => one.before === time)?.seq ?? null;
  return { after: lastBefore(since) ?? 0, upTo: lastBefore(before) };
}

/** Entries are chained oldest first, so those of a period that are chained follow each other. */
export async function outlineStatement(
  db: Database,
  account: AccountId,
  period: StatementPeriod,
): Promise<StatementOutline> {
  const { after, upTo } = await findRange(db, account, period);
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
      .where(
        and(
          eq(ledgerEntries.accountId, account),
          gt(ledgerEntries.seq, after),
          upTo === null ? undefined : lte(ledgerEntries.seq, upTo),
        ),
      ),
  );
  const { first = null, last = null, unchained = 0 } = row ?? {};
  const range = first === null || last === null ? null : { first, last };
  return { range, unchained };
}

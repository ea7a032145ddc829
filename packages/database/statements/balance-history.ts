/** The balance of one account at given times, from the running balances of its ledger entries. */
import type { AccountId, Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';

export type PastBalance = Readonly<{
  before: Instant;
  posted: NanoUsd;
  /** Of the last entry before the time; 0 where there is none. */
  seq: number;
}>;

/**
 * Returns the balance just before each time. Entries are numbered without a gap and their times never
 * go back, so each time is found by a binary search over the numbers: as many reads of the primary
 * key as the count of entries has binary digits, and no index by time.
 */
export async function listPastBalances(
  db: Database,
  account: AccountId,
  times: readonly Instant[],
): Promise<readonly PastBalance[]> {
  const sent = JSON.stringify(times.map((before) => new Date(before).toISOString()));
  const { rows } = await queryOrThrow(
    db.execute<{ before: string; seq: string; posted: string }>(sql`
      with recursive search as (
        select t.before::timestamptz as before, 0::bigint as low, coalesce((
          select seq from ledger_entries where account_id = ${account} order by seq desc limit 1
        ), 0) as high
        from jsonb_array_elements_text(${sent}::jsonb) as t(before)
        union all
        select s.before, case when e.at < s.before then e.seq else s.low end,
          case when e.at < s.before then s.high else e.seq - 1 end
        from search s
        join ledger_entries e on e.account_id = ${account} and e.seq = (s.low + s.high + 1) / 2
        where s.low < s.high
      )
      select (extract(epoch from s.before) * 1000)::bigint::text as before, s.low::text as seq,
        coalesce(e.posted_after, 0)::text as posted
      from search s
      left join ledger_entries e on e.account_id = ${account} and e.seq = s.low
      where s.low = s.high order by s.before`),
  );
  return rows.map(({ before, seq, posted }) => ({
    before: Number(before),
    seq: Number(seq),
    posted: BigInt(posted),
  }));
}

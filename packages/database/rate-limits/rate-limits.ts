/**
 * Counters of attempts, each for a window of time that its bucket's name already holds. A bucket says
 * nothing of what it counts: its name is a keyed hash that the caller made.
 */
import type { Instant } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import type { Database } from '../connection/connection.ts';
import { firstRow, toEpochMs } from '../connection/raw-sql.ts';

export type RateLimitBucket = Readonly<{ bucket: string; maxAttempts: number; resetsAt: Instant }>;

/**
 * Counts one attempt in all buckets, or in none where one of them is full already; then the answer is
 * when the last full one resets. Senders at the same moment may all see room, but each gets its own
 * number from the counter, so no more than `most` are ever let through.
 */
export async function countAttempt(
  db: Database,
  buckets: readonly RateLimitBucket[],
  now: Instant,
): Promise<Instant | undefined> {
  const json = JSON.stringify(
    buckets.map(({ bucket, maxAttempts: most, resetsAt }) => ({
      bucket,
      most,
      resets_at: new Date(resetsAt).toISOString(),
    })),
  );
  // Ordered, so that two attempts in the same buckets wait for each other instead of deadlocking.
  const row = await firstRow<{ resets_at: string | null }>(
    db,
    sql`
    with asked as (
      select * from jsonb_to_recordset(${json}::jsonb)
        as r(bucket text, most integer, resets_at timestamptz)
    ), spent as (
      select c.resets_at from asked a join rate_limit_counters c on c.bucket = a.bucket
      where c.count >= a.most and c.resets_at > ${new Date(now).toISOString()}::timestamptz
    ), counted as (
      insert into rate_limit_counters as c (bucket, count, resets_at)
      select bucket, 1, resets_at from asked where not exists (select 1 from spent) order by bucket
      on conflict (bucket) do update set count = c.count + 1
      returning c.bucket, c.count, c.resets_at
    ), refused as (
      select resets_at from spent
      union all
      select c.resets_at from counted c join asked a on a.bucket = c.bucket where c.count > a.most
    )
    select ${toEpochMs(sql`max(resets_at)`)} as resets_at from refused`,
  );
  return row === undefined || row.resets_at === null ? undefined : Number(row.resets_at);
}

/**
 * Attempt counters, each for one time window, which is part of the bucket's name. A bucket reveals
 * nothing of what it counts: its name is a keyed hash made by the caller.
 */
import type { Instant } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toEpochMs } from '../connection/raw-sql.ts';

export type RateLimitBucket = Readonly<{ bucket: string; maxAttempts: number; resetsAt: Instant }>;
/** A bucket without room for the attempt. */
export type FullBucket = Readonly<{ bucket: string; resetsAt: Instant }>;

/**
 * Counts one attempt in all buckets and returns none; if some are full, counts in none and returns
 * the full ones. Concurrent attempts may all see a free slot, but each gets its own number
 * from the counter, so never more than `maxAttempts` succeed.
 */
export async function countAttempt(
  db: Database,
  buckets: readonly RateLimitBucket[],
  now: Instant,
): Promise<readonly FullBucket[]> {
  const json = JSON.stringify(
    buckets.map(({ bucket, maxAttempts, resetsAt }) => ({
      bucket,
      max_attempts: maxAttempts,
      resets_at: new Date(resetsAt).toISOString(),
    })),
  );
  // Ordered, so that two attempts in the same buckets wait for each other and do not deadlock.
  const statement = sql`
    with requested as (
      select * from jsonb_to_recordset(${json}::jsonb)
        as r(bucket text, max_attempts integer, resets_at timestamptz)
    ), spent as (
      select c.bucket, c.resets_at from requested a join rate_limit_counters c on c.bucket = a.bucket
      where c.count >= a.max_attempts and c.resets_at > ${new Date(now).toISOString()}::timestamptz
    ), counted as (
      insert into rate_limit_counters as c (bucket, count, resets_at)
      select bucket, 1, resets_at from requested where not exists (select 1 from spent) order by bucket
      on conflict (bucket) do update set count = c.count + 1
      returning c.bucket, c.count, c.resets_at
    ), refused as (
      select bucket, resets_at from spent
      union all
      select c.bucket, c.resets_at from counted c join requested a on a.bucket = c.bucket where c.count > a.max_attempts
    )
    select bucket, ${toEpochMs(sql`resets_at`)} as resets_at from refused`;
  const { rows } = await queryOrThrow(db.execute<{ bucket: string; resets_at: string }>(statement));
  return rows.map((row) => ({ bucket: row.bucket, resetsAt: Number(row.resets_at) }));
}

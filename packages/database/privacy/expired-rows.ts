/** Deletes rows that have expired, a bounded number of each table at a time. */
import type { Instant } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toTimestamp } from '../connection/raw-sql.ts';

export type PurgeLimits = Readonly<{
  now: Instant;
  /** How long an unused session lasts. */
  idleMs: number;
  /** How long a pending factor may wait for its first code. */
  unconfirmedMs: number;
  /** Rows of each table per run. */
  limit: number;
}>;

/** Deletes expired rows, a bounded number per table, and returns how many were deleted. */
export async function deleteExpiredRows(db: Database, limits: PurgeLimits): Promise<number> {
  const now = toTimestamp(limits.now);
  const idle = toTimestamp(limits.now - limits.idleMs);
  const unconfirmed = toTimestamp(limits.now - limits.unconfirmedMs);
  const limit = sql`${limits.limit}::int`;
  const deleteExpired = (table: string, key: string, where = sql`expires_at <= ${now}`) => {
    const [from, column] = [sql.identifier(table), sql.identifier(key)];
    return db.execute(sql`delete from ${from} where ${column} in
      (select ${column} from ${from} where ${where} limit ${limit}) returning 1`);
  };
  const results = await queryOrThrow(
    db.batch([
      deleteExpired('sign_ups', 'token_hash'),
      deleteExpired('email_tokens', 'token_hash'),
      deleteExpired('sessions', 'token_hash', sql`expires_at <= ${now} or seen_at <= ${idle}`),
      deleteExpired('known_devices', 'token_hash'),
      deleteExpired('sign_in_steps', 'token_hash'),
      deleteExpired('passkey_challenges', 'challenge_hash'),
      deleteExpired('rate_limit_counters', 'bucket', sql`resets_at <= ${now}`),
      deleteExpired(
        'totp_factors',
        'account_id',
        sql`confirmed_at is null and created_at <= ${unconfirmed}`,
      ),
    ]),
  );
  return results.reduce((sum, { rows }) => sum + rows.length, 0);
}

/**
 * Helpers for raw SQL. A change to several tables is one statement with CTEs: one round trip,
 * atomic without a transaction, and decided on one snapshot.
 */
import type { Instant } from '@farebox/ledger';
import { type SQL, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from './connection.ts';

/** A row as the driver returns it: counts and timestamps are strings of digits. */
export type RawRow = Record<string, unknown>;

export async function firstRow<Row extends RawRow>(
  db: Database,
  statement: SQL,
): Promise<Row | undefined> {
  const { rows } = await queryOrThrow(db.execute<Row>(statement));
  return rows[0];
}

/** Converts an instant to a SQL parameter. */
export function toTimestamp(instant: Instant): SQL {
  return sql`${new Date(instant).toISOString()}::timestamptz`;
}

/** Selects a timestamp column as milliseconds since the epoch, to be read with `Number`. */
export function toEpochMs(column: SQL): SQL {
  return sql`(extract(epoch from ${column}) * 1000)::bigint`;
}

/** A list of texts as a relation `r(value)`. */
export function unnestTexts(values: readonly string[]): SQL {
  return sql`jsonb_array_elements_text(${JSON.stringify(values)}::jsonb) as r(value)`;
}

/**
 * Inserts a meaningless row where a statement has nothing to write, for a reason that the client
 * must not learn. A read is faster than a write by more than the network hides. The row is a rate-
 * limit counter with count 0 and is deleted when it expires, like the others.
 */
export function decoy(name: string, expiresAt: Instant, where: SQL): SQL {
  return sql`decoy as (
      insert into rate_limit_counters (bucket, count, resets_at)
      select ${name}, 0, ${toTimestamp(expiresAt)} where ${where}
    )`;
}

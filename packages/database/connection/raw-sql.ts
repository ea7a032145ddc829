/**
 * Statements that change several tables at once are written in SQL, as one statement each: it is one
 * round trip, atomic without a transaction, and what it decides it decides on one snapshot.
 */
import type { Instant } from '@farebox/ledger';
import { type SQL, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from './connection.ts';

/** Rows as the driver hands them over: counts and instants come as texts of digits. */
export type RawRow = Record<string, unknown>;

export async function firstRow<Row extends RawRow>(
  db: Database,
  statement: SQL,
): Promise<Row | undefined> {
  const { rows } = await queryOrThrow(db.execute<Row>(statement));
  return rows[0];
}

/** An instant as a parameter. */
export function toTimestamp(instant: Instant): SQL {
  return sql`${new Date(instant).toISOString()}::timestamptz`;
}

/** A column of time as milliseconds since the epoch, to be read with `Number`. */
export function toEpochMs(column: SQL): SQL {
  return sql`(extract(epoch from ${column}) * 1000)::bigint`;
}

/** A list of texts as a relation `r(value)`. */
export function unnestTexts(values: readonly string[]): SQL {
  return sql`jsonb_array_elements_text(${JSON.stringify(values)}::jsonb) as r(value)`;
}

/**
 * A row that means nothing, where a statement has nothing to write for a reason that strangers must
 * not learn: reading is quicker than writing, by more than the network hides. A counter of nothing is
 * what it is, and it goes with the other counters.
 */
export function decoy(name: string, expiresAt: Instant, where: SQL): SQL {
  return sql`decoy as (
      insert into rate_limit_counters (bucket, count, resets_at)
      select ${name}, 0, ${toTimestamp(expiresAt)} where ${where}
    )`;
}

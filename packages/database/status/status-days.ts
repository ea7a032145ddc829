/** One row per component and day of checks; 90 days are kept. */
import { DAY_MS, type Instant } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toEpochMs, toTimestamp } from '../connection/raw-sql.ts';

export const STATUS_DAYS_KEPT = 90;

/** `component` is `api`, `console`, `ledger`, `mail`, a provider's id or a network's name. */
export type StatusCheck = Readonly<{ component: string; isUp: boolean }>;

export type StatusDay = Readonly<{
  component: string;
  /** Whole days since 1970-01-01, UTC. */
  day: number;
  checks: number;
  failures: number;
  isUp: boolean;
  since: Instant;
  checkedAt: Instant;
}>;

/**
 * Adds one check of each component to the day of `now`, and deletes days of more than 90 days ago.
 * A run that is repeated with the same `now` counts once.
 */
export async function recordStatus(
  db: Database,
  checks: readonly StatusCheck[],
  now: Instant,
): Promise<void> {
  const day = Math.floor(now / DAY_MS);
  const at = toTimestamp(now);
  const inserts = checks.map(
    ({ component, isUp }) =>
      sql`insert into status_days (component, day, checks, failures, is_up, since, checked_at)
        values (${component}, ${day}, 1, ${isUp ? 0 : 1}, ${isUp}, coalesce((select case
            when last.is_up = ${isUp}::boolean then last.since end from status_days last
          where last.component = ${component} order by last.day desc limit 1), ${at}), ${at})
        on conflict (component, day) do update set checks = status_days.checks + 1,
          failures = status_days.failures + excluded.failures, is_up = excluded.is_up,
          since = excluded.since, checked_at = excluded.checked_at
        where status_days.checked_at < excluded.checked_at`,
  );
  const purge = sql`delete from status_days where day <= ${day - STATUS_DAYS_KEPT}`;
  await queryOrThrow(db.batch([db.execute(purge), ...inserts.map((insert) => db.execute(insert))]));
}

type DayRow = {
  component: string;
  day: number;
  checks: number;
  failures: number;
  is_up: boolean;
  since: string | number;
  checked_at: string | number;
};

/** Lists all days that are kept, oldest first. */
export async function listStatusDays(db: Database): Promise<readonly StatusDay[]> {
  const { rows } = await queryOrThrow(
    db.execute<DayRow>(sql`select component, day, checks, failures, is_up,
        ${toEpochMs(sql`since`)} as since, ${toEpochMs(sql`checked_at`)} as checked_at
      from status_days order by component, day`),
  );
  return rows.map((row) => ({
    component: row.component,
    day: Number(row.day),
    checks: Number(row.checks),
    failures: Number(row.failures),
    isUp: row.is_up,
    since: Number(row.since),
    checkedAt: Number(row.checked_at),
  }));
}

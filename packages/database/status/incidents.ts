/** Incidents as operators describe them in public. */
import { DAY_MS, type Instant } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toEpochMs, toTimestamp } from '../connection/raw-sql.ts';
import { STATUS_DAYS_KEPT } from './status-days.ts';

export type StatusIncident = Readonly<{
  id: string;
  component: string;
  summary: string;
  openedAt: Instant;
  resolvedAt: Instant | null;
}>;

const SHOWN_MS = STATUS_DAYS_KEPT * DAY_MS;

/** Opens an incident. Idempotent by `id`. */
export async function insertIncident(
  db: Database,
  incident: Omit<StatusIncident, 'resolvedAt'> & Readonly<{ operator: string }>,
): Promise<void> {
  await queryOrThrow(
    db.execute(sql`insert into status_incidents (id, component, summary, operator, opened_at)
      values (${incident.id}, ${incident.component}, ${incident.summary}, ${incident.operator},
        ${toTimestamp(incident.openedAt)}) on conflict (id) do nothing`),
  );
}

/** Resolves an incident and returns whether it was open. */
export async function resolveIncident(db: Database, id: string, now: Instant): Promise<boolean> {
  const { rows } = await queryOrThrow(
    db.execute(sql`update status_incidents set resolved_at = ${toTimestamp(now)}
      where id = ${id} and resolved_at is null returning 1`),
  );
  return rows.length > 0;
}

type IncidentRow = {
  id: string;
  component: string;
  summary: string;
  opened_at: string | number;
  resolved_at: string | number | null;
};

/** Lists the incidents of the last 90 days and those still open, newest first. */
export async function listIncidents(
  db: Database,
  now: Instant,
): Promise<readonly StatusIncident[]> {
  const { rows } = await queryOrThrow(
    db.execute<IncidentRow>(sql`select id, component, summary,
        ${toEpochMs(sql`opened_at`)} as opened_at, ${toEpochMs(sql`resolved_at`)} as resolved_at
      from status_incidents
      where resolved_at is null or opened_at > ${toTimestamp(now - SHOWN_MS)}
      order by status_incidents.opened_at desc limit 100`),
  );
  return rows.map((row) => ({
    id: row.id,
    component: row.component,
    summary: row.summary,
    openedAt: Number(row.opened_at),
    resolvedAt: row.resolved_at === null ? null : Number(row.resolved_at),
  }));
}

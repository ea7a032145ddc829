/** The daily recomputation of bills: the calls of a day in slices, and the report of each day. */
import { type CallMetadata, DAY_MS, type Instant } from '@farebox/ledger';
import { and, asc, desc, eq, gt, gte, lt, or, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toCallMetadata } from '../ledger/calls.ts';
import { catalogReleases, parityReports } from '../schema/catalog.ts';
import { calls } from '../schema/ledger.ts';

export type ParityReport = Readonly<{
  /** Whole days since 1970-01-01, UTC. */
  day: number;
  lastAt: Instant | null;
  lastCall: string | null;
  completedAt: Instant | null;
  calls: number;
  differing: number;
  skipped: number;
  examples: readonly string[];
  listVersion: string;
  listDate: string;
  disputed: number;
}>;

type Row = typeof parityReports.$inferSelect;

function toReport(row: Row): ParityReport {
  return {
    ...row,
    lastAt: row.lastAt?.getTime() ?? null,
    completedAt: row.completedAt?.getTime() ?? null,
  };
}

export async function findParityReport(
  db: Database,
  day: number,
): Promise<ParityReport | undefined> {
  const [row] = await queryOrThrow(
    db.select().from(parityReports).where(eq(parityReports.day, day)),
  );
  return row === undefined ? undefined : toReport(row);
}

/** Lists the reports, newest day first. */
export async function listParityReports(
  db: Database,
  limit: number,
): Promise<readonly ParityReport[]> {
  const rows = await queryOrThrow(
    db.select().from(parityReports).orderBy(desc(parityReports.day)).limit(limit),
  );
  return rows.map(toReport);
}

/** Stores the state of a day's report. */
export async function saveParityReport(db: Database, report: ParityReport): Promise<void> {
  const values = {
    ...report,
    examples: [...report.examples],
    lastAt: report.lastAt === null ? null : new Date(report.lastAt),
    completedAt: report.completedAt === null ? null : new Date(report.completedAt),
  };
  await queryOrThrow(
    db
      .insert(parityReports)
      .values(values)
      .onConflictDoUpdate({ target: parityReports.day, set: values }),
  );
}

/** Lists the ended calls of a day in the order of their creation, after the last one processed. */
export async function listCallsOfDay(
  db: Database,
  day: number,
  after: Readonly<{ at: Instant; id: string }> | null,
  limit: number,
): Promise<readonly CallMetadata[]> {
  const from = new Date(day * DAY_MS);
  const until = new Date((day + 1) * DAY_MS);
  const isAfter =
    after === null
      ? undefined
      : or(
          gt(calls.createdAt, new Date(after.at)),
          and(eq(calls.createdAt, new Date(after.at)), gt(calls.id, after.id)),
        );
  const rows = await queryOrThrow(
    db
      .select()
      .from(calls)
      .where(and(gte(calls.createdAt, from), lt(calls.createdAt, until), isAfter))
      .orderBy(asc(calls.createdAt), asc(calls.id))
      .limit(limit),
  );
  return rows.map(toCallMetadata);
}

/** Keeps the price list of a release. Idempotent: the first list of a version stays. */
export async function saveCatalogRelease(
  db: Database,
  release: Readonly<{ version: string; list: unknown; now: Instant }>,
): Promise<void> {
  const { version, now } = release;
  const list = JSON.stringify(release.list);
  await queryOrThrow(
    db.execute(sql`insert into catalog_releases (version, list, stored_at)
      values (${version}, ${list}::jsonb, ${new Date(now).toISOString()}::timestamptz)
      on conflict (version) do nothing`),
  );
}

/** Finds the price list of a release, unvalidated. */
export async function findCatalogRelease(db: Database, version: string): Promise<unknown> {
  const [row] = await queryOrThrow(
    db
      .select({ list: catalogReleases.list })
      .from(catalogReleases)
      .where(eq(catalogReleases.version, version)),
  );
  return row?.list;
}

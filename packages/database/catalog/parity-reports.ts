/** The daily recomputation of bills: the calls of a day in slices, and the report of each day. */
import { type CallMetadata, DAY_MS, type Instant } from '@farebox/ledger';
import { amountFromJson, countFromJson, MalformedValueError, type NanoUsd } from '@farebox/money';
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
  stale: number;
  differingPrices: number;
  /** Those that no operator had acknowledged. */
  newPrices: number;
  priceDifferences: readonly PriceDifference[];
  providerCosts: readonly ProviderCosts[];
}>;

/** A price in effect that the sources of the release's list do not state; '-' is none. */
export type PriceDifference = Readonly<{
  /** `provider/id` */
  model: string;
  rule: string;
  field: string;
  listed: string;
  stated: string;
}>;

/** The calls of a day of which one provider stated the cost. */
export type ProviderCosts = Readonly<{
  provider: string;
  calls: number;
  /** Calls whose stated cost is not what the provider's prices give. */
  differing: number;
  /** What the provider's prices give, in nano-USD. */
  computed: NanoUsd;
  stated: NanoUsd;
}>;

function listFromJson<T>(value: unknown, parse: (item: object) => T): readonly T[] {
  if (!Array.isArray(value)) throw new MalformedValueError();
  return value.map((item) => parse(Object(item)));
}

function textFromJson(value: unknown): string {
  if (typeof value !== 'string') throw new MalformedValueError();
  return value;
}

function differenceFromJson(item: object): PriceDifference {
  const read = (name: string) => textFromJson(Reflect.get(item, name));
  return {
    model: read('model'),
    rule: read('rule'),
    field: read('field'),
    listed: read('listed'),
    stated: read('stated'),
  };
}

function costsFromJson(item: object): ProviderCosts {
  return {
    provider: textFromJson(Reflect.get(item, 'provider')),
    calls: countFromJson(Reflect.get(item, 'calls')),
    differing: countFromJson(Reflect.get(item, 'differing')),
    computed: amountFromJson(Reflect.get(item, 'computed')),
    stated: amountFromJson(Reflect.get(item, 'stated')),
  };
}

function costsToJson(costs: ProviderCosts) {
  return { ...costs, computed: costs.computed.toString(), stated: costs.stated.toString() };
}

type Row = typeof parityReports.$inferSelect;

function toReport(row: Row): ParityReport {
  return {
    ...row,
    lastAt: row.lastAt?.getTime() ?? null,
    completedAt: row.completedAt?.getTime() ?? null,
    priceDifferences: listFromJson(row.priceDifferences, differenceFromJson),
    providerCosts: listFromJson(row.providerCosts, costsFromJson),
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
    providerCosts: report.providerCosts.map(costsToJson),
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

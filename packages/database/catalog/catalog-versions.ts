/**
 * The accepted versions of the catalog. A version is one change; at a moment, a model is as the
 * version with the latest `effective_at` up to then has it (the higher number wins a tie). Versions
 * are never changed, so the catalog of any moment and any version can be read again.
 */
import type { Instant } from '@farebox/ledger';
import { type SQL, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, toEpochMs, toTimestamp } from '../connection/raw-sql.ts';
import type { CATALOG_MODEL_STATUSES } from '../schema/catalog.ts';

export type CatalogModelStatus = (typeof CATALOG_MODEL_STATUSES)[number];

/** `definition` is what an operator wrote: it is validated where it is used, at each use. */
export type CatalogModelRow = Readonly<{
  version: number;
  effectiveAt: Instant;
  provider: string;
  id: string;
  status: string;
  definition: unknown;
}>;
export type CatalogMarginRow = Readonly<{
  version: number;
  effectiveAt: Instant;
  scope: string;
  basisPoints: number;
}>;
export type CatalogRows = Readonly<{
  /** The highest version, whether it is in effect or not; 0 if there is none. */
  latestVersion: number;
  /** The version in effect and those that take effect later, in the order of their effect. */
  versions: readonly Readonly<{ version: number; effectiveAt: Instant }>[];
  models: readonly CatalogModelRow[];
  margins: readonly CatalogMarginRow[];
}>;

export async function readLatestCatalogVersion(db: Database): Promise<number> {
  const row = await firstRow(
    db,
    sql`select coalesce(max(version), 0)::int as version from catalog_versions`,
  );
  return Number(row?.version ?? 0);
}

type Raw = Readonly<Record<string, unknown>>;

function toModelRow(row: Raw): CatalogModelRow {
  return {
    version: Number(row.version),
    effectiveAt: Number(row.effective_ms),
    provider: String(row.provider),
    id: String(row.id),
    status: String(row.status),
    definition: row.definition ?? null,
  };
}

function toMarginRow(row: Raw): CatalogMarginRow {
  return {
    version: Number(row.version),
    effectiveAt: Number(row.effective_ms),
    scope: String(row.scope),
    basisPoints: Number(row.basis_points),
  };
}

/**
 * The rows of `table` that are in effect at a moment, one for each `key`, and, with
 * `includeFuture`, those that take effect later.
 */
function selectRows(
  table: 'catalog_models' | 'catalog_margins',
  key: SQL,
  columns: SQL,
  moment: Readonly<{ at: SQL; versions: SQL; includeFuture: boolean }>,
): SQL {
  const rows = sql`select r.version, v.effective_at, ${columns} from ${sql.raw(table)} r
    join catalog_versions v on v.version = r.version and ${moment.versions}`;
  const present = sql`select distinct on (${key}) * from (${rows}) p
    where p.effective_at <= ${moment.at} order by ${key}, p.effective_at desc, p.version desc`;
  const future = sql`select * from (${rows}) f where f.effective_at > ${moment.at}`;
  const chosen = moment.includeFuture ? sql`(${present}) union all (${future})` : sql`(${present})`;
  return sql`select c.*, ${toEpochMs(sql`c.effective_at`)} as effective_ms from (${chosen}) c
    order by c.effective_at, c.version`;
}

const MODEL_KEY = sql`provider, id`;
const MODEL_COLUMNS = sql`r.provider, r.id, r.status, r.definition`;
const MARGIN_KEY = sql`scope`;
const MARGIN_COLUMNS = sql`r.scope, r.basis_points`;

async function selectCatalog(
  db: Database,
  moment: Readonly<{ at: SQL; versions: SQL; includeFuture: boolean }>,
): Promise<CatalogRows> {
  const { at, versions, includeFuture } = moment;
  const present = sql`(select v.version, v.effective_at from catalog_versions v
    where ${versions} and v.effective_at <= ${at} order by v.effective_at desc, v.version desc limit 1)`;
  const future = sql`(select v.version, v.effective_at from catalog_versions v
    where ${versions} and v.effective_at > ${at})`;
  const listed = includeFuture ? sql`${present} union all ${future}` : present;
  const [latest, versionRows, modelRows, marginRows] = await queryOrThrow(
    db.batch([
      db.execute<Raw>(sql`select coalesce(max(version), 0)::int as version from catalog_versions`),
      db.execute<Raw>(sql`select version, ${toEpochMs(sql`effective_at`)} as effective_at
        from (${listed}) l order by l.effective_at, l.version`),
      db.execute<Raw>(selectRows('catalog_models', MODEL_KEY, MODEL_COLUMNS, moment)),
      db.execute<Raw>(selectRows('catalog_margins', MARGIN_KEY, MARGIN_COLUMNS, moment)),
    ]),
  );
  return {
    latestVersion: Number(latest.rows[0]?.version ?? 0),
    versions: versionRows.rows.map((row) => ({
      version: Number(row.version),
      effectiveAt: Number(row.effective_at),
    })),
    models: modelRows.rows.map(toModelRow),
    margins: marginRows.rows.map(toMarginRow),
  };
}

/** Versions that the reader refused: the catalog is read as if they did not exist. */
export type RefusedVersions = readonly number[];

function isAccepted(refused: RefusedVersions): SQL {
  const list = JSON.stringify(refused);
  return sql`v.version not in (select value::int from jsonb_array_elements_text(${list}::jsonb))`;
}

/** Reads what is in effect at `now` and everything that takes effect later, in one batch. */
export function readCatalog(
  db: Database,
  now: Instant,
  refused: RefusedVersions = [],
): Promise<CatalogRows> {
  const versions = isAccepted(refused);
  return selectCatalog(db, { at: toTimestamp(now), versions, includeFuture: true });
}

/** Each attempt refuses at least one version more. */
const MAX_ATTEMPTS = 20;

/**
 * Reads rows without the versions in which `findInvalid` finds an invalid row, however it came into
 * the table: a version is refused as a whole, and those before it go on. Throws if too many are.
 */
export async function readValidCatalog(
  read: (refused: RefusedVersions) => Promise<CatalogRows>,
  findInvalid: (rows: CatalogRows) => RefusedVersions,
): Promise<Readonly<{ rows: CatalogRows; refused: RefusedVersions }>> {
  const refused: number[] = [];
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const rows = await read(refused);
    const invalid = findInvalid(rows);
    if (invalid.length === 0) return { rows, refused };
    refused.push(...invalid);
  }
  throw new Error('Too many versions of the catalog are invalid.');
}

/**
 * Reads the catalog as it was while `version` was the one in effect. What was accepted later took
 * effect later, so this is what every bill that names `version` was made with.
 */
export function readCatalogOfVersion(
  db: Database,
  version: number,
  refused: RefusedVersions = [],
): Promise<CatalogRows> {
  const at = sql`(select effective_at from catalog_versions where version = ${version})`;
  const versions = sql`(v.effective_at, v.version) <= (${at}, ${version}) and ${isAccepted(refused)}`;
  return selectCatalog(db, { at, versions, includeFuture: false });
}

export type CatalogVersion = Readonly<{
  version: number;
  author: string;
  reason: string;
  approvedBy: string | null;
  createdAt: Instant;
  effectiveAt: Instant;
}>;
export type CatalogModelVersion = CatalogVersion &
  Readonly<{ status: string; definition: unknown }>;

const VERSION_COLUMNS = sql`v.version, v.author, v.reason, v.approved_by,
  ${toEpochMs(sql`v.created_at`)} as created_at, ${toEpochMs(sql`v.effective_at`)} as effective_at`;

function toVersion(row: Raw): CatalogVersion {
  return {
    version: Number(row.version),
    author: String(row.author),
    reason: String(row.reason),
    approvedBy: row.approved_by === null ? null : String(row.approved_by),
    createdAt: Number(row.created_at),
    effectiveAt: Number(row.effective_at),
  };
}

/** Lists the versions, newest first. */
export async function listCatalogVersions(
  db: Database,
  limit: number,
): Promise<readonly CatalogVersion[]> {
  const { rows } = await queryOrThrow(
    db.execute<Raw>(
      sql`select ${VERSION_COLUMNS} from catalog_versions v order by v.version desc limit ${limit}`,
    ),
  );
  return rows.map(toVersion);
}

/** Lists the versions of one model, newest first. */
export async function listModelVersions(
  db: Database,
  model: Readonly<{ provider: string; id: string }>,
  limit: number,
): Promise<readonly CatalogModelVersion[]> {
  const { rows } = await queryOrThrow(
    db.execute<Raw>(sql`select ${VERSION_COLUMNS}, m.status, m.definition
      from catalog_models m join catalog_versions v on v.version = m.version
      where m.provider = ${model.provider} and m.id = ${model.id}
      order by v.version desc limit ${limit}`),
  );
  return rows.map((row) => ({
    ...toVersion(row),
    status: String(row.status),
    definition: row.definition ?? null,
  }));
}

/** The margin on top-ups in effect at `now`, in basis points; 0 if none was set. */
export async function readTopUpMargin(db: Database, now: Instant): Promise<number> {
  const row = await firstRow(
    db,
    sql`select m.basis_points from catalog_margins m join catalog_versions v on v.version = m.version
      where m.scope = 'top_ups' and v.effective_at <= ${toTimestamp(now)}
      order by v.effective_at desc, v.version desc limit 1`,
  );
  return Number(row?.basis_points ?? 0);
}

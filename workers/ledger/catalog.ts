/**
 * The catalog in Postgres for the entrypoint `Catalog`. A version with an invalid row, however it
 * came into the table, is refused as a whole: the catalog is read as if it did not exist, so that
 * the versions before it go on, also in isolates that start later.
 */
import {
  type CatalogOverlay,
  type CatalogRead,
  findInvalidVersions,
  RELEASED,
} from '@farebox/catalog';
import type { Database } from '@farebox/database';
import { readCatalog, readLatestCatalogVersion, readValidCatalog } from '@farebox/database/catalog';
import { logEvent } from '@farebox/telemetry';
import { database, type Env } from './env.ts';

/** Gateway isolates whose clocks are behind still find what was in effect for them. */
const CLOCK_TOLERANCE_MS = 60_000;
/** Isolates that ask within this time get the same answer. */
const CACHE_MS = 2_000;

type CachedCatalog = Readonly<{ at: number; latestVersion: number; overlay: CatalogOverlay }>;
const cache = new WeakMap<Database, CachedCatalog>();

async function readOverlay(db: Database, now: number): Promise<CatalogOverlay> {
  const { rows, refused } = await readValidCatalog(
    (versions) => readCatalog(db, now - CLOCK_TOLERANCE_MS, versions),
    (found) => findInvalidVersions(RELEASED, found),
  );
  for (const version of refused) logEvent({ event: 'catalog_refused', version });
  return rows;
}

/** Reads again only if there is a new version: the rows have everything that takes effect later. */
async function loadCatalog(db: Database, now: number): Promise<CachedCatalog> {
  const cached = cache.get(db);
  if (cached !== undefined && now - cached.at < CACHE_MS) return cached;
  const latestVersion = await readLatestCatalogVersion(db);
  const loaded =
    cached?.latestVersion === latestVersion
      ? { ...cached, at: now }
      : { at: now, latestVersion, overlay: await readOverlay(db, now) };
  cache.set(db, loaded);
  return loaded;
}

/** Answers `Catalog.read`. Throws where Postgres can't be read. */
export async function readCatalogFor(
  env: Env,
  knownVersion: number | null,
  now: number,
): Promise<CatalogRead> {
  const { latestVersion, overlay } = await loadCatalog(database(env), now);
  return latestVersion === knownVersion ? { changed: false } : { changed: true, overlay };
}

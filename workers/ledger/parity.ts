/**
 * Parity, daily: yesterday's bills are recomputed from their metadata against the version of the
 * catalog that each names. Each cron run takes a bounded number of calls and continues where the
 * last one stopped; a difference is logged when the day is complete.
 */
import {
  applyOverlay,
  type BilledCall,
  type Catalog,
  findBillDifference,
  findInvalidVersions,
  openCatalog,
  type PriceList,
  parseOverlay,
  parsePriceList,
  RELEASED,
} from '@farebox/catalog';
import type { Database } from '@farebox/database';
import {
  findCatalogRelease,
  findParityReport,
  listCallsOfDay,
  type ParityReport,
  readCatalogOfVersion,
  readValidCatalog,
  saveCatalogRelease,
  saveParityReport,
} from '@farebox/database/catalog';
import { type CallMetadata, DAY_MS } from '@farebox/ledger';
import { logEvent } from '@farebox/telemetry';

const PAGE_SIZE = 500;
const MAX_PAGES_PER_RUN = 20;
const MAX_EXAMPLES = 50;
/** Entries reach Postgres within seconds; calls that settle late are a few more minutes behind. */
const START_AFTER_MIDNIGHT_MS = 3_600_000;

/** The reasons with which the cost is that of the reported usage. */
const EXACT_REASONS: ReadonlySet<string | null> = new Set(['provider_reported', 'free']);

function startReport(day: number): ParityReport {
  const models = RELEASED.providers.flatMap((provider) => provider.models);
  return {
    day,
    lastAt: null,
    lastCall: null,
    completedAt: null,
    calls: 0,
    differing: 0,
    skipped: 0,
    examples: [],
    listVersion: RELEASED.version,
    listDate: RELEASED.date,
    disputed: models.filter(({ provenance }) => provenance.disputed).length,
  };
}

async function loadRelease(db: Database, version: string): Promise<PriceList | undefined> {
  if (version === RELEASED.version) return RELEASED;
  const parsed = parsePriceList(await findCatalogRelease(db, version));
  return parsed.ok ? parsed.list : undefined;
}

/** Opens the catalog that a bill names, as `<release>` or `<release>+<version>`. */
async function loadCatalog(db: Database, named: string): Promise<Catalog | undefined> {
  const [, release = '', version = ''] = /^(.*?)(?:\+(\d+))?$/.exec(named) ?? [];
  const released = await loadRelease(db, release);
  if (released === undefined) return undefined;
  if (version === '') return openCatalog(released);
  const { rows } = await readValidCatalog(
    (refused) => readCatalogOfVersion(db, Number(version), refused),
    (found) => findInvalidVersions(released, found),
  );
  const parsed = parseOverlay(released, rows);
  if (!parsed.ok) return undefined;
  const { list } = applyOverlay(released, parsed.overlay, Number.MAX_SAFE_INTEGER);
  return list.version === named ? openCatalog(list) : undefined;
}

class CatalogCache {
  readonly #db: Database;
  readonly #catalogs = new Map<string, Catalog | undefined>();

  constructor(db: Database) {
    this.#db = db;
  }

  async load(named: string): Promise<Catalog | undefined> {
    if (!this.#catalogs.has(named)) this.#catalogs.set(named, await loadCatalog(this.#db, named));
    return this.#catalogs.get(named);
  }
}

function toBilledCall(call: CallMetadata): BilledCall | undefined {
  const { usage, prices, priceRule, reason } = call;
  if (usage === null || prices === null || priceRule === null) return undefined;
  return {
    ...call,
    usage,
    prices,
    priceRule,
    cost: call.charged + call.shortfall,
    isExact: EXACT_REASONS.has(reason),
  };
}

async function addCall(
  report: ParityReport,
  call: CallMetadata,
  catalogs: CatalogCache,
): Promise<ParityReport> {
  const { id: lastCall, createdAt: lastAt } = call;
  const processed = { ...report, lastAt, lastCall, calls: report.calls + 1 };
  const billed = toBilledCall(call);
  if (billed === undefined) return { ...processed, skipped: report.skipped + 1 };
  const catalog = await catalogs.load(billed.priceRule.split('/')[0] ?? '');
  const isSame = catalog !== undefined && findBillDifference(catalog, billed) === undefined;
  if (isSame) return processed;
  const examples = [...report.examples, call.id].slice(0, MAX_EXAMPLES);
  return { ...processed, differing: report.differing + 1, examples };
}

/** The databases that have the price list of this release. */
const withRelease = new WeakSet<Database>();

/** Keeps the price list of this release, once an isolate: the bills of today name it. */
async function keepRelease(db: Database, now: number): Promise<void> {
  if (withRelease.has(db)) return;
  await saveCatalogRelease(db, { version: RELEASED.version, list: RELEASED, now });
  withRelease.add(db);
}

/** Recomputes a slice of a day's calls and stores the report. Idempotent once it is complete. */
export async function recomputeDay(db: Database, day: number, now: number): Promise<ParityReport> {
  let report = (await findParityReport(db, day)) ?? startReport(day);
  if (report.completedAt !== null) return report;
  const catalogs = new CatalogCache(db);
  for (let pages = 0; pages < MAX_PAGES_PER_RUN; pages += 1) {
    const { lastAt, lastCall } = report;
    const after = lastAt === null || lastCall === null ? null : { at: lastAt, id: lastCall };
    const page = await listCallsOfDay(db, day, after, PAGE_SIZE);
    for (const call of page) report = await addCall(report, call, catalogs);
    if (page.length < PAGE_SIZE) report = { ...report, completedAt: now };
    await saveParityReport(db, report);
    if (report.completedAt !== null) break;
  }
  return report;
}

/** Recomputes yesterday's bills; logs if any differs. Never throws: the next run continues. */
export async function runParity(db: Database, now: number): Promise<void> {
  const day = Math.floor((now - START_AFTER_MIDNIGHT_MS) / DAY_MS) - 1;
  try {
    await keepRelease(db, now);
    const known = await findParityReport(db, day);
    if (known !== undefined && known.completedAt !== null) return;
    const { completedAt, calls, differing } = await recomputeDay(db, day, now);
    if (completedAt === null || differing === 0) return;
    const text = new Date(day * DAY_MS).toISOString().slice(0, 10);
    logEvent({ event: 'parity_difference', day: text, calls, differing });
  } catch {
    logEvent({ event: 'unexpected', where: 'ledger.parity', call: null });
  }
}

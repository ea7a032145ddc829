/**
 * Parity, daily: yesterday's bills are recomputed from their metadata against the version of the
 * catalog that each names, and what its providers' prices give is compared with what the providers
 * say that they charged. The prices in effect are compared with their sources. Each cron run takes
 * a bounded number of calls and continues where the last one stopped; differences are logged when
 * the day is complete.
 */
import {
  applyOverlay,
  type BilledCall,
  type Catalog,
  comparePriceLists,
  differsFromProviderCost,
  findBillDifference,
  findInvalidVersions,
  openCatalog,
  type PriceList,
  parseOverlay,
  parsePriceList,
  RELEASED,
  recomputeProviderCost,
} from '@farebox/catalog';
import type { Database } from '@farebox/database';
import {
  checkAcknowledgements,
  findCatalogRelease,
  findParityReport,
  listCallsOfDay,
  type ParityReport,
  type ProviderCosts,
  readCatalog,
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
const EXACT_REASONS: ReadonlySet<string | null> = new Set(['provider_reported', 'counted', 'free']);

/** The price list in effect at `at` (milliseconds since the epoch). */
async function loadListInEffect(db: Database, at: number): Promise<PriceList> {
  const { rows } = await readValidCatalog(
    (refused) => readCatalog(db, at, refused),
    (found) => findInvalidVersions(RELEASED, found),
  );
  const parsed = parseOverlay(RELEASED, rows);
  return parsed.ok ? applyOverlay(RELEASED, parsed.overlay, at).list : RELEASED;
}

/** The released list is what a Worker has of the sources: its rows name them and their dates. */
async function startReport(db: Database, day: number): Promise<ParityReport> {
  const endOfDay = (day + 1) * DAY_MS - 1;
  const list = await loadListInEffect(db, endOfDay);
  const { differences, disputed, stale } = comparePriceLists(list, RELEASED, endOfDay);
  const checked = await checkAcknowledgements(db, differences);
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
    disputed: disputed.length,
    stale: stale.length,
    differingPrices: differences.length,
    newPrices: checked.filter(({ acknowledgement }) => acknowledgement === null).length,
    priceDifferences: checked
      .slice(0, MAX_EXAMPLES)
      .map(({ acknowledgement: _, ...difference }) => difference),
    providerCosts: [],
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

/** Adds the call to the sums of its provider. */
function addProviderCost(
  all: readonly ProviderCosts[],
  provider: string,
  { computed, stated }: Pick<ProviderCosts, 'computed' | 'stated'>,
): readonly ProviderCosts[] {
  const none = { provider, calls: 0, differing: 0, computed: 0n, stated: 0n };
  const sums = all.find((costs) => costs.provider === provider) ?? none;
  const added = {
    provider,
    calls: sums.calls + 1,
    differing: sums.differing + (differsFromProviderCost(computed, stated) ? 1 : 0),
    computed: sums.computed + computed,
    stated: sums.stated + stated,
  };
  return [...all.filter((costs) => costs.provider !== provider), added];
}

/**
 * Compares what the provider says with what its prices give, where the bill is that of the reported
 * usage. A call whose prices are not found is a differing bill already.
 */
function compareProviderCost(
  report: ParityReport,
  { provider, providerCost: stated }: CallMetadata,
  billed: BilledCall,
  catalog: Catalog | undefined,
): ParityReport {
  if (stated === null || !billed.isExact || catalog === undefined) return report;
  const computed = recomputeProviderCost(catalog, billed);
  if (computed === undefined) return report;
  const providerCosts = addProviderCost(report.providerCosts, provider, { computed, stated });
  return { ...report, providerCosts };
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
  const compared = compareProviderCost(processed, call, billed, catalog);
  const isSame = catalog !== undefined && findBillDifference(catalog, billed) === undefined;
  if (isSame) return compared;
  const examples = [...report.examples, call.id].slice(0, MAX_EXAMPLES);
  return { ...compared, differing: report.differing + 1, examples };
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
  let report = (await findParityReport(db, day)) ?? (await startReport(db, day));
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

function logDifferences(report: ParityReport): void {
  const { calls, differing, newPrices: prices } = report;
  const day = new Date(report.day * DAY_MS).toISOString().slice(0, 10);
  if (differing > 0) logEvent({ event: 'parity_difference', day, calls, differing });
  if (prices > 0) logEvent({ event: 'parity_price_difference', day, prices });
  for (const costs of report.providerCosts.filter((each) => each.differing > 0)) {
    logEvent({
      event: 'parity_provider_cost_difference',
      day,
      provider: costs.provider,
      calls: costs.calls,
      differing: costs.differing,
      computedNanoUsd: costs.computed.toString(),
      statedNanoUsd: costs.stated.toString(),
    });
  }
}

/** Runs the parity of yesterday; logs if anything differs. Never throws: the next run continues. */
export async function runParity(db: Database, now: number): Promise<void> {
  const day = Math.floor((now - START_AFTER_MIDNIGHT_MS) / DAY_MS) - 1;
  try {
    await keepRelease(db, now);
    const known = await findParityReport(db, day);
    if (known !== undefined && known.completedAt !== null) return;
    const report = await recomputeDay(db, day, now);
    if (report.completedAt !== null) logDifferences(report);
  } catch {
    logEvent({ event: 'unexpected', where: 'ledger.parity', call: null });
  }
}

/**
 * The catalog as one isolate has it: the price list of the release until the first answer of the
 * ledger Worker, then the list with the operators' changes, refreshed behind calls. Reading it is a
 * comparison of two numbers. No call waits for it, but for one of an unknown model
 * (docs/decisions/0028-prices-of-a-sleeping-isolate.md).
 */
import { type Catalog, openCatalog } from './catalog.ts';
import type { CatalogRead, CatalogRpc } from './contract.ts';
import { applyOverlay, type ParsedOverlay, parseOverlay } from './overlay.ts';
import type { PriceList } from './price-list.ts';

export type CatalogEvent =
  /** A version that can't be valid was refused; what held before goes on. */
  | Readonly<{ event: 'catalog_refused'; version: number }>
  /** The catalog could not be read; logged when it begins. */
  | Readonly<{ event: 'catalog_unreachable' }>
  /** The catalog of this isolate is older than an hour. */
  | Readonly<{ event: 'catalog_stale'; ageSeconds: number }>;

export type CatalogInEffect = Readonly<{ catalog: Catalog; list: PriceList }>;

export type CatalogHolderOptions = Readonly<{
  /** The price list of the release. */
  released: PriceList;
  source: CatalogRpc;
  /** The providers that are configured; their models are decoded behind a call. */
  providers: readonly string[];
  refreshMs: number;
  logEvent: (event: CatalogEvent) => void;
}>;

type Step = CatalogInEffect & Readonly<{ from: number; until: number }>;

const STALE_MS = 3_600_000;
const STALE_EVENT_INTERVAL_MS = 600_000;
/** A read that has not answered by then is given up: its request may have ended. */
const READ_TIMEOUT_MS = 10_000;
/** A change holds everywhere within this time. */
const MAX_UNREAD_MS = 60_000;
/** How long a list of models waits in an isolate that has not read for longer than that. */
const MAX_WAIT_MS = 250;
/** What waits for a read causes one at most this often. */
const MIN_READ_INTERVAL_MS = 3_000;
/** A list that takes effect this soon is built before it does. */
const PREPARE_MS = 300_000;

const NOTHING: ParsedOverlay = { latestVersion: 0, versions: [], models: [], margins: [] };

/** How often what waits for a read looks whether it has ended. */
const POLL_MS = 10;

function timeout(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Resolves when a read of the catalog has ended, or after `maxMs`. The read may be another request's,
 * from whose promise nothing may go on that does I/O (docs/decisions/0032-batches-per-account.md): so
 * it is looked at when a timer of the caller's own fires. Never rejects.
 */
export async function whenEnded(read: Promise<void>, maxMs: number): Promise<void> {
  let hasEnded = false;
  const note = () => {
    hasEnded = true;
  };
  read.then(note, note);
  for (let waited = 0; !hasEnded && waited < maxMs; waited += POLL_MS) await timeout(POLL_MS);
}

export class CatalogHolder {
  readonly #options: CatalogHolderOptions;
  #overlay: ParsedOverlay = NOTHING;
  #step: Step;
  #nextStep: Step | undefined;
  /** The version to ask with; also one that was refused, so that it is not sent again. */
  #knownVersion: number | null = null;
  #refused = false;
  /** When the last accepted answer came. */
  #readAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #startedAt: number | undefined;
  #staleEventAt = Number.NEGATIVE_INFINITY;
  #isFailing = false;
  #pending: Promise<void> | undefined;
  /** When a read last ended, however it ended, or a call gave up waiting for one. */
  #endedAt = Number.NEGATIVE_INFINITY;

  constructor(options: CatalogHolderOptions) {
    this.#options = options;
    this.#step = this.#buildStep(Number.NEGATIVE_INFINITY);
  }

  /** Returns the catalog in effect at `now`. No I/O; a dated change switches at its moment. */
  at(now: number): CatalogInEffect {
    if (now >= this.#step.until || now < this.#step.from) {
      const prepared = this.#nextStep;
      const isPrepared = prepared !== undefined && now >= prepared.from && now < prepared.until;
      this.#step = isPrepared ? prepared : this.#buildStep(now);
    }
    return this.#step;
  }

  /**
   * Returns the work of a refresh if one is due, for `waitUntil`; undefined otherwise. Never throws.
   */
  refreshIfDue(now: number): Promise<void> | undefined {
    const isDue = now - this.#askedAt >= this.#options.refreshMs;
    return isDue ? this.#refresh(now) : undefined;
  }

  /**
   * Returns the read under way in an isolate that is new, or had no call for a minute: `at` may give
   * what was changed since. Undefined otherwise. Never rejects.
   */
  outdatedUntil(now: number): Promise<void> | undefined {
    return now - this.#endedAt > MAX_UNREAD_MS ? this.#pending : undefined;
  }

  /**
   * Waits for the read of an outdated isolate, at most 250 ms and once a minute, for what lists
   * models and prices. A call never waits for it.
   */
  async whenCurrent(now: number): Promise<void> {
    if (now - this.#endedAt <= MAX_UNREAD_MS) return;
    await whenEnded(this.#pending ?? this.#refresh(now), MAX_WAIT_MS);
    this.#endedAt = Math.max(this.#endedAt, now);
  }

  /**
   * Reads again and waits for it, because a name is unknown (a model is found by the first call that
   * names it) or because a page lists the models. Returns whether anything was read; at most one read
   * in three seconds, and the one under way counts. Never throws.
   */
  async readAgain(now: number): Promise<boolean> {
    const isEarly = now - this.#askedAt < MIN_READ_INTERVAL_MS;
    const read = isEarly ? this.#pending : this.#refresh(now);
    if (read === undefined) return false;
    await whenEnded(read, READ_TIMEOUT_MS);
    return true;
  }

  #buildStep(now: number): Step {
    const { released, providers } = this.#options;
    const { list, nextChangeAt } = applyOverlay(released, this.#overlay, now);
    const catalog = openCatalog(list);
    // Decoding every model here keeps it off the path of the calls that follow.
    if (now > Number.NEGATIVE_INFINITY) catalog.listModels(providers);
    const from = Math.max(
      Number.NEGATIVE_INFINITY,
      ...this.#overlay.versions.map(({ effectiveAt }) => effectiveAt).filter((at) => at <= now),
    );
    return { catalog, list, from, until: nextChangeAt };
  }

  #refresh(now: number): Promise<void> {
    this.#startedAt ??= now;
    this.#askedAt = now;
    const work = this.#read(now).finally(() => {
      if (this.#pending === work) this.#pending = undefined;
    });
    this.#pending = work;
    return work;
  }

  async #read(now: number): Promise<void> {
    let answer: CatalogRead | undefined;
    try {
      answer = await Promise.race([
        this.#options.source.read(this.#knownVersion),
        timeout(READ_TIMEOUT_MS).then(() => undefined),
      ]);
    } catch {
      answer = undefined;
    }
    if (answer === undefined) this.#reportFailure();
    else this.#accept(answer, now);
    this.#endedAt = now;
    this.#reportAge(now);
    this.#prepareNextStep(now);
  }

  #accept(answer: CatalogRead, now: number): void {
    this.#isFailing = false;
    if (!answer.changed) {
      if (!this.#refused) this.#readAt = now;
      return;
    }
    const parsed = parseOverlay(this.#options.released, answer.overlay);
    this.#knownVersion = answer.overlay.latestVersion;
    this.#refused = !parsed.ok;
    if (!parsed.ok) {
      const version = Math.max(...parsed.problems.map((problem) => problem.version));
      this.#options.logEvent({ event: 'catalog_refused', version });
      return;
    }
    this.#overlay = parsed.overlay;
    this.#nextStep = undefined;
    this.#readAt = now;
    this.#step = this.#buildStep(now);
  }

  #reportFailure(): void {
    if (!this.#isFailing) this.#options.logEvent({ event: 'catalog_unreachable' });
    this.#isFailing = true;
  }

  #reportAge(now: number): void {
    const age = now - Math.max(this.#readAt, this.#startedAt ?? now);
    if (age < STALE_MS || now - this.#staleEventAt < STALE_EVENT_INTERVAL_MS) return;
    this.#staleEventAt = now;
    this.#options.logEvent({ event: 'catalog_stale', ageSeconds: Math.floor(age / 1000) });
  }

  #prepareNextStep(now: number): void {
    const { until } = this.#step;
    if (until - now > PREPARE_MS || this.#nextStep?.from === until) return;
    this.#nextStep = this.#buildStep(until);
  }
}

/**
 * `npm run bench -- --catalog`: what the catalog in Postgres costs a call, beside the price list of
 * the release alone. Each round plans the same calls with both, in one process and one after the
 * other; the clock moves a millisecond a call. Compare the ratio: times depend on the machine.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import {
  type Catalog,
  CatalogHolder,
  type CatalogOverlay,
  RELEASED,
  RELEASED_CATALOG,
  resolvePrices,
  standardTerms,
} from '@farebox/catalog';
import { NO_USAGE } from '@farebox/money';
import { RESULTS, table } from './report.ts';
import { ratios, spread } from './statistics.ts';

const ROUNDS = 15;
const CALLS = 200_000;
const REFRESH_MS = 30_000;
const PROVIDERS = ['openai', 'anthropic'];
const MODELS = ['gpt-5.4', 'openai/gpt-5.5', 'claude-opus-5-5', 'anthropic/claude-haiku-4-5'];
const START = Date.parse('2026-11-26T12:00:00Z');

/** Every model of the two providers changed by operators, each in a version of its own. */
function buildOverlay(): CatalogOverlay {
  const models = RELEASED.providers
    .filter(({ id }) => PROVIDERS.includes(id))
    .flatMap(({ id: provider, models: listed }) =>
      listed.map((definition) => ({ provider, id: definition.id, definition })),
    )
    .map((model, index) => {
      const effect = { version: index + 1, effectiveAt: START - 1000 + index };
      return { ...model, ...effect, status: 'defined' };
    });
  const versions = models.map(({ version, effectiveAt }) => ({ version, effectiveAt }));
  return { latestVersion: models.length, versions, models, margins: [] };
}

class CountingSource {
  reads = 0;
  readonly overlay = buildOverlay();

  async read(knownVersion: number | null) {
    this.reads += 1;
    return knownVersion === this.overlay.latestVersion
      ? ({ changed: false } as const)
      : ({ changed: true, overlay: this.overlay } as const);
  }
}

/** Finds a model and its prices, as the plan of a call does. */
function priceCall(catalog: Catalog, index: number, now: number): bigint {
  const model = catalog.findModel(MODELS[index % MODELS.length] ?? '', PROVIDERS);
  if (model === undefined) throw new Error('bench: a model is not in the price list');
  return resolvePrices(model, standardTerms(now), NO_USAGE).prices.output;
}

/** Returns nanoseconds a call. */
function measure(run: (index: number, now: number) => bigint, from: number): number {
  const startedAt = performance.now();
  let sum = 0n;
  for (let index = 0; index < CALLS; index += 1) sum += run(index, from + index);
  if (sum === 0n) throw new Error('bench: nothing has a price');
  return ((performance.now() - startedAt) * 1e6) / CALLS;
}

type Round = Readonly<{ frozen: number; held: number }>;

/** Runs the catalog bench. True if a call waits for no read and costs less than 1 µs more. */
export async function runCatalog(log: (line: string) => void): Promise<boolean> {
  const source = new CountingSource();
  const logEvent = () => {};
  const options = {
    released: RELEASED,
    source,
    providers: PROVIDERS,
    refreshMs: REFRESH_MS,
    logEvent,
  };
  const holder = new CatalogHolder(options);
  await holder.refreshIfDue(START);
  const rounds: Round[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const from = START + round * CALLS;
    const frozen = measure((index, now) => priceCall(RELEASED_CATALOG, index, now), from);
    const held = measure((index, now) => {
      void holder.refreshIfDue(now);
      return priceCall(holder.at(now).catalog, index, now);
    }, from);
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (round > 0) rounds.push({ frozen, held });
  }
  const frozen = spread(rounds.map((round) => round.frozen));
  const held = spread(rounds.map((round) => round.held));
  const ratio = spread(
    ratios(
      rounds.map((round) => round.held),
      rounds.map((round) => round.frozen),
    ),
  );
  const rows = [
    ['price list of the release', frozen.median.toFixed(0), '1', '0'],
    [
      `${source.overlay.models.length} models changed in Postgres`,
      held.median.toFixed(0),
      `${ratio.median.toFixed(2)} (${ratio.least.toFixed(2)} to ${ratio.most.toFixed(2)})`,
      (source.reads / ((ROUNDS + 1) * CALLS)).toFixed(7),
    ],
  ];
  const text = `# The catalog on a call's path

${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores, Node ${process.version}, ${ROUNDS} rounds of ${CALLS} calls a millisecond apart, both ways in
each round. A call finds its model and prices. Reads are behind calls, at most one every
${REFRESH_MS / 1000} s; no call waits for one.

${table(['catalog', 'ns a call', 'ratio', 'reads a call'], rows)}
`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'catalog.md'), text);
  log(text);
  return held.median - frozen.median < 1000;
}

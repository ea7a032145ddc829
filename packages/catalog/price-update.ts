/**
 * `npm run prices`: builds `prices.generated.json` from the pinned sources and the curated rows,
 * and prints what is to be reviewed. Exits with 1 and writes nothing for a change by more than a
 * factor of two, or a model that is gone, unless `--accept` is given. The date of the list is its
 * newest content's and can't be given. Never runs in a Worker.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROVIDER_IDS } from '@farebox/providers/list';
import { findProvider } from '@pydantic/genai-prices';
import * as v from 'valibot';
import { CURATED } from './curated/index.ts';
import { diffPriceLists } from './price-changes.ts';
import type { PriceList } from './price-list.ts';
import { parsePriceList } from './price-list-parser.ts';
import { reportChanges, reportDisagreements, reportStale, reportUnlisted } from './price-report.ts';
import { PRICED_PROVIDERS } from './priced-providers.ts';
import { buildPriceList, checkListDate, nextVersion } from './sources/build-price-list.ts';
import { findDisagreements } from './sources/disagreements.ts';
import { toListedModels } from './sources/genai-models.ts';
import { toBaseSource } from './sources/genai-prices.ts';
import { type KnownModels, readKnownModels } from './sources/known-models.ts';
import { readLlmgateway } from './sources/llmgateway.ts';
import { readPiAi } from './sources/models-dev.ts';
import { GENAI_PRICES_PUBLISHED_ON, withPackages } from './sources/packages.ts';

const OUTPUT_PATH = join(import.meta.dirname, 'prices.generated.json');

function printLines(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

const MANIFEST = v.object({ version: v.string() });

const GENAI_PRICES = '@pydantic/genai-prices';

function genaiPricesSpec(): string {
  const entryPoint = import.meta.resolve(GENAI_PRICES);
  const path = join(dirname(fileURLToPath(entryPoint)), '../package.json');
  const { version } = v.parse(MANIFEST, JSON.parse(readFileSync(path, 'utf8')));
  return `${GENAI_PRICES}@${version}`;
}

/** Returns the models of genai-prices, the source with rules for names and dated prices. */
function readBase(known: KnownModels): PriceList {
  const publishedOn = GENAI_PRICES_PUBLISHED_ON;
  const stamp = { name: genaiPricesSpec(), publishedOn, upstream: GENAI_PRICES };
  return {
    version: publishedOn,
    date: publishedOn,
    sources: [stamp],
    calendars: {},
    margins: [],
    providers: PRICED_PROVIDERS.map(([id, sourceId]) => {
      const source = findProvider({ providerId: sourceId });
      if (source?.id !== sourceId) throw new Error(`the price source no longer has ${sourceId}`);
      return { id, models: toListedModels(id, source, known, stamp) };
    }),
  };
}

/** Formats one model per line, so that a diff shows the prices that changed. */
function formatPriceList({ providers, ...head }: PriceList): string {
  const parts = providers.map(({ id, models }) => {
    const lines = models.map((model) => `    ${JSON.stringify(model)}`).join(',\n');
    return `  {"id":${JSON.stringify(id)},"models":[\n${lines}\n  ]}`;
  });
  const fields = Object.entries(head).map(([name, value]) => `"${name}":${JSON.stringify(value)}`);
  return `{\n${fields.join(',\n')},\n"providers":[\n${parts.join(',\n')}\n]}\n`;
}

function requireValid(value: unknown, what: string): PriceList {
  const parsed = parsePriceList(value);
  if (parsed.ok) return parsed.list;
  throw new Error(`${what} is malformed: ${JSON.stringify(parsed.problems.slice(0, 10))}`);
}

function readCurrentList(): PriceList | undefined {
  if (!existsSync(OUTPUT_PATH)) return undefined;
  return requireValid(JSON.parse(readFileSync(OUTPUT_PATH, 'utf8')), 'the current price list');
}

async function buildReport(before: PriceList | undefined, now: number) {
  return withPackages(async (openPackage) => {
    const base = readBase(await readKnownModels(openPackage));
    const sources = [
      toBaseSource(base, CURATED),
      ...readPiAi(openPackage),
      await readLlmgateway(openPackage),
    ].filter((source) => source !== undefined);
    const built = buildPriceList({ base, sources, curated: CURATED });
    // The parser sorts rules: only what both lists are after it can be compared.
    const valid = requireValid(built, 'the new list');
    const after = { ...valid, version: nextVersion(before, valid) };
    const disagreements = after.providers
      .filter(({ id }) => PROVIDER_IDS.includes(id))
      .flatMap(({ id, models }) =>
        models.flatMap((model) => findDisagreements(id, model, sources)),
      );
    const changes = before === undefined ? [] : diffPriceLists(before, after);
    const lines = [
      ...reportDisagreements(disagreements),
      ...reportStale(after, PROVIDER_IDS, sources, now),
      ...reportUnlisted(after, PROVIDER_IDS, sources),
      ...reportChanges(changes),
    ];
    return { after, changes, lines };
  });
}

async function main(args: readonly string[], now: number): Promise<number> {
  const unknown = args.filter((arg) => arg !== '--accept');
  if (unknown.length > 0) {
    printLines([`Unknown: ${unknown.join(' ')}. The date of the list is its newest content's.`]);
    return 2;
  }
  const before = readCurrentList();
  const { after, changes, lines } = await buildReport(before, now);
  printLines(lines);
  const problem = checkListDate(after, now);
  if (problem !== undefined) {
    printLines([`${problem} Nothing was written.`]);
    return 1;
  }
  const large = changes.filter((change) => change.large).length;
  if (large > 0 && !args.includes('--accept')) {
    printLines([
      `${large} large changes (!): look at them, then run again with --accept. Nothing was written.`,
    ]);
    return 1;
  }
  writeFileSync(OUTPUT_PATH, formatPriceList(after));
  const count = after.providers.reduce((sum, { models }) => sum + models.length, 0);
  printLines([
    `Version ${after.version}, of content up to ${after.date}: ${count} models of ` +
      `${after.providers.length} providers, ${changes.length} changes.`,
  ]);
  return 0;
}

process.exitCode = await main(process.argv.slice(2), Date.now());

/**
 * `npm run update-prices`: writes `prices.generated.json` from the pinned price source and prints
 * the changes. Exits with 1 and writes nothing for a change by more than a factor of two, or a
 * model that is gone, unless `--accept` is given. Never runs in a Worker.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProvider } from '@pydantic/genai-prices';
import * as v from 'valibot';
import { LIMIT_SOURCES, readKnownModels } from './limit-sources.ts';
import { diffPriceLists } from './price-changes.ts';
import type { PriceFile } from './price-file.ts';
import { convertPriceFile } from './price-file-conversion.ts';
import type { PriceList } from './price-list.ts';
import { parsePriceList } from './price-list-parser.ts';
import { snapshotProvider } from './price-source.ts';
import { PRICED_PROVIDERS } from './priced-providers.ts';

/** The date on which the pinned version of the price source was published. */
const SOURCE_DATE = '2026-09-23';
const OUTPUT_PATH = join(import.meta.dirname, 'prices.generated.json');

function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

const MANIFEST = v.object({ version: v.string() });

function sourceVersion(): string {
  const entryPoint = import.meta.resolve('@pydantic/genai-prices');
  const path = join(dirname(fileURLToPath(entryPoint)), '../package.json');
  const { version } = v.parse(MANIFEST, JSON.parse(readFileSync(path, 'utf8')));
  return `@pydantic/genai-prices@${version}`;
}

async function buildPriceFile(date: string): Promise<PriceFile> {
  const known = await readKnownModels();
  const providers = PRICED_PROVIDERS.map(([id, sourceId]) => {
    const source = findProvider({ providerId: sourceId });
    if (source?.id !== sourceId) throw new Error(`the price source no longer has ${sourceId}`);
    const { models, disputed, unpriced } = snapshotProvider(id, source, known);
    if (disputed.length > 0) printLine(`${id}, priced otherwise elsewhere: ${disputed.join(', ')}`);
    if (unpriced.length > 0 && id !== 'openrouter')
      printLine(`${id}, without a price: ${unpriced.join(', ')}`);
    return { id, models };
  });
  return { date, sources: [sourceVersion(), ...LIMIT_SOURCES], providers };
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

/** Returns the list as it is, or undefined if there is none. Throws if it is malformed. */
function readCurrentList(): PriceList | undefined {
  if (!existsSync(OUTPUT_PATH)) return undefined;
  const parsed = parsePriceList(JSON.parse(readFileSync(OUTPUT_PATH, 'utf8')));
  if (!parsed.ok)
    throw new Error(`the price list is malformed: ${JSON.stringify(parsed.problems)}`);
  return parsed.list;
}

async function main(): Promise<number> {
  const today = new Date().toISOString().slice(0, 10);
  const after = convertPriceFile(await buildPriceFile(today), SOURCE_DATE);
  const before = readCurrentList();
  const changes = before === undefined ? [] : diffPriceLists(before, after);
  for (const { text, large } of changes) printLine(large ? `! ${text}` : `  ${text}`);
  const large = changes.filter((change) => change.large).length;
  if (large > 0 && !process.argv.includes('--accept')) {
    printLine(
      `${large} large changes (!): look at them, then run again with --accept. Nothing was written.`,
    );
    return 1;
  }
  writeFileSync(OUTPUT_PATH, formatPriceList(after));
  const count = after.providers.reduce((sum, { models }) => sum + models.length, 0);
  printLine(`${count} models of ${after.providers.length} providers, ${changes.length} changes.`);
  return 0;
}

process.exitCode = await main();

/**
 * `npm run prices`: writes `prices.generated.json` from the pinned price source, prints what changed
 * against the file before, and refuses (exit 1) a change by more than a factor of two, or a model that
 * is gone, unless `--accept` is given. Runs on a developer's machine, never in a Worker.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProvider } from '@pydantic/genai-prices';
import { LIMIT_SOURCES, readKnownModels } from './freeze-limits.ts';
import { freezeProvider } from './freeze-source.ts';
import { changesBetween } from './price-changes.ts';
import type { PriceFile } from './price-file.ts';

/** Our ids of the providers, and the source's where it has another one. */
const PROVIDERS: readonly (readonly [string, string])[] = [
  ['anthropic', 'anthropic'],
  ['baseten', 'baseten'],
  ['cerebras', 'cerebras'],
  ['deepseek', 'deepseek'],
  ['fireworks', 'fireworks'],
  ['google', 'google'],
  ['groq', 'groq'],
  ['minimax', 'minimax'],
  ['mistral', 'mistral'],
  ['moonshotai', 'moonshotai'],
  ['novita', 'novita'],
  ['openai', 'openai'],
  ['openrouter', 'openrouter'],
  ['together', 'together'],
  ['xai', 'x-ai'],
  ['zai', 'zai'],
];

const OUT = join(import.meta.dirname, 'prices.generated.json');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function sourceVersion(): string {
  const main = import.meta.resolve('@pydantic/genai-prices');
  const about: unknown = JSON.parse(
    readFileSync(join(dirname(fileURLToPath(main)), '../package.json'), 'utf8'),
  );
  if (typeof about !== 'object' || about === null || !('version' in about)) {
    throw new Error('the price source does not say its version');
  }
  return `@pydantic/genai-prices@${about.version}`;
}

async function freeze(date: string): Promise<PriceFile> {
  const known = await readKnownModels();
  const providers = PROVIDERS.map(([id, sourceId]) => {
    const source = findProvider({ providerId: sourceId });
    if (source?.id !== sourceId) throw new Error(`the price source no longer has ${sourceId}`);
    const { models, disputed, unpriced } = freezeProvider(id, source, known);
    if (disputed.length > 0) say(`${id}, priced otherwise elsewhere: ${disputed.join(', ')}`);
    if (unpriced.length > 0 && id !== 'openrouter')
      say(`${id}, without a price: ${unpriced.join(', ')}`);
    return { id, models };
  });
  return { date, sources: [sourceVersion(), ...LIMIT_SOURCES], providers };
}

/** One model a line, so that a review reads as the prices that changed. */
function written(file: PriceFile): string {
  const providers = file.providers.map(({ id, models }) => {
    const lines = models.map((model) => `    ${JSON.stringify(model)}`).join(',\n');
    return `  {"id":${JSON.stringify(id)},"models":[\n${lines}\n  ]}`;
  });
  const head = `"date":${JSON.stringify(file.date)},\n"sources":${JSON.stringify(file.sources)}`;
  return `{\n${head},\n"providers":[\n${providers.join(',\n')}\n]}\n`;
}

function before(): PriceFile | undefined {
  try {
    return JSON.parse(readFileSync(OUT, 'utf8'));
  } catch {
    return undefined;
  }
}

async function main(): Promise<number> {
  const after = await freeze(new Date().toISOString().slice(0, 10));
  const old = before();
  const changes = old === undefined ? [] : changesBetween(old, after);
  for (const { text, large } of changes) say(large ? `! ${text}` : `  ${text}`);
  const large = changes.filter((change) => change.large).length;
  if (large > 0 && !process.argv.includes('--accept')) {
    say(
      `${large} large changes (!): look at them, then run again with --accept. Nothing was written.`,
    );
    return 1;
  }
  writeFileSync(OUT, written(after));
  const count = after.providers.reduce((sum, { models }) => sum + models.length, 0);
  say(`${count} models of ${after.providers.length} providers, ${changes.length} changes.`);
  return 0;
}

process.exitCode = await main();

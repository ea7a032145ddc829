/**
 * Limits and release dates of models from the pinned packages that contain models.dev's data
 * (packages.ts). Earlier packages win: the newest is first, the older ones have models that it no
 * longer lists.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { OLD_PI_AI, type OpenPackage, PI_AI, TOKENLENS } from './packages.ts';

export type KnownModel = Readonly<{
  context: number;
  output: number;
  created: string;
  /** False for an Anthropic model whose thinking can be switched off. */
  alwaysThinks: boolean;
  /**
   * USD per million tokens, which tells models of different prices apart; undefined if not stated.
   */
  inputUsd: number | undefined;
  cacheReadUsd: number;
  outputUsd: number | undefined;
}>;

const PACKAGES = [
  { source: PI_AI, data: 'dist/providers/data' },
  { source: OLD_PI_AI, data: 'dist/models.generated.js' },
  { source: TOKENLENS, data: 'dist/providers' },
] as const;

/** Our ids of the providers that those packages name differently. */
const PROVIDER_ALIASES: Readonly<Record<string, string>> = {
  togetherai: 'together',
  'fireworks-ai': 'fireworks',
};

/** By `provider/name` in lower case. */
export type KnownModels = ReadonlyMap<string, KnownModel>;

async function readData(path: string): Promise<unknown[]> {
  if (path.endsWith('.js')) return [await import(pathToFileURL(path).href)];
  const files = readdirSync(path).filter((file) => /^(?!meta)[\w-]+\.(json|js)$/.test(file));
  return Promise.all(
    files.map((file) => {
      const full = join(path, file);
      return file.endsWith('.js')
        ? import(pathToFileURL(full).href)
        : { [file.replace('.json', '')]: JSON.parse(readFileSync(full, 'utf8')) };
    }),
  );
}

const MAYBE_NUMBER = v.fallback(v.optional(v.pipe(v.number(), v.finite())), undefined);
const LIMITS = v.object({
  contextWindow: MAYBE_NUMBER,
  context: MAYBE_NUMBER,
  maxTokens: MAYBE_NUMBER,
  output: MAYBE_NUMBER,
});
const RELEASE_DATE = v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\d$/));
const COST = v.object({
  input: MAYBE_NUMBER,
  cacheRead: MAYBE_NUMBER,
  cache_read: MAYBE_NUMBER,
  output: MAYBE_NUMBER,
});

/** A model in any of the packages: its limits stand under `limit` or beside its id. */
const SOURCE_MODEL = v.object({
  ...LIMITS.entries,
  id: v.string(),
  limit: v.fallback(v.optional(LIMITS), undefined),
  thinkingLevelMap: v.fallback(v.optional(v.object({ off: v.unknown() })), undefined),
  release_date: v.fallback(v.optional(RELEASE_DATE), undefined),
  cost: v.fallback(v.optional(COST), undefined),
});
const TREE = v.record(v.string(), v.unknown());

/**
 * Returns the id and the facts of a model; undefined for anything else, and without both limits.
 */
function parseSourceModel(data: unknown): Readonly<{ id: string; known: KnownModel }> | undefined {
  const parsed = v.safeParse(SOURCE_MODEL, data);
  if (!parsed.success) return undefined;
  const { id, release_date, thinkingLevelMap, cost, ...model } = parsed.output;
  const limits = model.limit ?? model;
  const context = limits.contextWindow ?? limits.context ?? 0;
  const output = limits.maxTokens ?? limits.output ?? 0;
  if (context < 1 || output < 1) return undefined;
  const known = {
    context,
    output: Math.min(output, context),
    created: release_date ?? '',
    alwaysThinks: thinkingLevelMap?.off === null,
    inputUsd: cost?.input,
    cacheReadUsd: cost?.cacheRead ?? cost?.cache_read ?? 0,
    outputUsd: cost?.output,
  };
  return { id, known };
}

/**
 * The packages nest differently: a model is any object with an id and limits below a provider's
 * key.
 */
function collect(data: unknown, provider: string, target: Map<string, KnownModel>): void {
  const model = parseSourceModel(data);
  if (model !== undefined) {
    const name = `${PROVIDER_ALIASES[provider] ?? provider}/${model.id.toLowerCase()}`;
    const before = target.get(name);
    if (before === undefined) target.set(name, model.known);
    else if (before.created === '') target.set(name, { ...before, created: model.known.created });
    return;
  }
  if (!v.is(TREE, data)) return;
  for (const child of Object.values(data)) collect(child, provider, target);
}

function collectPackage(data: unknown, target: Map<string, KnownModel>): void {
  if (!v.is(TREE, data)) return;
  for (const [key, child] of Object.entries(data)) {
    if (!v.is(TREE, child)) continue;
    // A module's export is one provider with an id of its own, or a table of them (`MODELS`).
    if (typeof child.id === 'string') collect(child.models, child.id, target);
    else if (key === 'MODELS') collectPackage(child, target);
    else collect(child, key, target);
  }
}

export async function readKnownModels(openPackage: OpenPackage): Promise<KnownModels> {
  const known = new Map<string, KnownModel>();
  for (const { source, data } of PACKAGES) {
    for (const part of await readData(join(openPackage(source), data))) collectPackage(part, known);
  }
  return known;
}

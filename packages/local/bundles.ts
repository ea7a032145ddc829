/**
 * Bundles the Workers as they would be deployed: with wrangler (`deploy --dry-run`) and wrangler's
 * own parsing of each wrangler.toml. Bundles are cached by a hash of their inputs, so that twenty
 * test files bundle once. Reads no `.dev.vars` and opens no connection.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Stops wrangler from making network requests or sending reports. */
export const SILENT = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  DO_NOT_TRACK: '1',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_WRITE_LOGS: 'false',
  CI: '1',
};

export type WorkerRole = 'gateway' | 'ledger' | 'console' | 'operators' | 'deposits';

const CONFIGS: Readonly<Record<WorkerRole, string>> = {
  gateway: 'wrangler.toml',
  ledger: 'workers/ledger/wrangler.toml',
  console: 'workers/console/wrangler.toml',
  operators: 'workers/operators/wrangler.toml',
  deposits: 'workers/deposits/wrangler.toml',
};

export const ROLES: readonly WorkerRole[] = [
  'gateway',
  'ledger',
  'console',
  'operators',
  'deposits',
];

/** `options` is the configuration as wrangler translates it for Miniflare. */
export type Bundle = Readonly<{
  folder: string;
  main: string;
  options: Readonly<Record<string, unknown>>;
}>;
export type Bundles = Readonly<Record<WorkerRole, Bundle>>;

const SOURCES = [
  'packages/**/*.{ts,tsx,json,css,html,txt,svg,wasm}',
  'workers/**/*.{ts,tsx,json,toml,css,html,txt,svg,wasm,js}',
  'wrangler.toml',
  'pnpm-lock.yaml',
];

function hashSources(root: string): string {
  const hash = createHash('sha256');
  const paths = globSync(SOURCES, { cwd: root, exclude: (name) => /node_modules|^\./.test(name) })
    .filter((path) => !/\.test\.tsx?$/.test(path) && !path.startsWith('packages/local/'))
    .sort();
  for (const path of paths) {
    hash.update(`${path}\0`);
    hash.update(readFileSync(join(root, path)));
    hash.update('\0');
  }
  // This file is an input too: it decides how bundles are made.
  hash.update(readFileSync(import.meta.filename));
  return hash.digest('hex').slice(0, 24);
}

function wranglerCli(): string {
  const manifest = createRequire(import.meta.url).resolve('wrangler/package.json');
  return join(dirname(manifest), 'bin', 'wrangler.js');
}

/** Runs a script of Node. Resolves to its output; rejects with the output if it fails. */
export function runScript(
  root: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--no-warnings', ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += String(chunk);
      });
    }
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${args.join(' ')} failed:\n${output}`));
    });
  });
}

/** Bundles a Worker into a folder. */
export async function bundleWorker(
  root: string,
  config: string,
  folder: string,
  options: readonly string[] = [],
): Promise<void> {
  const args = ['deploy', '--dry-run', '--outdir', folder, '-c', config, ...options];
  await runScript(root, [wranglerCli(), ...args], SILENT);
}

async function readWorkerOptions(root: string, role: WorkerRole): Promise<Record<string, unknown>> {
  Object.assign(process.env, SILENT);
  const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = await import('wrangler');
  const config = unstable_readConfig({ config: join(root, CONFIGS[role]) }, { hideWarnings: true });
  const { workerOptions } = unstable_getMiniflareWorkerOptions(config);
  const { modulesRules: _, ...options } = workerOptions;
  // `bindings` would include .dev.vars. Only `vars`, which are deployed, may be cached.
  return { ...options, name: config.name ?? role, bindings: config.vars ?? {} };
}

function isMain(folder: string, name: string): boolean {
  return /\.m?js$/.test(name) && statSync(join(folder, name)).isFile();
}

export function readBundle(folder: string): Bundle {
  const main = readdirSync(folder).find((name) => name === 'index.js' || isMain(folder, name));
  if (main === undefined) throw new Error('wrangler produced no module.');
  const options: unknown = JSON.parse(readFileSync(join(folder, 'options.json'), 'utf8'));
  if (typeof options !== 'object' || options === null)
    throw new Error('wrangler produced no options.');
  return { folder, main, options: { ...options } };
}

function readBundles(folder: string): Bundles {
  return {
    gateway: readBundle(join(folder, 'gateway')),
    ledger: readBundle(join(folder, 'ledger')),
    console: readBundle(join(folder, 'console')),
    operators: readBundle(join(folder, 'operators')),
    deposits: readBundle(join(folder, 'deposits')),
  };
}

async function bundleAll(root: string, folder: string): Promise<void> {
  const temporaryFolder = `${folder}.${process.pid}`;
  rmSync(temporaryFolder, { recursive: true, force: true });
  mkdirSync(temporaryFolder, { recursive: true });
  await Promise.all(
    ROLES.map((role) => bundleWorker(root, join(root, CONFIGS[role]), join(temporaryFolder, role))),
  );
  for (const role of ROLES) {
    const options = JSON.stringify(await readWorkerOptions(root, role));
    writeFileSync(join(temporaryFolder, role, 'options.json'), options);
  }
  renameSync(temporaryFolder, folder);
}

/**
 * Uses a folder as the lock, because mkdir is atomic everywhere. A lock older than two minutes is
 * stale.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  for (;;) {
    try {
      mkdirSync(path);
      break;
    } catch {
      const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > 120_000) rmSync(path, { recursive: true, force: true });
      await sleep(100);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

/** Removes old bundles. Keeps the newest few, because a running stack may use them. */
export function pruneOldBundles(folder: string): void {
  const kept = readdirSync(folder)
    .filter((name) => /^[0-9a-f]{24}$/.test(name))
    .map((name) => ({ path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
    .sort((one, other) => other.at - one.at);
  for (const { path } of kept.slice(8)) rmSync(path, { recursive: true, force: true });
}

export async function bundleWorkers(root: string, cacheDir: string): Promise<Bundles> {
  const folder = join(cacheDir, 'bundles', hashSources(root));
  if (!existsSync(folder)) {
    await withLock(`${folder}.lock`, async () => {
      if (existsSync(folder)) return;
      await bundleAll(root, folder);
      pruneOldBundles(dirname(folder));
    });
  }
  return readBundles(folder);
}

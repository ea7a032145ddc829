/**
 * Builds the public site and its Worker as they would be deployed. The result is cached by a hash of
 * everything it is made of: sources, documents, settings, and the commit that the site names.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type Bundle,
  bundleWorker,
  pruneOldBundles,
  readBundle,
  runScript,
  SILENT,
  withLock,
} from './bundles.ts';

/** The generator's settings: SITE_URL, API_URL, CONSOLE_URL, METRIKA_COUNTER and so on. */
export type SiteEnvironment = Readonly<Record<string, string>>;

const CONFIG = 'workers/site/wrangler.toml';
const SOURCES = [
  '*.md',
  'docs/**/*.{md,json}',
  'bench/results/*',
  'packages/**/*.{ts,tsx,json}',
  'workers/site/**/*.{ts,tsx,json,toml,md}',
  'scripts/site.ts',
  'pnpm-lock.yaml',
];

/** The site names its commit, so another commit is another site. */
function readCommit(root: string): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return '';
  }
}

function hashInputs(root: string, environment: SiteEnvironment): string {
  const hash = createHash('sha256').update(JSON.stringify([environment, readCommit(root)]));
  const paths = globSync(SOURCES, {
    cwd: root,
    exclude: (name) => /node_modules|^\.|\.test\.tsx?$/.test(name),
  });
  for (const path of paths.sort()) hash.update(`${path}\0`).update(readFileSync(join(root, path)));
  return hash.digest('hex').slice(0, 24);
}

async function writeOptions(root: string, folder: string, assets: string): Promise<void> {
  Object.assign(process.env, SILENT);
  const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = await import('wrangler');
  const config = unstable_readConfig({ config: join(root, CONFIG) }, { hideWarnings: true });
  const { workerOptions } = unstable_getMiniflareWorkerOptions(config, undefined, {
    overrides: { assets: { directory: assets } },
  });
  const { modulesRules: _, ...options } = workerOptions;
  const text = JSON.stringify({ ...options, name: config.name, bindings: {} });
  writeFileSync(join(folder, 'worker', 'options.json'), text);
}

async function build(root: string, folder: string, environment: SiteEnvironment): Promise<void> {
  const temporary = `${folder}.${process.pid}`;
  rmSync(temporary, { recursive: true, force: true });
  const assets = join(temporary, 'assets');
  mkdirSync(assets, { recursive: true });
  await runScript(root, [join(root, 'scripts/site.ts'), '--out', assets], environment);
  await bundleWorker(root, join(root, CONFIG), join(temporary, 'worker'), ['--assets', assets]);
  await writeOptions(root, temporary, join(folder, 'assets'));
  renameSync(temporary, folder);
}

/** Returns the site's Worker with its files. */
export async function bundleSite(
  root: string,
  cacheDir: string,
  environment: SiteEnvironment,
): Promise<Bundle> {
  const folder = join(cacheDir, 'sites', hashInputs(root, environment));
  if (!existsSync(folder)) {
    await withLock(`${folder}.lock`, async () => {
      if (existsSync(folder)) return;
      await build(root, folder, environment);
      pruneOldBundles(dirname(folder));
    });
  }
  return readBundle(join(folder, 'worker'));
}

/**
 * Farebox itself: gateway and ledger, bundled as for deployment, in one plain workerd. Provider,
 * database and queue are the bench's upstream; the edge's throttle of one key is lifted, because a
 * single key carries the whole load here. Nothing else differs from what is deployed.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Crew } from './processes.ts';
import { type Stage, type Subject, workerModule } from './subjects.ts';
import { objects, port, queue, type Script, type Served, serve, service, text } from './workerd.ts';

const ROOT = join(import.meta.dirname, '..');
/** wrangler would otherwise report usage, look for updates and write logs outside the checkout. */
const SILENT = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  DO_NOT_TRACK: '1',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_WRITE_LOGS: 'false',
  WRANGLER_LOG: 'error',
};

/** Bundles one Worker as `wrangler deploy` would and puts it beside the configuration. */
async function bundle(crew: Crew, config: string, name: string, folder: string): Promise<string> {
  const manifest = createRequire(import.meta.url).resolve('wrangler/package.json');
  const out = join(folder, `${name}-bundle`);
  const words = ['deploy', '--dry-run', '--outdir', out, '-c', join(ROOT, config)];
  const wrangler = crew.start(
    process.execPath,
    [join(dirname(manifest), 'bin/wrangler.js'), ...words],
    { cwd: ROOT, env: { ...process.env, ...SILENT } },
  );
  const [code] = await once(wrangler.child, 'exit');
  const entry = join(out, 'index.js');
  if (code !== 0 || !existsSync(entry))
    throw new Error(`bench: ${config} does not bundle (${code})`);
  copyFileSync(entry, join(folder, `${name}.js`));
  return `${name}.js`;
}

async function scripts(stage: Stage, folder: string): Promise<readonly Script[]> {
  const upstream = `127.0.0.1:${stage.upstreamPort}`;
  const secrets = text('KEY_MAC_SECRETS', `1:${randomBytes(32).toString('hex')}`);
  return [
    {
      name: 'gateway',
      module: await bundle(stage.crew, 'wrangler.toml', 'gateway', folder),
      flags: ['enable_request_signal'],
      bindings: [
        secrets,
        service('LEDGER', 'ledger', 'Calls'),
        queue('SETTLEMENTS', 'upstream'),
        text('OPENAI_API_KEY', 'bench'),
        text('OPENAI_BASE_URL', `http://${upstream}/v1`),
        text('ALLOW_PLAIN_HTTP', 'true'),
        text('KEY_CALLS_PER_SECOND', '1000000'),
      ],
      classes: [],
    },
    {
      name: 'ledger',
      module: await bundle(stage.crew, 'workers/ledger/wrangler.toml', 'ledger', folder),
      flags: [],
      bindings: [
        secrets,
        objects('ACCOUNT', 'Account'),
        text('DATABASE_URL', `postgresql://bench:bench@${upstream}/bench`),
      ],
      classes: ['Account'],
    },
    {
      name: 'purse',
      module: workerModule('purse', folder),
      flags: [],
      bindings: [
        service('ACCOUNTS', 'ledger', 'Accounts'),
        service('CREDITS', 'ledger', 'Credits'),
      ],
      classes: [],
    },
  ];
}

async function openAccounts(served: Served, wanted: number): Promise<string[]> {
  const answer = await fetch(`http://127.0.0.1:${port(served, 'purse')}/?accounts=${wanted}`);
  if (!answer.ok) throw new Error('bench: the ledger opened no accounts');
  const keys: unknown = await answer.json();
  if (!Array.isArray(keys) || keys.length !== wanted)
    throw new Error('bench: accounts are missing');
  return keys.map(String);
}

export async function startFarebox(stage: Stage): Promise<Subject> {
  const folder = join(stage.folder, 'farebox');
  mkdirSync(join(folder, 'disk'), { recursive: true });
  const served = await serve(stage.crew, {
    folder,
    scripts: await scripts(stage, folder),
    external: { upstream: stage.upstreamPort },
    sockets: [
      { name: 'http', service: 'gateway' },
      { name: 'purse', service: 'purse' },
    ],
    inspector: stage.inspector,
  });
  const keys = await openAccounts(served, stage.accounts);
  return {
    name: 'farebox',
    port: port(served, 'http'),
    process: served,
    accounts: keys.map((key) => ({ authorization: `Bearer ${key}` })),
    inspectorPort: served.ports.get('inspector') ?? null,
    // The outbox ships a second after the first line of a batch (packages/ledger/dispatch.ts).
    tailMs: 1200,
  };
}

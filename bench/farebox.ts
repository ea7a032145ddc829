/**
 * The subjects "farebox", "distant" (the same, with the accounts' objects 50 ms away) and "before"
 * (the same of another checkout): gateway and ledger, bundled as for deployment, in one plain workerd.
 * The bench's upstream is provider, database and queue. The gateway's rate limit per key is disabled,
 * because one key carries the whole load. Nothing else differs from a deployment.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ProcessGroup } from './processes.ts';
import type { BenchContext, Subject } from './subject.ts';
import { workerModule } from './worker-module.ts';
import {
  objects,
  port,
  queue,
  type Script,
  service,
  startWorkerd,
  text,
  type WorkerdProcess,
} from './workerd.ts';

const ROOT = join(import.meta.dirname, '..');
/**
 * Stops wrangler from reporting usage, checking for updates and writing logs outside the checkout.
 */
const WRANGLER_ENV = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  DO_NOT_TRACK: '1',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_WRITE_LOGS: 'false',
  WRANGLER_LOG: 'error',
};

/** Bundles one Worker of a checkout as `wrangler deploy` does, into the folder of the configuration. */
async function bundle(
  processes: ProcessGroup,
  checkout: string,
  config: string,
  name: string,
  folder: string,
  entry?: string,
): Promise<string> {
  const manifest = createRequire(import.meta.url).resolve('wrangler/package.json');
  const out = join(folder, `${name}-bundle`);
  const script = entry === undefined ? [] : [join(import.meta.dirname, 'workers', entry)];
  const args = ['deploy', ...script, '--dry-run', '--outdir', out, '-c', join(checkout, config)];
  const wrangler = processes.start(
    process.execPath,
    [join(dirname(manifest), 'bin/wrangler.js'), ...args],
    { cwd: checkout, env: { ...process.env, ...WRANGLER_ENV } },
  );
  const [code] = await once(wrangler.child, 'exit');
  const bundled = join(out, entry === undefined ? 'index.js' : entry.replace(/ts$/, 'js'));
  if (code !== 0 || !existsSync(bundled))
    throw new Error(`bench: ${config} failed to bundle (${code})`);
  copyFileSync(bundled, join(folder, `${name}.js`));
  return `${name}.js`;
}

type FareboxSource = Readonly<{
  /** The run's folder of the subject. */
  folder: string;
  checkout: string;
  ledgerEntry: string | undefined;
}>;

async function buildScripts(
  context: BenchContext,
  { folder, checkout, ledgerEntry }: FareboxSource,
): Promise<readonly Script[]> {
  const upstream = `127.0.0.1:${context.upstreamPort}`;
  const secrets = text('KEY_MAC_SECRETS', `1:${randomBytes(32).toString('hex')}`);
  return [
    {
      name: 'gateway',
      module: await bundle(context.processes, checkout, 'wrangler.toml', 'gateway', folder),
      flags: ['enable_request_signal'],
      bindings: [
        secrets,
        service('LEDGER', 'ledger', 'Calls'),
        queue('SETTLEMENTS', 'upstream'),
        service('CATALOG', 'ledger', 'Catalog'),
        text('OPENAI_API_KEY', 'bench'),
        text('ANTHROPIC_API_KEY', 'bench'),
        text('GEMINI_API_KEY', 'bench'),
        text('GEMINI_BASE_URL', `http://${upstream}`),
        // Gemini's answers state no rate, so one is assumed that the load is far above.
        text('PROVIDER_CALLS_PER_MINUTE', '{"google":100000000}'),
        text('ANTHROPIC_BASE_URL', `http://${upstream}`),
        text('OPENAI_BASE_URL', `http://${upstream}/v1`),
        text('ALLOW_PLAIN_HTTP', 'true'),
        text('KEY_CALLS_PER_SECOND', '1000000'),
      ],
      classes: [],
    },
    {
      name: 'ledger',
      module: await bundle(
        context.processes,
        checkout,
        'workers/ledger/wrangler.toml',
        'ledger',
        folder,
        ledgerEntry,
      ),
      flags: [],
      bindings: [
        secrets,
        objects('ACCOUNT', 'Account'),
        queue('NOTICES', 'upstream'),
        text('DATABASE_URL', `postgresql://bench:bench@${upstream}/bench`),
      ],
      classes: ['Account'],
    },
    {
      name: 'account-opener',
      module: workerModule('account-opener', folder),
      flags: [],
      bindings: [
        service('ACCOUNTS', 'ledger', 'Accounts'),
        service('CREDITS', 'ledger', 'Credits'),
      ],
      classes: [],
    },
  ];
}

async function openAccounts(workerd: WorkerdProcess, count: number): Promise<string[]> {
  const response = await fetch(
    `http://127.0.0.1:${port(workerd, 'account-opener')}/?accounts=${count}`,
  );
  if (!response.ok) throw new Error('bench: the ledger failed to open the accounts');
  const keys: unknown = await response.json();
  if (!Array.isArray(keys) || keys.length !== count) throw new Error('bench: accounts are missing');
  return keys.map(String);
}

export async function startFarebox(
  name: 'farebox' | 'distant' | 'before',
  context: BenchContext,
): Promise<Subject> {
  const folder = join(context.folder, name);
  const ledgerEntry = name === 'distant' ? 'distant-ledger.ts' : undefined;
  const checkout = name === 'before' ? (context.before ?? ROOT) : ROOT;
  mkdirSync(join(folder, 'disk'), { recursive: true });
  const workerd = await startWorkerd(context.processes, {
    folder,
    scripts: await buildScripts(context, { folder, checkout, ledgerEntry }),
    external: { upstream: context.upstreamPort },
    sockets: [
      { name: 'http', service: 'gateway' },
      { name: 'account-opener', service: 'account-opener' },
    ],
    inspector: context.inspector,
  });
  const keys = await openAccounts(workerd, context.accounts);
  return {
    name,
    port: port(workerd, 'http'),
    process: workerd,
    accounts: keys.map((key) => ({ authorization: `Bearer ${key}` })),
    inspectorPort: workerd.ports.get('inspector') ?? null,
    // The outbox flushes up to four seconds after a batch's first entry
    // (packages/ledger/background-tasks.ts).
    tailMs: 4300,
  };
}

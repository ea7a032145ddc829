/**
 * Runs the bundled Workers in Miniflare: one real workerd process, a socket per Worker without a
 * proxy, state on disk. `kill` sends SIGKILL, so a restart is a crash.
 */
import { channel } from 'node:diagnostics_channel';
import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  Miniflare,
  type V4WorkerOptions,
} from 'miniflare';
import type { Bundle, Bundles, WorkerRole } from './bundles.ts';
import {
  BRIDGE_BINDINGS,
  BRIDGE_SCRIPT,
  BRIDGE_WORKER,
  QUEUES,
  type Transport,
} from './ledger-bridge.ts';

export type WorkerPorts = Readonly<{
  gateway: number;
  console: number;
  operators: number;
  /** Null where the stack has no site. */
  site: number | null;
}>;

export type WorkersPlan = Readonly<{
  bundles: Bundles;
  /** The public site, where the stack has one. */
  site: Bundle | null;
  ports: WorkerPorts;
  /** Where objects, queues and caches live. */
  stateDir: string;
  bindings: Readonly<Record<WorkerRole, Readonly<Record<string, string>>>>;
  bridgeToken: string;
  /** The retries of each queue before its dead-letter queue. Null: as wrangler.toml says. */
  queueRetries: number | null;
  /** Gets everything workerd prints, and every line Miniflare would log. */
  onOutput: (line: string) => void;
  /** Gets the lines that the Workers log. */
  onLog: (line: string) => void;
}>;

export type RunningWorkers = Readonly<{
  ports: WorkerPorts;
  transport: Transport;
  runCrons(): Promise<void>;
  /** Kills workerd immediately. */
  kill(): Promise<void>;
  pid: number | null;
}>;

type ModuleType = 'ESModule' | 'CompiledWasm' | 'Data' | 'Text';
const MODULE_TYPES: Readonly<Record<string, ModuleType>> = {
  '.js': 'ESModule',
  '.mjs': 'ESModule',
  '.wasm': 'CompiledWasm',
  '.bin': 'Data',
  '.txt': 'Text',
  '.html': 'Text',
  '.css': 'Text',
  '.sql': 'Text',
};

/** The main module comes first: Miniflare uses the first one as the entry. */
function listModules(bundle: Bundle): { type: ModuleType; path: string }[] {
  const names = readdirSync(bundle.folder, { recursive: true }).map(String);
  const others = names.filter((name) => name !== bundle.main).sort();
  return [bundle.main, ...others].flatMap((name) => {
    const type = MODULE_TYPES[extname(name)];
    return type === undefined ? [] : [{ type, path: join(bundle.folder, name) }];
  });
}

/** The consumers of a bundle, with other retries for those that have a dead-letter queue. */
function withRetries(consumers: unknown, maxRetries: number): Record<string, object> {
  const entries = Object.entries(Object(consumers)).map(([queue, consumer]) => {
    const settings = Object(consumer);
    const isDead = settings.deadLetterQueue === undefined;
    return [queue, isDead ? settings : { ...settings, maxRetries }] as const;
  });
  return Object.fromEntries(entries);
}

function toWorkerOptions(
  bundle: Bundle,
  bindings: Readonly<Record<string, string>>,
  port: number | null,
  queueRetries: number | null,
): V4WorkerOptions {
  const configBindings = bundle.options.bindings;
  const { queueConsumers } = bundle.options;
  return {
    ...bundle.options,
    ...(queueRetries === null || queueConsumers === undefined
      ? {}
      : { queueConsumers: withRetries(queueConsumers, queueRetries) }),
    rootPath: bundle.folder,
    modulesRoot: bundle.folder,
    modules: listModules(bundle),
    bindings: { ...(typeof configBindings === 'object' ? configBindings : {}), ...bindings },
    ...(port === null ? {} : { unsafeDirectSockets: [{ host: '127.0.0.1', port }] }),
  };
}

function bridgeWorker(ledger: string, token: string): V4WorkerOptions {
  return {
    name: BRIDGE_WORKER,
    compatibilityDate: '2026-11-01',
    modules: [{ type: 'ESModule', path: 'bridge.js', contents: BRIDGE_SCRIPT }],
    bindings: { token },
    queueProducers: Object.fromEntries(QUEUES.map((queueName) => [queueName, { queueName }])),
    serviceBindings: Object.fromEntries(
      Object.entries(BRIDGE_BINDINGS).map(([binding, entrypoint]) => [
        binding,
        { name: ledger, entrypoint },
      ]),
    ),
  };
}

class OutputWatcher extends Log {
  readonly #onOutput: (line: string) => void;

  constructor(onOutput: (line: string) => void) {
    super(LogLevel.WARN);
    this.#onOutput = onOutput;
  }

  override log(message: string): void {
    this.#onOutput(message);
  }
}

/** Reports the child processes started while `work` runs, through Node's diagnostics channel. */
async function observeChildProcesses<T>(
  started: (child: ChildLike) => void,
  work: () => Promise<T>,
): Promise<T> {
  const children = channel('child_process');
  const listener = (message: unknown) => {
    if (typeof message !== 'object' || message === null || !('process' in message)) return;
    if (isChild(message.process)) started(message.process);
  };
  children.subscribe(listener);
  try {
    return await work();
  } finally {
    children.unsubscribe(listener);
  }
}

type Readable = Readonly<{ on(event: 'data', listener: (chunk: unknown) => void): unknown }>;
type ChildLike = Readonly<{
  spawnfile: string;
  pid?: number;
  stdout?: Readable;
  stderr?: Readable;
}>;

function isChild(value: unknown): value is ChildLike {
  return typeof value === 'object' && value !== null && 'spawnfile' in value;
}

function getWorkerName(bundle: Bundle): string {
  return String(bundle.options.name);
}

async function readPorts(
  miniflare: Miniflare,
  { bundles, site }: WorkersPlan,
): Promise<WorkerPorts> {
  const getPort = async (bundle: Bundle) =>
    Number((await miniflare.unsafeGetDirectURL(getWorkerName(bundle))).port);
  return {
    gateway: await getPort(bundles.gateway),
    console: await getPort(bundles.console),
    operators: await getPort(bundles.operators),
    site: site === null ? null : await getPort(site),
  };
}

export async function runWorkers(plan: WorkersPlan): Promise<RunningWorkers> {
  const { bundles, ports, bindings, onOutput } = plan;
  const workerOptions = (role: WorkerRole, port: number | null) =>
    toWorkerOptions(bundles[role], bindings[role], port, plan.queueRetries);
  let pid: number | null = null;
  const captureOutput = (child: ChildLike) => {
    // The streams exist once spawn() has returned.
    queueMicrotask(() => {
      if (!child.spawnfile.includes('workerd')) return;
      pid = child.pid ?? null;
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (chunk) => onOutput(String(chunk)));
      }
    });
  };
  const miniflare = await observeChildProcesses(captureOutput, async () => {
    const made = new Miniflare(
      convertV4MiniflareOptions({
        host: '127.0.0.1',
        port: 0,
        cf: false,
        log: new OutputWatcher(onOutput),
        telemetry: { enabled: false },
        // `wrangler dev --persist-to .farebox/objects` finds the same objects here
        // (docs/development.md).
        resourcePersistencePath: join(plan.stateDir, 'objects', 'v3'),
        handleStructuredLogs: ({ message }) => plan.onLog(message),
        workers: [
          workerOptions('gateway', ports.gateway),
          workerOptions('console', ports.console),
          workerOptions('operators', ports.operators),
          workerOptions('ledger', null),
          workerOptions('deposits', null),
          ...(plan.site === null ? [] : [toWorkerOptions(plan.site, {}, ports.site, null)]),
          bridgeWorker(getWorkerName(bundles.ledger), plan.bridgeToken),
        ],
      }),
    );
    try {
      await made.ready;
    } catch (error) {
      await made.dispose().catch(() => {});
      throw error;
    }
    return made;
  });
  const bridge = await miniflare.getWorker(BRIDGE_WORKER);
  const ledger = await miniflare.getWorker(getWorkerName(bundles.ledger));
  const consoleWorker = await miniflare.getWorker(getWorkerName(bundles.console));
  const deposits = await miniflare.getWorker(getWorkerName(bundles.deposits));
  const operators = await miniflare.getWorker(getWorkerName(bundles.operators));
  const transport: Transport = async (body) => {
    const headers = { 'x-token': plan.bridgeToken };
    const answer = await bridge.fetch('http://bridge/', { method: 'POST', headers, body });
    return answer.text();
  };
  return {
    ports: await readPorts(miniflare, plan),
    transport,
    runCrons: async () => {
      const controller = { cron: '*/5 * * * *', scheduledTime: new Date() };
      const workers = [ledger, consoleWorker, deposits, operators];
      await Promise.all(workers.map((worker) => worker.scheduled(controller)));
    },
    kill: () => miniflare.dispose(),
    pid,
  };
}

/**
 * The bundled Workers in Miniflare: real workerd, one process for all of them, each on a socket of its
 * own without a proxy in front, state on disk. Killing it is SIGKILL, so a restart is a crash.
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
import { type Courier, DOORS_BINDINGS, DOORS_SCRIPT, DOORS_WORKER } from './doors.ts';

export type WorkerPorts = Readonly<{ gateway: number; console: number }>;

export type WorkersPlan = Readonly<{
  bundles: Bundles;
  ports: WorkerPorts;
  /** Where objects, queues and caches live. */
  stateDir: string;
  bindings: Readonly<Record<WorkerRole, Readonly<Record<string, string>>>>;
  doorsToken: string;
  /** Hears every line workerd prints, raw, and every line Miniflare would log. */
  hear: (line: string) => void;
  /** Gets what a Worker said, as it said it. */
  show: (line: string) => void;
}>;

export type RunningWorkers = Readonly<{
  ports: WorkerPorts;
  courier: Courier;
  tick(): Promise<void>;
  /** workerd dies at once, whatever it was doing. */
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

/** The main module first: Miniflare takes it for the entry. */
function modulesOf(bundle: Bundle): { type: ModuleType; path: string }[] {
  const names = readdirSync(bundle.folder, { recursive: true }).map(String);
  const others = names.filter((name) => name !== bundle.main).sort();
  return [bundle.main, ...others].flatMap((name) => {
    const type = MODULE_TYPES[extname(name)];
    return type === undefined ? [] : [{ type, path: join(bundle.folder, name) }];
  });
}

function workerOf(
  bundle: Bundle,
  bindings: Readonly<Record<string, string>>,
  port: number | null,
): V4WorkerOptions {
  const own = bundle.options.bindings;
  return {
    ...bundle.options,
    rootPath: bundle.folder,
    modulesRoot: bundle.folder,
    modules: modulesOf(bundle),
    bindings: { ...(typeof own === 'object' ? own : {}), ...bindings },
    ...(port === null ? {} : { unsafeDirectSockets: [{ host: '127.0.0.1', port }] }),
  };
}

function doorsWorker(ledger: string, token: string): V4WorkerOptions {
  return {
    name: DOORS_WORKER,
    compatibilityDate: '2026-11-01',
    modules: [{ type: 'ESModule', path: 'doors.js', contents: DOORS_SCRIPT }],
    bindings: { token },
    serviceBindings: Object.fromEntries(
      Object.entries(DOORS_BINDINGS).map(([door, entrypoint]) => [
        door,
        { name: ledger, entrypoint },
      ]),
    ),
  };
}

class Heard extends Log {
  readonly #hear: (line: string) => void;

  constructor(hear: (line: string) => void) {
    super(LogLevel.WARN);
    this.#hear = hear;
  }

  override log(message: string): void {
    this.#hear(message);
  }
}

/** The child processes started while `work` runs, by Node's own diagnostics channel. */
async function watchingChildren<T>(
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

type Readable = Readonly<{ on(event: 'data', heard: (chunk: unknown) => void): unknown }>;
type ChildLike = Readonly<{
  spawnfile: string;
  pid?: number;
  stdout?: Readable;
  stderr?: Readable;
}>;

function isChild(value: unknown): value is ChildLike {
  return typeof value === 'object' && value !== null && 'spawnfile' in value;
}

function nameOf(bundle: Bundle): string {
  return String(bundle.options.name);
}

function portOf(url: URL): number {
  return Number(url.port);
}

export async function runWorkers(plan: WorkersPlan): Promise<RunningWorkers> {
  const { bundles, ports, bindings, hear } = plan;
  let pid: number | null = null;
  const overhear = (child: ChildLike) => {
    // The streams exist once spawn() has returned.
    queueMicrotask(() => {
      if (!child.spawnfile.includes('workerd')) return;
      pid = child.pid ?? null;
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (chunk) => hear(String(chunk)));
      }
    });
  };
  const miniflare = await watchingChildren(overhear, async () => {
    const made = new Miniflare(
      convertV4MiniflareOptions({
        host: '127.0.0.1',
        port: 0,
        cf: false,
        log: new Heard(hear),
        telemetry: { enabled: false },
        // `wrangler dev --persist-to .farebox/objects` finds the same objects here (docs/by-hand.md).
        resourcePersistencePath: join(plan.stateDir, 'objects', 'v3'),
        handleStructuredLogs: ({ message }) => plan.show(message),
        workers: [
          workerOf(bundles.gateway, bindings.gateway, ports.gateway),
          workerOf(bundles.console, bindings.console, ports.console),
          workerOf(bundles.ledger, bindings.ledger, null),
          workerOf(bundles.deposits, bindings.deposits, null),
          doorsWorker(nameOf(bundles.ledger), plan.doorsToken),
        ],
      }),
    );
    await made.ready;
    return made;
  });
  const doors = await miniflare.getWorker(DOORS_WORKER);
  const ledger = await miniflare.getWorker(nameOf(bundles.ledger));
  const consoleWorker = await miniflare.getWorker(nameOf(bundles.console));
  const deposits = await miniflare.getWorker(nameOf(bundles.deposits));
  const courier: Courier = async (body) => {
    const headers = { 'x-token': plan.doorsToken };
    const answer = await doors.fetch('http://doors/', { method: 'POST', headers, body });
    return answer.text();
  };
  return {
    ports: {
      gateway: portOf(await miniflare.unsafeGetDirectURL(nameOf(bundles.gateway))),
      console: portOf(await miniflare.unsafeGetDirectURL(nameOf(bundles.console))),
    },
    courier,
    tick: async () => {
      const tick = { cron: '*/5 * * * *', scheduledTime: new Date() };
      const workers = [ledger, consoleWorker, deposits];
      await Promise.all(workers.map((worker) => worker.scheduled(tick)));
    },
    kill: () => miniflare.dispose(),
    pid,
  };
}

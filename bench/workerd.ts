/**
 * Runs Workers in plain workerd with the bench's own configuration: wrangler's dev server and
 * Miniflare's entry Worker cost several times the CPU of the Worker itself. The kernel chooses the
 * port, so that runs never collide.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { Process, ProcessGroup } from './processes.ts';

/** With this date nodejs_compat is enabled by default. */
export const COMPATIBILITY_DATE = '2026-11-01';

export type Binding = Readonly<{ name: string; expression: string }>;

export type Script = Readonly<{
  name: string;
  /** A file in the configuration's folder. */
  module: string;
  flags: readonly string[];
  bindings: readonly Binding[];
  /**
   * Durable Object classes with SQLite storage. Their files are under `disk` in the run's folder.
   */
  classes: readonly string[];
}>;

export type WorkerdConfig = Readonly<{
  folder: string;
  scripts: readonly Script[];
  /** HTTP servers on loopback that Workers may bind, by name. */
  external: Readonly<Record<string, number>>;
  sockets: readonly Readonly<{ name: string; service: string }>[];
  inspector: boolean;
}>;

export type WorkerdProcess = Process & Readonly<{ ports: ReadonlyMap<string, number> }>;

const quote = (text: string) => JSON.stringify(text);

export const text = (name: string, value: string): Binding => ({
  name,
  expression: `text = ${quote(value)}`,
});
export const service = (name: string, script: string, entrypoint?: string): Binding => ({
  name,
  expression:
    entrypoint === undefined
      ? `service = ${quote(script)}`
      : `service = (name = ${quote(script)}, entrypoint = ${quote(entrypoint)})`,
});
export const queue = (name: string, external: string): Binding => ({
  name,
  expression: `queue = ${quote(external)}`,
});
export const objects = (name: string, className: string, script?: string): Binding => ({
  name,
  expression:
    script === undefined
      ? `durableObjectNamespace = ${quote(className)}`
      : `durableObjectNamespace = (className = ${quote(className)}, serviceName = ${quote(script)})`,
});

function renderScript(script: Script): string {
  const classes = script.classes.map(
    (name) =>
      `(className = ${quote(name)}, uniqueKey = ${quote(`bench-${name}`)}, enableSql = true)`,
  );
  const bindings = script.bindings.map(
    ({ name, expression }) => `(name = ${quote(name)}, ${expression})`,
  );
  const flags = script.flags.map(quote);
  return `(name = ${quote(script.name)}, worker = (
    modules = [(name = ${quote(script.module)}, esModule = embed ${quote(script.module)})],
    compatibilityDate = ${quote(COMPATIBILITY_DATE)}, compatibilityFlags = [${flags.join(', ')}],
    bindings = [${bindings.join(',\n      ')}],
    ${classes.length > 0 ? `durableObjectNamespaces = [${classes.join(', ')}],\n    durableObjectStorage = (localDisk = "disk"),` : ''}
  ))`;
}

function render(config: WorkerdConfig): string {
  const external = Object.entries(config.external).map(
    ([name, port]) =>
      `(name = ${quote(name)}, external = (address = "127.0.0.1:${port}", http = ()))`,
  );
  const sockets = config.sockets.map(
    ({ name, service }) =>
      `(name = ${quote(name)}, address = "127.0.0.1:0", http = (), service = ${quote(service)})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = ["public", "private", "local"])),
    (name = "disk", disk = (path = ${quote(join(config.folder, 'disk'))}, writable = true)),
    ${[...external, ...config.scripts.map(renderScript)].join(',\n    ')}
  ],
  sockets = [${sockets.join(', ')}]
);
`;
}

/** workerd is a dependency of wrangler, so it is resolved from there. */
function workerdPath(): string {
  const here = createRequire(import.meta.url);
  const path: unknown = createRequire(here.resolve('wrangler/package.json'))('workerd');
  if (typeof path === 'object' && path !== null && 'default' in path) {
    if (typeof path.default === 'string') return path.default;
  }
  throw new Error('bench: workerd is not installed');
}

/** Starts workerd. Resolves once every socket is listening. */
export async function startWorkerd(
  processes: ProcessGroup,
  config: WorkerdConfig,
): Promise<WorkerdProcess> {
  const path = join(config.folder, 'config.capnp');
  writeFileSync(path, render(config));
  const args = ['serve', path, '--control-fd=3', '--experimental'];
  if (config.inspector) args.push('--inspector-addr=127.0.0.1:0');
  const started = processes.start(workerdPath(), args, {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const expectedPorts = config.sockets.length + (config.inspector ? 1 : 0);
  return { ...started, ports: await readPorts(started, expectedPorts) };
}

/**
 * Reads workerd's control messages (`{"event": "listen", "socket": ..., "port": ...}`) until all
 * ports are known.
 */
async function readPorts(
  started: Process,
  expectedPorts: number,
): Promise<ReadonlyMap<string, number>> {
  const control = started.child.stdio[3];
  if (!(control instanceof Readable)) throw new Error('bench: workerd has no control channel');
  const ports = new Map<string, number>();
  for await (const line of createInterface({ input: control })) {
    const message: unknown = JSON.parse(line);
    if (typeof message !== 'object' || message === null || !('event' in message)) continue;
    if (!('port' in message) || typeof message.port !== 'number') continue;
    const name =
      'socket' in message && typeof message.socket === 'string' ? message.socket : 'inspector';
    ports.set(name, message.port);
    if (ports.size === expectedPorts) return ports;
  }
  throw new Error('bench: workerd exited before it was listening');
}

export function port(workerd: WorkerdProcess, name: string): number {
  const portNumber = workerd.ports.get(name);
  if (portNumber === undefined) throw new Error(`bench: workerd has no socket ${name}`);
  return portNumber;
}

/**
 * Runs Workers in plain workerd from a configuration of the bench's own: the dev server and Miniflare's
 * entry cost several times what the Worker itself does. The port is the kernel's choice, so two runs
 * never collide.
 */

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { Crew, Process } from './processes.ts';

/** By this date nodejs_compat is on without being named. */
export const COMPATIBILITY_DATE = '2026-11-01';

export type Binding = Readonly<{ name: string; is: string }>;

export type Script = Readonly<{
  name: string;
  /** File beside the configuration. */
  module: string;
  flags: readonly string[];
  bindings: readonly Binding[];
  /** Classes with SQLite storage, if any; they live under `disk` in the run's folder. */
  classes: readonly string[];
}>;

export type Serving = Readonly<{
  folder: string;
  scripts: readonly Script[];
  /** HTTP servers on loopback that scripts may bind, by name. */
  external: Readonly<Record<string, number>>;
  sockets: readonly Readonly<{ name: string; service: string }>[];
  inspector: boolean;
}>;

export type Served = Process & Readonly<{ ports: ReadonlyMap<string, number> }>;

const quote = (text: string) => JSON.stringify(text);

export const text = (name: string, value: string): Binding => ({
  name,
  is: `text = ${quote(value)}`,
});
export const service = (name: string, script: string, entrypoint?: string): Binding => ({
  name,
  is:
    entrypoint === undefined
      ? `service = ${quote(script)}`
      : `service = (name = ${quote(script)}, entrypoint = ${quote(entrypoint)})`,
});
export const queue = (name: string, external: string): Binding => ({
  name,
  is: `queue = ${quote(external)}`,
});
export const objects = (name: string, className: string, script?: string): Binding => ({
  name,
  is:
    script === undefined
      ? `durableObjectNamespace = ${quote(className)}`
      : `durableObjectNamespace = (className = ${quote(className)}, serviceName = ${quote(script)})`,
});

function renderScript(script: Script): string {
  const classes = script.classes.map(
    (name) =>
      `(className = ${quote(name)}, uniqueKey = ${quote(`bench-${name}`)}, enableSql = true)`,
  );
  const bindings = script.bindings.map(({ name, is }) => `(name = ${quote(name)}, ${is})`);
  const flags = script.flags.map(quote);
  return `(name = ${quote(script.name)}, worker = (
    modules = [(name = ${quote(script.module)}, esModule = embed ${quote(script.module)})],
    compatibilityDate = ${quote(COMPATIBILITY_DATE)}, compatibilityFlags = [${flags.join(', ')}],
    bindings = [${bindings.join(',\n      ')}],
    ${classes.length > 0 ? `durableObjectNamespaces = [${classes.join(', ')}],\n    durableObjectStorage = (localDisk = "disk"),` : ''}
  ))`;
}

function render(serving: Serving): string {
  const external = Object.entries(serving.external).map(
    ([name, port]) =>
      `(name = ${quote(name)}, external = (address = "127.0.0.1:${port}", http = ()))`,
  );
  const sockets = serving.sockets.map(
    ({ name, service }) =>
      `(name = ${quote(name)}, address = "127.0.0.1:0", http = (), service = ${quote(service)})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = ["public", "private", "local"])),
    (name = "disk", disk = (path = ${quote(join(serving.folder, 'disk'))}, writable = true)),
    ${[...external, ...serving.scripts.map(renderScript)].join(',\n    ')}
  ],
  sockets = [${sockets.join(', ')}]
);
`;
}

/** workerd is wrangler's dependency and not ours, so it is found from there. */
function program(): string {
  const here = createRequire(import.meta.url);
  const found: unknown = createRequire(here.resolve('wrangler/package.json'))('workerd');
  if (typeof found === 'object' && found !== null && 'default' in found) {
    if (typeof found.default === 'string') return found.default;
  }
  throw new Error('bench: workerd is not installed');
}

/** Starts it and returns once every socket listens. */
export async function serve(crew: Crew, serving: Serving): Promise<Served> {
  const path = join(serving.folder, 'config.capnp');
  writeFileSync(path, render(serving));
  const words = ['serve', path, '--control-fd=3', '--experimental'];
  if (serving.inspector) words.push('--inspector-addr=127.0.0.1:0');
  const started = crew.start(program(), words, {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const wanted = serving.sockets.length + (serving.inspector ? 1 : 0);
  return { ...started, ports: await listen(started, wanted) };
}

/** Reads workerd's control messages (`{"event": "listen", "socket": ..., "port": ...}`) until all ports are known. */
async function listen(started: Process, wanted: number): Promise<ReadonlyMap<string, number>> {
  const control = started.child.stdio[3];
  if (!(control instanceof Readable)) throw new Error('bench: workerd has no control channel');
  const ports = new Map<string, number>();
  for await (const line of createInterface({ input: control })) {
    const said: unknown = JSON.parse(line);
    if (typeof said !== 'object' || said === null || !('event' in said)) continue;
    if (!('port' in said) || typeof said.port !== 'number') continue;
    const name = 'socket' in said && typeof said.socket === 'string' ? said.socket : 'inspector';
    ports.set(name, said.port);
    if (ports.size === wanted) return ports;
  }
  throw new Error('bench: workerd stopped before it listened');
}

export function port(served: Served, name: string): number {
  const found = served.ports.get(name);
  if (found === undefined) throw new Error(`bench: workerd has no socket ${name}`);
  return found;
}

/**
 * Profiles a Worker's JavaScript: records V8's CPU profile over workerd's inspector while a row
 * runs. Time that workerd spends outside of V8 appears as (program) or not at all.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Options } from './options.ts';
import type { Process } from './processes.ts';
import { RESULTS, table } from './report.ts';
import { buildLoadSpec, buildRows, runLoad } from './rounds.ts';
import type { Subject } from './subject.ts';

type ProfileNode = Readonly<{
  id: number;
  callFrame: Readonly<{ functionName: string; url: string; lineNumber: number }>;
}>;
type Profile = Readonly<{
  nodes: readonly ProfileNode[];
  samples: readonly number[];
}>;

/** A Chrome DevTools Protocol session with one isolate. */
class Inspector {
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, (result: unknown) => void>();
  #nextId = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', (event) => this.#onMessage(String(event.data)));
  }

  static async open(url: string): Promise<Inspector> {
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () =>
        reject(new Error('bench: the inspector rejected the connection')),
      );
    });
    return new Inspector(socket);
  }

  send(method: string, params: object = {}): Promise<unknown> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve) => {
      this.#pending.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  close(): void {
    this.#socket.close();
  }

  #onMessage(text: string): void {
    const message: unknown = JSON.parse(text);
    if (typeof message !== 'object' || message === null || !('id' in message)) return;
    if (typeof message.id !== 'number') return;
    this.#pending.get(message.id)?.('result' in message ? message.result : message);
    this.#pending.delete(message.id);
  }
}

function isProfile(value: unknown): value is Profile {
  return typeof value === 'object' && value !== null && 'nodes' in value && 'samples' in value;
}

type FunctionTime = Readonly<{ name: string; ms: number }>;

const INTERVAL_US = 200;

/**
 * Self time by function, highest first. It counts samples: the profile's own times give what passed
 * since the sample before to the function that runs next, also where the isolate was not entered in
 * between, so that the first one after each wake would seem to cost 100 us and more.
 */
function sumByFunction(profile: Profile): FunctionTime[] {
  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${url.split('/').at(-1) ?? ''}:${lineNumber + 1}`,
    ]),
  );
  const times = new Map<string, number>();
  for (const id of profile.samples) {
    const name = names.get(id) ?? '?';
    times.set(name, (times.get(name) ?? 0) + INTERVAL_US / 1000);
  }
  return [...times].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms);
}

async function targets(port: number): Promise<string[]> {
  const list: unknown = await (await fetch(`http://127.0.0.1:${port}/json`)).json();
  if (!Array.isArray(list)) return [];
  return list.flatMap((target: unknown) =>
    typeof target === 'object' && target !== null && 'webSocketDebuggerUrl' in target
      ? [String(target.webSocketDebuggerUrl)]
      : [],
  );
}

async function profileSubject(
  generator: Process,
  subject: Subject,
  inspectorPort: number,
  options: Options,
  log: (line: string) => void,
): Promise<void> {
  for (const url of await targets(inspectorPort)) {
    const inspector = await Inspector.open(url);
    await inspector.send('Profiler.enable');
    await inspector.send('Profiler.setSamplingInterval', { interval: INTERVAL_US });
    for (const row of buildRows(options)) {
      const spec = {
        ...buildLoadSpec(subject, row, options),
        windowMs: Math.max(4000, options.windowMs),
      };
      await inspector.send('Profiler.start');
      const result = await runLoad(generator, spec);
      const stopped = await inspector.send('Profiler.stop');
      if (typeof stopped !== 'object' || stopped === null || !('profile' in stopped)) continue;
      if (!isProfile(stopped.profile)) continue;
      const name = `profile.${subject.name}.${url.split('/').at(-1)}.${row.pace}.${row.connections}`;
      mkdirSync(RESULTS, { recursive: true });
      writeFileSync(join(RESULTS, `${name}.cpuprofile`), JSON.stringify(stopped.profile));
      const rows = sumByFunction(stopped.profile)
        .slice(0, 40)
        .map((item) => [item.name, ((item.ms * 1000) / result.total).toFixed(1)]);
      log(
        `\n${name}: ${result.total} calls, ${result.errors} errors\n${table(['function', 'µs a call'], rows)}`,
      );
    }
    inspector.close();
  }
}

export async function runProfile(
  generator: Process,
  subjects: readonly Subject[],
  options: Options,
  log: (line: string) => void,
): Promise<boolean> {
  for (const subject of subjects) {
    if (subject.inspectorPort === null) log(`${subject.name} has no inspector`);
    else await profileSubject(generator, subject, subject.inspectorPort, options, log);
  }
  return true;
}

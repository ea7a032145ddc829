/**
 * Where a Worker's JavaScript time goes: V8's own CPU profile over workerd's inspector while a row runs.
 * It sees JavaScript only; what workerd spends outside of V8 shows up as (program) or not at all.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Options } from './options.ts';
import type { Process } from './processes.ts';
import { RESULTS, table } from './report.ts';
import { load, loadOrder, rowsOf } from './rounds.ts';
import type { Subject } from './subjects.ts';

type ProfileNode = Readonly<{
  id: number;
  callFrame: Readonly<{ functionName: string; url: string; lineNumber: number }>;
}>;
type Profile = Readonly<{
  nodes: readonly ProfileNode[];
  samples: readonly number[];
  timeDeltas: readonly number[];
}>;

/** A Chrome DevTools Protocol session with one isolate. */
class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #next = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', (event) => this.#take(String(event.data)));
  }

  static async open(url: string): Promise<Inspector> {
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error('bench: the inspector refused')));
    });
    return new Inspector(socket);
  }

  ask(method: string, params: object = {}): Promise<unknown> {
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  close(): void {
    this.#socket.close();
  }

  #take(text: string): void {
    const said: unknown = JSON.parse(text);
    if (typeof said !== 'object' || said === null || !('id' in said)) return;
    if (typeof said.id !== 'number') return;
    this.#waiting.get(said.id)?.('result' in said ? said.result : said);
    this.#waiting.delete(said.id);
  }
}

function isProfile(value: unknown): value is Profile {
  return typeof value === 'object' && value !== null && 'nodes' in value && 'samples' in value;
}

type Spent = Readonly<{ name: string; ms: number }>;

/** Time by function, its own only, the dearest first. */
function spent(profile: Profile): Spent[] {
  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${url.split('/').at(-1) ?? ''}:${lineNumber + 1}`,
    ]),
  );
  const times = new Map<string, number>();
  profile.samples.forEach((id, at) => {
    const name = names.get(id) ?? '?';
    times.set(name, (times.get(name) ?? 0) + (profile.timeDeltas[at] ?? 0) / 1000);
  });
  return [...times].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms);
}

async function targets(port: number): Promise<string[]> {
  const answer: unknown = await (await fetch(`http://127.0.0.1:${port}/json`)).json();
  if (!Array.isArray(answer)) return [];
  return answer.flatMap((target: unknown) =>
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
  say: (line: string) => void,
): Promise<void> {
  for (const url of await targets(inspectorPort)) {
    const inspector = await Inspector.open(url);
    await inspector.ask('Profiler.enable');
    await inspector.ask('Profiler.setSamplingInterval', { interval: 200 });
    for (const row of rowsOf(options)) {
      const order = {
        ...loadOrder(subject, row, options),
        windowMs: Math.max(4000, options.windowMs),
      };
      await inspector.ask('Profiler.start');
      const result = await load(generator, order);
      const stopped = await inspector.ask('Profiler.stop');
      if (typeof stopped !== 'object' || stopped === null || !('profile' in stopped)) continue;
      if (!isProfile(stopped.profile)) continue;
      const name = `profile.${subject.name}.${url.split('/').at(-1)}.${row.pace}.${row.connections}`;
      mkdirSync(RESULTS, { recursive: true });
      writeFileSync(join(RESULTS, `${name}.cpuprofile`), JSON.stringify(stopped.profile));
      const lines = spent(stopped.profile)
        .slice(0, 40)
        .map((item) => [item.name, ((item.ms * 1000) / result.total).toFixed(1)]);
      say(
        `\n${name}: ${result.total} calls, ${result.errors} errors\n${table(['function', 'µs a call'], lines)}`,
      );
    }
    inspector.close();
  }
}

export async function runProfile(
  generator: Process,
  subjects: readonly Subject[],
  options: Options,
  say: (line: string) => void,
): Promise<boolean> {
  for (const subject of subjects) {
    if (subject.inspectorPort === null) say(`${subject.name} has no inspector`);
    else await profileSubject(generator, subject, subject.inspectorPort, options, say);
  }
  return true;
}

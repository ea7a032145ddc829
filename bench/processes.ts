/**
 * Every process the bench starts, what each has burnt and holds (from /proc, so Linux only), and the
 * promise that none outlives the bench. It ends only what it started itself.
 */
import { type ChildProcess, fork, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The kernel counts CPU in hundredths of a second (USER_HZ, proc(5)). */
const MS_PER_TICK = 10;

export type Process = Readonly<{ child: ChildProcess; pid: number }>;

export class ProcessGroup {
  readonly #children = new Set<ChildProcess>();

  constructor() {
    process.once('exit', () => this.#kill());
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => process.exit(130));
    }
  }

  /** Starts a program; what it says on stderr is passed on. */
  start(
    program: string,
    args: readonly string[],
    options: Readonly<{ cwd?: string; env?: NodeJS.ProcessEnv; stdio?: StdioOptions }> = {},
  ): Process {
    const stdio = options.stdio ?? ['ignore', 'ignore', 'inherit'];
    return this.#track(spawn(program, args, { ...options, stdio }));
  }

  /** Starts one of the bench's own scripts, with a channel that can carry NaN (JSON's can't). */
  script(name: string): Process {
    const path = join(import.meta.dirname, name);
    return this.#track(
      fork(path, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' }),
    );
  }

  async stop(process: Process): Promise<void> {
    if (process.child.exitCode !== null || process.child.signalCode !== null) return;
    process.child.kill('SIGKILL');
    await once(process.child, 'exit');
  }

  async stopAll(): Promise<void> {
    const all = [...this.#children];
    this.#kill();
    await Promise.all(all.map((child) => (child.exitCode === null ? once(child, 'exit') : null)));
  }

  #track(child: ChildProcess): Process {
    if (child.pid === undefined) throw new Error(`bench: could not start ${child.spawnfile}`);
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return { child, pid: child.pid };
  }

  #kill(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}

/** Sends one message and returns the next that comes back. */
export async function sendAndReceive(process: Process, message: object): Promise<unknown> {
  const reply = once(process.child, 'message');
  process.child.send(message);
  const [answer]: unknown[] = await reply;
  return answer;
}

/** User and system time so far. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name may hold spaces; the fields are counted from its closing parenthesis (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

export type Memory = Readonly<{ nowMb: number; peakMb: number }>;

export function memory(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return { nowMb: megabytes(status, 'VmRSS'), peakMb: megabytes(status, 'VmHWM') };
}

function megabytes(status: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status);
  return Number(match?.[1] ?? Number.NaN) / 1024;
}

/** Waits until a process has next to nothing left to do, so that one subject's tail is not the next one's noise. */
export async function waitUntilIdle(pid: number, maxMs: number, minMs = 0): Promise<void> {
  await sleep(minMs);
  for (let elapsedMs = 0; elapsedMs < maxMs; elapsedMs += 100) {
    const before = cpuMs(pid);
    await sleep(100);
    if (cpuMs(pid) - before <= MS_PER_TICK) return;
  }
}

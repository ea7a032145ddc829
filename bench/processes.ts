/**
 * The bench's child processes: their CPU time and memory (from /proc, so Linux only). None of them
 * outlives the bench, and it stops only processes that it started.
 */
import { type ChildProcess, fork, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** CPU time within a tenth of a second below which a process counts as idle, in milliseconds. */
const IDLE_CPU_MS = 5;

export type Process = Readonly<{ child: ChildProcess; pid: number }>;

export class ProcessGroup {
  readonly #children = new Set<ChildProcess>();

  constructor() {
    process.once('exit', () => this.#kill());
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => process.exit(130));
    }
  }

  /** Starts a program. Its stderr is inherited. */
  start(
    program: string,
    args: readonly string[],
    options: Readonly<{ cwd?: string; env?: NodeJS.ProcessEnv; stdio?: StdioOptions }> = {},
  ): Process {
    const stdio = options.stdio ?? ['ignore', 'ignore', 'inherit'];
    return this.#track(spawn(program, args, { ...options, stdio }));
  }

  /** Starts one of the bench's scripts, with a channel that can carry NaN, which JSON can't. */
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

/** Sends a message and returns the next one received. */
export async function sendAndReceive(process: Process, message: object): Promise<unknown> {
  const reply = once(process.child, 'message');
  process.child.send(message);
  const [answer]: unknown[] = await reply;
  return answer;
}

/** Returns the nanoseconds that a thread has run; 0 if it ended meanwhile. */
function threadCpuNs(pid: number, thread: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8');
    return Number(text.split(' ')[0]);
  } catch {
    return 0;
  }
}

/**
 * CPU time of a process so far, in milliseconds: the scheduler's own count of each thread, in
 * nanoseconds (Documentation/scheduler/sched-stats.rst). /proc/PID/stat counts hundredths of a
 * second. None of the subjects ends a thread while it is measured.
 */
export function cpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => sum + threadCpuNs(pid, thread), 0) / 1e6;
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

/**
 * Waits until a process is almost idle, so that its remaining work doesn't disturb the next
 * measurement.
 */
export async function waitUntilIdle(pid: number, maxMs: number, minMs = 0): Promise<void> {
  await sleep(minMs);
  for (let elapsedMs = 0; elapsedMs < maxMs; elapsedMs += 100) {
    const before = cpuMs(pid);
    await sleep(100);
    if (cpuMs(pid) - before <= IDLE_CPU_MS) return;
  }
}

/** Finds, starts and stops anvil, a local EVM node. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

/** anvil's `finalized` block is two epochs below the head. */
const EPOCH_SLOTS = 2;
const START_TIMEOUT_MS = 20_000;

/** The path of this platform's anvil binary. Null when npm has none for it. */
export function anvilPath(): string | null {
  const os = process.platform === 'win32' ? 'win32' : process.platform;
  const cpu = process.arch === 'x64' ? 'amd64' : process.arch;
  try {
    const wrapper = createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json');
    const name = `@foundry-rs/anvil-${os}-${cpu}/bin/anvil${os === 'win32' ? '.exe' : ''}`;
    return createRequire(wrapper).resolve(name);
  } catch {
    return null;
  }
}

/**
 * Runs a command until it exits, is signaled, or its stdin closes. The latter detects a parent that
 * was killed with SIGKILL: it can't signal its children, but its pipes close. stdin is duplicated
 * to descriptor 3, because a shell gives background commands an empty stdin (POSIX, "Asynchronous
 * Lists").
 */
const BOUND_TO_PARENT_SCRIPT = `exec 3<&0
"$@" 3<&- & command=$!
trap 'kill -TERM $command' TERM INT
( trap - TERM INT; cat <&3 >/dev/null; kill -TERM $command ) 2>/dev/null & watch=$!
wait $command; code=$?
trap - TERM INT
wait $command 2>/dev/null && code=$?
kill $watch 2>/dev/null
exit $code`;

/** On Windows, which has no such shell, the command is started directly. */
function spawnBound(path: string, args: readonly string[]): ChildProcess {
  const env = { PATH: process.env.PATH, FOUNDRY_DISABLE_NIGHTLY_WARNING: '1' };
  const stdio: ['pipe', 'pipe', 'ignore'] = ['pipe', 'pipe', 'ignore'];
  if (process.platform === 'win32') return spawn(path, args, { stdio, env });
  return spawn('/bin/sh', ['-c', BOUND_TO_PARENT_SCRIPT, 'anvil', path, ...args], { stdio, env });
}

export type Anvil = Readonly<{ url: string; stop(): Promise<void> }>;
export type AnvilOptions = Readonly<{
  chainId: number;
  /** The block time. Null: only `anvil_mine` mines blocks. */
  blockSeconds: number | null;
  /** Loaded at the start if it exists, and written at the end. */
  stateFile: string;
}>;

function waitForExit(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

async function readListenUrl(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('anvil has no stdout.');
  const killTimer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const found = /Listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (found !== undefined) return `http://${found}`;
    }
    throw new Error('anvil exited before it was listening.');
  } finally {
    clearTimeout(killTimer);
  }
}

/** Starts the native binary. Its npm wrapper would exit before its child does. */
export async function startAnvil(
  path: string,
  { chainId, blockSeconds, stateFile }: AnvilOptions,
): Promise<Anvil> {
  const child = spawnBound(path, [
    ...['--host', '127.0.0.1', '--port', '0'],
    ...['--chain-id', String(chainId)],
    ...['--slots-in-an-epoch', String(EPOCH_SLOTS)],
    ...['--state', stateFile],
    ...(blockSeconds === null ? ['--no-mining'] : ['--block-time', String(blockSeconds)]),
  ]);
  const url = await readListenUrl(child);
  // Drains the output: anvil would block on a full pipe.
  child.stdout?.resume();
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await waitForExit(child);
      clearTimeout(killer);
    },
  };
}

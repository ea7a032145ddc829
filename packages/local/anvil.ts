/** One anvil: where it is, starting it, asking it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

/** `finalized` is two epochs below the head. */
const EPOCH_SLOTS = 2;
const START_TIMEOUT_MS = 20_000;

/** Where this machine's anvil is; null where npm has none for it. */
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
 * Runs a command until it ends, it is told to, or nobody holds the other end of its input any more: a process that
 * is killed outright can tell nobody, but its pipes close. The input has to be opened again under another number,
 * because a shell gives what runs beside it an empty one (POSIX, "Asynchronous Lists").
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

/** Windows has no such shell: there it is started as it is. */
function spawnBound(path: string, args: readonly string[]): ChildProcess {
  const env = { PATH: process.env.PATH, FOUNDRY_DISABLE_NIGHTLY_WARNING: '1' };
  const stdio: ['pipe', 'pipe', 'ignore'] = ['pipe', 'pipe', 'ignore'];
  if (process.platform === 'win32') return spawn(path, args, { stdio, env });
  return spawn('/bin/sh', ['-c', BOUND_TO_PARENT_SCRIPT, 'anvil', path, ...args], { stdio, env });
}

export type Anvil = Readonly<{ url: string; stop(): Promise<void> }>;
export type AnvilOptions = Readonly<{
  chainId: number;
  /** Between blocks; null: only `anvil_mine` makes one. */
  blockSeconds: number | null;
  /** Read at the start, where it is there, and written at the end. */
  stateFile: string;
}>;

function waitForExit(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

async function readListenUrl(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('anvil has no output');
  const killTimer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const found = /Listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (found !== undefined) return `http://${found}`;
    }
    throw new Error('anvil ended before it listened');
  } finally {
    clearTimeout(killTimer);
  }
}

/** The native binary, not its wrapper: that one exits before its child. */
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
  // What it goes on to print has to go somewhere, or the pipe fills and it stands still.
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

export type JsonObject = Readonly<Record<string, unknown>>;

/** An answer that is JSON-RPC's error. */
export class JsonRpcError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Asks an anvil one thing; throws `RpcError` where it refuses. */
export type AnvilRpc = (method: string, params: readonly unknown[]) => Promise<unknown>;

export function createAnvilRpc(url: string): AnvilRpc {
  return async function callAnvil(method, params) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const headers = { 'content-type': 'application/json' };
    const answer: unknown = await (await fetch(url, { method: 'POST', headers, body })).json();
    if (!isJsonObject(answer)) throw new JsonRpcError(-32000, 'no answer');
    if (isJsonObject(answer.error)) {
      throw new JsonRpcError(Number(answer.error.code), String(answer.error.message));
    }
    return answer.result;
  };
}

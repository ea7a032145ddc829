/**
 * Listens on the loopback interface. The error for a port in use names the process, where that is
 * cheap to find out, and how to choose another port.
 */
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type PortName =
  | 'gateway'
  | 'console'
  | 'operators'
  | 'site'
  | 'database'
  | 'mock'
  | 'mailbox';
export type Ports = Readonly<Record<PortName, number>>;

export const DEFAULT_PORTS: Ports = {
  gateway: 8787,
  console: 8788,
  database: 8789,
  mock: 8790,
  mailbox: 8791,
  operators: 8792,
  site: 8793,
};

export const PORT_NAMES: readonly PortName[] = [
  'gateway',
  'console',
  'operators',
  'site',
  'database',
  'mock',
  'mailbox',
];

/** A port is in use. The message is shown to the user. */
export class PortInUseError extends Error {
  readonly port: number;

  constructor(port: number, name: PortName | null, holder: string | null) {
    const what = name === null ? '' : ` (for the ${name})`;
    const by = holder === null ? '' : `, by ${holder}`;
    const how =
      name === null
        ? ''
        : ` Stop that program, or choose another port: FAREBOX_${name.toUpperCase()}_PORT=${port + 100} npm start`;
    super(`Port ${port}${what} is in use${by}.${how}`);
    this.name = 'PortInUseError';
    this.port = port;
  }
}

/** Listens on a port, or on a free one for 0. Resolves to the port. */
export function listen(
  server: Server,
  port: number,
  name: PortName | null = null,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE' ? new PortInUseError(port, name, findPortHolder(port)) : error,
      );
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', failed);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/**
 * Below Linux's range for outgoing connections and `listen(0)` (32768-60999, ip(7)): nothing takes a
 * port of ours between the check and the start of its server, or while a killed server restarts.
 */
const CHOSEN_PORTS = { min: 20_000, max: 32_767 };

/**
 * Finds a port that is free now, for servers whose port must be known before they start. Another
 * process can choose the same one at the same moment: `retryOnPortInUse`.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(CHOSEN_PORTS.min, CHOSEN_PORTS.max + 1);
    const server = createServer();
    try {
      await listen(server, port);
      await new Promise((resolve) => server.close(resolve));
      return port;
    } catch (error) {
      if (!(error instanceof PortInUseError)) throw error;
    }
  }
}

const MAX_ATTEMPTS = 5;

/** Whether Miniflare, Node or this module reports that a port is in use. */
function isPortInUse(error: unknown): boolean {
  const code = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return error instanceof PortInUseError || code === 'EADDRINUSE' || code === 'ERR_ADDRESS_IN_USE';
}

/** Runs `start`, which chooses its own ports, again when another process was faster to a port. */
export async function retryOnPortInUse<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isPortInUse(error)) throw error;
    }
  }
}

/** Throws `PortInUseError` if the port is in use now. */
export async function requireFreePort(port: number, name: PortName): Promise<void> {
  if (port === 0) return;
  const server = createServer();
  await listen(server, port, name);
  await new Promise((resolve) => server.close(resolve));
}

/** Like `requireFreePort`, but waits 1.5 seconds for an exiting process to release the port. */
export async function waitForFreePort(port: number, name: PortName): Promise<void> {
  const deadline = Date.now() + 1_500;
  for (;;) {
    try {
      await requireFreePort(port, name);
      return;
    } catch (error) {
      if (!(error instanceof PortInUseError) || Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

/**
 * "node (process 4711)", from Linux's /proc. Null on other systems and for other users' processes.
 */
export function findPortHolder(port: number): string | null {
  try {
    const socket = listeningSocket(port);
    return socket === null ? null : findProcessBySocket(socket);
  } catch {
    return null;
  }
}

function listeningSocket(port: number): string | null {
  const portSuffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/);
      // Column 3 is the state, 0A meaning LISTEN; column 9 the socket's inode (proc_pid_net(5)).
      if (columns[1]?.endsWith(portSuffix) === true && columns[3] === '0A')
        return columns[9] ?? null;
    }
  }
  return null;
}

function findProcessBySocket(inode: string): string | null {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const holdsSocket = readdirSync(`/proc/${pid}/fd`).some(
        (fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`,
      );
      if (holdsSocket)
        return `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (process ${pid})`;
    } catch {
      // Another user's process, or one that has just exited.
    }
  }
  return null;
}

/**
 * Listens on the loopback interface. The error for a port in use names the process, where that is
 * cheap to find out, and how to choose another port.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type PortName = 'gateway' | 'console' | 'operators' | 'database' | 'mock' | 'mailbox';
export type Ports = Readonly<Record<PortName, number>>;

export const DEFAULT_PORTS: Ports = {
  gateway: 8787,
  console: 8788,
  database: 8789,
  mock: 8790,
  mailbox: 8791,
  operators: 8792,
};

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

/** Finds a port that is free now, for servers whose port must be known before they start. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server, 0);
  await new Promise((resolve) => server.close(resolve));
  return port;
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

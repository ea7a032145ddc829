/**
 * Serves PostgreSQL's wire protocol over PGlite. Clients share its single session: a client holds
 * it from its first message until it is idle again, and is rolled back if it disconnects inside a
 * transaction. Listens on loopback only and requires no password.
 */
import { createServer, type Socket } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';
import { Mutex, type Release } from './mutex.ts';
import {
  buildQuery,
  buildStartupResponse,
  CANCEL_REQUEST,
  GSS_REQUEST,
  getMessageType,
  lastTransactionStatus,
  prefixStatementName,
  SSL_REQUEST,
  splitMessage,
} from './pg-messages.ts';
import { listen } from './ports.ts';

export type PgServer = Readonly<{ port: number; close(): Promise<void> }>;

/** Message types after which a client waits for a response. */
const GROUP_ENDING_TYPES: ReadonlySet<string> = new Set(['S', 'Q', 'H', 'F']);

class Session {
  readonly #db: PGlite;
  readonly #mutex: Mutex;
  readonly #socket: Socket;
  readonly #prefix: string;
  readonly #statements = new Set<string>();
  #bytes: Buffer = Buffer.alloc(0);
  #isStarted = false;
  #pendingMessages: Buffer[] = [];
  #release: Release | null = null;
  #work: Promise<void> = Promise.resolve();

  constructor(db: PGlite, mutex: Mutex, socket: Socket, number: number) {
    this.#db = db;
    this.#mutex = mutex;
    this.#socket = socket;
    this.#prefix = `c${number}_`;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#enqueue(() => this.#cleanUp()));
  }

  #enqueue(step: () => Promise<void>): void {
    this.#work = this.#work.then(step).catch(() => {
      this.#socket.destroy();
    });
  }

  /** Disconnects the client and waits until its work is done. */
  async close(): Promise<void> {
    this.#socket.destroy();
    await this.#work;
    await this.#cleanUp();
  }

  #receive(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const piece = splitMessage(this.#bytes, this.#isStarted);
      if (piece === null) return;
      this.#bytes = piece.rest;
      if (this.#isStarted) this.#onMessage(piece.frame);
      else this.#onStartup(piece.frame);
    }
  }

  #onStartup(frame: Buffer): void {
    const code = frame.readInt32BE(4);
    if (code === SSL_REQUEST || code === GSS_REQUEST) this.#socket.write('N');
    else if (code === CANCEL_REQUEST) this.#socket.destroy();
    else {
      this.#isStarted = true;
      this.#socket.write(buildStartupResponse('18.6'));
    }
  }

  #onMessage(frame: Buffer): void {
    const kind = getMessageType(frame);
    if (kind === 'X') {
      this.#socket.end();
      return;
    }
    const renamed = prefixStatementName(frame, this.#prefix);
    if (renamed.statementName !== null && kind === 'P') this.#statements.add(renamed.statementName);
    this.#pendingMessages.push(renamed.frame);
    if (!GROUP_ENDING_TYPES.has(kind)) return;
    const group = Buffer.concat(this.#pendingMessages);
    this.#pendingMessages = [];
    this.#enqueue(() => this.#run(group, kind));
  }

  async #run(group: Buffer, kind: string): Promise<void> {
    if (this.#socket.destroyed) return;
    this.#release ??= await this.#mutex.acquire();
    const answer = Buffer.from(await this.#db.execProtocolRaw(group));
    this.#socket.write(answer);
    // A Flush has no ReadyForQuery. The Sync that must follow runs under the same lock.
    if (kind !== 'H' && lastTransactionStatus(answer) === 'I') this.#releaseMutex();
  }

  #releaseMutex(): void {
    this.#release?.();
    this.#release = null;
  }

  async #cleanUp(): Promise<void> {
    const unfinished = this.#release !== null;
    const statements = [...this.#statements];
    this.#statements.clear();
    if (unfinished || statements.length > 0) {
      this.#release ??= await this.#mutex.acquire();
      if (unfinished) await this.#db.execProtocolRaw(buildQuery('ROLLBACK'));
      for (const name of statements) {
        await this.#db.execProtocolRaw(buildQuery(`DEALLOCATE "${name.replaceAll('"', '""')}"`));
      }
    }
    this.#releaseMutex();
  }
}

export async function servePg(db: PGlite): Promise<PgServer> {
  const mutex = new Mutex();
  const sessions = new Set<Session>();
  let count = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    count += 1;
    const session = new Session(db, mutex, socket, count);
    sessions.add(session);
    socket.on('close', () => sessions.delete(session));
  });
  const port = await listen(server, 0);
  return {
    port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      await Promise.all([...sessions].map((session) => session.close()));
      await closed;
    },
  };
}

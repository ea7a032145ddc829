/**
 * PostgreSQL's wire protocol over PGlite, for any number of clients of its single session: a client
 * keeps the session from its first message until it is idle again, and a client that leaves inside a
 * transaction is rolled back. Loopback only; it never asks for a password.
 */
import { createServer, type Socket } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';
import {
  CANCEL_REQUEST,
  cut,
  GSS_REQUEST,
  greeting,
  kindOf,
  lastState,
  query,
  SSL_REQUEST,
  withStatementNamed,
} from './frames.ts';
import { listen } from './ports.ts';
import { type Release, Turns } from './turns.ts';

export type WireServer = Readonly<{ port: number; close(): Promise<void> }>;

/** After these a client waits for an answer. */
const ENDS_A_GROUP: ReadonlySet<string> = new Set(['S', 'Q', 'H', 'F']);

class Session {
  readonly #db: PGlite;
  readonly #turns: Turns;
  readonly #socket: Socket;
  readonly #prefix: string;
  readonly #statements = new Set<string>();
  #bytes: Buffer = Buffer.alloc(0);
  #greeted = false;
  #group: Buffer[] = [];
  #release: Release | null = null;
  #work: Promise<void> = Promise.resolve();

  constructor(db: PGlite, turns: Turns, socket: Socket, number: number) {
    this.#db = db;
    this.#turns = turns;
    this.#socket = socket;
    this.#prefix = `c${number}_`;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#enqueue(() => this.#leave()));
  }

  #enqueue(step: () => Promise<void>): void {
    this.#work = this.#work.then(step).catch(() => {
      this.#socket.destroy();
    });
  }

  /** Resolves when nothing of this client is left to do. */
  async ended(): Promise<void> {
    this.#socket.destroy();
    await this.#work;
    await this.#leave();
  }

  #receive(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const piece = cut(this.#bytes, this.#greeted);
      if (piece === null) return;
      this.#bytes = piece.rest;
      if (this.#greeted) this.#take(piece.frame);
      else this.#greet(piece.frame);
    }
  }

  #greet(frame: Buffer): void {
    const code = frame.readInt32BE(4);
    if (code === SSL_REQUEST || code === GSS_REQUEST) this.#socket.write('N');
    else if (code === CANCEL_REQUEST) this.#socket.destroy();
    else {
      this.#greeted = true;
      this.#socket.write(greeting('18.6'));
    }
  }

  #take(frame: Buffer): void {
    const kind = kindOf(frame);
    if (kind === 'X') {
      this.#socket.end();
      return;
    }
    const own = withStatementNamed(frame, this.#prefix);
    if (own.named !== null && kind === 'P') this.#statements.add(own.named);
    this.#group.push(own.frame);
    if (!ENDS_A_GROUP.has(kind)) return;
    const group = Buffer.concat(this.#group);
    this.#group = [];
    this.#enqueue(() => this.#run(group, kind));
  }

  async #run(group: Buffer, kind: string): Promise<void> {
    if (this.#socket.destroyed) return;
    this.#release ??= await this.#turns.take();
    const answer = Buffer.from(await this.#db.execProtocolRaw(group));
    this.#socket.write(answer);
    // A Flush has no ReadyForQuery: the Sync that must follow belongs to the same turn.
    if (kind !== 'H' && lastState(answer) === 'I') this.#giveBack();
  }

  #giveBack(): void {
    this.#release?.();
    this.#release = null;
  }

  async #leave(): Promise<void> {
    const unfinished = this.#release !== null;
    const statements = [...this.#statements];
    this.#statements.clear();
    if (unfinished || statements.length > 0) {
      this.#release ??= await this.#turns.take();
      if (unfinished) await this.#db.execProtocolRaw(query('ROLLBACK'));
      for (const name of statements) {
        await this.#db.execProtocolRaw(query(`DEALLOCATE "${name.replaceAll('"', '""')}"`));
      }
    }
    this.#giveBack();
  }
}

export async function serveWire(db: PGlite): Promise<WireServer> {
  const turns = new Turns();
  const sessions = new Set<Session>();
  let count = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    count += 1;
    const session = new Session(db, turns, socket, count);
    sessions.add(session);
    socket.on('close', () => sessions.delete(session));
  });
  const port = await listen(server, 0);
  return {
    port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      await Promise.all([...sessions].map((session) => session.ended()));
      await closed;
    },
  };
}

/**
 * One client's WebSocket: each `response.create` on it is a call, with a hold, a settlement and an id
 * of its own. Calls are made one after another; the provider's socket stays open between them, because
 * it holds the state that the next one may continue.
 */
import type { AccountId } from '@farebox/ledger';
import { err } from '@farebox/result';
import { type BodyResult, MAX_BODY_BYTES, SMALL_BODY_BYTES } from './body-reader.ts';
import { CallTimes } from './call-times.ts';
import { type RequestContext, respondError } from './context.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import type { ApiError } from './errors.ts';
import { MAX_CLIENT_IDLE_MS, type OpenSocket } from './open-sockets.ts';
import { refreshCatalog } from './resolve-model.ts';
import { SocketCalls } from './socket-calls.ts';
import type { Body } from './with-caller.ts';

/** Messages in line, with the one under way; a client that sends more is told so. */
const MAX_WAITING = 8;

/**
 * How long the provider's socket stays open without a call, in milliseconds. Agents run tools between
 * two responses; the state is lost with the socket, and they send the whole input again then.
 */
export const MAX_UPSTREAM_IDLE_MS = 10 * 60_000;

/** RFC 6455, section 7.4.1: a message that is too big to process; the endpoint goes away. */
const TOO_BIG = 1009;
const GOING_AWAY = 1001;

const ID_DIGITS = 32;

/**
 * Returns the id of the call with this number on a connection: the first has that of the handshake,
 * which its client knows, and each further the next number.
 */
export function toTurnId(handshakeId: string, turn: number): string {
  const next = BigInt(`0x${handshakeId}`) + BigInt(turn);
  return BigInt.asUintN(4 * ID_DIGITS, next)
    .toString(16)
    .padStart(ID_DIGITS, '0');
}

function getSize(data: string | ArrayBuffer): number {
  return typeof data === 'string' ? data.length : data.byteLength;
}

export class SocketSession {
  readonly #ctx: RequestContext;
  readonly #open: OpenSocket;
  readonly #client: WebSocket;
  readonly #gone = new AbortController();
  readonly #calls: SocketCalls;
  /** The messages in line. The one under way is no longer among them. */
  readonly #waiting: Body[] = [];
  #isBusy = false;
  #work: Promise<void> = Promise.resolve();
  #turns = 0;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  /** `open` is the count of this socket, of the account of the handshake's key. */
  constructor(ctx: RequestContext, open: OpenSocket, client: WebSocket) {
    this.#ctx = ctx;
    this.#open = open;
    this.#client = client;
    this.#calls = new SocketCalls({ gone: this.#gone.signal, send: this.#send });
    // Otherwise a binary message is a Blob, which has no bytes that can be read at once.
    client.binaryType = 'arraybuffer';
    client.addEventListener('message', ({ data }) => this.#enqueue(data));
    client.addEventListener('close', () => this.#onGone());
    client.addEventListener('error', () => this.#onGone());
    this.#watchIdle();
  }

  get #account(): AccountId {
    return this.#open.account;
  }

  #onGone(): void {
    if (this.#gone.signal.aborted) return;
    clearTimeout(this.#idleTimer);
    this.#gone.abort();
    this.#open.close();
    this.#ctx.waitUntil(this.#work.then(() => this.#calls.close()));
  }

  /** Closes the client's side; it may never answer, so nothing waits for that. */
  #close(code: number, reason: string): void {
    this.#client.close(code, reason);
    this.#onGone();
  }

  /** Closes what nobody uses: first the provider's socket, much later the client's. */
  #watchIdle(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      this.#calls.close();
      const restMs = MAX_CLIENT_IDLE_MS - MAX_UPSTREAM_IDLE_MS;
      this.#idleTimer = setTimeout(() => this.#close(GOING_AWAY, 'no message for an hour'), restMs);
    }, MAX_UPSTREAM_IDLE_MS);
  }

  #enqueue(data: string | ArrayBuffer): void {
    if (this.#gone.signal.aborted) return;
    this.#open.noteMessage(!this.#isBusy, this.#ctx.clock());
    const message = this.#admit(data);
    if (!message.ok) {
      this.#ctx.waitUntil(this.#sendError(this.#ctx, message));
      return;
    }
    this.#waiting.push(message);
    if (this.#isBusy) return;
    this.#isBusy = true;
    clearTimeout(this.#idleTimer);
    this.#work = this.#handleWaiting();
    this.#ctx.waitUntil(this.#work);
  }

  /** Takes a message in, or returns why not. Of large ones only one waits. */
  #admit(data: string | ArrayBuffer): BodyResult {
    const { bodyReader } = this.#ctx.deps;
    if (this.#waiting.length + Number(this.#isBusy) >= MAX_WAITING)
      return err('too_many_concurrent_calls', { retryAfterSeconds: 1 });
    const size = getSize(data);
    const isLarge = size > SMALL_BODY_BYTES && size <= MAX_BODY_BYTES;
    if (isLarge && this.#waiting.some(({ bytes }) => bytes.length > SMALL_BODY_BYTES))
      return err('gateway_busy');
    return bodyReader.admit(data, this.#account);
  }

  async #handleWaiting(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const message = next;
      await this.#handle(message)
        .catch(() => this.#sendError(this.#ctx, { reason: 'internal' }))
        .catch(() => {})
        .finally(message.release);
    }
    this.#isBusy = false;
    if (!this.#gone.signal.aborted) this.#watchIdle();
  }

  readonly #send = (message: string): void => {
    this.#client.send(message);
    if (!this.#open.noteSent(message.length, this.#ctx.clock()))
      this.#close(TOO_BIG, 'too much was sent that you did not read');
  };

  /** Sends an error as an event, in the words and with the status that HTTP has. */
  async #sendError(ctx: RequestContext, error: ApiError): Promise<void> {
    await this.#sendResponse(respondError(ctx, error));
  }

  async #sendResponse(response: Response): Promise<void> {
    const body: object = await response.json();
    if (this.#gone.signal.aborted) return;
    this.#send(JSON.stringify({ type: 'error', status: response.status, ...body }));
  }

  async #handle(message: Body): Promise<void> {
    if (this.#gone.signal.aborted) return;
    const id = toTurnId(this.#ctx.id, this.#turns);
    const { clock } = this.#ctx;
    const own = { timer: new DeadlineTimer(clock), times: new CallTimes(clock()) };
    const ctx = { ...this.#ctx, id, ...own };
    refreshCatalog(ctx);
    const planned = await this.#calls.plan(ctx, message.bytes);
    if (!planned.ok) {
      await this.#sendError(ctx, planned);
      return;
    }
    // A hold may stand whatever was answered, and its release be on its way: its id is used up.
    this.#turns += 1;
    try {
      const error = await this.#calls.run(ctx, planned, message);
      if (error !== null) await this.#sendResponse(error);
    } finally {
      ctx.timer.stop();
    }
  }
}

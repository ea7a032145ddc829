/**
 * Writes an answer to its client. A write costs workerd as much as a read does (25 us,
 * docs/decisions/0034-gathered-writes.md), so while the isolate carries many streams, pieces are
 * gathered for a moment. Each piece consists of whole events, and so does each write.
 */
import { concatBytes } from '@farebox/providers';
import type { LoadEntry } from './stream-load.ts';

/** Milliseconds for which pieces are gathered after a write, if the isolate carries many streams. */
export const GATHER_MS = 20;
/** Pieces that follow each other within this time are gathered; others would only wait. */
export const DENSE_MS = 10;
/** Gathered bytes that are written at once. */
const MAX_GATHERED_BYTES = 16_384;
/** Bytes that may be written before the client has taken them; then the provider is kept waiting. */
const MAX_UNTAKEN_BYTES = 65_536;

export type ClientWriterOptions = Readonly<{
  client: WritableStream<Uint8Array>;
  load: LoadEntry;
  /** Called when the client has taken a write of the answer's bytes, with the time. */
  onTaken: (now: number) => void;
  /** Called when the client's side fails; perhaps more than once. */
  onFailed: () => void;
  /** Returns milliseconds since the epoch. */
  clock: () => number;
}>;

export class ClientWriter {
  readonly #options: ClientWriterOptions;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #lastWriteAt = Number.NEGATIVE_INFINITY;
  #lastPieceAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pendingWrites = 0;
  #untakenBytes = 0;
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(options: ClientWriterOptions) {
    this.#options = options;
    this.#writer = options.client.getWriter();
    // The writable errors when the client's side is cancelled, often before the abort signal fires.
    this.#writer.closed.catch(options.onFailed);
  }

  /** True while the client has not taken all that was written. */
  get isWriting(): boolean {
    return this.#pendingWrites > 0;
  }

  /**
   * Writes a piece of the answer now, or with those that follow within GATHER_MS. Returns a promise
   * if the client should take some of it before more is read.
   */
  write(piece: Uint8Array, now: number): Promise<void> | undefined {
    const isDense = now - this.#lastPieceAt < DENSE_MS;
    this.#lastPieceAt = now;
    const shouldGather = this.#options.load.touch(now) && isDense;
    if (!shouldGather && this.#gatheredBytes === 0) return this.#send(piece, now);
    this.#gathered.push(piece);
    this.#gatheredBytes += piece.length;
    const dueAt = shouldGather ? this.#lastWriteAt + GATHER_MS : now;
    if (now >= dueAt || this.#gatheredBytes >= MAX_GATHERED_BYTES) return this.flush(now);
    this.#timer ??= setTimeout(this.#onTimer, dueAt - now);
    return undefined;
  }

  /** Writes what is gathered. Returns a promise as `write` does. */
  flush(now = this.#options.clock()): Promise<void> | undefined {
    if (this.#gatheredBytes === 0) return undefined;
    const bytes = concatBytes(this.#gathered);
    this.#drop();
    return this.#send(bytes, now);
  }

  /** Resolves when the client has taken all that was written. */
  async finishWrites(): Promise<void> {
    await this.flush();
    await this.#lastWrite;
  }

  /** Writes a keep-alive event, which is no sign of life from the provider. */
  writeKeepAlive(bytes: Uint8Array): void {
    this.flush();
    this.#pendingWrites += 1;
    const onTaken = () => {
      this.#pendingWrites -= 1;
    };
    this.#lastWrite = this.#writer.write(bytes).then(onTaken, this.#onFailed);
  }

  /** Writes the last bytes, if any, and closes the client's side. Rejects if that has failed. */
  async close(lastBytes: Uint8Array | null): Promise<void> {
    if (lastBytes !== null) await this.#writer.write(lastBytes);
    await this.#writer.close();
  }

  /** Aborts the client's side: its answer must not look complete. */
  async abort(): Promise<void> {
    this.stop();
    await this.#writer.abort();
  }

  /** Drops what is gathered and its timer. */
  stop(): void {
    this.#drop();
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #send(bytes: Uint8Array, now: number): Promise<void> | undefined {
    this.#lastWriteAt = now;
    this.#pendingWrites += 1;
    this.#untakenBytes += bytes.length;
    const onTaken = () => {
      this.#untakenBytes -= bytes.length;
      this.#pendingWrites -= 1;
      this.#options.onTaken(this.#options.clock());
    };
    this.#lastWrite = this.#writer.write(bytes).then(onTaken, this.#onFailed);
    return this.#untakenBytes > MAX_UNTAKEN_BYTES ? this.#lastWrite : undefined;
  }

  /** A write since the timer was set, of a piece that came alone, makes what is gathered due later. */
  readonly #onTimer = () => {
    this.#timer = undefined;
    const now = this.#options.clock();
    const dueAt = this.#lastWriteAt + GATHER_MS;
    if (now >= dueAt) this.flush(now);
    else if (this.#gatheredBytes > 0) this.#timer = setTimeout(this.#onTimer, dueAt - now);
  };

  readonly #onFailed = () => {
    this.#pendingWrites -= 1;
    this.#options.onFailed();
  };

  #drop(): void {
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }
}

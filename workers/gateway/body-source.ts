/** The chunks of a request body, and how fast they must come. */

/** How much is read at a time, in bytes. The runtime's own default of 4 KB makes much garbage. */
const CHUNK_BYTES = 64 * 1024;

/** How long a body may pause, in milliseconds. */
const IDLE_TIMEOUT_MS = 10_000;
/** How long a body may take, in milliseconds. */
const MAX_DURATION_MS = 120_000;
/** The least rate, after a while that slow starts may take: 64 KB a second. */
const MIN_BYTES_PER_MS = 64 * (1024 / 1000);
const MIN_RATE_GRACE_MS = 5_000;

const CHECK_INTERVAL_MS = 1_000;

export type SpeedLimits = Readonly<{ idleMs: number; durationMs: number; minBytesPerMs: number }>;

export const BODY_SPEED: SpeedLimits = {
  idleMs: IDLE_TIMEOUT_MS,
  durationMs: MAX_DURATION_MS,
  minBytesPerMs: MIN_BYTES_PER_MS,
};

type ChunkReader = Readonly<{
  read: () => Promise<Uint8Array | null>;
  cancel: () => void;
}>;

/** Reads into one buffer over and over, where the stream allows it: no chunk becomes garbage. */
function openByteReader(stream: ReadableStream<Uint8Array>): ChunkReader {
  const reader = stream.getReader({ mode: 'byob' });
  let buffer = new ArrayBuffer(CHUNK_BYTES);
  return {
    read: async () => {
      const { value } = await reader.readAtLeast(CHUNK_BYTES, new Uint8Array(buffer));
      if (value === undefined) return null;
      buffer = value.buffer;
      return value.length === 0 ? null : value;
    },
    cancel: () => void reader.cancel().catch(() => {}),
  };
}

function openChunkReader(stream: ReadableStream<Uint8Array>): ChunkReader {
  // `readAtLeast` is workerd's own; in Node not every body is a byte stream.
  if ('readAtLeast' in ReadableStreamBYOBReader.prototype) return openByteReader(stream);
  const reader = stream.getReader();
  return {
    read: async () => (await reader.read()).value ?? null,
    cancel: () => void reader.cancel().catch(() => {}),
  };
}

/**
 * Reads the chunks of a body in order. A chunk is valid until the next one is read. The body ends
 * early, with `tooSlow` set, where its sender pauses, takes too long or sends too little.
 */
export class BodySource {
  readonly #reader: ChunkReader;
  #speed: SpeedLimits;
  #startedAt = Date.now();
  #lastChunkAt = Date.now();
  #pausedAt = 0;
  #received = 0;
  #tooSlow = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(stream: ReadableStream<Uint8Array>, speed: SpeedLimits) {
    this.#reader = openChunkReader(stream);
    this.#speed = speed;
    this.start(speed);
  }

  /** Starts the clock, after a while in which nothing was read too. */
  start(speed: SpeedLimits): void {
    this.stop();
    this.#speed = speed;
    this.#startedAt = Date.now();
    this.#lastChunkAt = this.#startedAt;
    this.#received = 0;
    this.#watch();
  }

  /** The bytes that were read since the clock started. */
  get received(): number {
    return this.#received;
  }

  get tooSlow(): boolean {
    return this.#tooSlow;
  }

  /** Returns the next chunk, or null at the end. Throws if the connection breaks. */
  async read(): Promise<Uint8Array | null> {
    const chunk = await this.#reader.read();
    if (chunk === null || this.#tooSlow) return null;
    this.#received += chunk.length;
    this.#lastChunkAt = Date.now();
    return chunk;
  }

  /** Stops the clock while the reader itself waits: its sender is not to blame. */
  pause(): void {
    this.#pausedAt = Date.now();
    this.stop();
  }

  resume(): void {
    const waited = Date.now() - this.#pausedAt;
    this.#startedAt += waited;
    this.#lastChunkAt += waited;
    this.#watch();
  }

  /** Stops the clock; call it once the body is read or abandoned. */
  stop(): void {
    clearInterval(this.#timer);
  }

  cancel(): void {
    this.stop();
    this.#reader.cancel();
  }

  #watch(): void {
    this.#timer = setInterval(() => this.#checkSpeed(Date.now()), CHECK_INTERVAL_MS);
  }

  #checkSpeed(now: number): void {
    const { idleMs, durationMs, minBytesPerMs } = this.#speed;
    const elapsedMs = now - this.#startedAt;
    const minBytes = minBytesPerMs * (elapsedMs - MIN_RATE_GRACE_MS);
    if (now - this.#lastChunkAt < idleMs && elapsedMs < durationMs && this.#received >= minBytes) {
      return;
    }
    this.#tooSlow = true;
    this.cancel();
  }
}

/** The rest of a provider's answer, of which the beginning may have been read. */
import type { Meter } from '@farebox/providers';
import type { AnsweredCall } from './call.ts';
import { EndTimer } from './end-timer.ts';
import { IdleTimer } from './idle-timer.ts';
import type { ScheduledReads } from './read-scheduler.ts';
import type { UpstreamSuccess } from './response-headers.ts';

/** What reads a body. */
export type AnswerReader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel'>;

export type AnswerSource = Readonly<{
  reader: AnswerReader;
  /** True if the bytes of a chunk change with the next `read`. */
  reusesMemory: boolean;
  /** What may go to the client already. */
  pieces: readonly Uint8Array[];
}>;

export type ReadAhead =
  /** The answer ended, and `pieces` is all of it; `meter.verdict()` says what it is. */
  | Readonly<{ kind: 'ended'; pieces: readonly Uint8Array[] }>
  /** The answer goes on, and is passed on as it comes. */
  | (Readonly<{ kind: 'under_way' }> & AnswerSource)
  | Readonly<{ kind: 'broken'; reason: 'upstream_disconnected' | 'upstream_timeout' }>;

/** What is read of a document before it has to wait for a turn, in bytes: most are smaller. */
const MAX_UNSCHEDULED_BYTES = 16_384;

/**
 * How much is read at a time in a turn, in bytes. What the runtime keeps of a read and its write
 * until the garbage collector comes takes 6 KB, whatever their size.
 */
const READ_BYTES = 262_144;

/**
 * Reads a body into one buffer over and over: documents may have any size, and the collector frees
 * chunks far later than they pass. Of a large one it reads in turns with others, and has no memory
 * while it waits.
 */
class ReusingReader {
  readonly #reader: ReadableStreamBYOBReader;
  readonly #turns: ScheduledReads;
  #buffer = new Uint8Array(MAX_UNSCHEDULED_BYTES);
  #bytes = 0;

  constructor(body: ReadableStream<Uint8Array>, turns: ScheduledReads) {
    this.#reader = body.getReader({ mode: 'byob' });
    this.#turns = turns;
  }

  async read(): Promise<ReadableStreamReadResult<Uint8Array>> {
    if (this.#bytes >= MAX_UNSCHEDULED_BYTES) await this.#prepareTurn();
    try {
      const { done, value } = await this.#reader.read(this.#buffer);
      if (!done && value !== undefined) {
        this.#buffer = new Uint8Array(value.buffer);
        this.#bytes += value.length;
        return { done: false, value };
      }
    } catch (error) {
      this.#turns.close();
      throw error;
    }
    this.#turns.close();
    return { done: true, value: undefined };
  }

  cancel(): Promise<void> {
    this.#turns.close();
    return this.#reader.cancel();
  }

  async #prepareTurn(): Promise<void> {
    const turn = this.#turns.next();
    if (turn !== undefined) {
      this.#replaceBuffer(0);
      await turn;
    }
    if (this.#buffer.length < READ_BYTES) this.#replaceBuffer(READ_BYTES);
  }

  /** Frees the memory of the buffer without waiting for the garbage collector. */
  #replaceBuffer(bytes: number): void {
    this.#buffer.buffer.transfer(0);
    this.#buffer = new Uint8Array(bytes);
  }
}

/** Larger than most chunks of a stream; a stream keeps it open as long as it lasts. */
const STREAM_READ_BYTES = 8_192;

/**
 * Reads the chunks of a stream into one buffer and returns copies of their size. The runtime's own
 * reader makes a buffer of 4 KB for each, however small it is (workerd, streams/internal.c++), and
 * those of many streams are most of what the collector has to find.
 */
export class CopyingReader implements AnswerReader {
  readonly #reader: ReadableStreamBYOBReader;
  #buffer = new Uint8Array(STREAM_READ_BYTES);

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader({ mode: 'byob' });
  }

  read(): Promise<ReadableStreamReadResult<Uint8Array>> {
    return this.#reader.read(this.#buffer).then(this.#toCopy);
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }

  readonly #toCopy = ({
    done,
    value,
  }: ReadableStreamReadResult<Uint8Array<ArrayBuffer>>): ReadableStreamReadResult<Uint8Array> => {
    if (value !== undefined) this.#buffer = new Uint8Array(value.buffer);
    if (done || value === undefined) return { done: true, value: undefined };
    return { done: false, value: value.slice() };
  };
}

/**
 * Answers up to this length, in bytes, are read by the runtime in one piece, which is cheaper than
 * chunk by chunk. The meter keeps a copy, so 64 at once take 8 MB.
 */
const MAX_WHOLE_BYTES = 65_536;

const ENDED: AnswerReader = {
  read: async () => ({ done: true, value: undefined }),
  cancel: async () => {},
};

/**
 * Reads an answer until it ends or has bytes that may go to the client, whichever is first: until
 * then the response can still become an error with a status of its own.
 */
export function readAhead(
  call: AnsweredCall,
  upstream: UpstreamSuccess,
  meter: Meter,
): Promise<ReadAhead> {
  const { length } = upstream;
  const isSmall = length !== null && length <= MAX_WHOLE_BYTES;
  return isSmall ? readWhole(call, upstream, meter) : readChunks(call, upstream.body, meter);
}

/** Reads an answer of which the provider told the length: it has all of it. */
async function readWhole(
  call: AnsweredCall,
  upstream: UpstreamSuccess,
  meter: Meter,
): Promise<ReadAhead> {
  const { deps, timer } = call.ctx;
  let isTimedOut = false;
  const stopTimer = timer.start(deps.timeouts.idleMs, () => {
    isTimedOut = true;
    call.abort.abort();
  });
  const bytes = await upstream.arrayBuffer().catch(() => null);
  stopTimer();
  if (bytes === null) {
    return { kind: 'broken', reason: isTimedOut ? 'upstream_timeout' : 'upstream_disconnected' };
  }
  const pieces = meter.feed(new Uint8Array(bytes));
  if (pieces.length > 0) return { kind: 'under_way', reader: ENDED, reusesMemory: false, pieces };
  return { kind: 'ended', pieces: meter.end() };
}

async function readChunks(
  call: AnsweredCall,
  body: ReadableStream<Uint8Array>,
  meter: Meter,
): Promise<ReadAhead> {
  const { clock, deps, timer } = call.ctx;
  const reader = new ReusingReader(body, deps.readScheduler.open(call.account, clock));
  const stop = () => {
    call.abort.abort();
    reader.cancel().catch(() => {});
  };
  const idle = new IdleTimer({ idleMs: deps.timeouts.idleMs, onIdle: stop, clock });
  const endTimer = new EndTimer(meter, stop);
  timer.add(idle);
  try {
    for (;;) {
      endTimer.startWaiting();
      const { done, value } = await reader.read();
      endTimer.stopWaiting();
      if (done) break;
      idle.touch();
      const pieces = meter.feed(value);
      if (pieces.length > 0) return { kind: 'under_way', reader, reusesMemory: true, pieces };
    }
  } catch {
    // What is whole is not lost with its connection.
    const reason = idle.expired ? 'upstream_timeout' : 'upstream_disconnected';
    if (!endTimer.isOver) return { kind: 'broken', reason };
  } finally {
    timer.remove(idle);
    endTimer.stop();
  }
  if (idle.expired) return { kind: 'broken', reason: 'upstream_timeout' };
  return { kind: 'ended', pieces: meter.end() };
}

/**
 * The load generator, in its own process. It keeps a number of connections busy and times each call
 * to the first byte of its body and to its end. A call that isn't a complete 200 is an error.
 * Errors are reported separately, never averaged.
 */
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { type Head, HttpParser } from './http-parser.ts';
import { monotonicMs, parseFrames } from './payloads.ts';
import { quantile } from './statistics.ts';

export type LoadSpec = Readonly<{
  port: number;
  /** Complete requests, used in turn. */
  requests: readonly string[];
  connections: number;
  /** Connections start spread over this time, so that paced streams aren't synchronized. */
  spreadMs: number;
  warmupMs: number;
  windowMs: number;
  /** A complete response ends with this. */
  expectedEnding: string;
  /** Each connection makes a single call (soak). */
  once: boolean;
  /** The number of timed events in each response; 0 where they are not timed. */
  frames: number;
}>;

export type LoadResult = Readonly<{
  /** Calls started within the window, each followed to its end. */
  calls: number;
  /** All finished calls, including the warmup: the divisor of the CPU time. */
  total: number;
  perSecond: number;
  firstByteP50: number;
  firstByteP99: number;
  wholeP50: number;
  errors: number;
  /** The text of the first error. */
  complaint: string | null;
  /** Milliseconds from the upstream's writing of an event to its arrival. */
  frameDelayP50: number;
  frameDelayP99: number;
  /** Streams in which no event is missing or more than MAX_FRAME_DELAY_MS late, of all. */
  cleanStreams: number;
  timedStreams: number;
}>;

const MAX_FRAME_DELAY_MS = 250;

type LoadSamples = {
  total: number;
  errors: number;
  complaint: string | null;
  firstByte: number[];
  whole: number[];
  rates: number[];
  frameDelays: number[];
  cleanStreams: number;
  timedStreams: number;
};

type MeasurementWindow = Readonly<{ opensAt: number; closesAt: number }>;

/** One connection. It makes calls until the window closes, and follows the last one to its end. */
class Connection {
  readonly #spec: LoadSpec;
  readonly #window: MeasurementWindow;
  readonly #samples: LoadSamples;
  readonly #socket: Socket;
  readonly #done: () => void;
  #nextRequest: number;
  #sentAt = 0;
  #firstByteAt = 0;
  #status = '';
  #tail = '';
  #frameRest = '';
  #frameDelays: number[] = [];
  #countedCalls = 0;
  #firstStartedAt = 0;
  #lastEndedAt = 0;
  #finished = false;

  constructor(
    spec: LoadSpec,
    window: MeasurementWindow,
    samples: LoadSamples,
    index: number,
    done: () => void,
  ) {
    this.#spec = spec;
    this.#window = window;
    this.#samples = samples;
    this.#nextRequest = index;
    this.#done = done;
    const reader = new HttpParser({
      head: (head) => this.#onHead(head),
      body: (piece) => this.#onBody(piece),
      end: () => this.#onEnd(),
    });
    this.#socket = connect({ port: spec.port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('connect', () => this.#call());
    this.#socket.on('data', (piece) =>
      reader.push(typeof piece === 'string' ? Buffer.from(piece) : piece),
    );
    this.#socket.on('error', (error) => this.#finish(error.message));
    this.#socket.on('close', () => this.#finish('the connection was closed'));
  }

  #call(): void {
    const { requests } = this.#spec;
    const request = requests[this.#nextRequest % requests.length] ?? '';
    this.#nextRequest += this.#spec.connections;
    this.#firstByteAt = 0;
    this.#tail = '';
    this.#frameRest = '';
    this.#frameDelays = [];
    this.#sentAt = performance.now();
    this.#socket.write(request);
  }

  #onHead(head: Head): void {
    this.#status = head.firstLine.slice(9, 12);
  }

  #onBody(piece: Buffer): void {
    if (this.#firstByteAt === 0) this.#firstByteAt = performance.now();
    if (this.#spec.frames > 0) this.#timeFrames(piece);
    const from = Math.max(0, piece.length - 200);
    this.#tail = (this.#tail + piece.toString('latin1', from)).slice(-200);
  }

  #timeFrames(piece: Buffer): void {
    const now = monotonicMs();
    const { sentAtMs, rest } = parseFrames(this.#frameRest + piece.toString('latin1'));
    this.#frameRest = rest;
    this.#frameDelays.push(...sentAtMs.map((sentAt) => now - sentAt));
  }

  #countFrames(): void {
    const delays = this.#frameDelays;
    this.#samples.frameDelays.push(...delays);
    this.#samples.timedStreams += 1;
    const isClean =
      delays.length === this.#spec.frames && Math.max(...delays) <= MAX_FRAME_DELAY_MS;
    if (isClean) this.#samples.cleanStreams += 1;
  }

  #onEnd(): void {
    const now = performance.now();
    if (this.#status !== '200' || !this.#tail.includes(this.#spec.expectedEnding)) {
      this.#samples.errors += 1;
      this.#samples.complaint ??= `status ${this.#status}, ending ${JSON.stringify(this.#tail)}`;
    } else {
      this.#count(now);
    }
    if (this.#spec.once || this.#shouldStop(now)) this.#finish(null);
    else this.#call();
  }

  /** True when the window has closed and a call was measured, or calls keep failing. */
  #shouldStop(now: number): boolean {
    return now >= this.#window.closesAt && (this.#countedCalls > 0 || this.#samples.errors > 0);
  }

  #count(now: number): void {
    this.#samples.total += 1;
    if (this.#sentAt < this.#window.opensAt) return;
    if (this.#countedCalls === 0) this.#firstStartedAt = this.#sentAt;
    this.#countedCalls += 1;
    this.#lastEndedAt = now;
    this.#samples.firstByte.push(this.#firstByteAt - this.#sentAt);
    this.#samples.whole.push(now - this.#sentAt);
    if (this.#spec.frames > 0) this.#countFrames();
  }

  #finish(complaint: string | null): void {
    if (this.#finished) return;
    this.#finished = true;
    if (complaint !== null) {
      this.#samples.errors += 1;
      this.#samples.complaint ??= complaint;
    }
    // The rate of complete calls. In a fixed window, the rate of paced streams would jump by one
    // call per connection.
    if (this.#countedCalls > 0) {
      this.#samples.rates.push(
        (this.#countedCalls * 1000) / (this.#lastEndedAt - this.#firstStartedAt),
      );
    }
    this.#socket.destroy();
    this.#done();
  }
}

function runLoad(spec: LoadSpec): Promise<LoadResult> {
  const start = performance.now();
  const opensAt = start + spec.warmupMs;
  const window = { opensAt, closesAt: opensAt + spec.windowMs };
  const samples: LoadSamples = {
    total: 0,
    errors: 0,
    complaint: null,
    firstByte: [],
    whole: [],
    rates: [],
    frameDelays: [],
    cleanStreams: 0,
    timedStreams: 0,
  };
  return new Promise((resolve) => {
    let openConnections = spec.connections;
    const done = () => {
      openConnections -= 1;
      if (openConnections === 0) resolve(summarize(samples));
    };
    for (let index = 0; index < spec.connections; index += 1) {
      const delay = (index * spec.spreadMs) / spec.connections;
      setTimeout(() => new Connection(spec, window, samples, index, done), delay);
    }
  });
}

function summarize(samples: LoadSamples): LoadResult {
  return {
    calls: samples.whole.length,
    total: samples.total,
    perSecond: samples.rates.reduce((sum, rate) => sum + rate, 0),
    firstByteP50: quantile(samples.firstByte, 0.5),
    firstByteP99: quantile(samples.firstByte, 0.99),
    wholeP50: quantile(samples.whole, 0.5),
    errors: samples.errors,
    complaint: samples.complaint,
    frameDelayP50: quantile(samples.frameDelays, 0.5),
    frameDelayP99: quantile(samples.frameDelays, 0.99),
    cleanStreams: samples.cleanStreams,
    timedStreams: samples.timedStreams,
  };
}

process.on('message', (spec: LoadSpec) => {
  runLoad(spec).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');

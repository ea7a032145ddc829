/**
 * The load generator: a process of its own that keeps a number of connections busy and times each call
 * to the first byte of its body and to its end. A call that is not a whole 200 is an error, and errors
 * are reported, never averaged away.
 */
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { quantile } from './statistics.ts';
import { type Head, MessageReader } from './wire.ts';

export type LoadOrder = Readonly<{
  port: number;
  /** Whole requests, taken in turn. */
  requests: readonly string[];
  connections: number;
  /** The connections start spread over this time, so that paced streams do not march in step. */
  spreadMs: number;
  warmMs: number;
  windowMs: number;
  /** A whole answer ends with this. */
  ending: string;
  /** Each connection makes one call and is done (soak). */
  once: boolean;
}>;

export type LoadResult = Readonly<{
  /** Calls begun within the window, each followed to its end. */
  calls: number;
  /** All calls finished, warming up included: what CPU is divided by. */
  total: number;
  perSecond: number;
  firstByteP50: number;
  firstByteP99: number;
  wholeP50: number;
  errors: number;
  /** The first error's own words, to say what went wrong. */
  complaint: string | null;
}>;

type Tally = {
  total: number;
  errors: number;
  complaint: string | null;
  firstByte: number[];
  whole: number[];
  rates: number[];
};

type Window = Readonly<{ opens: number; closes: number }>;

/** One connection: calls in a row until the window closes; the last is followed to its end. */
class Caller {
  readonly #order: LoadOrder;
  readonly #window: Window;
  readonly #tally: Tally;
  readonly #socket: Socket;
  readonly #done: () => void;
  #turn: number;
  #sentAt = 0;
  #firstAt = 0;
  #status = '';
  #tail = '';
  #counted = 0;
  #since = 0;
  #until = 0;
  #over = false;

  constructor(order: LoadOrder, window: Window, tally: Tally, index: number, done: () => void) {
    this.#order = order;
    this.#window = window;
    this.#tally = tally;
    this.#turn = index;
    this.#done = done;
    const reader = new MessageReader({
      head: (head) => this.#onHead(head),
      body: (piece) => this.#onBody(piece),
      end: () => this.#onEnd(),
    });
    this.#socket = connect({ port: order.port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('connect', () => this.#call());
    this.#socket.on('data', (piece) =>
      reader.push(typeof piece === 'string' ? Buffer.from(piece) : piece),
    );
    this.#socket.on('error', (error) => this.#finish(error.message));
    this.#socket.on('close', () => this.#finish('the connection was closed'));
  }

  #call(): void {
    const { requests } = this.#order;
    const request = requests[this.#turn % requests.length] ?? '';
    this.#turn += this.#order.connections;
    this.#firstAt = 0;
    this.#tail = '';
    this.#sentAt = performance.now();
    this.#socket.write(request);
  }

  #onHead(head: Head): void {
    this.#status = head.firstLine.slice(9, 12);
  }

  #onBody(piece: Buffer): void {
    if (this.#firstAt === 0) this.#firstAt = performance.now();
    const from = Math.max(0, piece.length - 200);
    this.#tail = (this.#tail + piece.toString('latin1', from)).slice(-200);
  }

  #onEnd(): void {
    const now = performance.now();
    if (this.#status !== '200' || !this.#tail.includes(this.#order.ending)) {
      this.#tally.errors += 1;
      this.#tally.complaint ??= `status ${this.#status}, ending ${JSON.stringify(this.#tail)}`;
    } else {
      this.#count(now);
    }
    if (this.#order.once || this.#isEnough(now)) this.#finish(null);
    else this.#call();
  }

  /** The window has closed and this connection has a call to show; failing ones do not go on for ever. */
  #isEnough(now: number): boolean {
    return now >= this.#window.closes && (this.#counted > 0 || this.#tally.errors > 0);
  }

  #count(now: number): void {
    this.#tally.total += 1;
    if (this.#sentAt < this.#window.opens) return;
    if (this.#counted === 0) this.#since = this.#sentAt;
    this.#counted += 1;
    this.#until = now;
    this.#tally.firstByte.push(this.#firstAt - this.#sentAt);
    this.#tally.whole.push(now - this.#sentAt);
  }

  #finish(complaint: string | null): void {
    if (this.#over) return;
    this.#over = true;
    if (complaint !== null) {
      this.#tally.errors += 1;
      this.#tally.complaint ??= complaint;
    }
    // The rate over whole calls only: counting what falls into a fixed window would make a paced
    // stream's rate jump by one call per connection.
    if (this.#counted > 0) {
      this.#tally.rates.push((this.#counted * 1000) / (this.#until - this.#since));
    }
    this.#socket.destroy();
    this.#done();
  }
}

function drive(order: LoadOrder): Promise<LoadResult> {
  const start = performance.now();
  const opens = start + order.warmMs;
  const window = { opens, closes: opens + order.windowMs };
  const tally: Tally = {
    total: 0,
    errors: 0,
    complaint: null,
    firstByte: [],
    whole: [],
    rates: [],
  };
  return new Promise((resolve) => {
    let open = order.connections;
    const done = () => {
      open -= 1;
      if (open === 0) resolve(summary(tally));
    };
    for (let index = 0; index < order.connections; index += 1) {
      const delay = (index * order.spreadMs) / order.connections;
      setTimeout(() => new Caller(order, window, tally, index, done), delay);
    }
  });
}

function summary(tally: Tally): LoadResult {
  return {
    calls: tally.whole.length,
    total: tally.total,
    perSecond: tally.rates.reduce((sum, rate) => sum + rate, 0),
    firstByteP50: quantile(tally.firstByte, 0.5),
    firstByteP99: quantile(tally.firstByte, 0.99),
    wholeP50: quantile(tally.whole, 0.5),
    errors: tally.errors,
    complaint: tally.complaint,
  };
}

process.on('message', (order: LoadOrder) => {
  drive(order).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');

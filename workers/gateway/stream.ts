/**
 * Carries a stream from the provider to the caller and watches over it: the caller gets the bytes as
 * they come, in whole events; silence is bridged while the provider lives and becomes an error when it
 * does not; and an answer that was cut never ends as if it were complete.
 */
import type { Meter, Reading } from '@farebox/providers';
import type { Ending } from './bill.ts';
import type { Departure } from './call.ts';

/** How long things may take, in milliseconds. */
export type Patience = Readonly<{
  /** Until the provider's answer begins. */
  firstByte: number;
  /** Between two pieces of an answer. */
  silence: number;
  /** Until a caller who hears nothing is told that the provider lives. */
  ping: number;
  /** Until the first checkpoint of a long answer; the next ones come ever later, up to three times that apart. */
  checkpoint: number;
  /** For the usage, after the caller left; within waitUntil's 30 s. */
  drain: number;
  /** By which a hold outlives the last moment the provider may take. */
  grace: number;
}>;

/** What the account says to a checkpoint: go on, or why not. */
export type Verdict = null | 'key_revoked' | 'account_frozen' | 'account_closed';

export type Carriage = Readonly<{
  upstream: ReadableStream<Uint8Array>;
  client: WritableStream<Uint8Array>;
  departure: Departure;
  abortUpstream: () => void;
  meter: Meter;
  patience: Patience;
  ping: Uint8Array;
  /** Whether the usage is worth waiting for once the caller has left. */
  worthDraining: (reading: Reading) => boolean;
  checkpoint: () => Promise<Verdict>;
  /** The last event of an answer that did not end well. */
  lastWord: (ending: Exclude<Ending, 'complete' | 'client_gone'>, verdict: Verdict) => Uint8Array;
  clock: () => number;
}>;

const SHORTEST_PAUSE_MS = 20;

/** One stream under way. `run` is called once and never rejects. */
export class Carrier {
  readonly #job: Carriage;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #ending: Ending | null = null;
  #verdict: Verdict = null;
  #clientGone = false;
  /** Writes the caller has not taken yet. */
  #writes = 0;
  #heardAt: number;
  #saidAt: number;
  #checkpointAt: number;
  /** Until the next one: an answer that went on for long goes on for long, and each costs its account's object. */
  #checkpointPause: number;
  #goneAt = 0;
  #pingedAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(job: Carriage) {
    this.#job = job;
    this.#reader = job.upstream.getReader();
    this.#writer = job.client.getWriter();
    const now = job.clock();
    this.#heardAt = now;
    this.#saidAt = now;
    this.#checkpointAt = now;
    this.#checkpointPause = job.patience.checkpoint;
  }

  async run(): Promise<Ending> {
    const { departure } = this.#job;
    // The writable errors when the caller's side is cancelled; this is often heard before the signal.
    this.#writer.closed.catch(() => this.#leave());
    departure.means(() => this.#leave());
    this.#watchLater();
    await this.#carry();
    clearTimeout(this.#timer);
    departure.means(() => {});
    const ending = this.#howItEnded();
    await this.#sayLastWord(ending);
    return ending;
  }

  async #carry(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        this.#heardAt = this.#job.clock();
        for (const piece of this.#job.meter.feed(value)) await this.#say(piece);
      }
      // What is left of an event that never ended belongs to the caller only if the answer was whole.
      const rest = this.#job.meter.end();
      if (this.#isWhole()) for (const piece of rest) await this.#say(piece);
    } catch {
      // The provider's connection broke, or we aborted it and `#ending` says why.
      this.#end('upstream_cut');
    }
  }

  /** No async function: this runs for every piece of every stream, and a promise less is time less. */
  #say(piece: Uint8Array): Promise<void> | undefined {
    if (this.#clientGone) return undefined;
    this.#writes += 1;
    return this.#writer.write(piece).then(this.#taken, this.#refused);
  }

  readonly #taken = () => {
    this.#writes -= 1;
    this.#saidAt = this.#job.clock();
  };

  readonly #refused = () => {
    this.#writes -= 1;
    this.#leave();
  };

  /** The caller left: go on for the usage where that is worth it, else stop the provider at once. */
  #leave(): void {
    if (this.#clientGone) return;
    this.#clientGone = true;
    this.#goneAt = this.#job.departure.note();
    const reading = this.#job.meter.reading();
    if (reading.ended || this.#job.worthDraining(reading)) return;
    this.#stop('client_gone');
  }

  #end(ending: Ending): void {
    this.#ending ??= ending;
  }

  /** Ends the carriage from our side; the pending read then returns or throws. */
  #stop(ending: Ending): void {
    this.#end(ending);
    // A caller who does not read would hold a pending write, and with it the settlement, for ever. Its
    // stream is broken off, not closed: a cut answer must not look whole.
    if (this.#writes > 0) {
      this.#clientGone = true;
      this.#writer.abort().catch(() => {});
    }
    this.#job.abortUpstream();
    this.#reader.cancel().catch(() => {});
  }

  /** When the next thing may be due: what comes meanwhile only puts it off. */
  #dueIn(now: number): number {
    const { ping, silence, drain } = this.#job.patience;
    const sign = this.#writes > 0 ? now + ping : Math.max(this.#saidAt, this.#pingedAt) + ping;
    const next = Math.min(
      Math.max(this.#heardAt, this.#saidAt) + silence,
      this.#checkpointAt + this.#checkpointPause,
      this.#clientGone ? this.#goneAt + drain : sign,
    );
    return Math.max(SHORTEST_PAUSE_MS, next - now);
  }

  #watchLater(): void {
    this.#timer = setTimeout(() => this.#watch(), this.#dueIn(this.#job.clock()));
  }

  /** Why the carriage has to end now, if it has to. */
  #overdue(now: number): Ending | null {
    const { drain, silence } = this.#job.patience;
    if (this.#clientGone && now - this.#goneAt >= drain) return 'client_gone';
    if (now - Math.max(this.#heardAt, this.#saidAt) < silence) return null;
    // A write that waits this long waits for a caller who has stopped reading.
    return this.#writes > 0 ? 'client_gone' : 'upstream_silent';
  }

  #watch(): void {
    const { patience } = this.#job;
    const now = this.#job.clock();
    const overdue = this.#overdue(now);
    if (overdue !== null) {
      this.#stop(overdue);
      return;
    }
    if (now - this.#checkpointAt >= this.#checkpointPause) this.#checkpoint(now);
    const quiet =
      this.#writes === 0 &&
      !this.#clientGone &&
      now - Math.max(this.#saidAt, this.#pingedAt) >= patience.ping;
    if (quiet) this.#bridge(now);
    this.#watchLater();
  }

  /** A sign of life for the caller; not one of the provider, so `#heardAt` stays. */
  #bridge(now: number): void {
    this.#writes += 1;
    const done = () => {
      this.#writes -= 1;
    };
    this.#writer.write(this.#job.ping).then(done, this.#refused);
    this.#pingedAt = now;
  }

  #checkpoint(now: number): void {
    this.#checkpointAt = now;
    const { checkpoint } = this.#job.patience;
    this.#checkpointPause = Math.min(1.5 * this.#checkpointPause, 3 * checkpoint);
    const heard = (verdict: Verdict) => {
      if (verdict === null) return;
      this.#verdict = verdict;
      this.#stop('stopped');
    };
    // A checkpoint that fails leaves the one before; the next is made in its turn.
    this.#job.checkpoint().then(heard, () => {});
  }

  /** Whether the answer is all there: the provider's last word, its final count, or its own error. */
  #isWhole(): boolean {
    const reading = this.#job.meter.reading();
    if (reading.ended || reading.usageFinal || reading.failed) return true;
    // Some compatible providers end without a last word: a finish and a clean end must do.
    return reading.finished && this.#ending === null;
  }

  #howItEnded(): Ending {
    if (this.#ending === 'stopped') return 'stopped';
    if (this.#isWhole()) return 'complete';
    if (this.#ending !== null) return this.#ending;
    return this.#clientGone ? 'client_gone' : 'upstream_cut';
  }

  async #sayLastWord(ending: Ending): Promise<void> {
    if (this.#clientGone) return;
    try {
      if (ending !== 'complete' && ending !== 'client_gone') {
        await this.#writer.write(this.#job.lastWord(ending, this.#verdict));
      }
      await this.#writer.close();
    } catch {
      // The caller left during the last word; there is nobody to tell.
    }
  }
}

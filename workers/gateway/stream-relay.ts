/**
 * Relays an answer from the provider to the client as it comes, and watches over it. A stream goes
 * in whole events: keep-alive events bridge a provider's silence, and a timeout becomes an error
 * event. A truncated response never ends like a complete one.
 */
import type { Meter, Reading } from '@farebox/providers';
import type { AnswerReader, AnswerSource } from './answer-source.ts';
import { CheckpointScheduler } from './checkpoint-scheduler.ts';
import type { ClientDisconnect } from './client-disconnect.ts';
import { ClientWriter } from './client-writer.ts';
import type { Deadline, DeadlineTimer } from './deadline-timer.ts';
import type { EndReason, StopReason } from './end-reason.ts';
import { EndTimer } from './end-timer.ts';
import { IdleTimer } from './idle-timer.ts';
import { KeepAliveScheduler } from './keep-alive-scheduler.ts';
import type { LoadEntry, StreamLoad } from './stream-load.ts';
import type { Timeouts } from './timeouts.ts';

/** What may be written between and after the provider's own events. */
export type Framing = Readonly<{
  keepAliveBytes: Uint8Array;
  /** Returns the event after which nothing comes, for an answer that is whole without it. */
  lastWord: () => Uint8Array;
  /** Builds the error event that ends a truncated response. */
  terminalEvent: (
    endReason: Exclude<EndReason, 'complete' | 'client_disconnected'>,
    stopReason: StopReason,
  ) => Uint8Array;
}>;

/** Whether output has arrived, and who is told when. */
export type FirstOutput = Readonly<{ hasArrived: () => boolean; record: (now: number) => void }>;

export type StreamRelayOptions = Readonly<{
  source: AnswerSource;
  client: WritableStream<Uint8Array>;
  disconnect: Pick<ClientDisconnect, 'mark' | 'onDisconnect'>;
  abortUpstream: () => void;
  meter: Meter;
  timeouts: Timeouts;
  /** Null for a document, to which nothing can be added. */
  framing: Framing | null;
  /** Learns when the first output of a stream arrives; null for a document. */
  firstOutput: FirstOutput | null;
  /** Returns whether to wait for the usage after the client disconnected. */
  shouldDrain: (reading: Reading) => boolean;
  checkpoint: () => Promise<StopReason>;
  /** The streams of the isolate. */
  load: StreamLoad;
  /** Returns milliseconds since the epoch. */
  clock: () => number;
  timer: DeadlineTimer;
}>;

/** One stream under way. `run` is called once and never rejects. */
export class StreamRelay {
  readonly #options: StreamRelayOptions;
  readonly #reader: AnswerReader;
  readonly #load: LoadEntry;
  readonly #writer: ClientWriter;
  readonly #idle: IdleTimer;
  readonly #keepAlive: KeepAliveScheduler;
  readonly #deadlines: readonly Deadline[];
  readonly #timer: DeadlineTimer;
  readonly #endTimer: EndTimer;
  #firstEndReason: EndReason | null = null;
  #stopReason: StopReason = null;
  #clientDisconnected = false;
  #drainUntil = Number.POSITIVE_INFINITY;
  #hasDelivered = false;
  #firstOutput: FirstOutput | null;

  constructor(options: StreamRelayOptions) {
    const { clock, timeouts } = options;
    const now = clock();
    this.#options = options;
    this.#firstOutput = options.firstOutput;
    this.#reader = options.source.reader;
    this.#load = options.load.open();
    this.#writer = new ClientWriter({
      client: options.client,
      load: this.#load,
      onTaken: this.#onTaken,
      onFailed: () => this.#onDisconnect(),
      clock,
    });
    this.#idle = new IdleTimer({ idleMs: timeouts.idleMs, onIdle: () => this.#onIdle(), clock });
    this.#keepAlive = new KeepAliveScheduler(
      {
        intervalMs: timeouts.keepAliveMs,
        send: () => this.#sendKeepAlive(),
        isWriting: () => this.#writer.isWriting,
      },
      now,
    );
    const drain = {
      dueAt: () => this.#drainUntil,
      run: () => this.#onTimeout('client_disconnected'),
    };
    const checkpoints = new CheckpointScheduler(
      () => this.#checkpoint(),
      timeouts.checkpointMs,
      now,
    );
    this.#deadlines = [drain, this.#idle, checkpoints, this.#keepAlive];
    this.#timer = options.timer;
    this.#endTimer = new EndTimer(options.meter, this.#stopReading);
  }

  async run(): Promise<EndReason> {
    const removeListener = this.#options.disconnect.onDisconnect(() => this.#onDisconnect());
    this.#timer.add(...this.#deadlines);
    await this.#pump();
    this.#timer.stop();
    this.#writer.stop();
    this.#load.close();
    removeListener();
    const endReason = this.#endReason();
    await this.#finish(endReason);
    return endReason;
  }

  /** True if anything of the answer went to the client. */
  get hasDelivered(): boolean {
    return this.#hasDelivered;
  }

  async #pump(): Promise<void> {
    await this.#writeAll(this.#options.source.pieces);
    const isWhole = await this.#readAll();
    this.#endTimer.stop();
    // What was withheld belongs to the client only if the response is complete.
    const rest = isWhole ? this.#options.meter.end() : [];
    if (isWhole && this.#isComplete()) await this.#writeAll(rest);
    // The idle timeout runs until the client has taken everything, or is known to be stuck.
    if (!this.#clientDisconnected) await this.#writer.finishWrites();
  }

  async #writeAll(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) await this.#write(piece, this.#options.clock());
  }

  /** Returns true if the body ended by itself, or after the last word of the answer. */
  async #readAll(): Promise<boolean> {
    const { meter } = this.#options;
    try {
      for (;;) {
        this.#endTimer.startWaiting();
        const { done, value } = await this.#reader.read();
        this.#endTimer.stopWaiting();
        if (done) return this.#firstEndReason === null || this.#endTimer.isOver;
        const now = this.#options.clock();
        this.#idle.touch(now);
        const pieces = meter.feed(value);
        if (this.#firstOutput !== null) this.#watchOutput(this.#firstOutput, now);
        for (const piece of pieces) {
          const taken = this.#write(piece, now);
          if (taken !== undefined) await taken;
        }
      }
    } catch {
      // The provider's connection broke, or `#abort` ended it and has recorded why.
      if (!this.#endTimer.isOver) this.#recordEndReason('upstream_disconnected');
      return this.#endTimer.isOver;
    }
  }

  /** What arrives after its client has left is no first output of an answer to it. */
  #watchOutput(firstOutput: FirstOutput, now: number): void {
    if (this.#clientDisconnected || !firstOutput.hasArrived()) return;
    firstOutput.record(now);
    this.#firstOutput = null;
  }

  readonly #stopReading = () => {
    this.#options.abortUpstream();
    this.#reader.cancel().catch(() => {});
  };

  /** Not async: it runs for each piece of each stream, and one promise less saves time. */
  #write(piece: Uint8Array, now: number): Promise<void> | undefined {
    if (this.#clientDisconnected) return undefined;
    this.#hasDelivered = true;
    const taken = this.#writer.write(piece, now);
    return this.#options.source.reusesMemory ? this.#writer.finishWrites() : taken;
  }

  readonly #onTaken = (now: number) => {
    this.#idle.touch(now);
    this.#keepAlive.touch(now);
  };

  /** Drains the provider for its usage where that is worth the wait; aborts it otherwise. */
  #onDisconnect(): void {
    if (this.#clientDisconnected) return;
    this.#clientDisconnected = true;
    this.#keepAlive.stop();
    this.#writer.stop();
    this.#drainUntil = this.#options.disconnect.mark() + this.#options.timeouts.drainMs;
    const { meter, shouldDrain } = this.#options;
    if (meter.hasEnded || shouldDrain(meter.reading())) return;
    this.#abort('client_disconnected');
  }

  #onIdle(): void {
    // A write that is pending for that long waits for a client that has stopped reading.
    this.#onTimeout(this.#writer.isWriting ? 'client_disconnected' : 'upstream_timeout');
  }

  #onTimeout(endReason: EndReason): void {
    this.#timer.stop();
    this.#abort(endReason);
  }

  #recordEndReason(endReason: EndReason): void {
    this.#firstEndReason ??= endReason;
  }

  /** Ends the stream from our side; the pending read then returns or throws. */
  #abort(endReason: EndReason): void {
    this.#recordEndReason(endReason);
    // A client that does not read would keep a write pending, and with it the settlement. Its
    // stream is aborted, not closed: a truncated response must not look complete.
    if (this.#writer.isWriting) {
      this.#clientDisconnected = true;
      this.#writer.abort().catch(() => {});
    }
    this.#stopReading();
  }

  #sendKeepAlive(): void {
    const { framing } = this.#options;
    if (framing !== null) this.#writer.writeKeepAlive(framing.keepAliveBytes);
  }

  #checkpoint(): void {
    const onCheckpoint = (stopReason: StopReason) => {
      if (stopReason === null) return;
      this.#stopReason = stopReason;
      this.#abort('stopped_by_account');
    };
    // A failed checkpoint leaves the previous one in force; the next one is made in its turn.
    this.#options.checkpoint().then(onCheckpoint, () => {});
  }

  /**
   * Checks whether the response ended by itself: its last word, its final usage, or its error.
   */
  #isComplete(): boolean {
    const { meter } = this.#options;
    if (meter.verdict().kind !== 'answer') return false;
    const reading = meter.reading();
    if (reading.ended || reading.failed) return true;
    // Some compatible providers send no last word: a finish and a clean end are taken instead.
    return reading.finished && (reading.usageFinal || this.#firstEndReason === null);
  }

  #endReason(): EndReason {
    if (this.#firstEndReason === 'stopped_by_account') return 'stopped_by_account';
    if (this.#isComplete()) return 'complete';
    if (this.#firstEndReason !== null) return this.#firstEndReason;
    return this.#clientDisconnected ? 'client_disconnected' : 'upstream_disconnected';
  }

  async #finish(endReason: EndReason): Promise<void> {
    if (this.#clientDisconnected) return;
    try {
      const lastBytes = this.#lastBytes(endReason);
      if (lastBytes === 'abort') {
        await this.#writer.abort();
        return;
      }
      await this.#writer.close(lastBytes);
    } catch {
      // The client disconnected during the last event: no one is left to receive it.
    }
  }

  /** Returns what is written after the provider's own bytes, if anything. */
  #lastBytes(endReason: EndReason): Uint8Array | null | 'abort' {
    const { framing, meter } = this.#options;
    const isWhole = endReason === 'complete' || endReason === 'client_disconnected';
    if (!isWhole) {
      // An HTTP body that breaks off is the only sign that a document is incomplete.
      return framing === null ? 'abort' : framing.terminalEvent(endReason, this.#stopReason);
    }
    const { ended, failed } = meter.reading();
    return framing === null || ended || failed ? null : framing.lastWord();
  }
}

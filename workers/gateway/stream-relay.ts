/**
 * Relays a stream from the provider to the client, in whole events, and watches over it: keep-alive
 * events bridge a provider's silence, a timeout becomes an error event, and a truncated response
 * never ends like a complete one.
 */
import type { Meter, Reading } from '@farebox/providers';
import { CheckpointScheduler } from './checkpoint-scheduler.ts';
import type { ClientDisconnect } from './client-disconnect.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import type { EndReason, StopReason } from './end-reason.ts';
import { IdleTimer } from './idle-timer.ts';
import { KeepAliveScheduler } from './keep-alive-scheduler.ts';
import type { Timeouts } from './timeouts.ts';

export type StreamRelayOptions = Readonly<{
  upstream: ReadableStream<Uint8Array>;
  client: WritableStream<Uint8Array>;
  disconnect: Pick<ClientDisconnect, 'mark' | 'onDisconnect'>;
  abortUpstream: () => void;
  meter: Meter;
  timeouts: Timeouts;
  keepAliveBytes: Uint8Array;
  /** Returns whether to wait for the usage after the client disconnected. */
  shouldDrain: (reading: Reading) => boolean;
  checkpoint: () => Promise<StopReason>;
  /** Builds the error event that ends a truncated response. */
  terminalEvent: (
    endReason: Exclude<EndReason, 'complete' | 'client_disconnected'>,
    stopReason: StopReason,
  ) => Uint8Array;
  /** Returns milliseconds since the epoch. */
  clock: () => number;
}>;

/** One stream under way. `run` is called once and never rejects. */
export class StreamRelay {
  readonly #options: StreamRelayOptions;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #idle: IdleTimer;
  readonly #keepAlive: KeepAliveScheduler;
  readonly #timer: DeadlineTimer;
  #firstEndReason: EndReason | null = null;
  #stopReason: StopReason = null;
  #clientDisconnected = false;
  #drainUntil = Number.POSITIVE_INFINITY;
  /** Writes that the client has not taken yet. */
  #pendingWrites = 0;

  constructor(options: StreamRelayOptions) {
    const { clock, timeouts } = options;
    const now = clock();
    this.#options = options;
    this.#reader = options.upstream.getReader();
    this.#writer = options.client.getWriter();
    this.#idle = new IdleTimer({ idleMs: timeouts.idleMs, onIdle: () => this.#onIdle(), clock });
    this.#keepAlive = new KeepAliveScheduler(
      {
        intervalMs: timeouts.keepAliveMs,
        send: () => this.#sendKeepAlive(),
        isWriting: () => this.#pendingWrites > 0,
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
    this.#timer = new DeadlineTimer([drain, this.#idle, checkpoints, this.#keepAlive], clock);
  }

  async run(): Promise<EndReason> {
    // The writable errors when the client's side is cancelled, often before the abort signal fires.
    this.#writer.closed.catch(() => this.#onDisconnect());
    const removeListener = this.#options.disconnect.onDisconnect(() => this.#onDisconnect());
    this.#timer.start();
    await this.#pump();
    this.#timer.stop();
    removeListener();
    const endReason = this.#endReason();
    await this.#finish(endReason);
    return endReason;
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        this.#idle.touch();
        for (const piece of this.#options.meter.feed(value)) await this.#write(piece);
      }
      // The rest of an unfinished event belongs to the client only if the response is complete.
      const rest = this.#options.meter.end();
      if (this.#isComplete()) for (const piece of rest) await this.#write(piece);
    } catch {
      // The provider's connection broke, or `#abort` ended it and has recorded why.
      this.#recordEndReason('upstream_disconnected');
    }
  }

  /** Not async: it runs for each piece of each stream, and one promise less saves time. */
  #write(piece: Uint8Array): Promise<void> | undefined {
    if (this.#clientDisconnected) return undefined;
    this.#pendingWrites += 1;
    return this.#writer.write(piece).then(this.#onWritten, this.#onWriteFailed);
  }

  readonly #onWritten = () => {
    this.#pendingWrites -= 1;
    const now = this.#options.clock();
    this.#idle.touch(now);
    this.#keepAlive.touch(now);
  };

  readonly #onWriteFailed = () => {
    this.#pendingWrites -= 1;
    this.#onDisconnect();
  };

  /** Drains the provider for its usage where that is worth the wait; aborts it otherwise. */
  #onDisconnect(): void {
    if (this.#clientDisconnected) return;
    this.#clientDisconnected = true;
    this.#keepAlive.stop();
    this.#drainUntil = this.#options.disconnect.mark() + this.#options.timeouts.drainMs;
    const reading = this.#options.meter.reading();
    if (reading.ended || this.#options.shouldDrain(reading)) return;
    this.#abort('client_disconnected');
  }

  #onIdle(): void {
    // A write that is pending for that long waits for a client that has stopped reading.
    this.#onTimeout(this.#pendingWrites > 0 ? 'client_disconnected' : 'upstream_timeout');
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
    if (this.#pendingWrites > 0) {
      this.#clientDisconnected = true;
      this.#writer.abort().catch(() => {});
    }
    this.#options.abortUpstream();
    this.#reader.cancel().catch(() => {});
  }

  /** Does not touch `#idle`: a keep-alive event is no sign of life from the provider. */
  #sendKeepAlive(): void {
    this.#pendingWrites += 1;
    const onSent = () => {
      this.#pendingWrites -= 1;
    };
    this.#writer.write(this.#options.keepAliveBytes).then(onSent, this.#onWriteFailed);
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
   * Checks whether the response ended by itself: its terminal event, its final usage, or its error.
   */
  #isComplete(): boolean {
    const reading = this.#options.meter.reading();
    if (reading.ended || reading.usageFinal || reading.failed) return true;
    // Some compatible providers send no terminal event: a finish and a clean end are taken instead.
    return reading.finished && this.#firstEndReason === null;
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
      if (endReason !== 'complete' && endReason !== 'client_disconnected') {
        await this.#writer.write(this.#options.terminalEvent(endReason, this.#stopReason));
      }
      await this.#writer.close();
    } catch {
      // The client disconnected during the terminal event: no one is left to receive it.
    }
  }
}

/**
 * Carries a stream from the provider to the caller and watches over it: the caller gets the bytes as
 * they come, in whole events; silence is bridged while the provider lives and becomes an error when it
 * does not; and an answer that was cut never ends as if it were complete.
 */
import type { Meter, Reading } from '@farebox/providers';
import type { EndReason } from './bill.ts';
import type { ClientDisconnect } from './call.ts';

/** How long things may take, in milliseconds. */
export type Timeouts = Readonly<{
  /** Until the provider's answer begins. */
  firstByteMs: number;
  /** Between two pieces of an answer. */
  idleMs: number;
  /** Until a caller who hears nothing is told that the provider lives. */
  keepAliveMs: number;
  /** Until the first checkpoint of a long answer; the next ones come ever later, up to three times that apart. */
  checkpointMs: number;
  /** For the usage, after the caller left; within waitUntil's 30 s. */
  drainMs: number;
  /** By which a hold outlives the last moment the provider may take. */
  holdGraceMs: number;
}>;

/** What the account says to a checkpoint: go on, or why not. */
export type StopReason = null | 'key_revoked' | 'account_frozen' | 'account_closed';

export type StreamRelayOptions = Readonly<{
  upstream: ReadableStream<Uint8Array>;
  client: WritableStream<Uint8Array>;
  disconnect: ClientDisconnect;
  abortUpstream: () => void;
  meter: Meter;
  timeouts: Timeouts;
  keepAliveBytes: Uint8Array;
  /** Whether the usage is worth waiting for once the caller has left. */
  shouldDrain: (reading: Reading) => boolean;
  checkpoint: () => Promise<StopReason>;
  /** The last event of an answer that did not end well. */
  terminalEvent: (
    endReason: Exclude<EndReason, 'complete' | 'client_disconnected'>,
    stopReason: StopReason,
  ) => Uint8Array;
  clock: () => number;
}>;

const MIN_TIMER_DELAY_MS = 20;

/** One stream under way. `run` is called once and never rejects. */
export class StreamRelay {
  readonly #options: StreamRelayOptions;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #firstEndReason: EndReason | null = null;
  #stopReason: StopReason = null;
  #clientDisconnected = false;
  /** Writes the caller has not taken yet. */
  #pendingWrites = 0;
  #lastReadAt: number;
  #lastWriteAt: number;
  #lastCheckpointAt: number;
  /** Until the next one: an answer that went on for long goes on for long, and each costs its account's object. */
  #checkpointIntervalMs: number;
  #disconnectedAt = 0;
  #lastKeepAliveAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: StreamRelayOptions) {
    this.#options = options;
    this.#reader = options.upstream.getReader();
    this.#writer = options.client.getWriter();
    const now = options.clock();
    this.#lastReadAt = now;
    this.#lastWriteAt = now;
    this.#lastCheckpointAt = now;
    this.#checkpointIntervalMs = options.timeouts.checkpointMs;
  }

  async run(): Promise<EndReason> {
    const { disconnect } = this.#options;
    // The writable errors when the caller's side is cancelled; this is often heard before the signal.
    this.#writer.closed.catch(() => this.#onDisconnect());
    disconnect.onDisconnect(() => this.#onDisconnect());
    this.#scheduleCheck();
    await this.#pump();
    clearTimeout(this.#timer);
    disconnect.onDisconnect(() => {});
    const endReason = this.#endReason();
    await this.#finish(endReason);
    return endReason;
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        this.#lastReadAt = this.#options.clock();
        for (const piece of this.#options.meter.feed(value)) await this.#write(piece);
      }
      // What is left of an event that never ended belongs to the caller only if the answer was whole.
      const rest = this.#options.meter.end();
      if (this.#isComplete()) for (const piece of rest) await this.#write(piece);
    } catch {
      // The provider's connection broke, or we aborted it and `#ending` says why.
      this.#recordEndReason('upstream_disconnected');
    }
  }

  /** No async function: this runs for every piece of every stream, and a promise less is time less. */
  #write(piece: Uint8Array): Promise<void> | undefined {
    if (this.#clientDisconnected) return undefined;
    this.#pendingWrites += 1;
    return this.#writer.write(piece).then(this.#onWritten, this.#onWriteFailed);
  }

  readonly #onWritten = () => {
    this.#pendingWrites -= 1;
    this.#lastWriteAt = this.#options.clock();
  };

  readonly #onWriteFailed = () => {
    this.#pendingWrites -= 1;
    this.#onDisconnect();
  };

  /** The caller left: go on for the usage where that is worth it, else stop the provider at once. */
  #onDisconnect(): void {
    if (this.#clientDisconnected) return;
    this.#clientDisconnected = true;
    this.#disconnectedAt = this.#options.disconnect.mark();
    const reading = this.#options.meter.reading();
    if (reading.ended || this.#options.shouldDrain(reading)) return;
    this.#abort('client_disconnected');
  }

  #recordEndReason(endReason: EndReason): void {
    this.#firstEndReason ??= endReason;
  }

  /** Ends the carriage from our side; the pending read then returns or throws. */
  #abort(endReason: EndReason): void {
    this.#recordEndReason(endReason);
    // A caller who does not read would hold a pending write, and with it the settlement, for ever. Its
    // stream is broken off, not closed: a cut answer must not look whole.
    if (this.#pendingWrites > 0) {
      this.#clientDisconnected = true;
      this.#writer.abort().catch(() => {});
    }
    this.#options.abortUpstream();
    this.#reader.cancel().catch(() => {});
  }

  /** When the next thing may be due: what comes meanwhile only puts it off. */
  #nextCheckDelay(now: number): number {
    const { keepAliveMs, idleMs, drainMs } = this.#options.timeouts;
    const keepAliveDueAt =
      this.#pendingWrites > 0
        ? now + keepAliveMs
        : Math.max(this.#lastWriteAt, this.#lastKeepAliveAt) + keepAliveMs;
    const nextDueAt = Math.min(
      Math.max(this.#lastReadAt, this.#lastWriteAt) + idleMs,
      this.#lastCheckpointAt + this.#checkpointIntervalMs,
      this.#clientDisconnected ? this.#disconnectedAt + drainMs : keepAliveDueAt,
    );
    return Math.max(MIN_TIMER_DELAY_MS, nextDueAt - now);
  }

  #scheduleCheck(): void {
    this.#timer = setTimeout(
      () => this.#checkTimers(),
      this.#nextCheckDelay(this.#options.clock()),
    );
  }

  /** Why the carriage has to end now, if it has to. */
  #timeoutReason(now: number): EndReason | null {
    const { drainMs, idleMs } = this.#options.timeouts;
    if (this.#clientDisconnected && now - this.#disconnectedAt >= drainMs)
      return 'client_disconnected';
    if (now - Math.max(this.#lastReadAt, this.#lastWriteAt) < idleMs) return null;
    // A write that waits this long waits for a caller who has stopped reading.
    return this.#pendingWrites > 0 ? 'client_disconnected' : 'upstream_timeout';
  }

  #checkTimers(): void {
    const { timeouts } = this.#options;
    const now = this.#options.clock();
    const timeoutReason = this.#timeoutReason(now);
    if (timeoutReason !== null) {
      this.#abort(timeoutReason);
      return;
    }
    if (now - this.#lastCheckpointAt >= this.#checkpointIntervalMs) this.#checkpoint(now);
    const keepAliveDue =
      this.#pendingWrites === 0 &&
      !this.#clientDisconnected &&
      now - Math.max(this.#lastWriteAt, this.#lastKeepAliveAt) >= timeouts.keepAliveMs;
    if (keepAliveDue) this.#sendKeepAlive(now);
    this.#scheduleCheck();
  }

  /** A sign of life for the caller; not one of the provider, so `#heardAt` stays. */
  #sendKeepAlive(now: number): void {
    this.#pendingWrites += 1;
    const onSent = () => {
      this.#pendingWrites -= 1;
    };
    this.#writer.write(this.#options.keepAliveBytes).then(onSent, this.#onWriteFailed);
    this.#lastKeepAliveAt = now;
  }

  #checkpoint(now: number): void {
    this.#lastCheckpointAt = now;
    const { checkpointMs } = this.#options.timeouts;
    this.#checkpointIntervalMs = Math.min(1.5 * this.#checkpointIntervalMs, 3 * checkpointMs);
    const onCheckpoint = (stopReason: StopReason) => {
      if (stopReason === null) return;
      this.#stopReason = stopReason;
      this.#abort('stopped_by_account');
    };
    // A checkpoint that fails leaves the one before; the next is made in its turn.
    this.#options.checkpoint().then(onCheckpoint, () => {});
  }

  /** Whether the answer is all there: the provider's last word, its final count, or its own error. */
  #isComplete(): boolean {
    const reading = this.#options.meter.reading();
    if (reading.ended || reading.usageFinal || reading.failed) return true;
    // Some compatible providers end without a last word: a finish and a clean end must do.
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
      // The caller left during the last word; there is nobody to tell.
    }
  }
}

/** Decides when a silent stream needs a keep-alive event. */
import type { Deadline } from './deadline-timer.ts';

export type KeepAliveSchedulerOptions = Readonly<{
  intervalMs: number;
  /** Writes one keep-alive event. */
  send: () => void;
  /** Returns whether a write is pending: an event behind it would tell the client nothing new. */
  isWriting: () => boolean;
}>;

/** Sends a keep-alive event when the client received nothing for `intervalMs`. */
export class KeepAliveScheduler implements Deadline {
  readonly #options: KeepAliveSchedulerOptions;
  #lastWriteAt: number;
  #stopped = false;

  /** The first interval runs from `now`, in milliseconds since the epoch. */
  constructor(options: KeepAliveSchedulerOptions, now: number) {
    this.#options = options;
    this.#lastWriteAt = now;
  }

  /** Records that the client took bytes at `now`. */
  touch(now: number): void {
    this.#lastWriteAt = now;
  }

  /** Sends no further event: the client has disconnected. */
  stop(): void {
    this.#stopped = true;
  }

  dueAt(now: number): number {
    if (this.#stopped) return Number.POSITIVE_INFINITY;
    const { intervalMs, isWriting } = this.#options;
    return isWriting() ? now + intervalMs : this.#lastWriteAt + intervalMs;
  }

  run(now: number): void {
    this.#lastWriteAt = now;
    this.#options.send();
  }
}

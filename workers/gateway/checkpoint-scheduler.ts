/** Decides when a stream writes its next checkpoint. */
import type { Deadline } from './deadline-timer.ts';

const INTERVAL_GROWTH = 1.5;
const MAX_INTERVAL_FACTOR = 3;

/**
 * Runs `checkpoint` at growing intervals, up to three times the first: a stream that has lasted
 * long is likely to last longer, and each checkpoint costs its account's Durable Object a request.
 */
export class CheckpointScheduler implements Deadline {
  readonly #checkpoint: () => void;
  readonly #maxIntervalMs: number;
  #intervalMs: number;
  #lastAt: number;

  /** `firstIntervalMs` runs from `now`, in milliseconds since the epoch. */
  constructor(checkpoint: () => void, firstIntervalMs: number, now: number) {
    this.#checkpoint = checkpoint;
    this.#intervalMs = firstIntervalMs;
    this.#maxIntervalMs = MAX_INTERVAL_FACTOR * firstIntervalMs;
    this.#lastAt = now;
  }

  dueAt(): number {
    return this.#lastAt + this.#intervalMs;
  }

  run(now: number): void {
    this.#lastAt = now;
    this.#intervalMs = Math.min(INTERVAL_GROWTH * this.#intervalMs, this.#maxIntervalMs);
    this.#checkpoint();
  }
}

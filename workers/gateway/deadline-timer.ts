/**
 * One `setTimeout` for any number of deadlines that move while a response is under way. A deadline
 * that was put off is found so when the timer fires, and the timer is set again: resetting a
 * timeout for each chunk costs more than reading the clock does.
 */

/** Work that is due at a time which may change until the timer fires. */
export interface Deadline {
  /** Returns when the work is due, in milliseconds since the epoch; `Infinity` for never. */
  dueAt(now: number): number;
  /** Does the work and moves the deadline, or stops the timer. */
  run(now: number): void;
}

/** The shortest delay of a timeout: deadlines that are close together share one. */
const MIN_DELAY_MS = 20;

export class DeadlineTimer {
  readonly #deadlines: readonly Deadline[];
  readonly #clock: () => number;
  #timeout: ReturnType<typeof setTimeout> | undefined;
  #running = false;

  /** Deadlines that are due at the same time run in the order of `deadlines`. */
  constructor(deadlines: readonly Deadline[], clock: () => number) {
    this.#deadlines = deadlines;
    this.#clock = clock;
  }

  start(): void {
    this.#running = true;
    this.#schedule();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timeout);
  }

  #schedule(): void {
    const now = this.#clock();
    let nextDueAt = Number.POSITIVE_INFINITY;
    for (const deadline of this.#deadlines) nextDueAt = Math.min(nextDueAt, deadline.dueAt(now));
    if (nextDueAt === Number.POSITIVE_INFINITY) return;
    this.#timeout = setTimeout(this.#onTimeout, Math.max(MIN_DELAY_MS, nextDueAt - now));
  }

  readonly #onTimeout = () => {
    const now = this.#clock();
    for (const deadline of this.#deadlines) {
      if (deadline.dueAt(now) <= now) deadline.run(now);
      if (!this.#running) return;
    }
    this.#schedule();
  };
}

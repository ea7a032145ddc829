/**
 * One `setTimeout` of a request for any number of deadlines that come, go and move. Setting and
 * clearing a timeout costs workerd 20 us each (issue 13), more than reading the clock does. So a
 * deadline that was put off or removed leaves the timeout as it is; when it fires, it is set again
 * for what is due next, if anything. The runtime drops it with the request.
 */

/** Work that is due at a time which may change until the timer fires. */
export interface Deadline {
  /** Returns when the work is due, in milliseconds since the epoch; `Infinity` for never. */
  dueAt(now: number): number;
  /** Does the work and moves or removes the deadline. */
  run(now: number): void;
}

/** The shortest delay of a timeout: deadlines that are close together share one. */
const MIN_DELAY_MS = 20;

export class DeadlineTimer {
  readonly #clock: () => number;
  #deadlines: readonly Deadline[] = [];
  #timeout: ReturnType<typeof setTimeout> | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  /** `clock` returns milliseconds since the epoch. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Deadlines that are due at the same time run in the order in which they were added. */
  add(...deadlines: readonly Deadline[]): void {
    this.#deadlines = [...this.#deadlines, ...deadlines];
    this.#schedule(this.#clock());
  }

  remove(...deadlines: readonly Deadline[]): void {
    this.#deadlines = this.#deadlines.filter((deadline) => !deadlines.includes(deadline));
  }

  /** Runs `run` once after `delayMs`, unless the returned function is called before. */
  start(delayMs: number, run: () => void): () => void {
    const at = this.#clock() + delayMs;
    const deadline = {
      dueAt: () => at,
      run: () => {
        this.remove(deadline);
        run();
      },
    };
    this.add(deadline);
    return () => this.remove(deadline);
  }

  /** Drops every deadline and the timeout. */
  stop(): void {
    this.#deadlines = [];
    if (this.#timeout !== undefined) clearTimeout(this.#timeout);
    this.#timeout = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
  }

  #schedule(now: number): void {
    let nextDueAt = Number.POSITIVE_INFINITY;
    for (const deadline of this.#deadlines) nextDueAt = Math.min(nextDueAt, deadline.dueAt(now));
    const firesAt = Math.max(now + MIN_DELAY_MS, nextDueAt);
    if (firesAt >= this.#firesAt) return;
    if (this.#timeout !== undefined) clearTimeout(this.#timeout);
    this.#timeout = setTimeout(this.#onTimeout, firesAt - now);
    this.#firesAt = firesAt;
  }

  readonly #onTimeout = () => {
    const now = this.#clock();
    this.#firesAt = Number.POSITIVE_INFINITY;
    this.#timeout = undefined;
    for (const deadline of this.#deadlines) {
      if (this.#deadlines.includes(deadline) && deadline.dueAt(now) <= now) deadline.run(now);
    }
    this.#schedule(now);
  };
}

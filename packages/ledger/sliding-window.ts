/**
 * The admissions of the last minute: an exact rate limit over any 60 seconds. Times are added in
 * order. Old ones are dropped as time passes, so the list is as long as the calls of a minute.
 */
import type { Instant } from './contract/index.ts';

export const WINDOW_MS = 60_000;
/** Dropped times are removed from the array in batches, so that each costs constant time. */
const MAX_DROPPED = 1_024;

export class SlidingWindow {
  #times: Instant[] = [];
  /** The times before this index are outside the window. */
  #first = 0;

  add(at: Instant): void {
    this.#drop(at);
    this.#times.push(at);
  }

  /** Returns how long to wait until one more call stays within `limit`; 0 if it does now. */
  waitMs(limit: number, now: Instant): number {
    this.#drop(now);
    const excess = this.#times.length - this.#first - limit;
    if (excess < 0) return 0;
    const blocking = this.#times[this.#first + excess] ?? now;
    return Math.max(1, blocking + WINDOW_MS - now);
  }

  /** Returns how many times are in the window, and the oldest of them. */
  usage(now: Instant): Readonly<{ count: number; oldestAt: Instant | undefined }> {
    this.#drop(now);
    return { count: this.#times.length - this.#first, oldestAt: this.#times[this.#first] };
  }

  #drop(now: Instant): void {
    while ((this.#times[this.#first] ?? now) <= now - WINDOW_MS) this.#first += 1;
    if (this.#first < MAX_DROPPED) return;
    this.#times = this.#times.slice(this.#first);
    this.#first = 0;
  }
}

/** How many streams an isolate carries: with many, fewer and larger writes save CPU time. */

/** From this number of open streams on, bytes are gathered before they are written. */
export const MIN_BUSY_STREAMS = 16;
const WINDOW_MS = 1_000;

/** One open stream, as `StreamLoad` counts it. */
export class LoadEntry {
  readonly #load: StreamLoad;
  #window = -1;

  constructor(load: StreamLoad) {
    this.#load = load;
  }

  /** Counts the stream as active at `now`; returns whether the isolate carries many streams. */
  touch(now: number): boolean {
    const window = Math.floor(now / WINDOW_MS);
    if (window !== this.#window) {
      this.#window = window;
      this.#load.countActive(window);
    }
    return this.#load.isBusy;
  }

  close(): void {
    this.#load.remove();
  }
}

/**
 * Counts the open streams of an isolate, and those of them that received something within a second
 * or two. Both must be many: streams that end at once are never open together, and the count of open
 * ones is too high where the runtime ended a request without running its last lines.
 */
export class StreamLoad {
  #open = 0;
  #window = 0;
  #active = 0;
  #activeBefore = 0;

  get isBusy(): boolean {
    const active = Math.max(this.#active, this.#activeBefore);
    return this.#open >= MIN_BUSY_STREAMS && active >= MIN_BUSY_STREAMS;
  }

  open(): LoadEntry {
    this.#open += 1;
    return new LoadEntry(this);
  }

  remove(): void {
    this.#open -= 1;
  }

  /** Counts one stream as active in `window`, in which it has not been counted. */
  countActive(window: number): void {
    if (window > this.#window) {
      this.#activeBefore = window === this.#window + 1 ? this.#active : 0;
      this.#active = 0;
      this.#window = window;
    }
    this.#active += 1;
  }
}

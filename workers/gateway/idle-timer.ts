/** Detects that nothing happened for a while: on a body being read, a response, or a stream. */
import type { Deadline } from './deadline-timer.ts';

export type IdleTimerOptions = Readonly<{
  idleMs: number;
  onIdle: () => void;
  /** Returns milliseconds since the epoch. */
  clock: () => number;
}>;

/** Calls `onIdle` once, when `idleMs` have passed since the last `touch`. */
export class IdleTimer implements Deadline {
  readonly #options: IdleTimerOptions;
  #lastActivityAt: number;
  #expired = false;

  constructor(options: IdleTimerOptions) {
    this.#options = options;
    this.#lastActivityAt = options.clock();
  }

  /** True once `onIdle` was called. */
  get expired(): boolean {
    return this.#expired;
  }

  /** Records activity at `now`; costs no timeout. */
  touch(now = this.#options.clock()): void {
    this.#lastActivityAt = now;
  }

  dueAt(): number {
    return this.#expired ? Number.POSITIVE_INFINITY : this.#lastActivityAt + this.#options.idleMs;
  }

  run(): void {
    this.#expired = true;
    this.#options.onIdle();
  }
}

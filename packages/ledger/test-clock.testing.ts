/** A clock that a test moves, for what waits in the isolate (call-batcher.ts, settlement-keeper.ts). */

/**
 * Its sleepers wake in order when the test lets time pass. Each belongs to the request that ran when
 * it fell asleep; those of a request that has ended never wake.
 */
export class TestClock {
  /** The request that runs now. */
  request = '';
  readonly ended = new Set<string>();
  sleeps = 0;
  #now = 1_000_000;
  #sleepers: { at: number; wake: () => void; request: string }[] = [];

  now = (): number => this.#now;
  sleep = (ms: number): Promise<void> => {
    this.sleeps += 1;
    return new Promise((wake) => {
      this.#sleepers.push({ at: this.#now + ms, wake, request: this.request });
    });
  };

  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (;;) {
      this.#sleepers.sort((a, b) => a.at - b.at);
      const next = this.#sleepers[0];
      if (next === undefined || next.at > end) break;
      this.#sleepers.shift();
      if (this.ended.has(next.request)) continue;
      this.#now = next.at;
      this.request = next.request;
      next.wake();
      await settled();
    }
    this.#now = end;
  }
}

/** Lets every continuation run that waits for no timer. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

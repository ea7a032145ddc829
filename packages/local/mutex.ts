/**
 * One at a time, in order of asking: PGlite is one session, and a transaction must not be interleaved
 * with another client's statements. Never loses a turn: whoever got one gives it back.
 */
export type Release = () => void;

export class Mutex {
  #tail: Promise<void> = Promise.resolve();

  async acquire(): Promise<Release> {
    const before = this.#tail;
    let release: Release = () => {};
    this.#tail = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    return release;
  }
}

/**
 * A fair mutex. PGlite has a single session, and a transaction must not be interleaved with another
 * client's statements.
 */
export type Release = () => void;

/** Each `acquire` resolves, in order of the calls, to the function that releases the mutex. */
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

/**
 * One at a time, in order of asking: PGlite is one session, and a transaction must not be interleaved
 * with another client's statements. Never loses a turn: whoever got one gives it back.
 */
export type Release = () => void;

export class Turns {
  #last: Promise<void> = Promise.resolve();

  async take(): Promise<Release> {
    const before = this.#last;
    let release: Release = () => {};
    this.#last = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    return release;
  }
}

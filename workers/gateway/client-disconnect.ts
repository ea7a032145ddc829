/** The one record of a client's disconnect, from which the drain timeout runs. */

/**
 * Records when the client disconnected. Several sources report it (the request's abort signal, a
 * failed write); the first one wins. Listeners run once, in the order in which they were added.
 */
export class ClientDisconnect {
  readonly #clock: () => number;
  readonly #listeners = new Set<() => void>();
  #at: number | null = null;

  /** `clock` returns milliseconds since the epoch. */
  constructor(signal: AbortSignal, clock: () => number) {
    this.#clock = clock;
    if (signal.aborted) this.mark();
    else signal.addEventListener('abort', () => this.mark());
  }

  /**
   * The time of the disconnect in milliseconds since the epoch, or null while the client is
   * connected.
   */
  get at(): number | null {
    return this.#at;
  }

  /** Records the disconnect, unless it is recorded already, and returns its time. */
  mark(): number {
    if (this.#at !== null) return this.#at;
    const now = this.#clock();
    this.#at = now;
    for (const listener of this.#listeners) listener();
    return now;
  }

  /**
   * Calls `listener` when the client disconnects, or at once if it already has. Returns a function
   * that removes the listener.
   */
  onDisconnect(listener: () => void): () => void {
    if (this.#at === null) this.#listeners.add(listener);
    else listener();
    return () => void this.#listeners.delete(listener);
  }
}

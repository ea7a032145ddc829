/**
 * The bytes of one event that is not complete yet, gathered from chunks into a buffer that doubles, so
 * that even a stream of single bytes costs each byte once. Says how many of them the client has not had.
 */
export class Pending {
  #buffer = new Uint8Array(0);
  length = 0;
  /** How many of the bytes have already been passed on. */
  released = 0;

  get bytes(): Uint8Array {
    return this.#buffer;
  }

  append(bytes: Uint8Array): void {
    const needed = this.length + bytes.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(1024, needed * 2));
      larger.set(this.#buffer.subarray(0, this.length));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.length);
    this.length = needed;
  }

  /** A copy of the bytes not yet passed on, which then are. */
  release(): Uint8Array {
    const bytes = this.#buffer.slice(this.released, this.length);
    this.released = this.length;
    return bytes;
  }

  clear(): void {
    this.length = 0;
    this.released = 0;
    // One huge event must not keep its memory for the rest of the stream.
    if (this.#buffer.length > 65_536) this.#buffer = new Uint8Array(0);
  }
}

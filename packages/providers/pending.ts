/**
 * The bytes of one event that is not complete yet, gathered from chunks into a buffer that doubles, so
 * that even a stream of single bytes costs each byte once. An event too large to be understood is
 * forgotten, so that no provider can fill the memory by never ending one.
 */

/** Larger than any event of text; a picture in one event may be larger, and reports nothing in it. */
const UNDERSTOOD_AT_MOST = 16 * 1_048_576;
const KEPT_BETWEEN_EVENTS = 65_536;
const EMPTY = new Uint8Array(0);

export class Pending {
  #buffer = EMPTY;
  /** Bytes seen of the event, kept or not. */
  length = 0;

  /** The bytes of the event, while `length` of them fit; none of a forgotten one. */
  get bytes(): Uint8Array {
    return this.length > UNDERSTOOD_AT_MOST ? EMPTY : this.#buffer.subarray(0, this.length);
  }

  append(bytes: Uint8Array): void {
    const before = this.length;
    this.length += bytes.length;
    if (this.length > UNDERSTOOD_AT_MOST) {
      this.#buffer = EMPTY;
      return;
    }
    if (this.length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(1024, this.length * 2));
      larger.set(this.#buffer.subarray(0, before));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, before);
  }

  clear(): void {
    this.length = 0;
    // One huge event must not keep its memory for the rest of the stream.
    if (this.#buffer.length > KEPT_BETWEEN_EVENTS) this.#buffer = EMPTY;
  }
}

/**
 * The bytes of one incomplete event, appended from chunks to a buffer that doubles, so that even a
 * stream of single bytes copies each byte a constant number of times. An event too large to be
 * parsed is dropped, so that no provider can fill the memory with one that never ends.
 */

/** Larger than any event of text; an image in one event may be larger, and holds no usage. */
const MAX_PARSED_EVENT_BYTES = 16 * 1_048_576;
const MAX_RETAINED_BUFFER_BYTES = 65_536;
const EMPTY = new Uint8Array(0);

export class EventBuffer {
  #buffer = EMPTY;
  /** The bytes received of the event, including dropped ones. */
  length = 0;

  /** The bytes of the event; none if it was dropped. */
  get bytes(): Uint8Array {
    return this.length > MAX_PARSED_EVENT_BYTES ? EMPTY : this.#buffer.subarray(0, this.length);
  }

  append(bytes: Uint8Array): void {
    const previousLength = this.length;
    this.length += bytes.length;
    if (this.length > MAX_PARSED_EVENT_BYTES) {
      this.#buffer = EMPTY;
      return;
    }
    if (this.length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(1024, this.length * 2));
      grown.set(this.#buffer.subarray(0, previousLength));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, previousLength);
  }

  clear(): void {
    this.length = 0;
    // One huge event must not keep its memory for the rest of the stream.
    if (this.#buffer.length > MAX_RETAINED_BUFFER_BYTES) this.#buffer = EMPTY;
  }
}

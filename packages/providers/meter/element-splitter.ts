/**
 * Finds where the elements of a JSON array end, over bytes and without decoding. Its state is a few
 * flags and no bytes, so that it can stop at any byte and continue in the next chunk.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

export class ElementSplitter {
  #depth = 0;
  #inString = false;
  #isEscaped = false;

  /** True once the array's closing bracket was seen. */
  hasClosed = false;

  /** Returns the offset just after the element that ends at or after `from`, or -1. */
  findElementEnd(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at] ?? 0;
      if (this.#inString) this.#readInString(byte);
      else if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#depth += 1;
      else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && this.#close()) return at + 1;
    }
    return -1;
  }

  #readInString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }

  /** Returns true at the end of an element. */
  #close(): boolean {
    this.#depth -= 1;
    if (this.#depth <= 0) this.hasClosed = true;
    return this.#depth === 1;
  }
}

/**
 * Finds where server-sent events end, over bytes and without decoding (WHATWG HTML, section 9.2.6:
 * lines end with LF, CRLF or CR; a blank line ends an event). Its state is a few flags and no
 * bytes, so that it can stop at any byte and continue in the next chunk.
 */

const LF = 0x0a;
const CR = 0x0d;

export class SseSplitter {
  #lineEmpty = true;
  #lastWasCr = false;
  /** The previous line ended with CRLF, so an LF is expected after a CR at the end of a chunk. */
  #crlf = false;
  #expectsLf = false;

  /** True for a chunk without a CR, in which a native search finds the lines. */
  #lfOnly = false;

  /** Starts a chunk, in which `findEventEnd` then finds the events. */
  startChunk(chunk: Uint8Array): void {
    this.#lfOnly = !this.#lastWasCr && !this.#expectsLf && !chunk.includes(CR);
  }

  /**
   * Returns the offset just after the blank line that ends the current event, or -1 if it is not in
   * the chunk. It is `from` itself if the event ended in the previous chunk and only this one
   * proves it.
   */
  findEventEnd(chunk: Uint8Array, from: number): number {
    if (this.#lfOnly) return this.#findEndLfOnly(chunk, from);
    if (this.#expectsLf && from < chunk.length) {
      this.#expectsLf = false;
      return chunk[from] === LF ? from + 1 : from;
    }
    return this.#findEndAnyNewline(chunk, from, chunk.length);
  }

  #findEndLfOnly(bytes: Uint8Array, from: number): number {
    let empty = this.#lineEmpty;
    let at = from;
    for (;;) {
      const end = bytes.indexOf(LF, at);
      if (end < 0) break;
      if (end === at && empty) {
        this.#lineEmpty = true;
        return end + 1;
      }
      empty = true;
      this.#crlf = false;
      at = end + 1;
    }
    this.#lineEmpty = empty && at === bytes.length;
    return -1;
  }

  #findEndAnyNewline(bytes: Uint8Array, from: number, to: number): number {
    let empty = this.#lineEmpty;
    let cr = this.#lastWasCr;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] ?? 0;
      if (byte > CR || (byte !== LF && byte !== CR)) {
        empty = false;
        cr = false;
        continue;
      }
      if (byte === LF && cr) {
        cr = false;
        this.#crlf = true;
        continue;
      }
      if (empty) return this.#onBlankLine(byte === CR, bytes, at + 1, to);
      empty = true;
      cr = byte === CR;
      this.#crlf = false;
    }
    this.#lineEmpty = empty;
    this.#lastWasCr = cr;
    return -1;
  }

  #onBlankLine(endedByCr: boolean, bytes: Uint8Array, after: number, to: number): number {
    this.#lineEmpty = true;
    this.#lastWasCr = false;
    if (!endedByCr) return after;
    if (after < to) return bytes[after] === LF ? after + 1 : after;
    if (!this.#crlf) return after;
    this.#expectsLf = true;
    return -1;
  }
}

const COLON = 0x3a;
const SPACE = 0x20;
const DATA_FIELD = [0x64, 0x61, 0x74, 0x61];
const DECODER = new TextDecoder();

function isDataLine(bytes: Uint8Array, at: number, end: number): boolean {
  if (at + 4 > end) return false;
  for (let i = 0; i < 4; i++) if (bytes[at + i] !== DATA_FIELD[i]) return false;
  return at + 4 === end || bytes[at + 4] === COLON;
}

/** Returns the value of a `data` line: after its colon and one optional space. */
function dataValue(bytes: Uint8Array, at: number, end: number): Uint8Array {
  const start = at + 5 < end && bytes[at + 5] === SPACE ? at + 6 : at + 5;
  return bytes.subarray(Math.min(start, end), end);
}

/** Returns the text of an event's `data` lines, joined by LF; null if none. Skips a leading BOM. */
export function getEventData(bytes: Uint8Array, start: number, end: number): string | null {
  let text: string | null = null;
  const bom = bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
  let at = bom ? start + 3 : start;
  while (at < end) {
    let stop = at;
    while (stop < end && bytes[stop] !== LF && bytes[stop] !== CR) stop++;
    if (isDataLine(bytes, at, stop)) {
      const line = DECODER.decode(dataValue(bytes, at, stop));
      text = text === null ? line : `${text}\n${line}`;
    }
    at = stop + 1;
  }
  return text;
}

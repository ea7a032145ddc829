/**
 * Finds where server-sent events end, over bytes and without decoding (WHATWG HTML, section 9.2.6:
 * lines end with LF, CRLF or CR; a blank line ends an event). Its state is a few flags and no
 * bytes, so that it can stop at any byte and continue in the next chunk.
 */

const LF = 0x0a;
const CR = 0x0d;

/** Returns the offset of `byte` at or after `from`, or infinity. */
function findByte(bytes: Uint8Array, byte: number, from: number): number {
  const at = bytes.indexOf(byte, from);
  return at < 0 ? Number.POSITIVE_INFINITY : at;
}

export class SseSplitter {
  #lineEmpty = true;
  #lastWasCr = false;
  /** The previous line ended with CRLF, so an LF is expected after a CR at the end of a chunk. */
  #crlf = false;
  #expectsLf = false;

  /** True for a chunk without a CR, in which a native search finds the lines. */
  #lfOnly = false;
  /** Where the chunk has the next LF and CR, as far as they were looked for: natively, and once. */
  #nextLf = -1;
  #nextCr = -1;

  /** Starts a chunk, in which `findEventEnd` then finds the events. */
  startChunk(chunk: Uint8Array): void {
    this.#lfOnly = !this.#lastWasCr && !this.#expectsLf && !chunk.includes(CR);
    this.#nextLf = -1;
    this.#nextCr = -1;
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
        at = this.#findNewline(bytes, at, to) - 1;
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

  /** Returns the offset of the next LF or CR at or after `from`, or `to`. */
  #findNewline(bytes: Uint8Array, from: number, to: number): number {
    if (this.#nextLf < from) this.#nextLf = findByte(bytes, LF, from);
    if (this.#nextCr < from) this.#nextCr = findByte(bytes, CR, from);
    return Math.min(this.#nextLf, this.#nextCr, to);
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
const ENCODER = new TextEncoder();
const DATA_FIELD = ENCODER.encode('data');
const EVENT_FIELD = ENCODER.encode('event');
const DECODER = new TextDecoder();

function startsWith(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false;
  return true;
}

/** Returns the offset of the line end at or after `from`, or `end`. */
export function findLineEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] !== LF && bytes[at] !== CR) at++;
  return at;
}

/** Skips the byte order mark that a stream may begin with. */
function skipBom(bytes: Uint8Array, at: number): number {
  const isBom = bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf;
  return isBom ? at + 3 : at;
}

/** Returns whether the line at `at` is an `event` field. */
export function isEventField(bytes: Uint8Array, at: number): boolean {
  return startsWith(bytes, skipBom(bytes, at), EVENT_FIELD);
}

/** Returns whether the `event` field at `at` has the name that events without one have, too. */
export function isDefaultName(bytes: Uint8Array, at: number, end: number): boolean {
  const line = DECODER.decode(bytes.subarray(at, findLineEnd(bytes, at, end)));
  return /^\ufeff?event:? ?(message)?$/.test(line);
}

/** Returns whether the `event` field at `at` has the value `error`. */
export function isErrorName(bytes: Uint8Array, at: number, end: number): boolean {
  const line = DECODER.decode(bytes.subarray(at, findLineEnd(bytes, at, end)));
  return /^event: ?error$/.test(line);
}

/**
 * Returns where the value of the `data` line at `at` begins, after its colon and one optional
 * space; -1 if the line is none.
 */
export function findDataStart(bytes: Uint8Array, at: number, end: number): number {
  const start = skipBom(bytes, at);
  const colon = start + DATA_FIELD.length;
  if (colon > end || !startsWith(bytes, start, DATA_FIELD)) return -1;
  if (colon === end || bytes[colon] === LF || bytes[colon] === CR) return colon;
  if (bytes[colon] !== COLON) return -1;
  return colon + 1 < end && bytes[colon + 1] === SPACE ? colon + 2 : colon + 1;
}

/** Returns the text of an event's `data` lines, joined by LF; null if none. */
export function getEventData(bytes: Uint8Array, start: number, end: number): string | null {
  let text: string | null = null;
  let at = start;
  while (at < end) {
    const stop = findLineEnd(bytes, at, end);
    const valueStart = findDataStart(bytes, at, end);
    if (valueStart >= 0) {
      const line = DECODER.decode(bytes.subarray(valueStart, stop));
      text = text === null ? line : `${text}\n${line}`;
    }
    at = stop + 1;
  }
  return text;
}

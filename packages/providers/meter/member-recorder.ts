/**
 * Records the few members of a document that billing reads while the rest passes: the result is a
 * small document with those members only, however large the whole is.
 */
import type { KeptMembers } from '@farebox/dialects';

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const COMMA = ',';
/** More than all usage objects and errors that a provider writes. */
const MAX_BYTES = 65_536;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

type Frame = { keep: KeptMembers; isArray: boolean; count: number };

export class MemberRecorder {
  #bytes = new Uint8Array(1024);
  #length = 0;
  readonly #frames: Frame[] = [];
  /** What is kept of the value that comes next, in an object or at the root. */
  #pending: KeptMembers | null;
  #name = '';
  /** The depth within a value that is skipped or captured whole. */
  #inner = 0;
  /** The offset in the current chunk from which bytes are captured; -1 if they are not. */
  #captureFrom = -1;

  constructor(keep: KeptMembers) {
    this.#pending = keep;
  }

  /** A key was read: its name is the bytes in `[from, to)`. */
  setKey(bytes: Uint8Array, from: number, to: number): void {
    const frame = this.#frames.at(-1);
    if (this.#inner > 0 || frame === undefined || frame.keep === true) return;
    this.#name = DECODER.decode(bytes.subarray(from, to));
    this.#pending = Object.hasOwn(frame.keep, this.#name) ? (frame.keep[this.#name] ?? null) : null;
  }

  /** A value begins with `byte`, at the offset `at` of the current chunk. */
  beginValue(byte: number, at: number): void {
    const isArray = byte === OPEN_BRACKET;
    const isContainer = isArray || byte === OPEN_BRACE;
    if (this.#inner > 0) {
      if (isContainer) this.#inner += 1;
      return;
    }
    const frame = this.#frames.at(-1);
    const keep = frame?.isArray === true ? frame.keep : this.#pending;
    if (keep !== null) this.#writeSeparator(frame);
    if (keep === true) this.#captureFrom = at;
    if (keep === null || keep === true) {
      if (isContainer) this.#inner = 1;
    } else if (isContainer) {
      this.#frames.push({ keep, isArray, count: 0 });
      this.#writeText(isArray ? '[' : '{');
    } else this.#writeText('null');
  }

  /** A string, number or literal ended before the offset `at`. */
  endValue(bytes: Uint8Array, at: number): void {
    if (this.#inner === 0) this.#endCapture(bytes, at);
  }

  /** A container ended with `byte`, before the offset `at`. */
  endContainer(byte: number, bytes: Uint8Array, at: number): void {
    if (this.#inner === 0) {
      this.#frames.pop();
      this.#writeText(String.fromCharCode(byte));
      return;
    }
    this.#inner -= 1;
    if (this.#inner === 0) this.#endCapture(bytes, at);
  }

  /** The current chunk ends; offsets count anew from the next one. */
  endChunk(bytes: Uint8Array): void {
    if (this.#captureFrom < 0) return;
    this.#append(bytes.subarray(this.#captureFrom));
    this.#captureFrom = 0;
  }

  /** Returns the kept members as JSON; null if they were larger than is kept. */
  text(): string | null {
    return this.#length > MAX_BYTES ? null : DECODER.decode(this.#bytes.subarray(0, this.#length));
  }

  #writeSeparator(frame: Frame | undefined): void {
    if (frame === undefined) return;
    if (frame.count > 0) this.#writeText(COMMA);
    frame.count += 1;
    if (!frame.isArray) this.#writeText(`${JSON.stringify(this.#name)}:`);
  }

  #endCapture(bytes: Uint8Array, at: number): void {
    if (this.#captureFrom < 0) return;
    this.#append(bytes.subarray(this.#captureFrom, at));
    this.#captureFrom = -1;
  }

  #writeText(text: string): void {
    this.#append(ENCODER.encode(text));
  }

  #append(bytes: Uint8Array): void {
    const before = this.#length;
    this.#length += bytes.length;
    if (this.#length > MAX_BYTES) return;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#length);
      grown.set(this.#bytes.subarray(0, before));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, before);
  }
}

/**
 * How much a model has likely written, from the JSON strings of its answer: never less by more bytes,
 * rarely below what it will bill. Keeps a running count, never a text, and never throws on bad escapes.
 */
import { TokenEstimate } from '@farebox/dialects';

const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
/** What the letter of an escape stands for (RFC 8259, section 7); others stand for themselves. */
const ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : 0;
}

/** Writes one UTF-16 unit as UTF-8. Halves of a pair are written apart: four bytes' worth, as it is. */
function put(unit: number, into: Uint8Array, at: number): number {
  if (unit < 0x80) {
    into[at] = unit;
    return at + 1;
  }
  if (unit >= 0xd800 && unit <= 0xdfff) {
    into[at] = unit < 0xdc00 ? 0xf0 : 0x80;
    into[at + 1] = 0x80;
    return at + 2;
  }
  let next = at;
  if (unit < 0x800) into[next++] = 0xc0 | (unit >> 6);
  else {
    into[next++] = 0xe0 | (unit >> 12);
    into[next++] = 0x80 | ((unit >> 6) & 0x3f);
  }
  into[next++] = 0x80 | (unit & 0x3f);
  return next;
}

/** The bytes a JSON string stands for; never more than it has. */
function unescaped(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const text = new Uint8Array(end - start);
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte !== BACKSLASH) {
      text[length++] = byte;
      continue;
    }
    at++;
    const letter = bytes[at] ?? 0;
    if (letter !== LOWER_U || at + 4 >= end) {
      if (at < end) text[length++] = ESCAPES.get(letter) ?? letter;
      continue;
    }
    let unit = 0;
    for (let i = 1; i <= 4; i++) unit = unit * 16 + hexDigit(bytes[at + i] ?? 0);
    length = put(unit, text, length);
    at += 4;
  }
  return text.subarray(0, length);
}

export class Produced {
  #estimate = new TokenEstimate();
  #pieces = 0;
  #unseen = 0;
  #callMarks: number;

  constructor(callMarks: number) {
    this.#callMarks = callMarks;
  }

  /** One string of output: the JSON string in `[start, end)`, without its quotes. */
  text(bytes: Uint8Array, start: number, end: number): void {
    let plain = start;
    while (plain < end && bytes[plain] !== BACKSLASH) plain++;
    this.#estimate.add(plain < end ? unescaped(bytes, start, end) : bytes.subarray(start, end));
  }

  /** A tool call begins. */
  call(): void {
    this.#unseen += this.#callMarks;
  }

  /** Marks that are billed and never shown. */
  unseen(tokens: number): void {
    this.#unseen += tokens;
  }

  /** An event with output in it is at least one token, however short. */
  piece(): void {
    this.#pieces++;
  }

  tokens(): number {
    return Math.max(this.#pieces, this.#estimate.tokens()) + this.#unseen;
  }
}

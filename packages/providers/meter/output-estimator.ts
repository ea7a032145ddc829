/**
 * Estimates the output tokens of an answer from its JSON strings. The estimate never falls and is
 * rarely below the billed count. Keeps a running count and no text, and never throws on bad
 * escapes.
 */
import { TokenEstimator } from '@farebox/dialects';

const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
/** The byte that an escape's letter means (RFC 8259, section 7); others mean themselves. */
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

/** Writes one UTF-16 unit as UTF-8. Each half of a surrogate pair takes two of its four bytes. */
function writeUtf8(unit: number, target: Uint8Array, at: number): number {
  if (unit < 0x80) {
    target[at] = unit;
    return at + 1;
  }
  if (unit >= 0xd800 && unit <= 0xdfff) {
    target[at] = unit < 0xdc00 ? 0xf0 : 0x80;
    target[at + 1] = 0x80;
    return at + 2;
  }
  let next = at;
  if (unit < 0x800) target[next++] = 0xc0 | (unit >> 6);
  else {
    target[next++] = 0xe0 | (unit >> 12);
    target[next++] = 0x80 | ((unit >> 6) & 0x3f);
  }
  target[next++] = 0x80 | (unit & 0x3f);
  return next;
}

/** Returns the unescaped bytes of a JSON string: never more than it has. */
function unescapeJson(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const text = new Uint8Array(end - start);
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte !== BACKSLASH) {
      text[length++] = byte;
      continue;
    }
    at++;
    const escapeChar = bytes[at] ?? 0;
    if (escapeChar !== LOWER_U || at + 4 >= end) {
      if (at < end) text[length++] = ESCAPES.get(escapeChar) ?? escapeChar;
      continue;
    }
    let unit = 0;
    for (let i = 1; i <= 4; i++) unit = unit * 16 + hexDigit(bytes[at + i] ?? 0);
    length = writeUtf8(unit, text, length);
    at += 4;
  }
  return text.subarray(0, length);
}

export class OutputEstimator {
  #estimator = new TokenEstimator();
  #events = 0;
  #hiddenTokens = 0;
  #toolCallOverheadTokens: number;

  constructor(toolCallOverheadTokens: number) {
    this.#toolCallOverheadTokens = toolCallOverheadTokens;
  }

  /** Adds the JSON string in `[start, end)`, without its quotes. */
  addText(bytes: Uint8Array, start: number, end: number): void {
    let firstEscape = start;
    while (firstEscape < end && bytes[firstEscape] !== BACKSLASH) firstEscape++;
    this.#estimator.add(
      firstEscape < end ? unescapeJson(bytes, start, end) : bytes.subarray(start, end),
    );
  }

  /** Adds the overhead of one tool call. */
  addToolCall(): void {
    this.#hiddenTokens += this.#toolCallOverheadTokens;
  }

  /** Adds tokens that are billed and never shown. */
  addHidden(tokens: number): void {
    this.#hiddenTokens += tokens;
  }

  /** Counts an event with output: it is at least one token. */
  addEvent(): void {
    this.#events++;
  }

  tokens(): number {
    return Math.max(this.#events, this.#estimator.tokens()) + this.#hiddenTokens;
  }
}

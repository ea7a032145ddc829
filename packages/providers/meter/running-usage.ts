/**
 * The last count of a stream that repeats its usage in every event (Gemini's `usageMetadata`), as
 * bytes: parsing each of them costs as much as everything else that is done with the event.
 */
import { isJsonObject, type JsonObject } from '@farebox/dialects';
import { parseJson } from './parse-json.ts';

/** A longer usage object is none that a provider sends with each event. */
export const MAX_RUNNING_USAGE_BYTES = 4_096;

const DECODER = new TextDecoder();
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

function findDigitsEnd(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && isDigit(bytes[at])) at += 1;
  return at;
}

/** Returns whether a number begins behind `byte`; a digit behind another may be an exponent. */
function precedesNumber(byte: number): boolean {
  return byte === COLON || byte === COMMA || byte === OPEN_BRACKET || byte <= SPACE;
}

export class RunningUsage {
  #bytes = new Uint8Array(0);
  #length = 0;

  /** Keeps the object in `[start, end)`. */
  keep(bytes: Uint8Array, start: number, end: number): void {
    this.#length = end - start;
    if (this.#length > this.#bytes.length) this.#bytes = new Uint8Array(2 * this.#length);
    this.#bytes.set(bytes.subarray(start, end));
  }

  drop(): void {
    this.#length = 0;
  }

  /** Returns what was kept, and drops it; null if nothing was. */
  take(): JsonObject | null {
    if (this.#length === 0) return null;
    const usage = parseJson(DECODER.decode(this.#bytes.subarray(0, this.#length)));
    this.#length = 0;
    return isJsonObject(usage) ? usage : null;
  }

  /**
   * Returns whether the object in `[start, end)` says the same as the one that is kept with no whole
   * number lower, or if none is kept: merging both then comes to the later one. In doubt it is false.
   */
  isCoveredBy(bytes: Uint8Array, start: number, end: number): boolean {
    const kept = this.#bytes;
    const length = this.#length;
    let isInString = false;
    let previous = SPACE;
    let at = 0;
    let to = start;
    while (at < length && to < end) {
      const byte = bytes[to] ?? 0;
      if (!isInString && isDigit(byte) && isDigit(kept[at])) {
        const keptEnd = findDigitsEnd(kept, at, length);
        const digitsEnd = findDigitsEnd(bytes, to, end);
        if (!precedesNumber(previous) || this.#isHigher(at, keptEnd, bytes, to, digitsEnd))
          return false;
        at = keptEnd;
        to = digitsEnd;
        previous = ZERO;
        continue;
      }
      if (byte !== kept[at]) return false;
      if (byte === QUOTE && !(isInString && previous === BACKSLASH)) isInString = !isInString;
      // A backslash that is escaped escapes nothing.
      previous = byte === BACKSLASH && previous === BACKSLASH ? SPACE : byte;
      at += 1;
      to += 1;
    }
    return length === 0 || (at === length && to === end);
  }

  /** Compares whole numbers, which JSON writes without leading zeros. */
  #isHigher(at: number, keptEnd: number, bytes: Uint8Array, from: number, end: number): boolean {
    const byLength = keptEnd - at - (end - from);
    if (byLength !== 0) return byLength > 0;
    for (let i = 0; at + i < keptEnd; i += 1) {
      const difference = (this.#bytes[at + i] ?? 0) - (bytes[from + i] ?? 0);
      if (difference !== 0) return difference > 0;
    }
    return false;
  }
}

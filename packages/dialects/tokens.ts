/**
 * How many tokens a text likely has, without a tokenizer: for each pair of neighbouring bytes, the
 * chance that a token ends between them, summed. The chances (`tokens.table.ts`) are measured against
 * o200k_base and cl100k_base by `calibrate.ts`, so the sum is near the truth for prose and code and
 * rarely below it for anything else. An estimate, never a bound: what is held uses bytes.
 */
import { CHANCES } from './tokens.table.ts';

/** Classes of bytes: a-z each, upper case, digits, white space, punctuation by sort, UTF-8 by position. */
const UPPER = 26;
const DIGIT = 27;
const SPACE = 28;
const NEWLINE = 29;
const JOINER = 30;
const STOP = 31;
const BRACKET = 32;
const OTHER = 33;
const CONTINUES = 34;
const LEAD_OF_TWO = 35;
const LEAD_OF_THREE = 36;
const LEAD_OF_HAN = 37;
const LEAD_OF_FOUR = 38;
/** Before the first byte of a text. */
export const START = 39;

/** Classes, and so the length of a row of the table; also how many units make one token. */
export const PAIR_ROW = 40;

function classOf(byte: number): number {
  const character = String.fromCharCode(byte);
  if (byte >= 0x80) return classBeyondAscii(byte);
  if (/[a-z]/.test(character)) return byte - 0x61;
  if (/[A-Z]/.test(character)) return UPPER;
  if (/[0-9]/.test(character)) return DIGIT;
  if (character === ' ') return SPACE;
  if (/[\n\r\t]/.test(character)) return NEWLINE;
  if (/[-_/.]/.test(character)) return JOINER;
  if (/[,;:!?'"]/.test(character)) return STOP;
  return /[()[\]{}<>=]/.test(character) ? BRACKET : OTHER;
}

function classBeyondAscii(byte: number): number {
  if (byte < 0xc0) return CONTINUES;
  if (byte < 0xe0) return LEAD_OF_TWO;
  if (byte >= 0xe4 && byte <= 0xed) return LEAD_OF_HAN;
  return byte < 0xf0 ? LEAD_OF_THREE : LEAD_OF_FOUR;
}

/** The class of each byte. */
export const TOKEN_CLASS: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => classOf(byte));

/** By class before and class now: the chance of a token's start between, in fortieths. */
export const PAIR: Uint8Array = Uint8Array.from(CHANCES.join(''), (digit) =>
  Math.min(PAIR_ROW, 2 * Number.parseInt(digit, 36)),
);

/** Units, as the scanner sums them, in tokens. */
export function tokensOf(units: number): number {
  return Math.ceil(units / PAIR_ROW);
}

/** The same estimate over bytes that arrive piece by piece. */
export class TokenEstimate {
  #units = 0;
  #before = START;

  add(bytes: Uint8Array): void {
    let units = 0;
    let before = this.#before;
    // An index, because the iterator of a typed array is several times slower here.
    for (let index = 0; index < bytes.length; index += 1) {
      const now = TOKEN_CLASS[bytes[index] ?? 0] ?? 0;
      units += PAIR[before * PAIR_ROW + now] ?? 0;
      before = now;
    }
    this.#units += units;
    this.#before = before;
  }

  tokens(): number {
    return tokensOf(this.#units);
  }
}

/** A likely count of the tokens in a UTF-8 text: rarely below the truth, near it for prose and code. */
export function likelyTokens(bytes: Uint8Array): number {
  const estimate = new TokenEstimate();
  estimate.add(bytes);
  return estimate.tokens();
}

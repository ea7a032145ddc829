/**
 * Estimates the tokens of a text without a tokenizer: the sum, over each pair of neighbouring
 * bytes, of the probability that a token ends between them. `calibrate-estimator.ts` measures the
 * probabilities (`token-estimator.table.ts`) against o200k_base and cl100k_base, so the sum is near
 * the real count for prose and code and rarely below it for other text. An estimate, not a bound:
 * holds use bytes.
 */
import { TOKEN_PROBABILITIES } from './token-estimator.table.ts';

/**
 * Classes of bytes: a-z each, upper case, digits, white space, punctuation by sort, UTF-8 by
 * position.
 */
const UPPER = 26;
const DIGIT = 27;
const SPACE = 28;
const NEWLINE = 29;
const JOINER = 30;
const STOP = 31;
const BRACKET = 32;
const OTHER = 33;
const CONTINUATION = 34;
const LEAD_BYTE_2 = 35;
const LEAD_BYTE_3 = 36;
const LEAD_BYTE_HAN = 37;
const LEAD_BYTE_4 = 38;
/** The class before the first byte of a text. */
export const TEXT_START = 39;

/** The number of classes, which is the length of a table row; also the units of one token. */
export const PAIR_ROW = 40;

function toByteClass(byte: number): number {
  const character = String.fromCharCode(byte);
  if (byte >= 0x80) return toNonAsciiClass(byte);
  if (/[a-z]/.test(character)) return byte - 0x61;
  if (/[A-Z]/.test(character)) return UPPER;
  if (/[0-9]/.test(character)) return DIGIT;
  if (character === ' ') return SPACE;
  if (/[\n\r\t]/.test(character)) return NEWLINE;
  if (/[-_/.]/.test(character)) return JOINER;
  if (/[,;:!?'"]/.test(character)) return STOP;
  return /[()[\]{}<>=]/.test(character) ? BRACKET : OTHER;
}

function toNonAsciiClass(byte: number): number {
  if (byte < 0xc0) return CONTINUATION;
  if (byte < 0xe0) return LEAD_BYTE_2;
  if (byte >= 0xe4 && byte <= 0xed) return LEAD_BYTE_HAN;
  return byte < 0xf0 ? LEAD_BYTE_3 : LEAD_BYTE_4;
}

/** The class of each byte. */
export const BYTE_CLASSES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  toByteClass(byte),
);

/** By previous and current class: the probability of a token's start between, in fortieths. */
export const PAIR_UNITS: Uint8Array = Uint8Array.from(TOKEN_PROBABILITIES.join(''), (digit) =>
  Math.min(PAIR_ROW, 2 * Number.parseInt(digit, 36)),
);

/** Converts units, as the scanner sums them, to tokens. */
export function unitsToTokens(units: number): number {
  return Math.ceil(units / PAIR_ROW);
}

/** The same estimate over bytes that arrive piece by piece. */
export class TokenEstimator {
  #units = 0;
  #previousClass = TEXT_START;

  add(bytes: Uint8Array): void {
    let units = 0;
    let previousClass = this.#previousClass;
    // An index, because a typed array's iterator is several times slower here.
    for (let index = 0; index < bytes.length; index += 1) {
      const currentClass = BYTE_CLASSES[bytes[index] ?? 0] ?? 0;
      units += PAIR_UNITS[previousClass * PAIR_ROW + currentClass] ?? 0;
      previousClass = currentClass;
    }
    this.#units += units;
    this.#previousClass = previousClass;
  }

  tokens(): number {
    return unitsToTokens(this.#units);
  }
}

/**
 * Estimates the tokens of a UTF-8 text: rarely below the real count, near it for prose and code.
 */
export function estimateTokens(bytes: Uint8Array): number {
  const estimator = new TokenEstimator();
  estimator.add(bytes);
  return estimator.tokens();
}

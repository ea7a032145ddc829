/**
 * Estimates the tokens of a text without a tokenizer: the sum, over each pair of neighbouring
 * bytes, of the probability that a token starts between them. `calibrate-estimator.ts` measures the
 * probabilities (`token-estimator.table.ts`) against o200k_base; other tokenizers count more or
 * fewer tokens by a factor that is a fact of their provider (`TokenScale`). The sum is near the real
 * count, above it as often as below. It is no bound: holds use bytes.
 */
import { TOKEN_START_DIGITS, TOKEN_START_UNITS } from './token-estimator.table.ts';

/** Classes of ASCII after a-z, each with its characters; other ASCII has the class after these. */
const ASCII_CLASSES: readonly string[] = [
  'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  '0123456789',
  ' ',
  '\n\r\t',
  '-',
  '_',
  '.',
  '/\\',
  ',',
  ':;',
  '!?',
  "'",
  '"`',
  '([{<',
  ')]}>',
  '=',
  '*',
  '#',
  '|',
];

const LETTERS = 26;
const OTHER_ASCII = LETTERS + ASCII_CLASSES.length;

/**
 * The first byte of each class of UTF-8 bytes: continuations, then lead bytes by the scripts they
 * begin.
 */
const NON_ASCII_CLASSES: readonly number[] = [
  0x80, // continuation
  0xc0, // Latin with marks
  0xcd, // Greek
  0xd0, // Cyrillic
  0xd4, // Hebrew, Arabic
  0xe0, // India, Thai
  0xe1,
  0xe2, // punctuation
  0xe3, // kana
  0xe4, // Han
  0xea, // Hangul
  0xee,
  0xf0, // emoji
];

/** The first class of a byte that is not ASCII. */
export const NON_ASCII_CLASS = OTHER_ASCII + 1;

/** The class before the first byte of a text, and the last one. */
export const TEXT_START = NON_ASCII_CLASS + NON_ASCII_CLASSES.length;

/** The number of classes, which is the length of a table's row. */
export const CLASS_COUNT = TEXT_START + 1;

function toByteClass(byte: number): number {
  if (byte >= 0x80) {
    return NON_ASCII_CLASS + NON_ASCII_CLASSES.findLastIndex((first) => byte >= first);
  }
  const character = String.fromCharCode(byte);
  if (character >= 'a' && character <= 'z') return byte - 0x61;
  const index = ASCII_CLASSES.findIndex((characters) => characters.includes(character));
  return index < 0 ? OTHER_ASCII : LETTERS + index;
}

/** The class of each byte. */
export const BYTE_CLASSES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  toByteClass(byte),
);

/** The units of one token. */
export const UNITS_PER_TOKEN = 42;

/** By previous and current class: the probability of a token's start between, in units. */
export const PAIR_UNITS: Uint8Array = Uint8Array.from(TOKEN_START_UNITS.join(''), (digit) =>
  TOKEN_START_DIGITS.indexOf(digit),
);

/** Converts units, as the scanner sums them, to tokens. */
export function unitsToTokens(units: number): number {
  return Math.ceil(units / UNITS_PER_TOKEN);
}

/** Tokens of a tokenizer for one of o200k_base, in text that is ASCII and in text that is not. */
export type TokenScale = Readonly<{ ascii: number; nonAscii: number }>;

export const UNSCALED: TokenScale = { ascii: 1, nonAscii: 1 };

/** The same estimate over bytes that arrive piece by piece. It never falls. */
export class TokenEstimator {
  readonly #scale: TokenScale;
  #asciiUnits = 0;
  #nonAsciiUnits = 0;
  #previousClass = TEXT_START;
  readonly #marked = { asciiUnits: 0, nonAsciiUnits: 0, previousClass: TEXT_START };

  constructor(scale: TokenScale = UNSCALED) {
    this.#scale = scale;
  }

  /** Marks the text so far, to which `rollback` returns. */
  mark(): void {
    this.#marked.asciiUnits = this.#asciiUnits;
    this.#marked.nonAsciiUnits = this.#nonAsciiUnits;
    this.#marked.previousClass = this.#previousClass;
  }

  rollback(): void {
    this.#asciiUnits = this.#marked.asciiUnits;
    this.#nonAsciiUnits = this.#marked.nonAsciiUnits;
    this.#previousClass = this.#marked.previousClass;
  }

  add(bytes: Uint8Array): void {
    let units = 0;
    let nonAsciiUnits = 0;
    let previousClass = this.#previousClass;
    // An index, because a typed array's iterator is several times slower here.
    for (let index = 0; index < bytes.length; index += 1) {
      const currentClass = BYTE_CLASSES[bytes[index] ?? 0] ?? 0;
      const pairUnits = PAIR_UNITS[previousClass * CLASS_COUNT + currentClass] ?? 0;
      units += pairUnits;
      if (currentClass >= NON_ASCII_CLASS) nonAsciiUnits += pairUnits;
      previousClass = currentClass;
    }
    this.#asciiUnits += units - nonAsciiUnits;
    this.#nonAsciiUnits += nonAsciiUnits;
    this.#previousClass = previousClass;
  }

  /** The estimate, not rounded. */
  tokens(): number {
    const { ascii, nonAscii } = this.#scale;
    return (this.#asciiUnits * ascii + this.#nonAsciiUnits * nonAscii) / UNITS_PER_TOKEN;
  }
}

/** Estimates the tokens of a UTF-8 text, as o200k_base counts them. */
export function estimateTokens(bytes: Uint8Array): number {
  const estimator = new TokenEstimator();
  estimator.add(bytes);
  return Math.ceil(estimator.tokens());
}

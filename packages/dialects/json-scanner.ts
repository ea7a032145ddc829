/**
 * A strict JSON pull parser over bytes (RFC 8259; UTF-8 by RFC 3629). It makes one pass, decodes
 * nothing longer than a name, and keeps a running count of tokens. An error is permanent: every
 * later call does nothing, so that callers need no checks in between. No error contains a byte of
 * the body.
 */
import type { Span } from './contract.ts';
import { foldName } from './field-names.ts';
import { normalizedGrowth } from './normalized-length.ts';
import {
  BYTE_CLASSES,
  CLASS_COUNT,
  PAIR_UNITS,
  TEXT_START,
  UNITS_PER_TOKEN,
} from './token-estimator.ts';

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null' | 'none';

export type ScanError = 'invalid_json' | 'nesting_too_deep';

/** Deeper nesting is rejected to bound the recursion: no provider's schema comes near. */
export const MAX_DEPTH = 128;

/** The decoded part of a longer string: longer than any name in our tables. */
const MAX_NAME_BYTES = 256;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;

/** The kind of a byte inside a string: the class of a plain one, else one of these. */
const CLOSING_QUOTE = 64;
const ESCAPED = 65;
const CONTROL = 66;
const NON_ASCII = 67;
const IN_STRING = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === QUOTE) return CLOSING_QUOTE;
  if (byte === BACKSLASH) return ESCAPED;
  if (byte < 0x20) return CONTROL;
  return byte >= 0x80 ? NON_ASCII : (BYTE_CLASSES[byte] ?? 0);
});

/** The byte that each one-letter escape means; 0 for other letters. */
const ESCAPES = new Uint8Array(256);
for (const [escapeChar, decoded] of ['""', '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t']) {
  ESCAPES[escapeChar?.charCodeAt(0) ?? 0] = decoded?.charCodeAt(0) ?? 0;
}

const KINDS = new Map<number, JsonKind>([
  [0x7b, 'object'],
  [0x5b, 'array'],
  [QUOTE, 'string'],
  [0x74, 'boolean'],
  [0x66, 'boolean'],
  [0x6e, 'null'],
  [0x2d, 'number'],
]);
for (let digit = 0x30; digit <= 0x39; digit += 1) KINDS.set(digit, 'number');

const LITERALS = {
  true: [0x74, 0x72, 0x75, 0x65],
  false: [0x66, 0x61, 0x6c, 0x73, 0x65],
  null: [0x6e, 0x75, 0x6c, 0x6c],
} as const;

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function hexValue(byte: number): number {
  if (isDigit(byte)) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Returns the length of the well-formed UTF-8 sequence at `at` (RFC 3629, section 4), or 0. */
function utf8Length(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  const second = bytes[at + 1] ?? 0;
  const continues = (index: number) => ((bytes[at + index] ?? 0) & 0xc0) === 0x80;
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const low = lead === 0xe0 ? 0xa0 : 0x80;
    const high = lead === 0xed ? 0x9f : 0xbf;
    return second >= low && second <= high && continues(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const low = lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

/** Returns the code point of the well-formed sequence of two to four bytes at `at`. */
function codePointAt(bytes: Uint8Array, at: number, length: number): number {
  let codePoint = (bytes[at] ?? 0) & (0xff >> (length + 1));
  for (let index = 1; index < length; index += 1)
    codePoint = (codePoint << 6) | ((bytes[at + index] ?? 0) & 0x3f);
  return codePoint;
}

export class Scanner {
  readonly bytes: Uint8Array;
  at = 0;
  error: ScanError | null = null;
  /**
   * An upper bound of the tokens passed over: a token of a byte-level BPE spans at least one byte of
   * the text as the tokeniser normalises it.
   */
  maxTokens = 0;
  /** An estimate of these tokens, in the units of `token-estimator.ts`. */
  estimatedUnits = 0;
  /**
   * While true, values count as JSON that a provider may print again: escaped, spaced, in ASCII.
   */
  asJson = true;
  /** Called with the scanner before the value of any member of that name that is being skipped. */
  readonly #watchedName: string | null;
  readonly #onWatched: () => void;
  #depth = 0;
  /** The last string: the position of its content, and whether it has an escape. */
  #from = 0;
  #to = 0;
  #escaped = false;
  /**
   * Of that string: the raw bytes that decoding its escapes saves, and those that its characters
   * beyond ASCII may gain, normalised or printed again as JSON.
   */
  #escapeSavings = 0;
  #normalizedGrowth = 0;
  #printedGrowth = 0;
  /** Of the last character that was not plain: its length in UTF-8, its first byte, its number. */
  #decodedLength = 0;
  #lead = 0;
  #codePoint = 0;

  constructor(
    bytes: Uint8Array,
    watchedName: string | null = null,
    onWatched: () => void = () => {},
  ) {
    this.bytes = bytes;
    this.#watchedName = watchedName;
    this.#onWatched = onWatched;
  }

  #fail(error: ScanError): void {
    this.error ??= error;
    this.at = this.bytes.length;
  }

  #space(): number {
    const bytes = this.bytes;
    let at = this.at;
    let byte = bytes[at];
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      at += 1;
      byte = bytes[at];
    }
    this.at = at;
    return byte ?? -1;
  }

  /** Returns the kind of the next value; `none` at the end or where no value can start. */
  peekKind(): JsonKind {
    return KINDS.get(this.#space()) ?? 'none';
  }

  /** Checks that only white space follows the body's one value. */
  expectEnd(): void {
    if (this.#space() !== -1) this.#fail('invalid_json');
  }

  /** Reads an object; `member` must consume the value or leave it, in which case it is skipped. */
  readObject(member: (name: string) => void): void {
    this.#members(0x7d, () => {
      this.#space();
      const { estimatedUnits } = this;
      this.#string();
      // A known name is a field of the protocol, not a part of the prompt.
      this.estimatedUnits = estimatedUnits;
      const name = this.#decoded();
      this.#colon();
      if (this.error !== null) return;
      const before = this.at;
      member(name);
      if (this.at === before) this.skip();
    });
  }

  /** Reads an array; `item` must consume the value or leave it, in which case it is skipped. */
  readArray(item: (index: number) => void): void {
    let index = 0;
    this.#members(0x5d, () => {
      this.#space();
      const before = this.at;
      item(index);
      if (this.at === before) this.skip();
      index += 1;
    });
  }

  /** Skips any value, counting its tokens. */
  skip(): void {
    switch (this.peekKind()) {
      case 'object':
        this.#members(0x7d, () => this.#skipMember());
        return;
      case 'array':
        this.#members(0x5d, () => this.skip());
        return;
      case 'string':
        this.#string();
        return;
      case 'number':
        this.#number();
        return;
      case 'boolean':
        this.#literal(this.bytes[this.at] === 0x74 ? LITERALS.true : LITERALS.false);
        return;
      case 'null':
        this.#literal(LITERALS.null);
        return;
      case 'none':
        this.#fail('invalid_json');
        return;
    }
  }

  /**
   * Skips a value and returns its text: a string's (its start, if long), any other value as
   * written.
   */
  readText(): string | null {
    const kind = this.peekKind();
    const start = this.at;
    this.skip();
    if (this.error !== null) return null;
    if (kind === 'string') return this.#decoded();
    if (kind === 'object' || kind === 'array' || this.at - start > MAX_NAME_BYTES) return null;
    return String.fromCharCode(...this.bytes.subarray(start, this.at));
  }

  /** Skips a string of encoded bytes as `readText` does, without estimating it as text. */
  readEncoded(): string | null {
    if (this.peekKind() !== 'string') return this.readText();
    this.#encoded();
    return this.error === null ? this.#decoded() : null;
  }

  #skipMember(): void {
    this.#space();
    this.#string();
    const matches = this.#watchedName !== null && this.#isWatched(this.#watchedName);
    this.#colon();
    if (this.error !== null) return;
    this.#space();
    const before = this.at;
    this.estimatedUnits += UNITS_PER_TOKEN;
    if (matches) this.#onWatched();
    if (this.at === before) this.skip();
  }

  /** Compares as the laxest reader does; most names differ in length or first byte. */
  #isWatched(name: string): boolean {
    const first = this.bytes[this.#from] ?? 0;
    if (!this.#escaped && first < 0x80) {
      const length = this.#to - this.#from;
      if (Math.abs(length - name.length) > 2) return false;
      if ((first | 0x20) !== name.charCodeAt(0)) return false;
    }
    return foldName(this.#decoded()) === foldName(name);
  }

  #colon(): void {
    if (this.#space() !== COLON) {
      this.#fail('invalid_json');
      return;
    }
    this.at += 1;
    this.#space();
  }

  /** Reads the comma-separated members or items from the bracket here to `close`. */
  #members(close: number, member: () => void): void {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) {
      this.#fail('nesting_too_deep');
      return;
    }
    this.at += 1;
    // Brackets, and for each member the separator and a space after it, as a printer may add.
    this.maxTokens += 2;
    if (this.#space() === close) {
      this.at += 1;
      this.#depth -= 1;
      return;
    }
    while (this.error === null) {
      member();
      this.maxTokens += 4;
      const byte = this.#space();
      if (byte === close) {
        this.at += 1;
        this.#depth -= 1;
        return;
      }
      if (byte !== COMMA) {
        this.#fail('invalid_json');
        return;
      }
      this.at += 1;
    }
  }

  #literal(literal: readonly number[]): void {
    for (const byte of literal) {
      if (this.bytes[this.at] !== byte) {
        this.#fail('invalid_json');
        return;
      }
      this.at += 1;
    }
    this.maxTokens += literal.length;
    this.estimatedUnits += UNITS_PER_TOKEN;
  }

  #digits(): number {
    const start = this.at;
    while (isDigit(this.bytes[this.at] ?? 0)) this.at += 1;
    return this.at - start;
  }

  #number(): void {
    const start = this.at;
    if (this.bytes[this.at] === 0x2d) this.at += 1;
    const leadingZero = this.bytes[this.at] === 0x30;
    const whole = this.#digits();
    if (whole === 0 || (leadingZero && whole > 1)) {
      this.#fail('invalid_json');
      return;
    }
    if (this.bytes[this.at] === 0x2e) {
      this.at += 1;
      if (this.#digits() === 0) {
        this.#fail('invalid_json');
        return;
      }
    }
    if (((this.bytes[this.at] ?? 0) | 0x20) === 0x65) {
      this.at += 1;
      const sign = this.bytes[this.at];
      if (sign === 0x2b || sign === 0x2d) this.at += 1;
      if (this.#digits() === 0) {
        this.#fail('invalid_json');
        return;
      }
    }
    // A printer may write 1e9 out in full: at most 24 digits more before it turns to exponents
    // again.
    this.maxTokens += this.at - start + 24;
    this.estimatedUnits += UNITS_PER_TOKEN * (1 + Math.ceil((this.at - start) / 3));
  }

  /**
   * Reads a string in one loop over its bytes, counting as it goes. The hot path of this package.
   */
  #string(): void {
    const bytes = this.bytes;
    if (bytes[this.at] !== QUOTE) {
      this.#fail('invalid_json');
      return;
    }
    const from = this.at + 1;
    let at = from;
    let row = TEXT_START * CLASS_COUNT;
    let estimatedUnits = 0;
    this.#escapeSavings = 0;
    this.#normalizedGrowth = 0;
    this.#printedGrowth = 0;
    this.#escaped = false;
    for (;;) {
      const byteClass = IN_STRING[bytes[at] ?? 0] ?? CONTROL;
      if (byteClass < CLOSING_QUOTE) {
        estimatedUnits += PAIR_UNITS[row + byteClass] ?? 0;
        row = byteClass * CLASS_COUNT;
        at += 1;
      } else if (byteClass === CLOSING_QUOTE) break;
      else {
        const length = this.#special(at, byteClass);
        if (length === 0) {
          this.#fail('invalid_json');
          return;
        }
        for (let index = 0; index < this.#decodedLength; index += 1) {
          const nextClass = BYTE_CLASSES[index === 0 ? this.#lead : 0x80] ?? 0;
          estimatedUnits += PAIR_UNITS[row + nextClass] ?? 0;
          row = nextClass * CLASS_COUNT;
        }
        at += length;
      }
    }
    this.#countString(from, at, estimatedUnits);
  }

  /** The last string that was read, with its quotes. */
  get lastString(): Span {
    return { start: this.#from - 1, end: this.#to + 1 };
  }

  /** Reads a string of encoded bytes: checked as JSON, but not estimated as text. */
  #encoded(): void {
    const bytes = this.bytes;
    const from = this.at + 1;
    let at = from;
    this.#escapeSavings = 0;
    this.#normalizedGrowth = 0;
    this.#printedGrowth = 0;
    this.#escaped = false;
    for (;;) {
      const byteClass = IN_STRING[bytes[at] ?? 0] ?? CONTROL;
      if (byteClass < CLOSING_QUOTE) at += 1;
      else if (byteClass === CLOSING_QUOTE) break;
      else {
        const length = this.#special(at, byteClass);
        if (length === 0) {
          this.#fail('invalid_json');
          return;
        }
        at += length;
      }
    }
    this.#countString(from, at, 0);
  }

  #countString(from: number, to: number, estimatedUnits: number): void {
    this.#from = from;
    this.#to = to;
    this.at = to + 1;
    const bytes = this.asJson
      ? to - from + this.#printedGrowth
      : to - from - this.#escapeSavings + this.#normalizedGrowth;
    this.maxTokens += bytes + 2;
    this.estimatedUnits += estimatedUnits;
  }

  /**
   * Checks the escape or multi-byte character at `at`; returns its raw length, or 0 if malformed.
   */
  #special(at: number, byteClass: number): number {
    if (byteClass === CONTROL) return 0;
    if (byteClass === NON_ASCII) {
      const length = utf8Length(this.bytes, at);
      this.#decodedLength = length;
      this.#lead = this.bytes[at] ?? 0;
      const growth = normalizedGrowth(codePointAt(this.bytes, at, length));
      this.#normalizedGrowth += growth;
      // Printed again as JSON, a character of two to four UTF-8 bytes may become \uXXXX (twice for
      // four).
      this.#printedGrowth += Math.max(2 * length, growth);
      return length;
    }
    const raw = this.#escape(at);
    this.#escaped = true;
    this.#escapeSavings += raw - this.#decodedLength;
    if (this.#decodedLength > 1) {
      const growth = normalizedGrowth(this.#codePoint);
      this.#normalizedGrowth += growth;
      this.#printedGrowth += Math.max(0, this.#decodedLength + growth - raw);
    }
    return raw;
  }

  /**
   * Returns the raw length of the escape at `at`, or 0; records its first UTF-8 byte and length.
   */
  #escape(at: number): number {
    const escapeChar = this.bytes[at + 1] ?? 0;
    this.#decodedLength = 1;
    if (escapeChar !== 0x75) {
      this.#lead = ESCAPES[escapeChar] ?? 0;
      return this.#lead === 0 ? 0 : 2;
    }
    const unit = this.#unit(at);
    if (unit < 0) return 0;
    this.#lead = unit;
    this.#codePoint = unit;
    if (unit < 0x80) return 6;
    this.#decodedLength = 2;
    this.#lead = 0xc0 | (unit >> 6);
    if (unit < 0x800) return 6;
    const high = unit >= 0xd800 && unit <= 0xdbff;
    const low = high && this.bytes[at + 6] === BACKSLASH ? this.#unit(at + 6) : -1;
    const paired = low >= 0xdc00 && low <= 0xdfff;
    this.#decodedLength = paired ? 4 : 3;
    this.#lead = paired ? 0xf0 : 0xe0 | (unit >> 12);
    if (paired) this.#codePoint = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    return paired ? 12 : 6;
  }

  /** Returns the code unit of the \uXXXX at `at`, or -1. */
  #unit(at: number): number {
    if (this.bytes[at + 1] !== 0x75) return -1;
    let unit = 0;
    for (let index = 2; index < 6; index += 1) {
      const digit = hexValue(this.bytes[at + index] ?? 0);
      if (digit < 0) return -1;
      unit = unit * 16 + digit;
    }
    return unit;
  }

  /** Returns the last string, decoded up to MAX_NAME_BYTES. */
  #decoded(): string {
    if (this.error !== null) return '';
    if (!this.#escaped && this.#to - this.#from <= MAX_NAME_BYTES) {
      return decodeUtf8(this.bytes, this.#from, this.#to);
    }
    const stop = Math.min(this.#to, this.#from + MAX_NAME_BYTES);
    let text = '';
    for (let at = this.#from; at < stop; ) {
      if (this.bytes[at] === BACKSLASH) {
        const unit = this.bytes[at + 1] === 0x75;
        text += String.fromCharCode(
          unit ? this.#unit(at) : (ESCAPES[this.bytes[at + 1] ?? 0] ?? 0),
        );
        at += unit ? 6 : 2;
      } else {
        const length = Math.max(1, utf8Length(this.bytes, at));
        text += decodeUtf8(this.bytes, at, at + length);
        at += length;
      }
    }
    return text;
  }
}

const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

/** Decodes without a TextDecoder if possible: nearly every name is short ASCII. */
function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x80) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

/** The grammar of JSON's numbers and literals over bytes (RFC 8259, sections 3 and 6). */

const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const LOWER_E = 0x65;
const ENCODER = new TextEncoder();
const NULL = ENCODER.encode('null');
const FALSE = ENCODER.encode('false');
const TRUE = ENCODER.encode('true');
const LOWER_N = 0x6e;
const LOWER_F = 0x66;
const LOWER_T = 0x74;

function skipDigits(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] ?? 0) >= 0x30 && (bytes[at] ?? 0) <= 0x39) at += 1;
  return at;
}

/** Returns the offset after the digits at `from`, or -1 without any. */
function requireDigits(bytes: Uint8Array, from: number, to: number): number {
  const at = skipDigits(bytes, from, to);
  return at === from ? -1 : at;
}

function isNumber(bytes: Uint8Array, from: number, to: number): boolean {
  const start = bytes[from] === MINUS ? from + 1 : from;
  let at = bytes[start] === ZERO ? start + 1 : requireDigits(bytes, start, to);
  if (at >= 0 && at < to && bytes[at] === DOT) at = requireDigits(bytes, at + 1, to);
  if (at >= 0 && at < to && ((bytes[at] ?? 0) | 0x20) === LOWER_E) {
    const sign = bytes[at + 1] === PLUS || bytes[at + 1] === MINUS ? 2 : 1;
    at = requireDigits(bytes, at + sign, to);
  }
  return at === to;
}

function isWord(bytes: Uint8Array, from: number, to: number, word: Uint8Array): boolean {
  if (to - from !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (bytes[from + i] !== word[i]) return false;
  return true;
}

/** Returns whether the bytes in `[from, to)` are a number, `true`, `false` or `null`. */
export function isScalar(bytes: Uint8Array, from: number, to: number): boolean {
  switch (bytes[from]) {
    case LOWER_N:
      return isWord(bytes, from, to, NULL);
    case LOWER_F:
      return isWord(bytes, from, to, FALSE);
    case LOWER_T:
      return isWord(bytes, from, to, TRUE);
    default:
      return to > from && isNumber(bytes, from, to);
  }
}

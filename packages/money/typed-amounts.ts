/**
 * Amounts as users and operators type them: with a decimal point or comma, groups of thousands, a
 * currency sign, or the full-width characters of a Chinese input method. A text that two readers
 * would take for two amounts is refused, because a guess would be wrong by a factor of 1,000. Pure.
 */
import { type NanoUsd, parseUsd } from './money.ts';

/**
 * What a typed text is not a number for. `readings` are the two numbers that an ambiguous text may
 * mean, each written so that it is read as just that: 1000 and 1.00 for `1,000`.
 */
export type TypingError =
  | Readonly<{ ok: false; reason: 'invalid' }>
  | Readonly<{ ok: false; reason: 'ambiguous'; readings: readonly [string, string] }>;
/** `decimal` has digits and at most one point. */
export type TypedDecimal = Readonly<{ ok: true; decimal: string }> | TypingError;
export type TypedUsd = Readonly<{ ok: true; amount: NanoUsd }> | TypingError;

const INVALID: TypingError = { ok: false, reason: 'invalid' };

/** `!` to `~`, as wide as a Chinese character. */
const FULL_WIDTH = /[\uff01-\uff5e]/g;
const FULL_WIDTH_OFFSET = 0xfee0;
/** The no-break, figure, thin, narrow no-break and ideographic spaces. */
const SPACES = /[\u00a0\u2007\u2009\u202f\u3000]/g;

function toAscii(text: string): string {
  return text
    .replace(FULL_WIDTH, (wide) => String.fromCharCode(wide.charCodeAt(0) - FULL_WIDTH_OFFSET))
    .replaceAll('\u3002', '.')
    .replaceAll('\u2019', "'")
    .replace(SPACES, ' ')
    .trim();
}

/** `1,000` is a thousand to some readers and one to others; no thousands begin with a zero. */
const AMBIGUOUS = /^([1-9]\d{0,2}),(\d{3})$/;
/** With at most one mark, which is the decimal one: a point is, as on every page of ours. */
const PLAIN = /^(\d+)(?:[.,](\d+))?$/;
/** Groups of three with one separator throughout, then decimals after another mark. */
const GROUPED = /^([1-9]\d{0,2}([ ',.])\d{3}(?:\2\d{3})*)(?:(?!\2)[.,](\d+))?$/;

function toReadings(whole: string, rest: string): readonly [string, string] {
  return [`${whole}${rest}`, `${whole}.${rest.replace(/0$/, '')}`];
}

/** Parses a typed number without a sign. */
export function parseTypedDecimal(text: string): TypedDecimal {
  const typed = toAscii(text);
  const ambiguous = AMBIGUOUS.exec(typed);
  if (ambiguous !== null) {
    const [, whole = '', rest = ''] = ambiguous;
    return { ok: false, reason: 'ambiguous', readings: toReadings(whole, rest) };
  }
  const plain = PLAIN.exec(typed);
  const grouped = plain === null ? GROUPED.exec(typed) : null;
  const whole = plain?.[1] ?? grouped?.[1]?.replace(/\D/g, '');
  const fraction = plain === null ? grouped?.[3] : plain[2];
  if (whole === undefined) return INVALID;
  return { ok: true, decimal: fraction === undefined ? whole : `${whole}.${fraction}` };
}

const WITH_CURRENCY = /^(?:(?:US)?\$|USD)? *([^$A-Z]*?) *(?:\$|USD)?$/i;

/** Parses a typed amount in USD, of at most nine decimals, exactly. */
export function parseTypedUsd(text: string): TypedUsd {
  const number = WITH_CURRENCY.exec(toAscii(text))?.[1];
  const typed = number === undefined ? INVALID : parseTypedDecimal(number);
  if (!typed.ok) return typed;
  const amount = parseUsd(typed.decimal);
  return amount === undefined ? INVALID : { ok: true, amount };
}

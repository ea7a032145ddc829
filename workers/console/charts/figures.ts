/**
 * Money, counts and days as a person reads them, by Intl in their language. Money stays exact: it goes to
 * Intl as decimal text and never through floating point, so what is shown is what was booked.
 */
import { formatUsd, type NanoUsd } from '@farebox/money';

export const DAY_MS = 86_400_000;

/** Making a formatter costs more than using it; languages are few. */
function remembered<T>(make: (language: string) => T): (language: string) => T {
  const made = new Map<string, T>();
  return (language) => {
    const known = made.get(language);
    if (known !== undefined) return known;
    const fresh = make(language);
    made.set(language, fresh);
    return fresh;
  };
}

const currency = (most: number) =>
  remembered(
    (language) =>
      new Intl.NumberFormat(language, {
        style: 'currency',
        currency: 'USD',
        currencyDisplay: 'narrowSymbol',
        minimumFractionDigits: 2,
        maximumFractionDigits: most,
      }),
  );
const exactly = currency(9);
const minutely = currency(15);
const nearly = currency(4);

const counts = remembered((language) => new Intl.NumberFormat(language));
const tenths = remembered(
  (language) => new Intl.NumberFormat(language, { maximumFractionDigits: 1 }),
);
const dayFormat = (options: Intl.DateTimeFormatOptions) =>
  remembered((language) => new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' }));
const wholeDays = dayFormat({ dateStyle: 'medium' });
const shortDays = dayFormat({ day: 'numeric', month: 'short' });

function isDecimal(text: string): text is `${number}` {
  return /^-?\d+(\.\d+)?$/.test(text);
}

/** Intl reads a decimal text exactly (ECMA-402, Intl mathematical values). */
function money(format: Intl.NumberFormat, amount: NanoUsd): string {
  const decimal = formatUsd(amount);
  return isDecimal(decimal) ? format.format(decimal) : decimal;
}

/** Exact to the nano-USD. */
export function usd(amount: NanoUsd, language: string): string {
  return money(exactly(language), amount);
}

/** Millionths of a nano-USD, exact: what one position of a bill comes to before the bill is rounded. */
export function usdMillionths(millionths: bigint, language: string): string {
  const digits = millionths.toString().padStart(16, '0');
  const decimal = `${digits.slice(0, -15)}.${digits.slice(-15)}`;
  return isDecimal(decimal) ? minutely(language).format(decimal) : decimal;
}

/** To a hundredth of a cent, for sums a person compares; what would become zero stays exact. */
export function usdNearly(amount: NanoUsd, language: string): string {
  const size = amount < 0n ? -amount : amount;
  return size < 1_000_000n ? usd(amount, language) : money(nearly(language), amount);
}

export function count(value: number | bigint, language: string): string {
  return counts(language).format(value);
}

export function tenth(value: number, language: string): string {
  return tenths(language).format(value);
}

/** Whole days since 1970-01-01, UTC. */
export function dayOf(at: number): number {
  return Math.floor(at / DAY_MS);
}

export function dayText(day: number, language: string): string {
  return wholeDays(language).format(day * DAY_MS);
}

export function shortDayText(day: number, language: string): string {
  return shortDays(language).format(day * DAY_MS);
}

/** `2026-11-24`. */
export function isoDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The day of `2026-11-24`; undefined for anything that is no day of the calendar. */
export function readDay(text: string): number | undefined {
  if (!/^(19[7-9]\d|20\d\d)-\d\d-\d\d$/.test(text)) return undefined;
  const at = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(at)) return undefined;
  const day = dayOf(at);
  // Date.parse takes February 30 for a day of March.
  return isoDay(day) === text ? day : undefined;
}

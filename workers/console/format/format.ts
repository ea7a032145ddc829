/**
 * Money, counts and days as a person reads them, by Intl in their language. Money stays exact: it goes to
 * Intl as decimal text and never through floating point, so what is shown is what was booked.
 */
import { formatUsd, type NanoUsd } from '@farebox/money';

export const DAY_MS = 86_400_000;

/** Making a formatter costs more than using it; languages are few. */
function memoizeByLanguage<T>(make: (language: string) => T): (language: string) => T {
  const formatters = new Map<string, T>();
  return (language) => {
    const cached = formatters.get(language);
    if (cached !== undefined) return cached;
    const created = make(language);
    formatters.set(language, created);
    return created;
  };
}

const createCurrencyFormat = (maxFractionDigits: number) =>
  memoizeByLanguage(
    (language) =>
      new Intl.NumberFormat(language, {
        style: 'currency',
        currency: 'USD',
        currencyDisplay: 'narrowSymbol',
        minimumFractionDigits: 2,
        maximumFractionDigits: maxFractionDigits,
      }),
  );
const exactCurrencyFormat = createCurrencyFormat(9);
const subNanoCurrencyFormat = createCurrencyFormat(15);
const roundedCurrencyFormat = createCurrencyFormat(4);

const countFormat = memoizeByLanguage((language) => new Intl.NumberFormat(language));
const decimalFormat = memoizeByLanguage(
  (language) => new Intl.NumberFormat(language, { maximumFractionDigits: 1 }),
);
const createDayFormat = (options: Intl.DateTimeFormatOptions) =>
  memoizeByLanguage(
    (language) => new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' }),
  );
const mediumDayFormat = createDayFormat({ dateStyle: 'medium' });
const shortDayFormat = createDayFormat({ day: 'numeric', month: 'short' });

function isDecimal(text: string): text is `${number}` {
  return /^-?\d+(\.\d+)?$/.test(text);
}

/** Intl reads a decimal text exactly (ECMA-402, Intl mathematical values). */
function formatMoneyWith(format: Intl.NumberFormat, amount: NanoUsd): string {
  const decimal = formatUsd(amount);
  return isDecimal(decimal) ? format.format(decimal) : decimal;
}

/** Exact to the nano-USD. */
export function formatCurrency(amount: NanoUsd, language: string): string {
  return formatMoneyWith(exactCurrencyFormat(language), amount);
}

/** Millionths of a nano-USD, exact: what one position of a bill comes to before the bill is rounded. */
export function formatMillionths(millionths: bigint, language: string): string {
  const digits = millionths.toString().padStart(16, '0');
  const decimal = `${digits.slice(0, -15)}.${digits.slice(-15)}`;
  return isDecimal(decimal) ? subNanoCurrencyFormat(language).format(decimal) : decimal;
}

/** To a hundredth of a cent, for sums a person compares; what would become zero stays exact. */
export function formatRoundedCurrency(amount: NanoUsd, language: string): string {
  const magnitude = amount < 0n ? -amount : amount;
  return magnitude < 1_000_000n
    ? formatCurrency(amount, language)
    : formatMoneyWith(roundedCurrencyFormat(language), amount);
}

export function formatCount(value: number | bigint, language: string): string {
  return countFormat(language).format(value);
}

export function formatTenth(value: number, language: string): string {
  return decimalFormat(language).format(value);
}

/** Whole days since 1970-01-01, UTC. */
export function toEpochDay(at: number): number {
  return Math.floor(at / DAY_MS);
}

export function formatDay(day: number, language: string): string {
  return mediumDayFormat(language).format(day * DAY_MS);
}

export function formatShortDay(day: number, language: string): string {
  return shortDayFormat(language).format(day * DAY_MS);
}

/** `2026-11-24`. */
export function toIsoDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The day of `2026-11-24`; undefined for anything that is no day of the calendar. */
export function parseIsoDay(text: string): number | undefined {
  if (!/^(19[7-9]\d|20\d\d)-\d\d-\d\d$/.test(text)) return undefined;
  const at = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(at)) return undefined;
  const day = toEpochDay(at);
  // Date.parse takes February 30 for a day of March.
  return toIsoDay(day) === text ? day : undefined;
}

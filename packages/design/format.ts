/**
 * Formats money, counts and dates with Intl in the reader's language. Money stays exact: Intl
 * receives it as decimal text, never as floating point, so the amount shown is the amount booked.
 */
import { DAY_MS } from '@farebox/ledger';
import { formatUsd, type NanoUsd } from '@farebox/money';

/** Creating a formatter costs more than using it, and there are few languages. */
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
const cents = createCurrencyFormat(2);
const hundredthsOfCents = createCurrencyFormat(4);
const twoDigitCurrencyFormat = memoizeByLanguage(
  (language) =>
    new Intl.NumberFormat(language, {
      style: 'currency',
      currency: 'USD',
      currencyDisplay: 'narrowSymbol',
      maximumSignificantDigits: 2,
    }),
);

const countFormat = memoizeByLanguage((language) => new Intl.NumberFormat(language));
const tokenFormat = memoizeByLanguage(
  (language) => new Intl.NumberFormat(language, { maximumFractionDigits: 18 }),
);
const decimalFormat = memoizeByLanguage(
  (language) => new Intl.NumberFormat(language, { maximumFractionDigits: 1 }),
);
const createDayFormat = (options: Intl.DateTimeFormatOptions) =>
  memoizeByLanguage(
    (language) => new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' }),
  );
const mediumDayFormat = createDayFormat({ dateStyle: 'medium' });
const shortDayFormat = createDayFormat({ day: 'numeric', month: 'short' });
const monthFormat = createDayFormat({ month: 'long', year: 'numeric' });

function isDecimal(text: string): text is `${number}` {
  return /^-?\d+(\.\d+)?$/.test(text);
}

/** Intl reads decimal text exactly (ECMA-402, Intl mathematical values). */
function formatMoneyWith(format: Intl.NumberFormat, amount: NanoUsd): string {
  const decimal = formatUsd(amount);
  return isDecimal(decimal) ? format.format(decimal) : decimal;
}

/** Exact to the nano-USD. */
export function formatCurrency(amount: NanoUsd, language: string): string {
  return formatMoneyWith(exactCurrencyFormat(language), amount);
}

/** Millionths of a nano-USD, exact: a line item of a bill before the bill is rounded. */
export function formatMillionths(millionths: bigint, language: string): string {
  const digits = millionths.toString().padStart(16, '0');
  const decimal = `${digits.slice(0, -15)}.${digits.slice(-15)}`;
  return isDecimal(decimal) ? subNanoCurrencyFormat(language).format(decimal) : decimal;
}

const ONE_USD = 1_000_000_000n;
const CENT = 10_000_000n;
const HUNDREDTH_OF_A_CENT = 100_000n;

/**
 * For lists and tiles: cents from one dollar up, hundredths of a cent below, and two significant
 * digits below those, so that an amount above zero never reads as zero.
 */
export function formatRoundedCurrency(amount: NanoUsd, language: string): string {
  const magnitude = amount < 0n ? -amount : amount;
  if (magnitude >= ONE_USD) return formatMoneyWith(cents(language), amount);
  if (magnitude >= HUNDREDTH_OF_A_CENT || magnitude === 0n)
    return formatMoneyWith(hundredthsOfCents(language), amount);
  return formatMoneyWith(twoDigitCurrencyFormat(language), amount);
}

/**
 * Returns the class by which the stylesheet aligns the amounts of a column at their decimal point: the
 * digits after the point of an amount below one dollar, `digits-whole` for all others.
 */
export function toDigitsClass(amount: NanoUsd, formatted: string): string {
  const magnitude = amount < 0n ? -amount : amount;
  if (magnitude >= ONE_USD) return 'digits-whole';
  const [, digits = ''] = /[.,](\d+)\D*$/.exec(formatted) ?? [];
  return `digits-${digits.length}`;
}

function roundDown(amount: NanoUsd, step: bigint): NanoUsd {
  const rest = amount % step;
  return rest < 0n ? amount - rest - step : amount - rest;
}

/**
 * As `formatRoundedCurrency`, and never more than there is: for a balance that the reader may spend.
 */
export function formatBalance(amount: NanoUsd, language: string): string {
  const magnitude = amount < 0n ? -amount : amount;
  if (magnitude < HUNDREDTH_OF_A_CENT) return formatRoundedCurrency(amount, language);
  const step = magnitude < ONE_USD ? HUNDREDTH_OF_A_CENT : CENT;
  return formatRoundedCurrency(roundDown(amount, step), language);
}

export function formatCount(value: number | bigint, language: string): string {
  return countFormat(language).format(value);
}

export function formatTenth(value: number, language: string): string {
  return decimalFormat(language).format(value);
}

/** Milliseconds as seconds: two digits after the point below ten seconds, else whole ones. */
export function formatSeconds(ms: number, language: string): string {
  const maximumFractionDigits = ms < 10_000 ? 2 : 0;
  const style = { style: 'unit', unit: 'second', unitDisplay: 'narrow' } as const;
  return new Intl.NumberFormat(language, { ...style, maximumFractionDigits }).format(ms / 1_000);
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

/** The calendar month of a time, UTC. */
export function formatMonth(at: number, language: string): string {
  return monthFormat(language).format(at);
}

/** `2026-11-24`. */
export function toIsoDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** Parses `2026-11-24`; undefined if the text is not a day of the calendar. */
export function parseIsoDay(text: string): number | undefined {
  if (!/^(19[7-9]\d|20\d\d)-\d\d-\d\d$/.test(text)) return undefined;
  const at = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(at)) return undefined;
  const day = toEpochDay(at);
  // Date.parse accepts February 30 as a day of March.
  return toIsoDay(day) === text ? day : undefined;
}

const timeFormat = createDayFormat({
  dateStyle: 'medium',
  timeStyle: 'medium',
  hourCycle: 'h23',
});
const clockFormat = createDayFormat({ timeStyle: 'medium', hourCycle: 'h23' });

/** Date and time with seconds, in UTC, as in exports and bills. */
export function formatTime(at: number, language: string): string {
  // The Russian abbreviation of "year" belongs on the line of its number.
  return `${timeFormat(language).format(at).replace(' г.', '\u00a0г.')} UTC`;
}

/** The time of a day with seconds, in UTC, where the day stands beside it. */
export function formatClock(at: number, language: string): string {
  return clockFormat(language).format(at);
}

const percentFormat = memoizeByLanguage(
  (language) => new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 }),
);

/** A share from 0 to 1 as whole percent. */
export function formatPercent(share: number, language: string): string {
  return percentFormat(language).format(share);
}

/** A token amount as the language writes numbers, with every digit. */
export function formatTokenAmount(units: bigint, decimals: number, language: string): string {
  const decimal = formatTokenUnits(units, decimals);
  return isDecimal(decimal) ? tokenFormat(language).format(decimal) : decimal;
}

/** A token amount as a decimal, without trailing zeros. */
export function formatTokenUnits(units: bigint, decimals: number): string {
  const digits = units.toString().padStart(decimals + 1, '0');
  const fraction = digits.slice(-decimals).replace(/0+$/, '');
  const whole = digits.slice(0, -decimals);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

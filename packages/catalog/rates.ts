/**
 * The prices of a model at a given time: the period by date and hour, the row by the call's whole
 * input. Pure; `@farebox/money` does the arithmetic. The time is the call's admission, so that a
 * call is held and settled at the same prices.
 */
import { BUCKETS, type Prices, type SurchargeKind } from '@farebox/money';
import { type PricePeriod, type PriceRow, SURCHARGES_IN_FILE } from './price-file.ts';

type Row = Readonly<{ above: number; prices: Prices }>;
type Period = Readonly<{
  from: number;
  window: readonly [number, number] | null;
  rows: readonly Row[];
}>;

/** All dated prices of one model, and its surcharges. */
export type Rates = Readonly<{
  periods: readonly [Period, ...Period[]];
  surcharges: ReadonlyMap<SurchargeKind, bigint>;
}>;

const FREE: Prices = {
  input_uncached: 0n,
  cache_read: 0n,
  cache_write_5m: 0n,
  cache_write_1h: 0n,
  output: 0n,
};

function decodeRow(row: PriceRow): Row {
  const [above, input, read, write5m, write1h, output] = row;
  if (
    above === undefined ||
    input === undefined ||
    read === undefined ||
    write5m === undefined ||
    write1h === undefined ||
    output === undefined
  ) {
    throw new Error('a row of the price file is short of a column');
  }
  const prices: Prices = {
    input_uncached: BigInt(input),
    cache_read: BigInt(read),
    cache_write_5m: BigInt(write5m),
    cache_write_1h: BigInt(write1h),
    output: BigInt(output),
  };
  return { above, prices };
}

function decodePeriod(period: PricePeriod): Period {
  const [start, end] = period.window;
  return {
    from: period.from === '' ? Number.NEGATIVE_INFINITY : Date.parse(period.from),
    window: start === undefined || end === undefined ? null : [start, end],
    rows: period.rows.map(decodeRow),
  };
}

/**
 * Decodes the surcharges with a price of their own; others are tokens at the price of their bucket.
 */
function decodeSurcharges(prices: readonly number[]): ReadonlyMap<SurchargeKind, bigint> {
  return new Map(SURCHARGES_IN_FILE.map((kind, index) => [kind, BigInt(prices[index] ?? 0)]));
}

export function decodeRates(periods: readonly PricePeriod[], prices: readonly number[]): Rates {
  const [first, ...later] = periods.map(decodePeriod);
  if (first === undefined) throw new Error('a model of the price file has no prices');
  return { periods: [first, ...later], surcharges: decodeSurcharges(prices) };
}

function isInEffect(period: Period, now: number): boolean {
  if (period.window === null) return now >= period.from;
  const second = (now / 1000) % 86_400;
  const [start, end] = period.window;
  return end < start ? second >= start || second < end : second >= start && second < end;
}

function periodAt(rates: Rates, now: number): Period {
  return rates.periods.findLast((period) => isInEffect(period, now)) ?? rates.periods[0];
}

/**
 * The prices of a call with that much input. A tier's price is for all tokens of the call, not for
 * those beyond its start (Gemini, OpenAI and xAI price long context so; it is the source's rule
 * too).
 */
export function ratesAt(rates: Rates, now: number, inputTokensTotal: number): Prices {
  const row = periodAt(rates, now).rows.findLast(({ above }) => inputTokensTotal > above);
  return row?.prices ?? FREE;
}

/** Returns the highest price of each bucket for a call of at most that much input. */
export function maxRates(rates: Rates, now: number, maxInputTokens: number): Prices {
  const max = { ...FREE };
  for (const { above, prices } of periodAt(rates, now).rows) {
    if (maxInputTokens <= above) continue;
    for (const bucket of BUCKETS) {
      if (prices[bucket] > max[bucket]) max[bucket] = prices[bucket];
    }
  }
  return max;
}

/**
 * Usage, prices and surcharges as JSON. Prices are decimal text, because JSON has no exact integer
 * beyond 2^53. Reading accepts exactly what writing makes and throws `MalformedValueError`, which
 * never carries the value it found.
 */
import {
  BUCKETS,
  type Bucket,
  type Prices,
  SURCHARGE_KINDS,
  type Surcharge,
  type Usage,
} from './money.ts';

export class MalformedValueError extends Error {
  constructor() {
    super('malformed value');
  }
}

/** Every count of a `Usage`, in order. */
export const USAGE_FIELDS = [...BUCKETS, 'output_reasoning'] as const;

export type PricesJson = Readonly<Record<Bucket, string>>;
export type SurchargeJson = Readonly<{ kind: string; count: number; nano_usd_per_million: string }>;

/** An object of which nothing is known. */
export type JsonFields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is JsonFields {
  return typeof value === 'object' && value !== null;
}

/**
 * Returns `value` as an object whose members are read where their names stand: each place then has
 * an inline cache, which a function that takes the name has not
 * (docs/decisions/0056-codecs-of-fixed-shape.md).
 */
export function parseFields(value: unknown): JsonFields {
  if (!isFields(value)) throw new MalformedValueError();
  return value;
}

/** Returns a whole number of at least zero. */
export function countFromJson(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new MalformedValueError();
  return value;
}

/** Returns a whole number of at least zero, from decimal text of at most 30 digits. */
export function amountFromJson(value: unknown): bigint {
  if (typeof value !== 'string' || !/^\d{1,30}$/.test(value)) throw new MalformedValueError();
  return BigInt(value);
}

/** Returns the member of `allowed` that `value` is. */
export function enumFromJson<T extends string>(allowed: readonly T[], value: unknown): T {
  for (const candidate of allowed) if (candidate === value) return candidate;
  throw new MalformedValueError();
}

export function usageToJson(usage: Usage): Usage {
  return {
    input_uncached: usage.input_uncached,
    cache_read: usage.cache_read,
    cache_write_5m: usage.cache_write_5m,
    cache_write_30m: usage.cache_write_30m,
    cache_write_1h: usage.cache_write_1h,
    cache_write_12h: usage.cache_write_12h,
    output: usage.output,
    output_reasoning: usage.output_reasoning,
  };
}

/** A message of the release before does not name two buckets; their count is zero there. */
export function usageFromJson(value: unknown): Usage {
  const fields = parseFields(value);
  const { cache_write_30m = 0, cache_write_12h = 0 } = fields;
  return {
    input_uncached: countFromJson(fields.input_uncached),
    cache_read: countFromJson(fields.cache_read),
    cache_write_5m: countFromJson(fields.cache_write_5m),
    cache_write_30m: countFromJson(cache_write_30m),
    cache_write_1h: countFromJson(fields.cache_write_1h),
    cache_write_12h: countFromJson(cache_write_12h),
    output: countFromJson(fields.output),
    output_reasoning: countFromJson(fields.output_reasoning),
  };
}

export function pricesToJson(prices: Prices): PricesJson {
  return {
    input_uncached: prices.input_uncached.toString(),
    cache_read: prices.cache_read.toString(),
    cache_write_5m: prices.cache_write_5m.toString(),
    cache_write_30m: prices.cache_write_30m.toString(),
    cache_write_1h: prices.cache_write_1h.toString(),
    cache_write_12h: prices.cache_write_12h.toString(),
    output: prices.output.toString(),
  };
}

/** A message of the release before does not name two buckets; their price is zero there. */
export function pricesFromJson(value: unknown): Prices {
  const fields = parseFields(value);
  const { cache_write_30m = '0', cache_write_12h = '0' } = fields;
  return {
    input_uncached: amountFromJson(fields.input_uncached),
    cache_read: amountFromJson(fields.cache_read),
    cache_write_5m: amountFromJson(fields.cache_write_5m),
    cache_write_30m: amountFromJson(cache_write_30m),
    cache_write_1h: amountFromJson(fields.cache_write_1h),
    cache_write_12h: amountFromJson(cache_write_12h),
    output: amountFromJson(fields.output),
  };
}

export function surchargesToJson(surcharges: readonly Surcharge[]): readonly SurchargeJson[] {
  return surcharges.map(({ kind, count, nano_usd_per_million }) => ({
    kind,
    count,
    nano_usd_per_million: nano_usd_per_million.toString(),
  }));
}

function surchargeFromJson(value: unknown): Surcharge {
  const { kind, count, nano_usd_per_million } = parseFields(value);
  return {
    kind: enumFromJson(SURCHARGE_KINDS, kind),
    count: countFromJson(count),
    nano_usd_per_million: amountFromJson(nano_usd_per_million),
  };
}

export function surchargesFromJson(value: unknown): readonly Surcharge[] {
  if (!Array.isArray(value)) throw new MalformedValueError();
  return value.map(surchargeFromJson);
}

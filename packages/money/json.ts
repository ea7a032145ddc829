/**
 * Usage, prices and surcharges as JSON. Prices are decimal text, because JSON has no exact integer
 * beyond 2^53. Reading accepts exactly what writing makes and throws `MalformedValueError`, which
 * never carries the value it found.
 */
import {
  BUCKETS,
  type Bucket,
  mapBuckets,
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

/**
 * Buckets that a message of the release before does not name; their count and price are zero there.
 */
const LATER_BUCKETS: ReadonlySet<Bucket> = new Set(['cache_write_30m', 'cache_write_12h']);

/** Every count of a `Usage`, in order. */
export const USAGE_FIELDS = [...BUCKETS, 'output_reasoning'] as const;

export type PricesJson = Readonly<Record<Bucket, string>>;
export type SurchargeJson = Readonly<{ kind: string; count: number; nano_usd_per_million: string }>;

function readField(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) throw new MalformedValueError();
  return Reflect.get(value, name);
}

function readBucket(value: unknown, bucket: Bucket, ifAbsent: unknown): unknown {
  const found = readField(value, bucket);
  return found === undefined && LATER_BUCKETS.has(bucket) ? ifAbsent : found;
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
  const match = allowed.find((candidate) => candidate === value);
  if (match === undefined) throw new MalformedValueError();
  return match;
}

export function usageToJson(usage: Usage): Usage {
  return { ...mapBuckets((bucket) => usage[bucket]), output_reasoning: usage.output_reasoning };
}

export function usageFromJson(value: unknown): Usage {
  return {
    ...mapBuckets((bucket) => countFromJson(readBucket(value, bucket, 0))),
    output_reasoning: countFromJson(readField(value, 'output_reasoning')),
  };
}

export function pricesToJson(prices: Prices): PricesJson {
  return mapBuckets((bucket) => prices[bucket].toString());
}

export function pricesFromJson(value: unknown): Prices {
  return mapBuckets((bucket) => amountFromJson(readBucket(value, bucket, '0')));
}

export function surchargesToJson(surcharges: readonly Surcharge[]): readonly SurchargeJson[] {
  return surcharges.map(({ kind, count, nano_usd_per_million }) => ({
    kind,
    count,
    nano_usd_per_million: nano_usd_per_million.toString(),
  }));
}

export function surchargesFromJson(value: unknown): readonly Surcharge[] {
  if (!Array.isArray(value)) throw new MalformedValueError();
  return value.map((surcharge: unknown) => ({
    kind: enumFromJson(SURCHARGE_KINDS, readField(surcharge, 'kind')),
    count: countFromJson(readField(surcharge, 'count')),
    nano_usd_per_million: amountFromJson(readField(surcharge, 'nano_usd_per_million')),
  }));
}

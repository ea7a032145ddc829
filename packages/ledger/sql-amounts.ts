/**
 * Conversion between exact amounts (`bigint`) and the doubles that SQLite returns to JavaScript.
 * Every amount must be a safe integer; anything else is a bug and throws instead of rounding. (A
 * Durable Object reads 9007199254740993 back as ...992 and refuses to bind a `bigint`.)
 */
import { MAX_AMOUNT, type NanoUsd } from '@farebox/money';

export function toSql(amount: NanoUsd): number {
  if (amount > MAX_AMOUNT || amount < -MAX_AMOUNT) throw new RangeError('amount not exact');
  return Number(amount);
}

/** For counters that only inform, such as a baseline's day: stops at the largest amount. */
export function toSqlSaturating(amount: NanoUsd): number {
  return toSql(amount > MAX_AMOUNT ? MAX_AMOUNT : amount);
}

export function fromSql(value: SqlStorageValue | undefined): NanoUsd {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw new RangeError('stored amount not exact');
  }
  return BigInt(value);
}

/** Reads a sum that SQLite casts to text because it may exceed 2^53. */
export function fromSqlText(value: SqlStorageValue | undefined): NanoUsd {
  if (typeof value !== 'string') throw new RangeError('stored sum not text');
  return BigInt(value);
}

export function minBigInt(a: NanoUsd, b: NanoUsd): NanoUsd {
  return a < b ? a : b;
}

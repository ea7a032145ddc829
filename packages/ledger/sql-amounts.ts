/**
 * The border between exact money (`bigint`) and what SQLite hands to JavaScript (a double). It promises
 * that every amount crossing it is a safe integer, and must never round: what does not fit is a bug
 * and throws. (A Durable Object reads 9007199254740993 back as ...992 and refuses to bind a `bigint`.)
 */
import { MAX_AMOUNT, type NanoUsd } from '@farebox/money';

export function toSql(amount: NanoUsd): number {
  if (amount > MAX_AMOUNT || amount < -MAX_AMOUNT) throw new RangeError('amount not exact');
  return Number(amount);
}

/** For counters that only inform (a key's lifetime spending, a shortfall): stops at the largest. */
export function toSqlSaturating(amount: NanoUsd): number {
  return toSql(amount > MAX_AMOUNT ? MAX_AMOUNT : amount);
}

export function fromSql(value: SqlStorageValue | undefined): NanoUsd {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw new RangeError('stored amount not exact');
  }
  return BigInt(value);
}

/** A sum that SQLite was asked to CAST to text, because it may pass 2^53 on the way. */
export function fromSqlText(value: SqlStorageValue | undefined): NanoUsd {
  if (typeof value !== 'string') throw new RangeError('stored sum not text');
  return BigInt(value);
}

export function minBigInt(a: NanoUsd, b: NanoUsd): NanoUsd {
  return a < b ? a : b;
}

/**
 * Readers of parsed JSON objects. Absent is not zero; a value that cannot be a count (negative,
 * fractional, beyond 2^53, no number and no text of one) is rejected, and rejected values are
 * counted.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the object under `key`, or an empty one. */
export function childObject(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isJsonObject(value) ? value : {};
}

/** Some providers write a count as text; `12.0` is a whole number too. */
const COUNT_TEXT = /^\s*\d{1,16}(\.0+)?\s*$/;

/** Returns `value` as a count; null if it cannot be one. */
export function toCount(value: unknown): number | null {
  const number = typeof value === 'string' && COUNT_TEXT.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/** Reads counts of a usage object, and counts the invalid ones. */
export class CountReader {
  invalidCount = 0;

  /** Returns the count under `key`; null if it is absent or invalid. */
  read(object: JsonObject, key: string): number | null {
    const value = object[key];
    if (value === undefined || value === null || value === '') return null;
    const count = toCount(value);
    if (count === null) this.invalidCount++;
    return count;
  }

  /** Returns the count under `key`; 0 if it is absent or invalid. */
  readOrZero(object: JsonObject, key: string): number {
    return this.read(object, key) ?? 0;
  }
}

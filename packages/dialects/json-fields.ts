/**
 * Readers of parsed JSON objects. Absent is not zero; a value that cannot be a count (negative,
 * fractional, beyond 2^53, not a number) is rejected, and rejected values are counted.
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

/** Reads counts of a usage object, and counts the invalid ones. */
export class CountReader {
  invalidCount = 0;

  /** Returns the count under `key`; null if it is absent or invalid. */
  read(object: JsonObject, key: string): number | null {
    const value = object[key];
    if (value === undefined || value === null) return null;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    this.invalidCount++;
    return null;
  }

  /** Returns the count under `key`; 0 if it is absent or invalid. */
  readOrZero(object: JsonObject, key: string): number {
    return this.read(object, key) ?? 0;
  }
}

/**
 * Reads numbers out of a provider's usage object. Absent is not zero; a number that cannot be a count
 * (negative, fractional, beyond 2^53, not a number) is refused, and refused numbers are counted.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object under `key`, or an empty one. */
export function childObject(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isJsonObject(value) ? value : {};
}

/** A tally of what was reported but cannot be priced. */
export class CountReader {
  invalidCount = 0;

  /** The count under `key`; null where it is absent or no count. */
  read(object: JsonObject, key: string): number | null {
    const value = object[key];
    if (value === undefined || value === null) return null;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    this.invalidCount++;
    return null;
  }

  /** The count under `key`, where leaving it out means none. */
  readOrZero(object: JsonObject, key: string): number {
    return this.read(object, key) ?? 0;
  }
}

/**
 * Reads numbers out of a provider's usage object. Absent is not zero; a number that cannot be a count
 * (negative, fractional, beyond 2^53, not a number) is refused, and refused numbers are counted.
 */

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object under `key`, or an empty one. */
export function inside(fields: Fields, key: string): Fields {
  const value = fields[key];
  return isFields(value) ? value : {};
}

/** A tally of what was reported but cannot be priced. */
export class Counter {
  refused = 0;

  /** The count under `key`; null where it is absent or no count. */
  read(fields: Fields, key: string): number | null {
    const value = fields[key];
    if (value === undefined || value === null) return null;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    this.refused++;
    return null;
  }

  /** The count under `key`, where leaving it out means none. */
  readOrNone(fields: Fields, key: string): number {
    return this.read(fields, key) ?? 0;
  }
}

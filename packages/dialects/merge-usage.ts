/**
 * One usage object out of the several that an answer may report: early and late ones, partial ones,
 * running counts, and zeros that a proxy adds (CLIProxyAPI issues 3077 and 4964, opensecret issue
 * 219).
 */
import { isJsonObject, type JsonObject, toCount } from './json-fields.ts';

/** Returns whether `value` says nothing: no value, no text, an empty list, or a zero. */
function isBlank(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return Number(value) === 0 && typeof value !== 'boolean' && !isJsonObject(value);
}

function mergeValue(earlier: unknown, later: unknown): unknown {
  if (isJsonObject(later)) return mergeUsage(isJsonObject(earlier) ? earlier : {}, later);
  if (earlier === undefined || earlier === null) return later;
  if (isBlank(later)) return earlier;
  return toCount(earlier) !== null && !isAmount(later) ? earlier : later;
}

/** Returns whether `value` may replace a count: it is one, or a fraction such as a cost. */
function isAmount(value: unknown): boolean {
  return toCount(value) !== null || (typeof value === 'number' && value >= 0);
}

/**
 * Merges a later report over an earlier one, key by key and into nested objects. The later value
 * holds, unless it says nothing: null, an empty list, or a zero where something was counted before.
 */
export function mergeUsage(earlier: JsonObject, later: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...earlier };
  for (const [key, value] of Object.entries(later)) {
    const result = mergeValue(merged[key], value);
    if (result !== undefined) merged[key] = result;
  }
  return merged;
}

/**
 * Merges a later report over an earlier one of counts that only grow: the larger of two counts
 * holds, so that a provider's own correction on the way does not lower what was seen.
 */
export function mergeRunningUsage(earlier: JsonObject, later: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...mergeUsage(earlier, later) };
  for (const [key, value] of Object.entries(earlier)) {
    const before = toCount(value);
    const now = toCount(merged[key]);
    if (before !== null && now !== null && before > now) merged[key] = value;
  }
  return merged;
}

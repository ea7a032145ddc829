/**
 * Merges a delta of a stream into what came before, without a list of names: texts are joined,
 * lists grow (by their `index` where elements have one), objects are merged, anything else is
 * replaced.
 */
import { isJsonObject, type JsonObject } from './json-fields.ts';

/** The members whose text is whole in each delta that has it. */
const WHOLE_TEXTS: ReadonlySet<string> = new Set(['id', 'type', 'name', 'role', 'format']);

function mergeElements(earlier: readonly unknown[], later: readonly unknown[]): unknown[] {
  const merged = [...earlier];
  for (const element of later) {
    const index = isJsonObject(element) ? element.index : undefined;
    const at =
      typeof index === 'number'
        ? merged.findIndex((known) => isJsonObject(known) && known.index === index)
        : -1;
    if (at < 0) merged.push(element);
    else merged[at] = mergeDelta(merged[at], element);
  }
  return merged;
}

function mergeMembers(earlier: JsonObject, later: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...earlier };
  for (const [name, value] of Object.entries(later)) {
    const known = merged[name];
    const isWhole = WHOLE_TEXTS.has(name) && typeof value === 'string';
    if (!isWhole) merged[name] = mergeDelta(known, value);
    else if (value !== '') merged[name] = value;
  }
  return merged;
}

/** Returns `earlier` with `later` merged into it; null keeps what came before. */
export function mergeDelta(earlier: unknown, later: unknown): unknown {
  if (later === null || later === undefined) return earlier ?? later;
  if (earlier === null || earlier === undefined) return later;
  if (typeof earlier === 'string' && typeof later === 'string') return earlier + later;
  if (Array.isArray(earlier) && Array.isArray(later)) return mergeElements(earlier, later);
  if (isJsonObject(earlier) && isJsonObject(later)) return mergeMembers(earlier, later);
  return later;
}

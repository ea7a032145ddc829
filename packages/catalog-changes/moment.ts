/** The moment of a change's effect, as operators write it on a page or in a command. Pure. */

/**
 * Parses a UTC day or moment such as 2026-12-01, 2026-12-01T00:00 or 2026-12-01T00:00:00Z to
 * milliseconds since the epoch; undefined if there is no such moment.
 */
export function parseMoment(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::(\d\d))?)?Z?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, day = '', minute = '00:00', second = '00'] = match;
  const written = `${day}T${minute}:${second}`;
  const at = Date.parse(`${written}Z`);
  // JavaScript reads February 30 as March 2.
  const exists = !Number.isNaN(at) && new Date(at).toISOString().startsWith(written);
  return exists ? at : undefined;
}

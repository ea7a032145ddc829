/**
 * Parses a date range from a query string: two calendar days in order, at most a year apart. Pure.
 */
import type { DayRange } from '@farebox/database/statements';
import { parseIsoDay } from '@farebox/design';

const MAX_DAYS = 366;
const DEFAULT_DAYS = 30;

/** Defaults to the last 30 days; null where the given days are no valid range. */
export function parseDayRange(
  from: string | undefined,
  to: string | undefined,
  today: number,
): DayRange | null {
  const last = to === undefined || to === '' ? today : parseIsoDay(to);
  if (last === undefined) return null;
  const first = from === undefined || from === '' ? last - DEFAULT_DAYS + 1 : parseIsoDay(from);
  if (first === undefined || first > last || last - first >= MAX_DAYS) return null;
  return { from: first, to: last };
}

export function defaultDayRange(today: number): DayRange {
  return { from: today - DEFAULT_DAYS + 1, to: today };
}

export function listDays({ from, to }: DayRange): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Which days a person asked for: two days of the calendar in their order, at most a year apart. Pure. */
import type { DaySpan } from '@farebox/database';
import { readDay } from '../charts/figures.ts';

const MOST_DAYS = 366;
const USUAL_DAYS = 30;

/** Absent days are the last 30; null where what was given is no such range. */
export function readSpan(
  from: string | undefined,
  to: string | undefined,
  today: number,
): DaySpan | null {
  const last = to === undefined || to === '' ? today : readDay(to);
  if (last === undefined) return null;
  const first = from === undefined || from === '' ? last - USUAL_DAYS + 1 : readDay(from);
  if (first === undefined || first > last || last - first >= MOST_DAYS) return null;
  return { from: first, to: last };
}

export function usualSpan(today: number): DaySpan {
  return { from: today - USUAL_DAYS + 1, to: today };
}

export function daysOf({ from, to }: DaySpan): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

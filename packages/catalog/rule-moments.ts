/**
 * The moments at which rules differ: one of each stretch of time in which the same rules hold. A
 * rule's times begin and end at its dates, at the edges of its windows and at midnight of its zone,
 * so a day of each kind (weekday, holiday or not, before or after each date) has them all. Cold.
 */
import {
  type Calendar,
  DAY_MS,
  type DecodedConditions,
  type DecodedSchedule,
  getWeekday,
  isCovered,
} from './price-conditions.ts';

/** A week, and the days that a zone's offset shifts. */
const MARGIN_DAYS = 9;

function listDates(conditions: readonly DecodedConditions[]): number[] {
  return conditions
    .flatMap(({ from, until }) => [from, until])
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
}

function listSchedules(conditions: readonly DecodedConditions[]): DecodedSchedule[] {
  return conditions.flatMap(({ schedule }) => schedule ?? []);
}

function listCalendars({ except, only }: DecodedSchedule): Calendar[] {
  return [except, only].flatMap((calendar) => calendar ?? []);
}

/** Returns the edges within a UTC day, in milliseconds. */
function listEdgesOfDay(schedules: readonly DecodedSchedule[]): number[] {
  const edges = new Set([0]);
  for (const { windows, offsetMs } of schedules) {
    for (const second of windows.flat()) edges.add((second * 1000) % DAY_MS);
    edges.add(((-offsetMs % DAY_MS) + DAY_MS) % DAY_MS);
  }
  return [...edges];
}

function describeHoliday(calendar: Calendar, day: number): string {
  if (!isCovered(calendar, day)) return 'unknown';
  return calendar.days.has(day) ? 'holiday' : 'workday';
}

/** Returns what tells a UTC day from others for a schedule: the local days that lie in it. */
function describeDay(schedule: DecodedSchedule, day: number): string {
  const start = day * DAY_MS + schedule.offsetMs;
  const localDays = [Math.floor(start / DAY_MS), Math.floor((start + DAY_MS - 1) / DAY_MS)];
  return localDays
    .map((local) => {
      const holidays = listCalendars(schedule).map((calendar) => describeHoliday(calendar, local));
      return [getWeekday(local), ...holidays].join(':');
    })
    .join('/');
}

/** Returns one day of each kind between the first and the last that may differ. */
function listDays(schedules: readonly DecodedSchedule[], dates: readonly number[]): number[] {
  const calendars = schedules.flatMap(listCalendars);
  const bounds = [
    ...dates.map((date) => Math.floor(date / DAY_MS)),
    ...calendars.flatMap(({ from, until }) => [from, until]),
  ];
  const first = Math.min(...bounds, MARGIN_DAYS) - MARGIN_DAYS;
  const last = Math.max(...bounds, MARGIN_DAYS) + MARGIN_DAYS;
  const kinds = new Map<string, number>();
  for (let day = Math.max(0, first); day <= last; day += 1) {
    const passed = dates.filter((date) => date <= day * DAY_MS).length;
    const isCut = dates.some((date) => Math.floor(date / DAY_MS) === day);
    const kind = schedules.map((schedule) => describeDay(schedule, day)).join(' ');
    const key = `${passed} ${isCut ? day : ''} ${kind}`;
    if (!kinds.has(key)) kinds.set(key, day);
  }
  return [...kinds.values()];
}

/** Returns moments in milliseconds since the epoch, one at least of every stretch of time. */
export function listMoments(conditions: readonly DecodedConditions[]): number[] {
  const dates = listDates(conditions);
  const schedules = listSchedules(conditions);
  const before = (dates[0] ?? 1) - 1;
  if (schedules.length === 0) return [before, ...dates];
  const edges = listEdgesOfDay(schedules);
  const days = listDays(schedules, dates);
  return [...dates, ...days.flatMap((day) => edges.map((edge) => day * DAY_MS + edge))];
}

/**
 * The conditions of price rules, decoded once: whether one holds at an instant, for a size of input
 * and for terms of service. Pure.
 */
import {
  type Bucket,
  INPUT_BUCKETS,
  type Region,
  type ServiceTerms,
  type ServiceTier,
  type Speed,
  type Usage,
} from '@farebox/money';
import type { Conditions, HolidayCalendar, InputCondition, Schedule } from './price-list.ts';

/** At what time and on what terms a call is priced. `at` is in milliseconds since the epoch. */
export type PriceTerms = ServiceTerms &
  Readonly<{
    at: number;
    /** Of the images; null or absent where nothing is said. */
    size?: string | null;
    quality?: string | null;
  }>;

export const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Days are whole days since 1970-01-01 in the calendar's own zone. */
export type Calendar = Readonly<{ from: number; until: number; days: ReadonlySet<number> }>;

export type DecodedSchedule = Readonly<{
  windows: Schedule['windows'];
  weekdays: ReadonlySet<number> | null;
  except: Calendar | null;
  only: Calendar | null;
  offsetMs: number;
}>;

export type DecodedConditions = Readonly<{
  from: number;
  until: number;
  schedule: DecodedSchedule | null;
  /** The index of its input condition in the model's `InputEdge`s; -1 without one. */
  input: number;
  tier: ServiceTier | undefined;
  speed: Speed | undefined;
  region: Region | undefined;
  size: string | undefined;
  quality: string | undefined;
}>;

/** An input condition: it holds from `tokens` tokens in `buckets` on. */
export type InputEdge = Readonly<{ tokens: number; buckets: readonly Bucket[] }>;

export function toInputEdge({ tokens, inclusive, buckets }: InputCondition): InputEdge {
  return { tokens: inclusive ? tokens : tokens + 1, buckets: buckets ?? INPUT_BUCKETS };
}

export function isSameEdge(a: InputEdge, b: InputEdge): boolean {
  return (
    a.tokens === b.tokens && includesAll(a.buckets, b.buckets) && includesAll(b.buckets, a.buckets)
  );
}

function includesAll(all: readonly Bucket[], some: readonly Bucket[]): boolean {
  return some.every((bucket) => all.includes(bucket));
}

/** Returns whether an input that reaches edge `a` reaches edge `b` too. */
export function edgeImplies(a: InputEdge, b: InputEdge): boolean {
  return b.tokens <= a.tokens && includesAll(b.buckets, a.buckets);
}

export function reachesEdge({ tokens, buckets }: InputEdge, usage: Usage): boolean {
  let count = 0;
  for (const bucket of buckets) count += usage[bucket];
  return count >= tokens;
}

function toDay(date: string): number {
  return Math.floor(Date.parse(date) / DAY_MS);
}

function decodeCalendar({ from, until, days }: HolidayCalendar): Calendar {
  return { from: toDay(from), until: toDay(until), days: new Set(days.map(toDay)) };
}

export type Calendars = ReadonlyMap<string, Calendar>;

export function decodeCalendars(calendars: Readonly<Record<string, HolidayCalendar>>): Calendars {
  return new Map(Object.entries(calendars).map(([id, calendar]) => [id, decodeCalendar(calendar)]));
}

function findCalendar(calendars: Calendars, id: string | undefined): Calendar | null {
  if (id === undefined) return null;
  const calendar = calendars.get(id);
  if (calendar === undefined) throw new Error(`the price list has no calendar ${id}`);
  return calendar;
}

function decodeSchedule(schedule: Schedule, calendars: Calendars): DecodedSchedule {
  return {
    windows: schedule.windows,
    weekdays: schedule.weekdays === undefined ? null : new Set(schedule.weekdays),
    except: findCalendar(calendars, schedule.except),
    only: findCalendar(calendars, schedule.only),
    offsetMs: (schedule.utcOffsetMinutes ?? 0) * MINUTE_MS,
  };
}

/** Decodes conditions; the model's `edges` contain their input condition. */
export function decodeConditions(
  when: Conditions,
  edges: readonly InputEdge[],
  calendars: Calendars,
): DecodedConditions {
  const { from, until, schedule, input } = when;
  return {
    from: from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from),
    until: until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until),
    schedule: schedule === undefined ? null : decodeSchedule(schedule, calendars),
    input:
      input === undefined ? -1 : edges.findIndex((edge) => isSameEdge(edge, toInputEdge(input))),
    tier: when.tier,
    speed: when.speed,
    region: when.region,
    size: when.size,
    quality: when.quality,
  };
}

function isInWindow(second: number, [start, end]: readonly [number, number]): boolean {
  return end < start ? second >= start || second < end : second >= start && second < end;
}

export function isCovered({ from, until }: Calendar, day: number): boolean {
  return day >= from && day <= until;
}

function isHoliday(calendar: Calendar, day: number, ifUnknown: boolean): boolean {
  return isCovered(calendar, day) ? calendar.days.has(day) : ifUnknown;
}

/** Returns the ISO weekday of a day since 1970-01-01, which was a Thursday. */
export function getWeekday(day: number): number {
  return ((day + 3) % 7) + 1;
}

function isScheduled(schedule: DecodedSchedule, at: number, unknownIsHoliday: boolean): boolean {
  const second = Math.floor((at % DAY_MS) / 1000);
  if (!schedule.windows.some((window) => isInWindow(second, window))) return false;
  const day = Math.floor((at + schedule.offsetMs) / DAY_MS);
  if (schedule.weekdays !== null && !schedule.weekdays.has(getWeekday(day))) return false;
  const { except, only } = schedule;
  if (except !== null && isHoliday(except, day, unknownIsHoliday)) return false;
  return only === null || isHoliday(only, day, unknownIsHoliday);
}

/** Returns whether the conditions depend on a day of which nobody knows yet if it is a holiday. */
export function isUndecided({ schedule }: DecodedConditions, at: number): boolean {
  if (schedule === null) return false;
  const day = Math.floor((at + schedule.offsetMs) / DAY_MS);
  return [schedule.except, schedule.only].some(
    (calendar) => calendar !== null && !isCovered(calendar, day),
  );
}

/** Returns whether the conditions hold; `reached` tells for each edge whether the input is there. */
export function conditionsHold(
  conditions: DecodedConditions,
  terms: PriceTerms,
  reached: readonly boolean[],
  unknownIsHoliday: boolean,
): boolean {
  const { from, until, schedule, input, tier, speed, region, size, quality } = conditions;
  if (input >= 0 && reached[input] !== true) return false;
  if (tier !== undefined && tier !== terms.tier) return false;
  if (speed !== undefined && speed !== terms.speed) return false;
  if (region !== undefined && region !== terms.region) return false;
  if (size !== undefined && size !== terms.size) return false;
  if (quality !== undefined && quality !== terms.quality) return false;
  if (terms.at < from || terms.at >= until) return false;
  return schedule === null || isScheduled(schedule, terms.at, unknownIsHoliday);
}

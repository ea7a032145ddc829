/**
 * What a day of a key usually costs, and which multiples of it its brakes stand at: pure arithmetic,
 * no storage. It promises that adding up lines one by one or by whole days comes to the same, so that
 * what the object remembers can be read again from its tables (docs/decisions/0010-key-brakes-and-closing.md).
 */
import type { NanoUsd } from '@farebox/money';
import { smaller } from './amounts.ts';
import { HABIT_DAYS, HABIT_FLOOR, MOST_USUAL_DAYS_IN_ONE } from './bounds.ts';
import type { KeyBrakes } from './contract.ts';

export type Habit = {
  /** The last day of which a line is known. */
  day: number;
  /** Spent on that day; below zero where a late bill gave back more than was spent. */
  today: NanoUsd;
  /** The mean of active days before it, each weighing a fifth of what came before. */
  usual: NanoUsd;
  /** How many of them there were. */
  days: number;
};

export function noHabit(): Habit {
  return { day: 0, today: 0n, usual: 0n, days: 0 };
}

/** Known only after a few days on which the key spent anything. */
export function usualDay(habit: Habit): NanoUsd | null {
  return habit.days < HABIT_DAYS ? null : habit.usual;
}

/** What the multiples are of: small habits would trip over nothing. */
function measure(habit: Habit): NanoUsd {
  const usual = usualDay(habit) ?? 0n;
  return usual > HABIT_FLOOR ? usual : HABIT_FLOOR;
}

/**
 * The habit as it stands on `day`. A day without spending is no day of the habit; one day counts for at
 * most a few usual ones, so that no single theft makes the next one usual.
 */
export function habitOn(habit: Habit, day: number): Habit {
  if (day <= habit.day) return habit;
  const { today, usual, days } = habit;
  if (today <= 0n) return { day, today: 0n, usual, days };
  const most = MOST_USUAL_DAYS_IN_ONE * measure(habit);
  const counted = usualDay(habit) === null ? today : smaller(today, most);
  return {
    day,
    today: 0n,
    usual: days === 0 ? today : (usual * 4n + counted) / 5n,
    days: days + 1,
  };
}

/** Counts into the habit as it stands on `day`; on the same day that is the one given, changed in place. */
export function addToHabit(habit: Habit, day: number, amount: NanoUsd): Habit {
  const now = habitOn(habit, day);
  now.today += amount;
  return now;
}

/** Below what any multiple of at least 1 can reach: nearly every call stops here. */
export function isOrdinary(habit: Habit): boolean {
  return habit.today <= measure(habit);
}

const HUNDREDTHS = 100;

function times(multiple: number, amount: NanoUsd): NanoUsd {
  return (BigInt(Math.round(multiple * HUNDREDTHS)) * amount) / BigInt(HUNDREDTHS);
}

/** Above this the owner is told; null where they switched it off. */
export function noticeLine(brakes: KeyBrakes, habit: Habit): NanoUsd | null {
  return brakes.noticeAt === null ? null : times(brakes.noticeAt, measure(habit));
}

/** Above this the key is paused; null where it never is. A key without a habit has nothing to measure by. */
export function pauseLine(brakes: KeyBrakes, habit: Habit): NanoUsd | null {
  if (brakes.pauseAt === null || usualDay(habit) === null) return null;
  return times(brakes.pauseAt, measure(habit));
}

/**
 * What guards a key's owner against whoever stole it: spending far above what is usual is told, and
 * further above it the key is paused until the next day. What a key's calls in flight may still cost
 * counts from the start, so a hundred at once spend no more than one after another; it slows them and
 * pauses nothing, because a reservation is a worst case and not a bill.
 */
import type { NanoUsd } from '@farebox/money';
import { CONCURRENCY_RETRY_SECONDS, DEAR_OUTPUT_PRICE, dayOf } from './bounds.ts';
import type { HoldRefusal, HoldRequest, Instant } from './contract.ts';
import { addToHabit, habitOn, isOrdinary, noticeLine, pauseLine } from './habits.ts';
import { note } from './notices.ts';
import type { Key, Shelf } from './shelf.ts';

const PAUSE = 'UPDATE keys SET paused_at = ? WHERE id = ?';
const NOTICED = 'UPDATE keys SET noticed_day = ? WHERE id = ?';
const DEAR = 'UPDATE keys SET dear = 1 WHERE id = ?';

/** Since when the brake is on, if it is: it lets go at midnight UTC by itself. */
export function pausedAt(key: Key, now: Instant): Instant | null {
  if (key.pausedAt === null || key.brakes.pauseAt === null) return null;
  return dayOf(key.pausedAt) < dayOf(now) ? null : key.pausedAt;
}

/** What the key may spend today before it is paused; null where nothing pauses it today. */
function lineOf(key: Key, now: Instant): Readonly<{ line: NanoUsd; spent: NanoUsd }> | null {
  const day = dayOf(now);
  if (key.brakes.pauseAt === null || key.resumedDay === day) return null;
  const habit = habitOn(key.habit, day);
  const line = pauseLine(key.brakes, habit);
  return line === null ? null : { line, spent: habit.today };
}

function pauseIfAbove(shelf: Shelf, key: Key, now: Instant): boolean {
  if (key.revokedAt !== null || pausedAt(key, now) !== null) return false;
  const measured = lineOf(key, now);
  if (measured === null || measured.spent <= measured.line) return false;
  key.pausedAt = now;
  shelf.sql.exec(PAUSE, now, key.keyId);
  const { keyId } = key;
  const amount = measured.spent;
  note(shelf, {
    id: `key_paused:${keyId}:${now}`,
    kind: 'key_paused',
    keyId,
    model: null,
    amount,
    at: now,
  });
  return true;
}

function tellIfUnusual(shelf: Shelf, key: Key, now: Instant): void {
  const day = dayOf(now);
  if (key.noticedDay === day || key.revokedAt !== null) return;
  const line = noticeLine(key.brakes, key.habit);
  if (line === null || key.habit.today <= line) return;
  key.noticedDay = day;
  shelf.sql.exec(NOTICED, day, key.keyId);
  const { keyId } = key;
  const id = `unusual_spending:${keyId}:${day}`;
  note(shelf, {
    id,
    kind: 'unusual_spending',
    keyId,
    model: null,
    amount: key.habit.today,
    at: now,
  });
}

/** Counts what a line of `now` took from its key, and pulls the brakes that it reaches. */
export function countSpending(shelf: Shelf, key: Key, amount: NanoUsd, now: Instant): void {
  key.habit = addToHabit(key.habit, dayOf(now), amount);
  if (amount <= 0n || isOrdinary(key.habit)) return;
  if (!pauseIfAbove(shelf, key, now)) tellIfUnusual(shelf, key, now);
}

/** Before anything is reserved. Pausing writes, once; a refusal after it does not. */
export function whetherPaused(shelf: Shelf, key: Key, now: Instant): HoldRefusal | undefined {
  if (pausedAt(key, now) === null) {
    if (isOrdinary(key.habit) || !pauseIfAbove(shelf, key, now)) return undefined;
  }
  return { reason: 'key_paused' };
}

/**
 * Whether this call could take the key past its line while others of it are in flight. A call by itself
 * is let in below the line, however much it reserves: it can't hide behind others.
 */
export function whetherTooMuchAtOnce(
  key: Key,
  amount: NanoUsd,
  now: Instant,
): HoldRefusal | undefined {
  if (key.held === 0n) return undefined;
  const measured = lineOf(key, now);
  if (measured === null || measured.spent + key.held + amount <= measured.line) return undefined;
  return { reason: 'too_many_concurrent_calls', retryAfterSeconds: CONCURRENCY_RETRY_SECONDS };
}

/** A key's first call of a dear model, unless it is its first call of any: then that is what it is for. */
export function watchDear(shelf: Shelf, key: Key, request: HoldRequest, now: Instant): void {
  if (key.dear || request.outputPrice < DEAR_OUTPUT_PRICE) return;
  const used = key.open > 0 || key.spent > 0n || key.habit.days > 0;
  key.dear = true;
  shelf.sql.exec(DEAR, key.keyId);
  if (!used) return;
  const { keyId } = key;
  const { model } = request;
  note(shelf, {
    id: `dear_model:${keyId}`,
    kind: 'dear_model',
    keyId,
    model,
    amount: null,
    at: now,
  });
}

/**
 * The numbers the book holds an account to. They bound what one account can cost the house, or do to
 * its own object; none of them may be raised to make a test pass.
 */

/** Open calls of one account at once: beyond it the account would drown its own object's settlements. */
export const MOST_OPEN_CALLS = 1_000;

/** However many of its holds expired, an account may still make this many calls at once. */
export const LEAST_OPEN_CALLS = 4;

/** Calls a day that may end free of charge after a hold; beyond it the input estimate is charged. */
export const WAIVERS_PER_DAY = 50;

/** How long the object keeps a settled call for /v1/generation; older ones are read from Postgres. */
export const KEPT_MS = 30 * 86_400_000;

/** One statement's worth of entries on the way to Postgres: 1,000 calls are at most 20 statements. */
export const ENTRIES_PER_DELIVERY = 250;

/** What a caller is told to wait when only calls in flight stand in the way. */
export const HELD_RETRY_SECONDS = 2;
export const CONCURRENCY_RETRY_SECONDS = 1;

const DAY_MS = 86_400_000;

export function dayOf(now: number): number {
  return Math.floor(now / DAY_MS);
}

/**
 * A lost settlement is the house's loss, so an account that makes many in a day is slowed: one halves
 * what it may have open, nine leave a tenth, and it is whole again the next day.
 */
export function openCallsAllowed(expiredToday: number): number {
  return Math.max(LEAST_OPEN_CALLS, Math.floor(MOST_OPEN_CALLS / (1 + expiredToday)));
}

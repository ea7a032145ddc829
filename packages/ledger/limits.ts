/**
 * The numbers the book holds an account to. They bound what one account can cost the house, or do to
 * its own object; none of them may be raised to make a test pass.
 */

/** Open calls of one account at once: beyond it the account would drown its own object's settlements. */
export const MAX_OPEN_CALLS = 1_000;

/** However many of its holds expired, an account may still make this many calls at once. */
export const MIN_OPEN_CALLS = 4;

/** Calls a day that may end free of charge after a hold; beyond it the input estimate is charged. */
export const WAIVERS_PER_DAY = 50;

/** How long the object keeps a settled call for /v1/generation; older ones are read from Postgres. */
export const ENTRY_RETENTION_MS = 30 * 86_400_000;

/** One statement's worth of entries on the way to Postgres: 1,000 calls are at most 20 statements. */
export const ENTRIES_PER_DELIVERY = 250;

/** What a caller is told to wait when only calls in flight stand in the way. */
export const HELD_RETRY_SECONDS = 2;
export const CONCURRENCY_RETRY_SECONDS = 1;

/** A habit is known after this many days with spending: fewer say nothing of the next. */
export const BASELINE_MIN_DAYS = 3;

/** 2 USD: what a day counts for at least where multiples of it are taken. */
export const BASELINE_FLOOR = 2_000_000_000n;

/** So that one day, stolen or not, moves what is usual by at most two fifths. */
export const MAX_BASELINE_DAYS_PER_DAY = 3n;

/**
 * 10 USD for a million output tokens, in nano-USD: from here on are the providers' large models
 * (docs/decisions/0010-spend-guard-rotation-closure.md), with which a stolen key is emptied quickest.
 */
export const EXPENSIVE_OUTPUT_PRICE = 10_000_000_000n;

/** Secrets of one key that were replaced and still open: more than this many in a day is no rolling. */
export const MAX_RETIRED_SECRETS = 3;

/** Revocations this young are told to the sweep, which comes by daily. */
export const RECENTLY_REVOKED_MS = 7 * 86_400_000;

/** One message batch's worth (developers.cloudflare.com/queues/platform/limits). */
export const NOTIFICATIONS_PER_BATCH = 100;

export const DAY_MS = 86_400_000;

export function toUtcDay(now: number): number {
  return Math.floor(now / DAY_MS);
}

/**
 * A lost settlement is the house's loss, so an account that makes many in a day is slowed: one halves
 * what it may have open, nine leave a tenth, and it is whole again the next day.
 */
export function maxOpenCalls(expiredToday: number): number {
  return Math.max(MIN_OPEN_CALLS, Math.floor(MAX_OPEN_CALLS / (1 + expiredToday)));
}

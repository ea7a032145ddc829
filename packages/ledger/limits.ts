/**
 * The limits of one account. They bound what an account can cost Farebox and how much load it can
 * put on its object; none of them may be raised to make a test pass.
 */
import { DAY_MS } from './contract/index.ts';

/** Open calls of one account; beyond this the settlements would overload its object. */
export const MAX_OPEN_CALLS = 1_000;

/** The concurrency that an account keeps, however many of its calls were left unpaid today. */
export const MIN_OPEN_CALLS = 4;

/** Waived calls per day; beyond this the input estimate is charged. */
export const WAIVERS_PER_DAY = 50;

/** How long the object keeps a settled call for /v1/generation; Postgres has the older ones. */
export const ENTRY_RETENTION_MS = 30 * DAY_MS;

/**
 * Charges that one transaction deletes of a closed account: an event of a Durable Object has 30
 * seconds of CPU, and an account may have millions (docs/decisions/0063-wipes-in-steps.md).
 */
export const CHARGES_PER_WIPE_STEP = 20_000;

/** Entries in one delivery to Postgres, so that 1,000 calls take at most 20 statements. */
export const ENTRIES_PER_DELIVERY = 250;

/** The `retry-after` of a decline that only open calls cause. */
export const HELD_RETRY_SECONDS = 2;
export const CONCURRENCY_RETRY_SECONDS = 1;

/** Days with spending before a baseline exists; fewer do not predict the next. */
export const BASELINE_MIN_DAYS = 3;

/** 2 USD: the lowest daily amount that the guard's multiples apply to. */
export const BASELINE_FLOOR = 2_000_000_000n;

/** Caps one day's weight, so that it moves the baseline by at most two fifths. */
export const MAX_BASELINE_DAYS_PER_DAY = 3n;

/**
 * 10 USD per million output tokens, in nano-USD. The providers' large models cost at least this
 * (docs/decisions/0010-spend-guard-rotation-closure.md); a thief spends a balance fastest with
 * them.
 */
export const EXPENSIVE_OUTPUT_PRICE = 10_000_000_000n;

/** Retired secrets of one key that may still be valid. */
export const MAX_RETIRED_SECRETS = 3;

/** Revocations younger than this are reported to the daily reconciliation. */
export const RECENTLY_REVOKED_MS = 7 * DAY_MS;

/** The messages of one batch (developers.cloudflare.com/queues/platform/limits). */
export const NOTIFICATIONS_PER_BATCH = 100;

export function toUtcDay(now: number): number {
  return Math.floor(now / DAY_MS);
}

/**
 * Returns how many calls an account may have open. Farebox absorbs the cost of an expired hold and
 * of a shortfall, so each one reduces the concurrency for the rest of the day: one halves it, nine
 * leave a tenth.
 */
export function maxOpenCalls(unpaidToday: number): number {
  return Math.max(MIN_OPEN_CALLS, Math.floor(MAX_OPEN_CALLS / (1 + unpaidToday)));
}

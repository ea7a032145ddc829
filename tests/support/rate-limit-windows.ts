/** Rate limits count in windows of the clock, which begin anew in the middle of a test now and then. */
import { setTimeout as sleep } from 'node:timers/promises';

const QUARTER_HOUR_MS = 900_000;

/**
 * Waits until `neededMs` are left of the window that a test counts in. Every quarter of an hour ends
 * one, and whole hours are four of them.
 */
export async function waitForRateLimitWindow(neededMs: number): Promise<void> {
  const leftMs = QUARTER_HOUR_MS - (Date.now() % QUARTER_HOUR_MS);
  if (leftMs < neededMs) await sleep(leftMs);
}

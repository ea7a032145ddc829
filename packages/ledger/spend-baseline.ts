/**
 * A key's typical daily spending and the thresholds of its spend guard: pure arithmetic, no
 * storage. Adding charges one by one or by whole days gives the same result, so that the cache can
 * be rebuilt from the tables (docs/decisions/0010-spend-guard-rotation-closure.md).
 */
import type { NanoUsd } from '@farebox/money';
import type { SpendGuard } from './contract/index.ts';
import { BASELINE_FLOOR, BASELINE_MIN_DAYS, MAX_BASELINE_DAYS_PER_DAY } from './limits.ts';
import { minBigInt } from './sql-amounts.ts';

export type SpendBaseline = {
  /** The day of the last known charge. */
  day: number;
  /** Spent on that day; below zero if a late settlement gave back more than was spent. */
  today: NanoUsd;
  /** The weighted mean of the active days before it; each new day has a weight of one fifth. */
  mean: NanoUsd;
  /** The number of active days before it. */
  activeDays: number;
};

export function emptyBaseline(): SpendBaseline {
  return { day: 0, today: 0n, mean: 0n, activeDays: 0 };
}

/** Returns null until the key has spent on enough days (`BASELINE_MIN_DAYS`). */
export function typicalDailySpend(baseline: SpendBaseline): NanoUsd | null {
  return baseline.activeDays < BASELINE_MIN_DAYS ? null : baseline.mean;
}

/**
 * The amount that multiples apply to: at least the floor, so that small usage doesn't trigger on
 * noise.
 */
function baselineAmount(baseline: SpendBaseline): NanoUsd {
  const mean = typicalDailySpend(baseline) ?? 0n;
  return mean > BASELINE_FLOOR ? mean : BASELINE_FLOOR;
}

/**
 * Returns the baseline as of `day`. A day without spending is not counted. One day counts for at
 * most three typical ones, so that one theft doesn't make the next look typical.
 */
export function baselineOn(baseline: SpendBaseline, day: number): SpendBaseline {
  if (day <= baseline.day) return baseline;
  const { today, mean, activeDays } = baseline;
  if (today <= 0n) return { day, today: 0n, mean, activeDays };
  const max = MAX_BASELINE_DAYS_PER_DAY * baselineAmount(baseline);
  const capped = typicalDailySpend(baseline) === null ? today : minBigInt(today, max);
  return {
    day,
    today: 0n,
    mean: activeDays === 0 ? today : (mean * 4n + capped) / 5n,
    activeDays: activeDays + 1,
  };
}

/**
 * Adds spending to the baseline as of `day`; on the same day the given baseline is changed in
 * place.
 */
export function addSpendToBaseline(
  baseline: SpendBaseline,
  day: number,
  amount: NanoUsd,
): SpendBaseline {
  const updated = baselineOn(baseline, day);
  updated.today += amount;
  return updated;
}

/**
 * Checks whether no threshold can be reached, since multiples are at least 1: true for nearly every
 * call.
 */
export function isBelowThresholds(baseline: SpendBaseline): boolean {
  return baseline.today <= baselineAmount(baseline);
}

const PERCENT = 100;

function multiply(multiple: number, amount: NanoUsd): NanoUsd {
  return (BigInt(Math.round(multiple * PERCENT)) * amount) / BigInt(PERCENT);
}

/** Returns the daily spending above which the owner is alerted, or null if alerts are off. */
export function alertThreshold(guard: SpendGuard, baseline: SpendBaseline): NanoUsd | null {
  return guard.alertMultiple === null
    ? null
    : multiply(guard.alertMultiple, baselineAmount(baseline));
}

/**
 * Returns the daily spending above which the key is paused; null if pausing is off or no baseline
 * exists.
 */
export function pauseThreshold(guard: SpendGuard, baseline: SpendBaseline): NanoUsd | null {
  if (guard.pauseMultiple === null || typicalDailySpend(baseline) === null) return null;
  return multiply(guard.pauseMultiple, baselineAmount(baseline));
}

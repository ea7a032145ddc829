/**
 * What a day of a key usually costs, and which multiples of it its brakes stand at: pure arithmetic,
 * no storage. It promises that adding up lines one by one or by whole days comes to the same, so that
 * what the object remembers can be read again from its tables (docs/decisions/0010-spend-guard-rotation-closure.md).
 */
import type { NanoUsd } from '@farebox/money';
import type { SpendGuard } from './contract/index.ts';
import { BASELINE_FLOOR, BASELINE_MIN_DAYS, MAX_BASELINE_DAYS_PER_DAY } from './limits.ts';
import { minBigInt } from './sql-amounts.ts';

export type SpendBaseline = {
  /** The last day of which a line is known. */
  day: number;
  /** Spent on that day; below zero where a late bill gave back more than was spent. */
  today: NanoUsd;
  /** The mean of active days before it, each weighing a fifth of what came before. */
  mean: NanoUsd;
  /** How many of them there were. */
  activeDays: number;
};

export function emptyBaseline(): SpendBaseline {
  return { day: 0, today: 0n, mean: 0n, activeDays: 0 };
}

/** Known only after a few days on which the key spent anything. */
export function typicalDailySpend(baseline: SpendBaseline): NanoUsd | null {
  return baseline.activeDays < BASELINE_MIN_DAYS ? null : baseline.mean;
}

/** What the multiples are of: small habits would trip over nothing. */
function baselineAmount(baseline: SpendBaseline): NanoUsd {
  const mean = typicalDailySpend(baseline) ?? 0n;
  return mean > BASELINE_FLOOR ? mean : BASELINE_FLOOR;
}

/**
 * The habit as it stands on `day`. A day without spending is no day of the habit; one day counts for at
 * most a few usual ones, so that no single theft makes the next one usual.
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

/** Counts into the habit as it stands on `day`; on the same day that is the one given, changed in place. */
export function addSpendToBaseline(
  baseline: SpendBaseline,
  day: number,
  amount: NanoUsd,
): SpendBaseline {
  const updated = baselineOn(baseline, day);
  updated.today += amount;
  return updated;
}

/** Below what any multiple of at least 1 can reach: nearly every call stops here. */
export function isBelowThresholds(baseline: SpendBaseline): boolean {
  return baseline.today <= baselineAmount(baseline);
}

const PERCENT = 100;

function multiply(multiple: number, amount: NanoUsd): NanoUsd {
  return (BigInt(Math.round(multiple * PERCENT)) * amount) / BigInt(PERCENT);
}

/** Above this the owner is told; null where they switched it off. */
export function alertThreshold(guard: SpendGuard, baseline: SpendBaseline): NanoUsd | null {
  return guard.alertMultiple === null
    ? null
    : multiply(guard.alertMultiple, baselineAmount(baseline));
}

/** Above this the key is paused; null where it never is. A key without a habit has nothing to measure by. */
export function pauseThreshold(guard: SpendGuard, baseline: SpendBaseline): NanoUsd | null {
  if (guard.pauseMultiple === null || typicalDailySpend(baseline) === null) return null;
  return multiply(guard.pauseMultiple, baselineAmount(baseline));
}

/**
 * The daily spend and the days the balance lasts. Pure. All amounts are exact; the days are
 * rounded.
 */
import type { UsageSum } from '@farebox/database/statements';
import type { NanoUsd } from '@farebox/money';

/** The full days whose mean is the daily spend. */
export const BURN_RATE_DAYS = 7;

export type BurnRate = Readonly<{
  /** Returns the mean of the last seven full days. */
  perDay: NanoUsd;
  today: NanoUsd;
  /** Returns the days the balance lasts at this rate; null where nothing is spent. */
  daysLeft: number | null;
}>;

export function computeBurnRate(
  days: readonly UsageSum[],
  today: number,
  available: NanoUsd,
): BurnRate {
  let [windowTotal, spentToday] = [0n, 0n];
  for (const { group, charged } of days) {
    const day = Number(group);
    if (day === today) spentToday += charged;
    if (day < today && day >= today - BURN_RATE_DAYS) windowTotal += charged;
  }
  const perDay = windowTotal / BigInt(BURN_RATE_DAYS);
  // Computed in tenths of a day, so that the division stays in exact integers.
  const daysLeft =
    windowTotal === 0n
      ? null
      : Number((available * 10n * BigInt(BURN_RATE_DAYS)) / windowTotal) / 10;
  return { perDay, today: spentToday, daysLeft };
}

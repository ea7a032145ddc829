/** How fast the money goes and how long it lasts. Pure, exact but for the days left. */
import type { UsageSum } from '@farebox/database/statements';
import type { NanoUsd } from '@farebox/money';

const WINDOW_DAYS = 7;

export type BurnRate = Readonly<{
  /** Mean of the last seven full days. */
  perDay: NanoUsd;
  today: NanoUsd;
  /** Null where nothing goes. */
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
    if (day < today && day >= today - WINDOW_DAYS) windowTotal += charged;
  }
  const perDay = windowTotal / BigInt(WINDOW_DAYS);
  // Tenths of a day, so that the division is exact money until the very end.
  const daysLeft =
    windowTotal === 0n ? null : Number((available * 10n * BigInt(WINDOW_DAYS)) / windowTotal) / 10;
  return { perDay, today: spentToday, daysLeft };
}

/** How fast the money goes and how long it lasts. Pure, exact but for the days left. */
import type { UsageSum } from '@farebox/database';
import type { NanoUsd } from '@farebox/money';

const FULL_DAYS = 7;

export type Burn = Readonly<{
  /** Mean of the last seven full days. */
  perDay: NanoUsd;
  today: NanoUsd;
  /** Null where nothing goes. */
  daysLeft: number | null;
}>;

export function burnOf(days: readonly UsageSum[], today: number, available: NanoUsd): Burn {
  let [full, spentToday] = [0n, 0n];
  for (const { group, charged } of days) {
    const day = Number(group);
    if (day === today) spentToday += charged;
    if (day < today && day >= today - FULL_DAYS) full += charged;
  }
  const perDay = full / BigInt(FULL_DAYS);
  // Tenths of a day, so that the division is exact money until the very end.
  const daysLeft = full === 0n ? null : Number((available * 10n * BigInt(FULL_DAYS)) / full) / 10;
  return { perDay, today: spentToday, daysLeft };
}

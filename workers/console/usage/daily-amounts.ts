/** The spend of one key by day, for its sparkline. Pure. */
import type { DailyUsageSum } from '@farebox/database/statements';

export const SPARKLINE_DAYS = 14;

/** The amounts of the last days, oldest first, with zero where nothing was spent. */
export function listDailyAmounts(sums: readonly DailyUsageSum[], today: number): readonly bigint[] {
  const amounts = Array.from({ length: SPARKLINE_DAYS }, () => 0n);
  for (const { day, charged } of sums) {
    const index = day - (today - SPARKLINE_DAYS + 1);
    if (index >= 0 && index < SPARKLINE_DAYS) amounts[index] = (amounts[index] ?? 0n) + charged;
  }
  return amounts;
}

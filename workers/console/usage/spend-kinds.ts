/** The spend of several days by kind as the groups of a stacked chart. Pure. */
import type { DailySpend, DailyUsageSum } from '@farebox/database/statements';
import type { Messages } from '@farebox/i18n';
import { SPEND_KINDS } from '@farebox/money';

const GROUPS = [...SPEND_KINDS, 'unknown'] as const;

/** The sums have no counts: a call is spent on several kinds. Kinds without a charge have none. */
export function toKindSums(days: readonly DailySpend[]): readonly DailyUsageSum[] {
  return days.flatMap(({ day, kinds, unknown }) => {
    const amounts = { ...kinds, unknown };
    return GROUPS.filter((group) => amounts[group] > 0n).map((group) => ({
      day,
      group,
      calls: 0,
      inputTokens: 0,
      outputTokens: 0,
      charged: amounts[group],
    }));
  });
}

export function getKindName(group: string, { usage }: Messages): string {
  const known = GROUPS.find((name) => name === group);
  return known === undefined ? group : usage.kinds[known];
}

export type CacheSavings = Readonly<{
  saved: bigint;
  /** False where the days have calls whose kinds are not known. */
  isComplete: boolean;
}>;

export function totalCacheSavings(days: readonly DailySpend[]): CacheSavings {
  const saved = days.reduce((sum, { cacheSaved }) => sum + cacheSaved, 0n);
  return { saved, isComplete: days.every(({ unknown }) => unknown === 0n) };
}

/** Which days the overview reads, whichever of them it shows. Pure. */
import type { DayRange } from '@farebox/database/statements';
import { SPARKLINE_DAYS } from '../usage/daily-amounts.ts';
import { BURN_RATE_DAYS } from './burn-rate.ts';

export type OverviewRanges = Readonly<{
  /** The days of the chosen period. */
  shown: DayRange;
  /** Includes the days of the daily spend and of the sparklines, which no choice shortens. */
  loaded: DayRange;
}>;

export function toOverviewRanges(today: number, days: number): OverviewRanges {
  const loadedDays = Math.max(days, BURN_RATE_DAYS + 1, SPARKLINE_DAYS);
  return {
    shown: { from: today - days + 1, to: today },
    loaded: { from: today - loadedDays + 1, to: today },
  };
}

/** Burn rate and days left: exact sums, no guess where nothing was spent. */
import { describe, expect, it } from 'vitest';
import { computeBurnRate } from './burn-rate.ts';

const TODAY = 20_000;

function usageSum(day: number, charged: bigint) {
  return { group: String(day), calls: 1, inputTokens: 0, outputTokens: 0, charged };
}

describe('the burn rate', () => {
  it('is the mean of the last seven full days without today', () => {
    const days = [
      usageSum(TODAY, 1_000n),
      usageSum(TODAY - 1, 70n),
      usageSum(TODAY - 7, 70n),
      usageSum(TODAY - 8, 5_000n),
    ];
    expect(computeBurnRate(days, TODAY, 300n)).toEqual({
      perDay: 20n,
      today: 1_000n,
      daysLeft: 15,
    });
  });

  it('gives tenths of a day, and null where nothing is spent', () => {
    expect(computeBurnRate([usageSum(TODAY - 1, 7n)], TODAY, 2n).daysLeft).toBe(2);
    expect(computeBurnRate([usageSum(TODAY - 1, 70n)], TODAY, 25n).daysLeft).toBe(2.5);
    expect(computeBurnRate([usageSum(TODAY, 70n)], TODAY, 25n).daysLeft).toBeNull();
    expect(computeBurnRate([], TODAY, 0n)).toEqual({ perDay: 0n, today: 0n, daysLeft: null });
  });

  it('gives a finite number of days below one nano-USD per day', () => {
    expect(computeBurnRate([usageSum(TODAY - 1, 1n)], TODAY, 1n)).toMatchObject({
      perDay: 0n,
      daysLeft: 7,
    });
  });
});

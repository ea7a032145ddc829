/** Burn rate and days left: exact sums, no guess where nothing was spent. */
import { describe, expect, it } from 'vitest';
import { burnOf } from './burn.ts';

const TODAY = 20_000;

function spent(day: number, charged: bigint) {
  return { group: String(day), calls: 1, inputTokens: 0, outputTokens: 0, charged };
}

describe('the burn rate', () => {
  it('is the mean of the last seven full days; today stands apart', () => {
    const days = [
      spent(TODAY, 1_000n),
      spent(TODAY - 1, 70n),
      spent(TODAY - 7, 70n),
      spent(TODAY - 8, 5_000n),
    ];
    expect(burnOf(days, TODAY, 300n)).toEqual({ perDay: 20n, today: 1_000n, daysLeft: 15 });
  });

  it('keeps parts of a day, and says nothing where nothing goes', () => {
    expect(burnOf([spent(TODAY - 1, 7n)], TODAY, 2n).daysLeft).toBe(2);
    expect(burnOf([spent(TODAY - 1, 70n)], TODAY, 25n).daysLeft).toBe(2.5);
    expect(burnOf([spent(TODAY, 70n)], TODAY, 25n).daysLeft).toBeNull();
    expect(burnOf([], TODAY, 0n)).toEqual({ perDay: 0n, today: 0n, daysLeft: null });
  });

  it('of less than a nano-USD a day still ends', () => {
    expect(burnOf([spent(TODAY - 1, 1n)], TODAY, 1n)).toMatchObject({ perDay: 0n, daysLeft: 7 });
  });
});

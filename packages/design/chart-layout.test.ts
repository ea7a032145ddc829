/** Chart layout and number formats for arbitrary amounts. */
import { MAX_AMOUNT } from '@farebox/money';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CHART_HEIGHT,
  COLUMN_WIDTH,
  computeAxis,
  layoutStacks,
  spreadLabels,
  toFraction,
} from './chart-layout.ts';
import {
  formatCurrency,
  formatMillionths,
  formatRoundedCurrency,
  parseIsoDay,
  toEpochDay,
  toIsoDay,
} from './format.ts';

const amount = fc.bigInt({ min: 0n, max: MAX_AMOUNT });
const stacks = fc.array(fc.array(amount, { minLength: 3, maxLength: 3 }), { maxLength: 100 });
/** Coordinates are rounded to a hundredth. */
const ROUNDING = 0.02;

function total(amounts: readonly bigint[]): bigint {
  return amounts.reduce((all, one) => all + one, 0n);
}

describe('layoutStacks', () => {
  it('places columns inside the chart, on top of each other, in proportion, and visible above zero', () => {
    fc.assert(
      fc.property(stacks, (given) => {
        const { columns, axis } = layoutStacks(given);
        const whole = axis.at(-1) ?? 0n;
        expect(columns).toHaveLength(given.length);
        for (const [index, rects] of columns.entries()) {
          let bottom = CHART_HEIGHT;
          for (const { x, y, width, height } of rects) {
            for (const value of [x, y, width, height]) expect(Number.isFinite(value)).toBe(true);
            expect(x).toBeGreaterThanOrEqual(index * COLUMN_WIDTH);
            expect(x + width).toBeLessThanOrEqual((index + 1) * COLUMN_WIDTH);
            expect(y).toBeGreaterThanOrEqual(-ROUNDING);
            expect(height).toBeGreaterThanOrEqual(0);
            expect(y + height).toBeCloseTo(bottom, 1);
            bottom = y;
          }
          const sum = total(given[index] ?? []);
          const expected = sum === 0n ? 0 : Math.max(1, toFraction(sum, whole) * CHART_HEIGHT);
          expect(CHART_HEIGHT - bottom).toBeCloseTo(expected, 1);
        }
      }),
      { seed: 3 },
    );
  });

  it('gives a larger total a column at least as high', () => {
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        const [first, second] = layoutStacks([[a], [b]]).columns;
        if (a >= b) expect(first?.[0]?.height).toBeGreaterThanOrEqual(second?.[0]?.height ?? 0);
      }),
      { seed: 3 },
    );
  });
});

describe('computeAxis', () => {
  it('starts at zero and reaches the largest amount in equal round steps', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: MAX_AMOUNT * 400n }), (max) => {
        const axis = computeAxis(max);
        const step = axis[1] ?? 0n;
        expect(axis[0]).toBe(0n);
        expect(axis.length).toBeLessThanOrEqual(5);
        expect(axis.at(-1) ?? 0n).toBeGreaterThanOrEqual(max);
        expect(axis).toEqual(axis.map((_, index) => BigInt(index) * step));
        expect(step.toString()).toMatch(/^[125]0*$/);
      }),
      { seed: 3 },
    );
  });

  it('has only zero where nothing was charged', () => expect(computeAxis(0n)).toEqual([0n]));
});

describe('spreadLabels', () => {
  it('labels the first and the last column, in order, and never more than the maximum', () => {
    for (let count = 1; count < 400; count++) {
      const labels = spreadLabels(count, 5);
      expect(labels.length).toBeLessThanOrEqual(5);
      expect(labels[0]).toBe(0);
      expect(labels.at(-1)).toBe(count - 1);
      expect([...labels].sort((a, b) => a - b)).toEqual([...new Set(labels)]);
    }
  });
});

describe('number formats', () => {
  it('show exact amounts in every language', () => {
    expect(formatCurrency(3_450n, 'en')).toBe('$0.00000345');
    expect(formatCurrency(9_007_199_254_740_991n, 'en')).toBe('$9,007,199.254740991');
    expect(formatCurrency(-1_500_000_000n, 'en')).toBe('-$1.50');
    expect(formatCurrency(1_500_000_000n, 'ru')).toBe('1,50\u00a0$');
    expect(formatCurrency(1_500_000_000n, 'zh')).toBe('$1.50');
  });

  it('keep every digit of any amount', () => {
    fc.assert(
      fc.property(amount, (given) => {
        const [whole = '', fraction = ''] = formatCurrency(given, 'en')
          .replace(/[$,]/g, '')
          .split('.');
        expect(BigInt(whole + fraction.padEnd(9, '0'))).toBe(given);
      }),
      { seed: 3 },
    );
  });

  it('keep fractions of a nano-USD in line items', () => {
    expect(formatMillionths(1n, 'en')).toBe('$0.000000000000001');
    expect(formatMillionths(11n * 150_000_000n, 'en')).toBe('$0.00000165');
    expect(formatMillionths(10n ** 16n, 'en')).toBe('$10.00');
  });

  it('never round an amount above zero to zero', () => {
    expect(formatRoundedCurrency(7n, 'en')).toBe('$0.000000007');
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: MAX_AMOUNT }), (given) => {
        expect(formatRoundedCurrency(given, 'en')).not.toMatch(/^[$0.,]*$/);
      }),
      { seed: 3 },
    );
  });

  it.each([
    [0n, '$0.00'],
    [22_425n, '$0.000022'],
    [31_249_999n, '$0.0312'],
    [427_549_000n, '$0.4275'],
    [1_234_567_890n, '$1.23'],
    [49_275_655_545n, '$49.28'],
    [-49_275_655_545n, '-$49.28'],
  ])('round %d nano-USD to %s in lists', (given, text) => {
    expect(formatRoundedCurrency(given, 'en')).toBe(text);
  });

  it('round alike in every language', () => {
    expect(formatRoundedCurrency(427_549_000n, 'ru')).toBe('0,4275\u00a0$');
    expect(formatRoundedCurrency(49_275_655_545n, 'zh')).toBe('$49.28');
  });

  it('parse calendar days only', () => {
    expect(parseIsoDay('2026-11-24')).toBe(toEpochDay(Date.UTC(2026, 10, 24, 23, 59)));
    for (const text of ['2026-02-30', '2026-13-01', '2026-1-1', '', '0001-01-01', '<x>']) {
      expect(parseIsoDay(text)).toBeUndefined();
    }
    expect(toIsoDay(parseIsoDay('2024-02-29') ?? 0)).toBe('2024-02-29');
  });
});

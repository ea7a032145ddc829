/** Chart layout and number formats for arbitrary amounts. */
import {
  formatCurrency,
  formatMillionths,
  formatRoundedCurrency,
  parseIsoDay,
  toEpochDay,
  toIsoDay,
} from '@farebox/design';
import { MAX_AMOUNT } from '@farebox/money';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeAxis, getLabelInterval, layoutColumns, layoutRows } from './chart-layout.ts';

const amount = fc.bigInt({ min: 0n, max: MAX_AMOUNT });
const amounts = fc.array(amount, { maxLength: 400 });
const FRAME = { left: 96, top: 16, width: 616, height: 180 };
/** Coordinates are rounded to a hundredth. */
const ROUNDING = 0.02;

describe('layoutColumns', () => {
  it('places columns inside the frame, in proportion, and visible for any amount above zero', () => {
    fc.assert(
      fc.property(amounts, (given) => {
        const { rects, ticks } = layoutColumns(given, FRAME);
        const top = ticks.at(-1)?.amount ?? 0n;
        expect(rects).toHaveLength(given.length);
        for (const [index, { x, y, width, height }] of rects.entries()) {
          for (const value of [x, y, width, height]) expect(Number.isFinite(value)).toBe(true);
          expect(x).toBeGreaterThanOrEqual(FRAME.left);
          expect(x + width).toBeLessThanOrEqual(FRAME.left + FRAME.width + ROUNDING);
          expect(y).toBeGreaterThanOrEqual(FRAME.top - ROUNDING);
          expect(y + height).toBeCloseTo(FRAME.top + FRAME.height, 1);
          const one = given[index] ?? 0n;
          expect(height > 0).toBe(one > 0n);
          const share = top === 0n ? 0 : Number(one) / Number(top);
          if (one > 0n) expect(height).toBeCloseTo(Math.max(1, share * FRAME.height), 1);
        }
      }),
      { seed: 3 },
    );
  });

  it('gives a larger amount a column at least as high', () => {
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        const [first, second] = layoutColumns([a, b], FRAME).rects;
        if (a >= b) expect(first?.height).toBeGreaterThanOrEqual(second?.height ?? Number.NaN);
      }),
      { seed: 3 },
    );
  });
});

describe('layoutRows', () => {
  it('places rows inside the frame', () => {
    fc.assert(
      fc.property(amounts, (given) => {
        const { rects } = layoutRows(
          given,
          { left: 0, top: 0, width: 360, height: 40 * given.length },
          40,
        );
        for (const { x, y, width, height } of rects) {
          expect([x, y, width, height].every(Number.isFinite)).toBe(true);
          expect(x + width).toBeLessThanOrEqual(360);
          expect(y + height).toBeLessThanOrEqual(40 * given.length);
        }
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

describe('getLabelInterval', () => {
  it('never gives more labels than the maximum', () => {
    for (let columnCount = 0; columnCount < 400; columnCount++) {
      expect(Math.ceil(columnCount / getLabelInterval(columnCount, 14))).toBeLessThanOrEqual(14);
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
    expect(formatRoundedCurrency(1_234_567_890n, 'en')).toBe('$1.2346');
  });

  it('parse calendar days only', () => {
    expect(parseIsoDay('2026-11-24')).toBe(toEpochDay(Date.UTC(2026, 10, 24, 23, 59)));
    for (const text of ['2026-02-30', '2026-13-01', '2026-1-1', '', '0001-01-01', '<x>']) {
      expect(parseIsoDay(text)).toBeUndefined();
    }
    expect(toIsoDay(parseIsoDay('2024-02-29') ?? 0)).toBe('2024-02-29');
  });
});

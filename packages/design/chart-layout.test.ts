/** The layout of charts for arbitrary amounts. */
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

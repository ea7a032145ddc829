/** The margin on prices, and the provider's own prices that remain without it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeCost, costWithoutMargin, mapBuckets, NO_USAGE, type Usage } from './index.ts';
import { addMargin, formatMarginPercent, removeMargin, removeMargins } from './margin.ts';

const price = fc.bigInt({ min: 0n, max: 10n ** 15n });
const basisPoints = fc.integer({ min: 0, max: 10_000 });
const count = fc.integer({ min: 0, max: 2_000_000 });
const USAGE: Usage = { ...NO_USAGE, input_uncached: 1000, output: 1000 };

describe('a margin', () => {
  it('can be taken off every price again, whatever was rounded', () => {
    fc.assert(
      fc.property(price, basisPoints, (own, margin) => {
        const charged = addMargin(own, BigInt(margin));
        expect(removeMargin(charged, BigInt(margin))).toBe(own);
        expect(charged).toBeGreaterThanOrEqual(own);
      }),
    );
  });

  it('leaves the provider’s cost of a bill, from the bill alone', () => {
    fc.assert(
      fc.property(price, price, basisPoints, count, count, (own, ownFee, margin, tokens, uses) => {
        const usage = { ...NO_USAGE, input_uncached: tokens };
        const fee = { kind: 'web_search', count: uses, nano_usd_per_million: ownFee } as const;
        const charged = {
          usage,
          prices: mapBuckets(() => addMargin(own, BigInt(margin))),
          fees: [{ ...fee, nano_usd_per_million: addMargin(ownFee, BigInt(margin)) }],
          marginBasisPoints: margin,
        };
        const cost = computeCost(usage, charged.prices, charged.fees);
        expect(removeMargins(charged)).toEqual({ prices: mapBuckets(() => own), fees: [fee] });
        const provider = computeCost(
          usage,
          mapBuckets(() => own),
          [fee],
        );
        expect(costWithoutMargin(cost, charged)).toBe(provider);
      }),
    );
  });

  it('is taken off the whole of a bounded estimate, which is not the cost of its usage', () => {
    const call = {
      usage: USAGE,
      prices: mapBuckets(() => 1_100_000_000n),
      fees: [],
      marginBasisPoints: 1000,
    };
    expect(costWithoutMargin(2_200_000n, call)).toBe(2_000_000n);
    expect(costWithoutMargin(1_100_000n, call)).toBe(1_000_000n);
    expect(costWithoutMargin(0n, call)).toBe(0n);
  });

  it('is written in percent', () => {
    expect([0, 1, 250, 10_000].map(formatMarginPercent)).toEqual(['0', '0.01', '2.5', '100']);
  });
});

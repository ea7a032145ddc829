/** The kinds of spend of a call and what its cache reads saved. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BUCKETS,
  computeCost,
  mapBuckets,
  NO_USAGE,
  type Prices,
  SPEND_KINDS,
  SURCHARGE_KINDS,
  type Surcharge,
  savedByCache,
  splitCharge,
} from './index.ts';

const FREE: Prices = mapBuckets(() => 0n);
const PRICES: Prices = {
  ...FREE,
  input_uncached: 3_000_000_000n,
  cache_read: 300_000_000n,
  cache_write_5m: 3_750_000_000n,
  cache_write_1h: 6_000_000_000n,
  output: 15_000_000_000n,
};
const USAGE = {
  ...NO_USAGE,
  input_uncached: 1_000,
  cache_read: 10_000,
  cache_write_5m: 200,
  cache_write_1h: 100,
  output: 500,
};
const SEARCH: Surcharge = { kind: 'web_search', count: 2, nano_usd_per_million: 10n ** 13n };
const NOTHING = { input: 0n, cache_read: 0n, cache_write: 0n, output: 0n, other: 0n };

const arbitraryCall = fc.record({
  usage: fc.option(
    fc
      .record(Object.fromEntries(BUCKETS.map((bucket) => [bucket, fc.nat(2_000_000)])))
      .map((counts) => ({ ...NO_USAGE, ...counts })),
    { freq: 5 },
  ),
  prices: fc.option(
    fc
      .record(
        Object.fromEntries(BUCKETS.map((bucket) => [bucket, fc.bigInt(0n, 100_000_000_000n)])),
      )
      .map((prices) => ({ ...FREE, ...prices })),
    { freq: 5 },
  ),
  fees: fc.array(
    fc.record({
      kind: fc.constantFrom(...SURCHARGE_KINDS),
      count: fc.nat(1_000),
      nano_usd_per_million: fc.bigInt(0n, 10n ** 14n),
    }),
    { maxLength: 4 },
  ),
});

describe('the split of a charge', () => {
  it('gives each kind the cost of its own tokens and surcharges', () => {
    const charged = computeCost(USAGE, PRICES, [SEARCH]);
    expect(splitCharge({ usage: USAGE, prices: PRICES, fees: [SEARCH], charged })).toEqual({
      input: 3_000_000n,
      cache_read: 3_000_000n,
      cache_write: 1_350_000n,
      output: 7_500_000n,
      other: 20_000_000n,
    });
  });

  it('gives tokens of audio, images and compaction to the kind of token that they are', () => {
    const fees = (['audio_input', 'image_cache_read', 'compaction_cache_write'] as const).map(
      (kind, index) => ({ kind, count: index + 1, nano_usd_per_million: 1_000_000n }),
    );
    const call = { usage: NO_USAGE, prices: FREE, fees, charged: 6n };
    expect(splitCharge(call)).toEqual({ ...NOTHING, input: 1n, cache_read: 2n, cache_write: 3n });
  });

  it.each([
    ['rounding, in input', { cache_read: 1, output: 1 }, 1n, { input: 1n }],
    ['a charge above the cost, in other', { output: 2_000_000 }, 5n, { output: 2n, other: 3n }],
    [
      'a charge below the cost, in proportion',
      { cache_read: 4_000_000, output: 8_000_000 },
      6n,
      {
        cache_read: 2n,
        output: 4n,
      },
    ],
    ['no charge, nowhere', { output: 2_000_000 }, 0n, {}],
  ])('puts %s', (_, counts, charged, expected) => {
    const prices = mapBuckets(() => 1n);
    const call = { usage: { ...NO_USAGE, ...counts }, prices, fees: [], charged };
    expect(splitCharge(call)).toEqual({ ...NOTHING, ...expected });
  });

  it('puts a charge without token counts in other', () => {
    const call = { usage: null, prices: null, fees: [], charged: 9n };
    expect(splitCharge(call)).toEqual({ ...NOTHING, other: 9n });
  });

  it('adds up to the charge and has no kind below zero, whatever was paid of the cost', () => {
    const property = fc.property(
      arbitraryCall,
      fc.constantFrom('exact', 'less', 'more'),
      fc.bigInt(0n, 10n ** 15n),
      ({ usage, prices, fees }, paid, amount) => {
        const cost = computeCost((prices && usage) ?? NO_USAGE, prices ?? FREE, fees);
        const charges = { exact: cost, less: cost && amount % cost, more: cost + amount };
        const charged = charges[paid];
        const spend = splitCharge({ usage, prices, fees, charged });
        expect(SPEND_KINDS.reduce((sum, kind) => sum + spend[kind], 0n)).toBe(charged);
        for (const kind of SPEND_KINDS) expect(spend[kind]).toBeGreaterThanOrEqual(0n);
      },
    );
    fc.assert(property, { seed: 15, numRuns: 500 });
  });
});

describe('what cache reads saved', () => {
  const call = { usage: USAGE, prices: PRICES, fees: [], charged: 1n };

  it('is the difference of the two prices for the tokens read from a cache', () => {
    expect(savedByCache(call)).toBe(27_000_000n);
  });

  it.each([
    ['a call that was not charged', { charged: 0n }],
    ['a call without token counts', { usage: null }],
    ['a call without prices', { prices: null }],
    ['a model whose cached input is no cheaper', { prices: { ...PRICES, input_uncached: 1n } }],
  ])('is nothing for %s', (_, change) => {
    expect(savedByCache({ ...call, ...change })).toBe(0n);
  });
});

/** The recomputation of bills from metadata: sizes that a bill can have had, and its margin. */
import { mapBuckets, NO_USAGE } from '@farebox/money';
import { describe, expect, it } from 'vitest';
import type { BilledCall } from './index.ts';
import {
  computeOvercharge,
  findBillDifference,
  findModelById,
  openCatalog,
  RELEASED,
  recomputeProviderCost,
} from './index.ts';

const AT = Date.parse('2026-11-26T12:00:00Z');
const listed = findModelById(RELEASED, { provider: 'openai', id: 'gpt-4o-mini' });
if (listed === undefined) throw new Error('no gpt-4o-mini');

const LIST = {
  ...RELEASED,
  version: 'v',
  margins: [{ provider: 'openai', model: 'sized', basisPoints: 1000 }],
  providers: [
    {
      id: 'openai',
      models: [
        {
          ...listed,
          id: 'sized',
          names: ['sized'],
          factors: [],
          prices: [
            {
              id: 'long',
              when: { input: { tokens: 1000, inclusive: false } },
              prices: { input_uncached: 20, output: 20 },
            },
            { id: 'standard', when: {}, prices: { input_uncached: 10, output: 10 } },
          ],
        },
      ],
    },
  ],
};
const catalog = openCatalog(LIST);

function bill(
  input: number,
  rule: 'long' | 'standard',
  rest: Partial<BilledCall> = {},
): BilledCall {
  const price = rule === 'long' ? 22n : 11n;
  return {
    model: 'openai/sized',
    provider: 'openai',
    createdAt: AT,
    priceRule: `v/${rule}`,
    usage: { ...NO_USAGE, input_uncached: input },
    prices: mapBuckets(() => price),
    marginBasisPoints: 1000,
    fees: [],
    cost: 1n,
    isExact: true,
    ...rest,
  };
}

describe('findBillDifference', () => {
  it('accepts the price of the size of the bill, or of a turn of it', () => {
    expect(findBillDifference(catalog, bill(1000, 'standard'))).toBeUndefined();
    expect(findBillDifference(catalog, bill(1001, 'long'))).toBeUndefined();
    expect(findBillDifference(catalog, bill(1001, 'standard'))).toBeUndefined();
  });

  it('finds a price of a size that the bill does not reach', () => {
    expect(findBillDifference(catalog, bill(1000, 'long'))).toBe('prices');
  });

  it('accepts any size of an estimate, whose usage may not be kept', () => {
    const waived = bill(0, 'long', { isExact: false, cost: 0n });
    expect(findBillDifference(catalog, waived)).toBeUndefined();
  });

  it('finds a margin that is not that of the version', () => {
    const other = bill(1000, 'standard', { marginBasisPoints: 999 });
    expect(findBillDifference(catalog, other)).toBe('margin');
    const unknown = bill(1000, 'standard', { marginBasisPoints: null });
    expect(findBillDifference(catalog, unknown)).toBeUndefined();
  });
});

describe('recomputeProviderCost', () => {
  it('takes the margin off tokens and every kind of fee', () => {
    const fees = [
      { kind: 'compaction_input', count: 1_000_000, nano_usd_per_million: 11n },
      { kind: 'web_search', count: 1_000_000, nano_usd_per_million: 22n },
    ] as const;
    const call = bill(1_000_000, 'standard', { fees });
    expect(recomputeProviderCost(catalog, call)).toBe(10n + 10n + 20n);
  });
});

describe('computeOvercharge', () => {
  const call = {
    usage: { ...NO_USAGE, input_uncached: 1_000_001, output: 2_000_000 },
    prices: mapBuckets(() => 10n),
    fees: [{ kind: 'web_search', count: 1, nano_usd_per_million: 5_000_000n }],
    charged: 36n,
  } as const;

  it.each([
    ['the lower price of one kind of token', { output: 7n }, 36n, 6n],
    [
      'lower prices of all kinds, rounded in favor of the platform once',
      { input_uncached: 1n, output: 1n },
      36n,
      27n,
    ],
    ['nothing where the right price is higher', { output: 11n }, 36n, 0n],
    ['nothing where the platform already absorbed the difference', { output: 7n }, 30n, 0n],
    ['nothing where no price is another', {}, 36n, 0n],
  ])('returns %s', (_, right, charged, excess) => {
    expect(computeOvercharge({ ...call, charged }, right)).toBe(excess);
  });
});

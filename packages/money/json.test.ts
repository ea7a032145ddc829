import { describe, expect, it } from 'vitest';
import {
  pricesFromJson,
  pricesToJson,
  surchargesFromJson,
  surchargesToJson,
  usageFromJson,
  usageToJson,
} from './json.ts';

const USAGE = {
  input_uncached: 1,
  cache_read: 2,
  cache_write_5m: 3,
  cache_write_30m: 7,
  cache_write_1h: 4,
  cache_write_12h: 8,
  output: 5,
  output_reasoning: 6,
};
const PRICES = {
  input_uncached: 2n ** 60n,
  cache_read: 1n,
  cache_write_5m: 2n,
  cache_write_30m: 5n,
  cache_write_1h: 3n,
  cache_write_12h: 6n,
  output: 4n,
};
const SURCHARGES = [{ kind: 'web_search', count: 2, nano_usd_per_million: 2n ** 60n }] as const;

function throughText(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe('the JSON of usage, prices and surcharges', () => {
  it('reads back exactly what it wrote, also beyond 2^53', () => {
    expect(usageFromJson(throughText(usageToJson(USAGE)))).toEqual(USAGE);
    expect(pricesFromJson(throughText(pricesToJson(PRICES)))).toEqual(PRICES);
    expect(surchargesFromJson(throughText(surchargesToJson(SURCHARGES)))).toEqual(SURCHARGES);
  });

  it('reads usage and prices of the release before, which had two lifetimes of cache writes', () => {
    const { cache_write_30m, cache_write_12h, ...usage } = USAGE;
    expect(usageFromJson(usage)).toEqual({ ...USAGE, cache_write_30m: 0, cache_write_12h: 0 });
    const json = throughText(pricesToJson(PRICES));
    Object.assign(Object(json), { cache_write_30m: undefined, cache_write_12h: undefined });
    expect(pricesFromJson(json)).toEqual({ ...PRICES, cache_write_30m: 0n, cache_write_12h: 0n });
  });

  it.each([
    ['a fraction of a token', () => usageFromJson({ ...USAGE, output: 1.5 })],
    ['a negative count', () => usageFromJson({ ...USAGE, cache_read: -1 })],
    ['a missing count', () => usageFromJson({ ...USAGE, output_reasoning: undefined })],
    ['a price as a number', () => pricesFromJson({ ...pricesToJson(PRICES), output: 4 })],
    ['a missing price', () => pricesFromJson({})],
    ['a price of null', () => pricesFromJson(null)],
    ['a surcharge of an unknown kind', () => surchargesFromJson([{ kind: 'tip', count: 1 }])],
    ['surcharges that are not a list', () => surchargesFromJson({})],
  ])('refuses %s', (_, read) => {
    expect(read).toThrow('malformed value');
  });
});

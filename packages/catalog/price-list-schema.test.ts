/** The schema of a price list: the released file has it, and what may not be in a list is refused. */
import { describe, expect, it } from 'vitest';
import { parsePriceList } from './price-list-schema.ts';
import prices from './prices.generated.json' with { type: 'json' };

describe('parsePriceList', () => {
  it('accepts the released price list', () => {
    expect(parsePriceList(prices)).toEqual({ ok: true, list: prices });
  });
});

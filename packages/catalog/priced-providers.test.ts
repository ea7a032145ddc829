/** The price file lists each provider once, although two lists name providers. */
import { describe, expect, it } from 'vitest';
import { PRICED_PROVIDERS } from './priced-providers.ts';
import prices from './prices.generated.json' with { type: 'json' };

describe('PRICED_PROVIDERS', () => {
  const ids = PRICED_PROVIDERS.map(([id]) => id);

  it('names each provider once, native or added by configuration', () => {
    expect([...new Set(ids)]).toEqual(ids);
  });

  it('names exactly the providers of the price file', () => {
    expect(prices.providers.map(({ id }) => id)).toEqual(ids);
  });
});

/** The bindings that set the share of each provider's rate that one account may use. */
import { MissingBindingError } from '@farebox/bindings';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseAccountShares } from './account-shares.ts';

afterEach(() => vi.restoreAllMocks());

describe('parseAccountShares', () => {
  it.each([
    [{}, {}],
    [{ PROVIDER_CALLS_PER_MINUTE: '' }, {}],
    [{ PROVIDER_CALLS_PER_MINUTE: '{"openai": 10000, "groq": 3}' }, { openai: 2_500, groq: 1 }],
    [
      { PROVIDER_CALLS_PER_MINUTE: '{"openai": 1000}', ACCOUNT_SHARE_PERCENT: '50' },
      { openai: 500 },
    ],
  ])('reads %j', (env, shares) => {
    expect(Object.fromEntries(parseAccountShares(env))).toEqual(shares);
  });

  it.each([
    ['PROVIDER_CALLS_PER_MINUTE', '{'],
    ['PROVIDER_CALLS_PER_MINUTE', '[5]'],
    ['PROVIDER_CALLS_PER_MINUTE', '{"openai": 0}'],
    ['PROVIDER_CALLS_PER_MINUTE', '{"openai": "many"}'],
    ['PROVIDER_CALLS_PER_MINUTE', '{"openai": 1.5}'],
    ['ACCOUNT_SHARE_PERCENT', '0'],
    ['ACCOUNT_SHARE_PERCENT', '101'],
    ['ACCOUNT_SHARE_PERCENT', 'half'],
  ])('names %s when it is %s', (name, text) => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    expect(() => parseAccountShares({ [name]: text })).toThrow(MissingBindingError);
    expect(() => parseAccountShares({ [name]: text })).toThrow(name);
  });
});

/** The share of each provider's rate that one account may use: configured, stated, or assumed. */
import { MissingBindingError } from '@farebox/bindings';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseAccountShares } from './account-shares.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

afterEach(() => vi.restoreAllMocks());

describe('parseAccountShares', () => {
  it.each([
    [{}, undefined, undefined],
    [{ PROVIDER_CALLS_PER_MINUTE: '' }, undefined, undefined],
    [{ PROVIDER_CALLS_PER_MINUTE: '{"openai": 10000, "groq": 3}' }, 2_500, 1],
    [
      { PROVIDER_CALLS_PER_MINUTE: '{"openai": 1000}', ACCOUNT_SHARE_PERCENT: '50' },
      500,
      undefined,
    ],
  ])('reads %j', (env, openai, groq) => {
    const shares = parseAccountShares(env);
    expect([shares.get({ id: 'openai' }), shares.get({ id: 'groq' })]).toEqual([openai, groq]);
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

describe('AccountShares', () => {
  it('takes a quarter of what the provider states, and of its highest model', () => {
    const shares = parseAccountShares({});
    shares.learn('openai', 500, 0);
    expect(shares.get({ id: 'openai' })).toBe(125);
    shares.learn('openai', 10_000, MINUTE);
    shares.learn('openai', 500, 2 * MINUTE);
    expect(shares.get({ id: 'openai' })).toBe(2_500);
    expect(shares.get({ id: 'anthropic' })).toBeUndefined();
  });

  it('forgets a stated rate that was not stated again for an hour', () => {
    const shares = parseAccountShares({});
    shares.learn('openai', 10_000, 0);
    shares.learn('openai', 500, HOUR);
    expect(shares.get({ id: 'openai' })).toBe(125);
  });

  it('prefers what is configured to what is stated, and that to what is assumed', () => {
    const shares = parseAccountShares({ PROVIDER_CALLS_PER_MINUTE: '{"openai": 1000}' });
    shares.learn('openai', 10_000, 0);
    expect(shares.get({ id: 'openai', assumedCallsPerMinute: 4 })).toBe(250);
    expect(shares.get({ id: 'google', assumedCallsPerMinute: 1_000 })).toBe(250);
    shares.learn('google', 2_000, 0);
    expect(shares.get({ id: 'google', assumedCallsPerMinute: 1_000 })).toBe(500);
  });
});

import { NO_LIMITS } from '@farebox/ledger';
import { describe, expect, it } from 'vitest';
import { isListed, type KeyState } from './load-keys.ts';
import { buildPageKey, isPageKey } from './page-key.ts';

const NOW = Date.UTC(2026, 10, 26);
const HOUR_MS = 3_600_000;
const { name, limits } = buildPageKey(NOW);

describe('a key of the playground’s page', () => {
  it('expires in an hour and has a budget of one dollar', () => {
    expect(limits).toEqual({ ...NO_LIMITS, budget: 1_000_000_000n, expiresAt: NOW + HOUR_MS });
  });

  it.each([-1000, 0, 1000])(
    'is recognized where the account’s clock differs by %i ms',
    (skewMs) => {
      expect(isPageKey(name, { limits, createdAt: NOW + skewMs })).toBe(true);
    },
  );

  it.each([
    ['another name', 'Laptop', limits],
    ['its name only', name, NO_LIMITS],
    ['no expiry', name, { ...limits, expiresAt: null }],
    ['a longer life', name, { ...limits, expiresAt: NOW + 24 * HOUR_MS }],
    ['another budget', name, { ...limits, budget: 5_000_000_000n }],
    ['no budget', name, { ...limits, budget: null }],
  ])('is not recognized in a key with %s', (_, keyName, keyLimits) => {
    expect(isPageKey(keyName, { limits: keyLimits, createdAt: NOW })).toBe(false);
  });
});

describe('the list of keys', () => {
  it.each<readonly [KeyState, boolean]>([
    ['active', true],
    ['paused', true],
    ['expired', false],
    ['revoked', false],
  ])(
    'shows every user’s key that is %s, and a key of the playground’s page: %s',
    (state, listed) => {
      expect(isListed({ state, isPageKey: false })).toBe(true);
      expect(isListed({ state, isPageKey: true })).toBe(listed);
    },
  );
});

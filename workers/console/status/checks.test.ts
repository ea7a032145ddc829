import { describe, expect, it } from 'vitest';
import { toStatusChecks } from './checks.ts';

const NOW = Date.UTC(2026, 10, 26);
const MINUTE = 60_000;
const FACTS = { providers: [], chains: [], emailsStuck: 0, reconciledAt: NOW };

function isUp(component: string, facts: Partial<Parameters<typeof toStatusChecks>[0]>, api = true) {
  return toStatusChecks({ ...FACTS, ...facts }, api, NOW).find(
    (check) => check.component === component,
  )?.isUp;
}

describe('the status of a component', () => {
  it.each([
    [0, true],
    [20 * MINUTE, true],
    [20 * MINUTE + 1, false],
  ])('of the ledger, reconciled %i ms ago, is up: %s', (age, expected) => {
    expect(isUp('ledger', { reconciledAt: NOW - age })).toBe(expected);
  });

  it('of a ledger that was never reconciled is down', () => {
    expect(isUp('ledger', { reconciledAt: null })).toBe(false);
  });

  it.each([
    [9, 9, 3, 3, undefined],
    [10, 5, 3, 3, true],
    [10, 6, 3, 3, false],
    [1_000, 0, 3, 0, true],
    [1_000, 1_000, 2, 2, undefined],
    [1_000, 990, 4, 2, true],
    [1_000, 990, 4, 3, false],
  ])(
    'of a provider with %i calls of which %i failed, of %i and %i accounts, is up: %s',
    (calls, failed, accounts, failedAccounts, expected) => {
      const facts = { provider: 'openai', calls, failed, accounts, failedAccounts };
      expect(isUp('openai', { providers: [facts] })).toBe(expected);
    },
  );

  it.each([
    [NOW - MINUTE, false, true],
    [NOW - 16 * MINUTE, false, false],
    [NOW, true, false],
    [null, false, false],
  ])('of a network read at %s and halted: %s is up: %s', (advancedAt, isHalted, expected) => {
    expect(isUp('tron', { chains: [{ chain: 'tron', advancedAt, isHalted }] })).toBe(expected);
  });

  it('of mail is down while an email is stuck, and of the API as the call to it says', () => {
    expect([isUp('mail', { emailsStuck: 1 }), isUp('mail', {})]).toEqual([false, true]);
    expect([isUp('api', {}, false), isUp('api', {}, true)]).toEqual([false, true]);
  });
});

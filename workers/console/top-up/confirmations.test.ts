import type { ChainState } from '@farebox/database/deposits';
import { CHAIN_DEFAULTS, type Chain } from '@farebox/deposits';
import { describe, expect, it } from 'vitest';
import { countConfirmations, networkStatus } from './confirmations.ts';

const NOW = Date.UTC(2026, 10, 24);
const POLYGON: Chain = { ...CHAIN_DEFAULTS.polygon, providers: [], startBlock: null };
const STATE: ChainState = {
  ...{ chain: 'polygon', nextBlock: 937, head: 1_000, final: 936, finalAt: NOW - 5_000 },
  ...{ lastPolledAt: NOW - 30_000, advancedAt: NOW, lastError: null, haltedAt: null },
  ...{ lastRescanAt: null, lastAuditAt: null },
};

describe('a deposit', () => {
  it.each([
    ['pending', 1_000, { current: 0, required: 64 }],
    ['pending', 960, { current: 40, required: 64 }],
    ['pending', 1_010, { current: 0, required: 64 }],
    ['final', 900, { current: 100, required: 256 }],
    ['final', 700, null],
    ['credited', 990, null],
    ['dust', 990, null],
  ] as const)('that is %s in block %i has %j', (state, blockNumber, expected) => {
    expect(countConfirmations(POLYGON, STATE, { state, blockNumber })).toEqual(expected);
  });

  it('of a network nobody looked at yet has none', () => {
    expect(countConfirmations(POLYGON, undefined, { state: 'pending', blockNumber: 5 })).toBeNull();
  });
});

describe('a network', () => {
  it.each<[string, Partial<ChainState>, string]>([
    ['as it should be', {}, 'ok'],
    ['halted', { haltedAt: NOW }, 'halted'],
    ['not looked at for long', { lastPolledAt: NOW - 6 * 60_000 }, 'delayed'],
    ['without a new final block', { finalAt: NOW - 11 * 60_000 }, 'delayed'],
    ['read far behind', { nextBlock: 100 }, 'delayed'],
    ['read a little behind', { nextBlock: 800 }, 'ok'],
  ])('%s', (_, change, expected) => {
    expect(networkStatus(POLYGON, { ...STATE, ...change }, NOW)).toBe(expected);
  });
});

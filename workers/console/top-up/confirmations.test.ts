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

describe('countConfirmations', () => {
  it.each([
    ['pending', 1_000, { current: 0, required: 64 }],
    ['pending', 960, { current: 40, required: 64 }],
    ['pending', 1_010, { current: 0, required: 64 }],
    ['final', 900, { current: 100, required: 256 }],
    ['final', 700, null],
    ['credited', 990, null],
    ['dust', 990, null],
  ] as const)('for a %s deposit in block %i gives %j', (state, blockNumber, expected) => {
    expect(countConfirmations(POLYGON, STATE, { state, blockNumber })).toEqual(expected);
  });

  it('gives null for a network that was not polled yet', () => {
    expect(countConfirmations(POLYGON, undefined, { state: 'pending', blockNumber: 5 })).toBeNull();
  });
});

describe('networkStatus', () => {
  it.each<[string, Partial<ChainState>, string]>([
    ['is up to date', {}, 'ok'],
    ['is halted', { haltedAt: NOW }, 'halted'],
    ['was not polled for long', { lastPolledAt: NOW - 6 * 60_000 }, 'delayed'],
    ['has no new final block', { finalAt: NOW - 11 * 60_000 }, 'delayed'],
    ['is read far behind its head', { nextBlock: 100 }, 'delayed'],
    ['is read a little behind its head', { nextBlock: 800 }, 'ok'],
  ])('for a network that %s has the right status', (_, change, expected) => {
    expect(networkStatus(POLYGON, { ...STATE, ...change }, NOW)).toBe(expected);
  });
});

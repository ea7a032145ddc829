import type { ChainState } from '@farebox/database';
import { CHAIN_DEFAULTS, type Chain } from '@farebox/deposits';
import { describe, expect, it } from 'vitest';
import { confirmationsOf, readingOf } from './progress.ts';

const NOW = Date.UTC(2026, 10, 24);
const POLYGON: Chain = { ...CHAIN_DEFAULTS.polygon, providers: [], startBlock: null };
const STATE: ChainState = {
  ...{ chain: 'polygon', nextBlock: 937, head: 1_000, final: 936, finalAt: NOW - 5_000 },
  ...{ lookedAt: NOW - 30_000, advancedAt: NOW, trouble: null, haltedAt: null },
  ...{ rereadAt: null, auditAt: null },
};

describe('a deposit', () => {
  it.each([
    ['seen', 1_000, { has: 0, needed: 64 }],
    ['seen', 960, { has: 40, needed: 64 }],
    ['seen', 1_010, { has: 0, needed: 64 }],
    ['final', 900, { has: 100, needed: 256 }],
    ['final', 700, null],
    ['credited', 990, null],
    ['dust', 990, null],
  ] as const)('that is %s in block %i has %j', (state, blockNumber, expected) => {
    expect(confirmationsOf(POLYGON, STATE, { state, blockNumber })).toEqual(expected);
  });

  it('of a network nobody looked at yet has none', () => {
    expect(confirmationsOf(POLYGON, undefined, { state: 'seen', blockNumber: 5 })).toBeNull();
  });
});

describe('a network', () => {
  it.each<[string, Partial<ChainState>, string]>([
    ['as it should be', {}, 'well'],
    ['halted', { haltedAt: NOW }, 'halted'],
    ['not looked at for long', { lookedAt: NOW - 6 * 60_000 }, 'late'],
    ['without a new final block', { finalAt: NOW - 11 * 60_000 }, 'late'],
    ['read far behind', { nextBlock: 100 }, 'late'],
    ['read a little behind', { nextBlock: 800 }, 'well'],
  ])('%s', (_, change, expected) => {
    expect(readingOf(POLYGON, { ...STATE, ...change }, NOW)).toBe(expected);
  });
});

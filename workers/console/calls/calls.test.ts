/** A bill adds up to the last digit; what is asked for comes back as it was asked. */

import { textsFor } from '@farebox/languages';
import { type Generation, SETTLE_REASONS } from '@farebox/ledger';
import { costOf, FEE_KINDS, NO_USAGE } from '@farebox/money';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queryOf, readAsked } from './asked.ts';
import { reckon } from './bill.ts';
import { CALL_COLUMNS, callRow } from './export.ts';

const tokens = fc.integer({ min: 0, max: 2_000_000 });
const price = fc.bigInt({ min: 0n, max: 600_000_000_000n });
const usage = fc.record({
  input_uncached: tokens,
  cache_read: tokens,
  cache_write_5m: tokens,
  cache_write_1h: tokens,
  output: tokens,
  output_reasoning: tokens,
});
const prices = fc.record({
  input_uncached: price,
  cache_read: price,
  cache_write_5m: price,
  cache_write_1h: price,
  output: price,
});
const fees = fc.array(
  fc.record({
    kind: fc.constantFrom(...FEE_KINDS),
    count: fc.integer({ min: 0, max: 1000 }),
    nano_usd_per_million: price,
  }),
  { maxLength: 4 },
);

function bill(part: Partial<Generation>): Generation {
  return {
    id: 'a'.repeat(32),
    model: 'openai/gpt-4o-mini',
    provider: 'openai',
    dialect: 'chat',
    stream: false,
    httpStatus: 200,
    status: 'settled',
    reason: 'provider_reported',
    usage: null,
    prices: null,
    fees: [],
    charged: 0n,
    shortfall: 0n,
    createdAt: 0,
    settledAt: 0,
    ...part,
  };
}

describe('a bill', () => {
  it('has positions that add up to what the call cost, rounded up once', () => {
    fc.assert(
      fc.property(usage, prices, fees, (used, priced, extra) => {
        const cost = costOf(used, priced, extra);
        const reckoned = reckon(bill({ usage: used, prices: priced, fees: extra, charged: cost }));
        const sum = reckoned.positions.reduce((all, one) => all + one.millionths, 0n);
        expect(reckoned.sum).toBe(sum);
        expect(reckoned.cost).toBe(cost);
        expect(cost * 1_000_000n - sum).toBeGreaterThanOrEqual(0n);
        expect(cost * 1_000_000n - sum).toBeLessThan(1_000_000n);
        expect(reckoned.difference).toBe(0n);
      }),
      { seed: 3 },
    );
  });

  it('names what fell short and what was bounded', () => {
    const used = { ...NO_USAGE, output: 10 };
    const priced = { ...FREE, output: 1_000_000n };
    const short = reckon(bill({ usage: used, prices: priced, charged: 4n, shortfall: 6n }));
    expect(short).toMatchObject({ cost: 10n, difference: 0n });
    expect(reckon(bill({ usage: used, prices: priced, charged: 7n })).difference).toBe(-3n);
  });

  it('of a call nothing was counted for is empty', () => {
    expect(reckon(bill({}))).toEqual({ positions: [], sum: 0n, cost: 0n, difference: 0n });
  });

  it('has as many cells as its sheet has columns', () => {
    expect(callRow({ keyId: 1, bill: bill({}) }, 'Main')).toHaveLength(CALL_COLUMNS.length);
  });
});

const FREE = {
  input_uncached: 0n,
  cache_read: 0n,
  cache_write_5m: 0n,
  cache_write_1h: 0n,
  output: 0n,
};

describe('reasons', () => {
  it('are explained in every language, each in words of its own', () => {
    const said = ['en', 'ru', 'zh'].map((language) => {
      const texts = SETTLE_REASONS.map((reason) => textsFor(language).reasons[reason]);
      expect(new Set(texts).size).toBe(SETTLE_REASONS.length);
      return texts;
    });
    expect(new Set(said.flat()).size).toBe(3 * SETTLE_REASONS.length);
    expect(said[1]?.every((text) => /[а-я]/.test(text))).toBe(true);
    expect(said[2]?.every((text) => /\p{Script=Han}/u.test(text))).toBe(true);
  });
});

function asked(query: string) {
  const params = new URLSearchParams(query);
  return readAsked((name) => params.get(name) ?? undefined);
}

describe('what is asked', () => {
  it('comes back as it was', () => {
    const query = `?key=7&model=openai%2Fgpt-4o-mini&outcome=failed&from=2026-11-01&to=2026-11-24&before=1764000000000-${'b'.repeat(32)}`;
    const read = asked(query);
    expect(queryOf(read, read.before)).toBe(query);
    expect(queryOf(asked(''), null)).toBe('');
  });

  it('is not what nobody could ask', () => {
    const read = asked("?key=4294967296&model=a b&outcome=x&from=2026-02-30&before=1-zz'--");
    expect(queryOf(read, read.before)).toBe('');
  });
});

import { NO_USAGE } from '@farebox/money';
import { describe, expect, it } from 'vitest';
import type { SettleRequest, SettleResult } from './index.ts';
import { type SendBatch, SettlementBatcher } from './settlement-batcher.ts';

const FAILED = { ok: false, reason: 'failed' } as const;
type Failed = typeof FAILED;

const ACCOUNT = '0'.repeat(16);
const FREE = {
  input_uncached: 0n,
  cache_read: 0n,
  cache_write_5m: 0n,
  cache_write_30m: 0n,
  cache_write_1h: 0n,
  cache_write_12h: 0n,
  output: 0n,
};

function request(id: string): SettleRequest {
  const bill = {
    usage: NO_USAGE,
    prices: FREE,
    priceRule: null,
    providerCost: null,
    marginBasisPoints: null,
    fees: [],
    cost: 0n,
  };
  return { id, reason: 'free', httpStatus: 200, ...bill };
}

function chargedResult(amount: bigint): SettleResult {
  return { ok: true, charged: amount, shortfall: 0n, late: false };
}

const shortDelay = () => new Promise<void>((resolve) => setTimeout(resolve, 2));

function createBatcher(sendBatch: SendBatch<Failed>) {
  const batches: string[][] = [];
  const batcher = new SettlementBatcher<Failed>((account, requests) => {
    batches.push(requests.map(({ id }) => id));
    return sendBatch(account, requests);
  }, shortDelay);
  return { gathering: batcher, loads: batches };
}

describe('settlements due at the same time', () => {
  it('are sent in one batch, and each gets its own result', async () => {
    const { gathering: batcher, loads: batches } = createBatcher(async (_, requests) => ({
      ok: true,
      value: requests.map(({ id }) => chargedResult(BigInt(id))),
    }));
    const ids = ['1', '2', '3', '4'];
    const results = await Promise.all(ids.map((id) => batcher.settle(ACCOUNT, request(id))));
    expect(batches).toEqual([ids]);
    expect(results).toEqual(ids.map((id) => chargedResult(BigInt(id))));
  });

  it('are batched per account', async () => {
    const { gathering: batcher, loads: batches } = createBatcher(async () => ({
      ok: true,
      value: [chargedResult(0n)],
    }));
    await Promise.all([
      batcher.settle(ACCOUNT, request('1')),
      batcher.settle('f'.repeat(16), request('2')),
    ]);
    expect(batches).toEqual([['1'], ['2']]);
  });

  it('are sent one by one after their batch failed, so that only the bad one fails', async () => {
    const { gathering: batcher, loads: batches } = createBatcher(async (_, requests) =>
      requests.some(({ id }) => id === 'bad')
        ? FAILED
        : { ok: true, value: requests.map(() => chargedResult(1n)) },
    );
    const ids = ['good', 'bad', 'fine'];
    const results = await Promise.all(ids.map((id) => batcher.settle(ACCOUNT, request(id))));
    expect(results).toEqual([chargedResult(1n), FAILED, chargedResult(1n)]);
    expect(batches[0]).toEqual(ids);
    expect(batches.slice(1).map((batch) => batch.length)).toEqual([1, 1, 1]);
  });

  it('are split into batches of at most about a hundred', async () => {
    const { gathering: batcher, loads: batches } = createBatcher(async (_, requests) => ({
      ok: true,
      value: requests.map(({ id }) => chargedResult(BigInt(id))),
    }));
    const ids = Array.from({ length: 1000 }, (_, index) => String(index));
    const results = await Promise.all(ids.map((id) => batcher.settle(ACCOUNT, request(id))));
    expect(results).toEqual(ids.map((id) => chargedResult(BigInt(id))));
    expect(batches.every((batch) => batch.length <= 101)).toBe(true);
    expect(batches.flat().sort()).toEqual([...ids].sort());
  });
});

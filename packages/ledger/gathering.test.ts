import { NO_USAGE } from '@farebox/money';
import { describe, expect, it } from 'vitest';
import { type Carry, Gathering } from './gathering.ts';
import type { SettleRequest, SettleResult } from './index.ts';

const ACCOUNT = '0'.repeat(16);
const FREE = {
  input_uncached: 0n,
  cache_read: 0n,
  cache_write_5m: 0n,
  cache_write_1h: 0n,
  output: 0n,
};

function request(id: string): SettleRequest {
  const bill = { usage: NO_USAGE, prices: FREE, fees: [], cost: 0n };
  return { id, reason: 'free', httpStatus: 200, ...bill };
}

function charged(amount: bigint): SettleResult {
  return { ok: true, charged: amount, shortfall: 0n, late: false };
}

const soon = () => new Promise<void>((resolve) => setTimeout(resolve, 2));

function gatheringThat(carry: Carry<'failed'>) {
  const loads: string[][] = [];
  const gathering = new Gathering<'failed'>((account, requests) => {
    loads.push(requests.map(({ id }) => id));
    return carry(account, requests);
  }, soon);
  return { gathering, loads };
}

describe('settlements that fall due together', () => {
  it('travel together, and each hears its own answer', async () => {
    const { gathering, loads } = gatheringThat(async (_, requests) => ({
      ok: true,
      results: requests.map(({ id }) => charged(BigInt(id))),
    }));
    const ids = ['1', '2', '3', '4'];
    const answers = await Promise.all(ids.map((id) => gathering.settle(ACCOUNT, request(id))));
    expect(loads).toEqual([ids]);
    expect(answers).toEqual(ids.map((id) => charged(BigInt(id))));
  });

  it('of different accounts do not', async () => {
    const { gathering, loads } = gatheringThat(async () => ({ ok: true, results: [charged(0n)] }));
    await Promise.all([
      gathering.settle(ACCOUNT, request('1')),
      gathering.settle('f'.repeat(16), request('2')),
    ]);
    expect(loads).toEqual([['1'], ['2']]);
  });

  it('go alone where the load failed: one bad companion takes nobody down', async () => {
    const { gathering, loads } = gatheringThat(async (_, requests) =>
      requests.some(({ id }) => id === 'bad')
        ? { ok: false, failed: 'failed' }
        : { ok: true, results: requests.map(() => charged(1n)) },
    );
    const ids = ['good', 'bad', 'fine'];
    const answers = await Promise.all(ids.map((id) => gathering.settle(ACCOUNT, request(id))));
    expect(answers).toEqual([charged(1n), 'failed', charged(1n)]);
    expect(loads[0]).toEqual(ids);
    expect(loads.slice(1).map((load) => load.length)).toEqual([1, 1, 1]);
  });

  it('are never more than a hundred, however many fall due', async () => {
    const { gathering, loads } = gatheringThat(async (_, requests) => ({
      ok: true,
      results: requests.map(({ id }) => charged(BigInt(id))),
    }));
    const ids = Array.from({ length: 1000 }, (_, index) => String(index));
    const answers = await Promise.all(ids.map((id) => gathering.settle(ACCOUNT, request(id))));
    expect(answers).toEqual(ids.map((id) => charged(BigInt(id))));
    expect(loads.every((load) => load.length <= 101)).toBe(true);
    expect(loads.flat().sort()).toEqual([...ids].sort());
  });
});

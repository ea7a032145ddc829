/// <reference types="@cloudflare/vitest-plugin/types" />
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { HOUR_MS, type RefusedCalls } from './contract/index.ts';
import { getStub, KEY, openAccount } from './fixtures.workerd.ts';
import { MAX_ROWS } from './refused-calls.ts';
import { clock, postgres, START } from './test-worker.workerd.ts';

function refused(changes: Partial<RefusedCalls> = {}): RefusedCalls {
  const lastAt = changes.lastAt ?? clock.now;
  const hour = Math.floor(lastAt / HOUR_MS);
  return { keyId: KEY.keyId, code: 'model_not_found', hour, count: 1, lastAt, ...changes };
}

beforeEach(() => {
  clock.now = START;
  postgres.fault = 'none';
});

describe('counts of refused calls', () => {
  it('add up by key, code and hour, with the time of the last, also across a restart', async () => {
    const { account, stub } = await openAccount();
    await stub.countRefused([refused({ count: 2 }), refused({ code: 'rate_limited' })]);
    clock.now += 1;
    await stub.countRefused([refused({ count: 3 })]);
    await evictDurableObject(stub);
    expect(await getStub(account).refusedCalls()).toEqual([
      refused({ count: 5 }),
      refused({ code: 'rate_limited', lastAt: START }),
    ]);
  });

  it('are dropped where they name no key of the account, no code, or a time that is not now', async () => {
    const { stub } = await openAccount();
    const thisHour = Math.floor(START / HOUR_MS);
    await stub.countRefused([
      refused({ keyId: 8 }),
      refused({ code: 'Model "x" of Ann' }),
      refused({ code: 'x'.repeat(41) }),
      refused({ count: 0 }),
      refused({ count: 1.5 }),
      refused({ count: Number.MAX_SAFE_INTEGER }),
      refused({ hour: thisHour - 1 }),
      refused({ lastAt: START - 8 * 24 * HOUR_MS }),
      refused({ lastAt: START + 3 * HOUR_MS }),
    ]);
    expect(await stub.refusedCalls()).toEqual([]);
  });

  it('are kept for a week', async () => {
    const { stub } = await openAccount();
    await stub.countRefused([refused()]);
    clock.now += 7 * 24 * HOUR_MS - HOUR_MS;
    expect(await stub.refusedCalls()).toHaveLength(1);
    clock.now += HOUR_MS;
    expect(await stub.refusedCalls()).toEqual([]);
    await stub.countRefused([refused()]);
    const rows = await runInDurableObject(stub, (_, state) =>
      state.storage.sql.exec('SELECT hour FROM refused_calls').toArray(),
    );
    expect(rows).toHaveLength(1);
  });

  it('are bounded in number: the oldest are dropped', async () => {
    const { stub } = await openAccount();
    const letters = [...'abcdefghijklmnopqrstuvwxyz'];
    const codes = letters.flatMap((a) => letters.slice(0, 8).map((b) => `code_${a}${b}`));
    for (let hour = 0; hour < 12; hour++) {
      const items = codes.slice(0, 200).map((code) => refused({ code }));
      await stub.countRefused(items);
      clock.now += HOUR_MS;
    }
    const kept = await stub.refusedCalls();
    expect(kept).toHaveLength(MAX_ROWS);
    expect(Math.min(...kept.map(({ lastAt }) => lastAt))).toBe(START + 2 * HOUR_MS);
  });

  it('are deleted with the account, and none come after', async () => {
    const { stub } = await openAccount();
    await stub.countRefused([refused()]);
    await stub.close();
    await stub.countRefused([refused()]);
    const rows = await runInDurableObject(stub, (_, state) =>
      state.storage.sql.exec('SELECT * FROM refused_calls').toArray(),
    );
    expect(rows).toEqual([]);
    expect(await stub.refusedCalls()).toEqual([]);
  });
});

/// <reference types="@cloudflare/vitest-plugin/types" />
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { MAX_AMOUNT, NO_USAGE } from '@farebox/money';
import { beforeEach, describe, expect, it } from 'vitest';
import { type DepositAddress, NO_LIMITS } from './contract/index.ts';
import {
  ADDRESS,
  buildHoldRequest,
  buildSettleRequest,
  callId,
  freshAccount,
  getStub,
  KEY,
  openAccount,
} from './fixtures.workerd.ts';
import { clock, postgres, START, type TestAccount } from './test-worker.workerd.ts';

declare global {
  namespace Cloudflare {
    interface Env {
      TEST_ACCOUNT: DurableObjectNamespace<TestAccount>;
    }
  }
}

async function crash(account: string) {
  await evictDurableObject(getStub(account));
  return getStub(account);
}

beforeEach(() => {
  clock.now = START;
  postgres.fault = 'none';
  postgres.statements = 0;
});

describe('an account that was never opened', () => {
  it('answers every verb and stores nothing', async () => {
    const stub = getStub(freshAccount());
    expect(await stub.hold(buildHoldRequest(1, 1n, 1))).toEqual({
      ok: false,
      reason: 'invalid_api_key',
    });
    expect(await stub.settle(buildSettleRequest(1, 1n))).toEqual({ ok: false, reason: 'unknown' });
    const credit = await stub.credit({ id: 'x', amount: 1n, source: 'local' });
    expect(credit).toEqual({ ok: false, reason: 'not_open' });
    expect(await stub.credits(KEY)).toEqual({ ok: false, reason: 'invalid_api_key' });
    await stub.freeze(true);
    const tables = await runInDurableObject(stub, (_, state) =>
      state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '_cf%'").toArray(),
    );
    expect(tables).toEqual([]);
  });
});

describe('holding', () => {
  it('admits exactly 10 of 200 concurrent calls when the balance covers 10', async () => {
    const { stub } = await openAccount({ credit: 1_000n });
    const pending = Array.from({ length: 200 }, (_, n) => stub.hold(buildHoldRequest(n, 10n, 90)));
    const results = await Promise.all(pending);
    expect(results.filter((result) => result.ok)).toHaveLength(10);
    for (const result of results) if (!result.ok) expect(result.reason).toBe('balance_held');
    expect(await stub.audit()).toMatchObject({ posted: 1_000n, held: 1_000n, violations: [] });
  });

  it('declines with the missing amount and the affordable output, empty and held apart', async () => {
    const { stub } = await openAccount({ credit: 1_000n });
    const large = await stub.hold(buildHoldRequest(1, 100n, 1_000));
    expect(large).toEqual({
      ok: false,
      reason: 'insufficient_balance',
      missingAmount: 100n,
      affordableOutput: 900,
    });
    await stub.hold(buildHoldRequest(2, 100n, 500));
    const second = await stub.hold(buildHoldRequest(3, 100n, 500));
    expect(second).toMatchObject({
      ok: false,
      reason: 'balance_held',
      missingAmount: 200n,
      affordableOutput: 300,
    });
  });

  it('admits calls to the last nano-USD and not one beyond', async () => {
    const { stub } = await openAccount({ credit: 1_000n });
    expect(await stub.hold(buildHoldRequest(1, 1_001n, 0))).toMatchObject({
      reason: 'insufficient_balance',
      missingAmount: 1n,
    });
    expect(await stub.hold(buildHoldRequest(2, 600n, 0))).toMatchObject({ ok: true });
    expect(await stub.hold(buildHoldRequest(3, 401n, 0))).toMatchObject({
      reason: 'balance_held',
      missingAmount: 1n,
    });
    expect(await stub.hold(buildHoldRequest(4, 400n, 0))).toMatchObject({ ok: true });
    expect(await stub.audit()).toMatchObject({ posted: 1_000n, held: 1_000n, violations: [] });
  });

  it('caps an absent output limit at what half of the balance buys, never below the minimum', async () => {
    const { stub } = await openAccount({ credit: 1_000n });
    const capped = { kind: 'capped', max: 4_000, min: 1 } as const;
    const first = await stub.hold({ ...buildHoldRequest(1, 100n, 0), output: capped });
    expect(first).toMatchObject({ ok: true, held: 500n, maxOutput: 400 });
    const two = await stub.hold({ ...buildHoldRequest(2, 50n, 0), choices: 2, output: capped });
    expect(two).toMatchObject({ ok: true, held: 250n, maxOutput: 100 });
    const min = { ...capped, min: 400 };
    const none = await stub.hold({ ...buildHoldRequest(3, 50n, 0), output: min });
    expect(none).toMatchObject({
      ok: false,
      reason: 'balance_held',
      missingAmount: 200n,
      affordableOutput: 200,
    });
  });

  it('enforces a key’s budget, models, expiry, rate and concurrency', async () => {
    const limits = { ...NO_LIMITS, budget: 300n, callsPerMinute: 3, concurrentCalls: 2 };
    const models = ['openai/gpt'];
    const { stub } = await openAccount({
      credit: 1_000n,
      limits: { ...limits, models, expiresAt: START + 90_000 },
    });
    const wrong = await stub.hold({ ...buildHoldRequest(9, 1n, 1), model: 'openai/other' });
    const quota = { calls: { limit: 3, left: 3, resetSeconds: 60 }, budgets: [] };
    expect(wrong).toEqual({ ok: false, reason: 'model_not_allowed', quota });
    const overBudget = await stub.hold(buildHoldRequest(8, 100n, 300));
    expect(overBudget).toEqual({
      ok: false,
      reason: 'key_limit_exceeded',
      missingAmount: 100n,
      affordableOutput: 200,
      quota,
    });
    await stub.hold(buildHoldRequest(1, 100n, 0));
    await stub.hold(buildHoldRequest(2, 100n, 0));
    expect(await stub.hold(buildHoldRequest(3, 1n, 0))).toMatchObject({
      reason: 'too_many_concurrent_calls',
    });
    await stub.settle(buildSettleRequest(1, 100n));
    expect(await stub.hold(buildHoldRequest(4, 101n, 0))).toMatchObject({
      reason: 'key_limit_exceeded',
      missingAmount: 1n,
    });
    expect(await stub.hold(buildHoldRequest(5, 100n, 0))).toMatchObject({ ok: true });
    await stub.settle(buildSettleRequest(2, 0n));
    const rateLimited = await stub.hold(buildHoldRequest(6, 1n, 0));
    const usedUp = { calls: { limit: 3, left: 0, resetSeconds: 60 }, budgets: [] };
    expect(rateLimited).toEqual({
      ok: false,
      reason: 'rate_limited',
      retryAfterSeconds: 60,
      quota: usedUp,
    });
    clock.now = START + 60_000;
    expect(await stub.hold(buildHoldRequest(6, 1n, 0))).toMatchObject({ ok: true });
    clock.now = START + 90_000;
    expect(await stub.hold(buildHoldRequest(7, 1n, 0))).toEqual({
      ok: false,
      reason: 'key_expired',
      quota: { ...usedUp, calls: { limit: 3, left: 2, resetSeconds: 30 } },
    });
    expect((await stub.audit()).violations).toEqual([]);
  });

  it('authenticates a key by its secret only, and a revocation takes effect at once', async () => {
    const { stub } = await openAccount({ credit: 1_000n });
    const forged = { ...KEY, secretHash: 'b'.repeat(64) };
    expect(await stub.hold({ ...buildHoldRequest(1, 1n, 1), key: forged })).toMatchObject({
      reason: 'invalid_api_key',
    });
    await stub.hold(buildHoldRequest(2, 1n, 1));
    await stub.revokeKey(KEY.keyId);
    expect(await stub.hold(buildHoldRequest(3, 1n, 1))).toMatchObject({ reason: 'key_revoked' });
    const checkpoint = await stub.checkpoint({ id: callId(2), floor: 1n, deadline: START });
    expect(checkpoint).toEqual({ ok: true, stop: 'key_revoked' });
    expect(await stub.putKey({ ...KEY, limits: NO_LIMITS })).toEqual({ ok: true });
    expect(await stub.hold(buildHoldRequest(4, 1n, 1))).toMatchObject({ reason: 'key_revoked' });
  });

  it('admits at most 1,000 open calls, and fewer after holds expired', async () => {
    const { stub } = await openAccount({ credit: 1_000_000n });
    const pending = Array.from({ length: 1_001 }, (_, n) => stub.hold(buildHoldRequest(n, 1n, 0)));
    const results = await Promise.all(pending);
    expect(results.filter((result) => result.ok)).toHaveLength(1_000);
    clock.now = START + 60_000;
    await runDurableObjectAlarm(stub);
    const later = { deadline: clock.now + 60_000 };
    const retries = Array.from({ length: 6 }, (_, n) =>
      stub.hold({ ...buildHoldRequest(5_000 + n, 1n, 0), ...later }),
    );
    expect((await Promise.all(retries)).filter((result) => result.ok)).toHaveLength(4);
  });
});

describe('settling', () => {
  it("never uses another call's hold: what is missing is a shortfall", async () => {
    const { stub } = await openAccount({ credit: 1_000n });
    await stub.hold(buildHoldRequest(1, 0n, 400));
    await stub.hold(buildHoldRequest(2, 0n, 500));
    const settled = await stub.settle(buildSettleRequest(1, 700n));
    expect(settled).toEqual({ ok: true, charged: 500n, shortfall: 200n, late: false });
    expect(await stub.settle(buildSettleRequest(1, 700n))).toEqual(settled);
    expect(await stub.settle(buildSettleRequest(1, 701n))).toEqual({
      ok: false,
      reason: 'conflict',
    });
    expect(await stub.settle(buildSettleRequest(2, 500n))).toMatchObject({
      charged: 500n,
      shortfall: 0n,
    });
    expect(await stub.audit()).toMatchObject({ posted: 0n, held: 0n, violations: [] });
  });

  it('voids a hold that expired without a checkpoint, and posts a late settlement as its own entry', async () => {
    const { stub } = await openAccount({ credit: 1_000n });
    await stub.hold(buildHoldRequest(1, 0n, 400));
    clock.now = START + 60_000;
    await runDurableObjectAlarm(stub);
    const id = callId(1);
    expect(await stub.generation(KEY, id)).toMatchObject({
      value: { status: 'void', reason: 'expired_unsettled', charged: 0n },
    });
    const late = await stub.settle(buildSettleRequest(1, 300n));
    expect(late).toEqual({ ok: true, charged: 300n, shortfall: 0n, late: true });
    expect(await stub.settle(buildSettleRequest(1, 300n))).toEqual(late);
    expect(await stub.settle(buildSettleRequest(1, 301n))).toMatchObject({ reason: 'conflict' });
    expect(await stub.generation(KEY, id)).toMatchObject({
      value: { status: 'settled', reason: 'provider_reported', charged: 300n },
    });
    expect(await stub.audit()).toMatchObject({ posted: 700n, held: 0n, violations: [] });
  });

  it.each([
    [500n, 500n, 0n],
    [100n, 100n, 0n],
    [2_000n, 1_000n, 1_000n],
  ])(
    'charges a late settlement of %s after a checkpoint of 200 in total %s',
    async (cost, charged, shortfall) => {
      const { stub } = await openAccount({ credit: 1_000n });
      await stub.hold(buildHoldRequest(1, 0n, 400));
      const deadline = START + 120_000;
      expect(await stub.checkpoint({ id: callId(1), floor: 200n, deadline })).toEqual({
        ok: true,
        stop: null,
      });
      await stub.checkpoint({ id: callId(1), floor: 150n, deadline: START });
      clock.now = START + 119_999;
      await runDurableObjectAlarm(stub);
      expect(await stub.generation(KEY, callId(1))).toMatchObject({ value: { status: 'open' } });
      clock.now = deadline;
      await runDurableObjectAlarm(stub);
      expect(await stub.generation(KEY, callId(1))).toMatchObject({
        value: { reason: 'expired_at_checkpoint', charged: 200n },
      });
      expect(await stub.checkpoint({ id: callId(1), floor: 1n, deadline })).toMatchObject({
        reason: 'ended',
      });
      expect(await stub.settle(buildSettleRequest(1, cost))).toEqual({
        ok: true,
        charged,
        shortfall,
        late: true,
      });
      expect(await stub.audit()).toMatchObject({ posted: 1_000n - charged, violations: [] });
    },
  );

  it('waives 50 calls per day that a provider may bill, then charges the input estimate', async () => {
    const { stub } = await openAccount({ credit: 1_000n });
    const waivedUsage = { ...NO_USAGE, input_uncached: 17 };
    const request = (n: number) =>
      ({
        ...buildSettleRequest(n, 0n),
        reason: 'waived_empty',
        waivedCost: 5n,
        waivedUsage,
      }) as const;
    const waived = async (n: number) => {
      await stub.hold({ ...buildHoldRequest(n, 5n, 5), deadline: clock.now + 60_000 });
      return stub.settle(request(n));
    };
    for (let n = 0; n < 50; n++) expect(await waived(n)).toMatchObject({ charged: 0n });
    expect(await waived(50)).toMatchObject({ charged: 5n });
    expect(await stub.generation(KEY, callId(50))).toMatchObject({
      value: { reason: 'estimated_usage_missing', charged: 5n, usage: waivedUsage },
    });
    expect(await stub.settle(request(50))).toMatchObject({ ok: true, charged: 5n });
    expect(await stub.settle(request(49))).toMatchObject({ ok: true, charged: 0n });
    clock.now += 86_400_000;
    expect(await waived(51)).toMatchObject({ charged: 0n });
    expect((await stub.listEntries(0, 1_000)).length).toBe(53);
    expect((await stub.audit()).violations).toEqual([]);
  });

  it('counts no waiver of a call that no provider bills', async () => {
    const { stub } = await openAccount({ credit: 1_000n });
    for (let n = 0; n < 60; n++) {
      await stub.hold({ ...buildHoldRequest(n, 5n, 5), deadline: clock.now + 60_000 });
      const request = { ...buildSettleRequest(n, 0n), reason: 'waived_upstream_error' } as const;
      expect(await stub.settle(request)).toMatchObject({ ok: true, charged: 0n });
    }
  });
});

describe('credits and adjustments', () => {
  it('move money exactly once for each id, up to the largest exact amount', async () => {
    const { stub } = await openAccount();
    expect(await stub.bindAddress(ADDRESS)).toEqual({ ok: true });
    const deposit = { source: 'deposit', address: ADDRESS } as const;
    const request = { id: 'bsc:0xab:1', amount: MAX_AMOUNT, ...deposit };
    expect(await stub.credit(request)).toEqual({ ok: true, posted: MAX_AMOUNT });
    expect(await stub.credit(request)).toEqual({ ok: true, posted: MAX_AMOUNT });
    expect(await stub.credit({ ...request, amount: 1n })).toMatchObject({ reason: 'conflict' });
    expect(await stub.credit({ ...request, id: 'x', amount: 1n })).toMatchObject({
      reason: 'too_large',
    });
    expect(await stub.credit({ ...request, id: 'y', amount: 0n })).toMatchObject({
      reason: 'not_positive',
    });
    expect(await stub.credits(KEY)).toEqual({
      ok: true,
      value: { posted: MAX_AMOUNT, held: 0n },
    });
    await stub.hold(buildHoldRequest(1, 10n, 0));
    const adjustment = { id: 'adj:1', delta: 5n - MAX_AMOUNT, note: 'n' };
    expect(await stub.adjust(adjustment)).toMatchObject({ reason: 'insufficient' });
    expect(await stub.adjust({ ...adjustment, delta: 10n - MAX_AMOUNT })).toEqual({
      ok: true,
      posted: 10n,
    });
    expect((await stub.audit()).violations).toEqual([]);
  });

  it('accept a deposit only at an address that is bound to the account', async () => {
    const { account, stub } = await openAccount();
    const credit = (id: string, address?: DepositAddress) =>
      stub.credit({ id, amount: 5n, source: 'deposit', ...(address ? { address } : {}) });
    expect(await stub.addresses()).toEqual([]);
    expect(await credit('a', ADDRESS)).toEqual({ ok: false, reason: 'address_unknown' });
    expect(await stub.bindAddress(ADDRESS)).toEqual({ ok: true });
    expect(await stub.bindAddress(ADDRESS)).toEqual({ ok: true });
    const second = { ...ADDRESS, index: ADDRESS.index + 1 };
    expect(await stub.bindAddress(second)).toEqual({ ok: false, reason: 'conflict' });
    const after = await crash(account);
    expect(await after.addresses()).toEqual([ADDRESS]);
    expect(await credit('a')).toEqual({ ok: false, reason: 'address_unknown' });
    expect(await credit('a', second)).toEqual({ ok: false, reason: 'address_unknown' });
    expect(await credit('a', { ...ADDRESS, family: 'tron' })).toMatchObject({ ok: false });
    expect(await credit('a', ADDRESS)).toEqual({ ok: true, posted: 5n });
    // After the operator's keys were changed there are two, and money at the old one still counts.
    const rotated = { ...ADDRESS, fingerprint: 'f'.repeat(16), index: 0 };
    expect(await after.bindAddress(rotated)).toEqual({ ok: true });
    expect(await credit('b', ADDRESS)).toEqual({ ok: true, posted: 10n });
    expect(await credit('c', rotated)).toEqual({ ok: true, posted: 15n });
    await after.close();
    expect(await after.bindAddress({ ...rotated, family: 'tron' })).toMatchObject({
      reason: 'closed',
    });
    expect((await after.audit()).violations).toEqual([]);
  });

  it('are rejected for a closed account, which still repeats earlier results', async () => {
    const { account, stub } = await openAccount({ credit: 100n });
    await stub.hold(buildHoldRequest(1, 10n, 0));
    await stub.close();
    const after = await crash(account);
    expect(await after.hold(buildHoldRequest(2, 1n, 0))).toMatchObject({
      reason: 'account_closed',
    });
    expect(await after.credit({ id: 'x', amount: 1n, source: 'deposit' })).toMatchObject({
      reason: 'closed',
    });
    expect(await after.credit({ id: 'local:1', amount: 100n, source: 'local' })).toEqual({
      ok: true,
      posted: 100n,
    });
    expect(await after.settle(buildSettleRequest(1, 10n))).toMatchObject({ charged: 10n });
    await after.freeze(false);
    expect(await after.credits(KEY)).toEqual({ ok: false, reason: 'account_closed' });
  });
});

describe('the outbox', () => {
  async function createBusyAccount(calls: number) {
    const { account, stub } = await openAccount({ credit: 1_000_000n });
    for (let n = 0; n < calls; n++) {
      await stub.hold(buildHoldRequest(n, 1n, 0));
      await stub.settle(buildSettleRequest(n, n % 3 === 0 ? 0n : 1n));
    }
    return { account, stub };
  }

  function seqs(account: string): number[] {
    return (postgres.stored.get(account) ?? []).map((entry) => entry.seq);
  }

  it('delivers 1,000 calls in order, once each, in at most 20 statements', async () => {
    const { account, stub } = await createBusyAccount(1_000);
    await runDurableObjectAlarm(stub);
    expect(seqs(account)).toEqual(Array.from({ length: 1_001 }, (_, n) => n + 1));
    expect(postgres.statements).toBeLessThanOrEqual(20);
    expect(await stub.audit()).toMatchObject({
      lastSeq: 1_001,
      acknowledgedSeq: 1_001,
      violations: [],
    });
    expect(await runDurableObjectAlarm(stub)).toBe(false);
  });

  it.each(['unreachable', 'ack_lost', 'throws'] as const)(
    'delivers every entry after Postgres was %s and the object was evicted',
    async (fault) => {
      const { account, stub } = await createBusyAccount(5);
      postgres.fault = fault;
      expect(await runDurableObjectAlarm(stub)).toBe(true);
      expect(await runDurableObjectAlarm(stub)).toBe(true);
      expect(await stub.audit()).toMatchObject({ acknowledgedSeq: 0, violations: [] });
      const after = await crash(account);
      postgres.fault = 'none';
      expect(await runDurableObjectAlarm(after)).toBe(true);
      expect(seqs(account)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(await after.audit()).toMatchObject({ acknowledgedSeq: 6, violations: [] });
    },
  );

  it('counts a key’s spending once, whether its entries are acknowledged or not', async () => {
    const { account, stub } = await createBusyAccount(4);
    await runDurableObjectAlarm(stub);
    postgres.fault = 'unreachable';
    await stub.hold(buildHoldRequest(77, 1n, 0));
    await stub.settle(buildSettleRequest(77, 1n));
    const spent = async (target: typeof stub) => {
      const status = await target.key(KEY);
      return status.ok ? status.value.spent : undefined;
    };
    expect(await spent(stub)).toBe(3n);
    expect(await spent(await crash(account))).toBe(3n);
    expect((await getStub(account).audit()).violations).toEqual([]);
    postgres.fault = 'none';
    await runDurableObjectAlarm(getStub(account));
    expect(await spent(await crash(account))).toBe(3n);
    expect((await getStub(account).audit()).violations).toEqual([]);
  });

  it('sends entries again that Postgres has lost', async () => {
    const { account, stub } = await createBusyAccount(5);
    await runDurableObjectAlarm(stub);
    postgres.stored.get(account)?.splice(2);
    await stub.hold(buildHoldRequest(77, 1n, 0));
    await stub.settle(buildSettleRequest(77, 1n));
    await runDurableObjectAlarm(stub);
    await runDurableObjectAlarm(stub);
    expect(seqs(account)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(await stub.audit()).toMatchObject({ acknowledgedSeq: 7 });
  });

  it('sets a lost and an overdue alarm again', async () => {
    const { account, stub } = await createBusyAccount(1);
    await runInDurableObject(stub, (_, state) => state.storage.deleteAlarm());
    const after = await crash(account);
    await after.credits(KEY);
    const alarm = () => runInDurableObject(after, (_, state) => state.storage.getAlarm());
    expect(await alarm()).toBe(START + 1_000);
    clock.now = START + 62_000;
    await after.credits(KEY);
    expect(await alarm()).toBe(START + 63_000);
  });

  it('leaves after a second, and after four once small deliveries follow each other', async () => {
    const { stub } = await createBusyAccount(1);
    const delays: number[] = [];
    const deliverCall = async (n: number, waitMs: number) => {
      clock.now += waitMs;
      await stub.hold(buildHoldRequest(n, 1n, 0));
      await stub.settle(buildSettleRequest(n, 1n));
      const alarmAt = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
      delays.push((alarmAt ?? 0) - clock.now);
      clock.now = alarmAt ?? 0;
      await runDurableObjectAlarm(stub);
    };
    await runDurableObjectAlarm(stub);
    for (const n of [501, 502, 503, 504]) await deliverCall(n, 100);
    await deliverCall(505, 10_000);
    expect(delays).toEqual([1_000, 1_000, 4_000, 4_000, 1_000]);
  });

  it.each([
    [
      'wiping the closed account',
      ["UPDATE account SET state = 'closed'"],
      `CREATE TRIGGER broken BEFORE DELETE ON keys BEGIN SELECT raise(ABORT, 'broken'); END`,
      'DROP TRIGGER broken',
    ],
    [
      'reading the entries',
      [],
      'ALTER TABLE entries RENAME TO gone',
      'ALTER TABLE gone RENAME TO entries',
    ],
  ])(
    'leaves an alarm when %s throws, and ends its work once that works',
    async (_, before, break_, repair) => {
      const { account, stub } = await createBusyAccount(2);
      await runInDurableObject(stub, (__, { storage }) => {
        for (const statement of before) storage.sql.exec(statement);
      });
      const after = await crash(account);
      postgres.fault = 'unreachable';
      await runDurableObjectAlarm(after);
      postgres.fault = 'none';
      const getAlarm = () => runInDurableObject(after, (__, { storage }) => storage.getAlarm());
      const exec = (statement: string) =>
        runInDurableObject(after, (__, { storage }) => void storage.sql.exec(statement));
      clock.now += 600_000;
      await exec(break_);
      expect(await runDurableObjectAlarm(after)).toBe(true);
      expect(await getAlarm()).toBeGreaterThan(clock.now);
      expect(await getAlarm()).toBeLessThanOrEqual(clock.now + 60_000);
      await exec(repair);
      clock.now += 60_000;
      expect(await runDurableObjectAlarm(after)).toBe(true);
      expect(seqs(account)).toEqual([1, 2, 3]);
      expect(await after.status()).toMatchObject({ pendingEntries: 0 });
    },
  );

  it('is woken by any verb when the alarm after a failed run was lost too', async () => {
    const { account, stub } = await createBusyAccount(2);
    const exec = (statement: string) =>
      runInDurableObject(stub, (_, { storage }) => void storage.sql.exec(statement));
    await exec('ALTER TABLE entries RENAME TO gone');
    postgres.fault = 'unreachable';
    await runDurableObjectAlarm(stub);
    await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm());
    await exec('ALTER TABLE gone RENAME TO entries');
    postgres.fault = 'none';
    clock.now += 600_000;
    await stub.credits(KEY);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(seqs(account)).toEqual([1, 2, 3]);
  });

  it('delivers within minutes though the clock went back a day after a failure', async () => {
    const { stub } = await openAccount({ credit: 1_000n });
    postgres.fault = 'unreachable';
    clock.now = START + 86_400_000;
    await runDurableObjectAlarm(stub);
    clock.now = START;
    await stub.credit({ id: 'local:9', amount: 1n, source: 'local' });
    const alarmAt = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
    expect(alarmAt).toBeLessThanOrEqual(START + 300_000);
  });

  it('tries an expiry that throws less and less often', async () => {
    const { stub } = await openAccount({ credit: 1_000n });
    await stub.hold(buildHoldRequest(1, 1n, 0));
    await runDurableObjectAlarm(stub);
    const exec = (statement: string) =>
      runInDurableObject(stub, (_, { storage }) => void storage.sql.exec(statement));
    await exec(`CREATE TRIGGER broken BEFORE UPDATE OF reason ON entries
      BEGIN SELECT raise(ABORT, 'broken'); END`);
    clock.now = START + 60_000;
    const delays: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await runDurableObjectAlarm(stub);
      const alarmAt = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
      delays.push((alarmAt ?? 0) - clock.now);
      clock.now = alarmAt ?? 0;
    }
    expect(delays).toEqual([1_000, 1_500, 3_000, 6_000]);
    await exec('DROP TRIGGER broken');
    await runDurableObjectAlarm(stub);
    expect(await stub.status()).toMatchObject({ openCalls: 0, held: 0n, pendingEntries: 0 });
  });

  it('prunes acknowledged charges after 30 days and still passes the audit', async () => {
    const { stub } = await createBusyAccount(5);
    clock.now = START + 31 * 86_400_000;
    expect((await stub.audit()).violations).toEqual([]);
    expect(await stub.listEntries(0, 100)).toHaveLength(6);
    await runDurableObjectAlarm(stub);
    expect((await stub.listEntries(0, 100)).map((entry) => entry.seq)).toEqual([1, 6]);
    expect(await stub.audit()).toMatchObject({ lastSeq: 6, violations: [] });
    expect(await stub.credit({ id: 'local:1', amount: 1_000_000n, source: 'local' })).toMatchObject(
      { ok: true },
    );
  });
});

describe('the cost of a call', () => {
  it('is printed: hold and settle inside the object', async () => {
    const { stub } = await openAccount({ credit: MAX_AMOUNT });
    const pairs = 2_000;
    const microseconds = await runInDurableObject(stub, async (object) => {
      const startedAt = performance.now();
      for (let n = 0; n < pairs; n++) {
        object.hold(buildHoldRequest(n, 100n, 1_000));
        object.settle(buildSettleRequest(n, 10n));
      }
      // The clock of a Worker stands still until it waits for something.
      await scheduler.wait(1);
      return ((performance.now() - startedAt) * 1_000) / pairs;
    });
    process.stdout.write(`hold + settle inside the object: ${microseconds.toFixed(0)} us\n`);
    expect((await stub.audit()).violations).toEqual([]);
  });
});

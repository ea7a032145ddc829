/// <reference types="@cloudflare/vitest-plugin/types" />
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ADDRESS,
  buildHoldRequest,
  buildSettleRequest,
  getStub,
  openAccount,
} from './fixtures.workerd.ts';
import { clock, postgres, START } from './test-worker.workerd.ts';

/** An account with one deposit of `amount`. */
async function createAccount(amount: bigint) {
  const { account, stub } = await openAccount();
  await stub.bindAddress(ADDRESS);
  await stub.credit({ id: 'bsc:0xab:1', amount, source: 'deposit', address: ADDRESS });
  return { account, stub };
}

beforeEach(() => {
  clock.now = START;
  postgres.fault = 'none';
});

describe('a refund', () => {
  it('takes its amount out of what calls can use at once, and out of the balance when it is paid', async () => {
    const { account, stub } = await createAccount(100n);
    expect(await stub.reserveRefund({ id: 'r1', amount: 70n })).toEqual({ ok: true });
    expect(await stub.status()).toMatchObject({ posted: 100n, held: 70n, reserved: 70n });
    expect(await stub.refundable()).toBe(30n);
    expect(await stub.hold(buildHoldRequest(1, 31n, 0))).toMatchObject({
      reason: 'insufficient_balance',
      missingAmount: 1n,
    });
    expect(await stub.payRefund('r1')).toEqual({ ok: true, posted: 30n });
    expect(await stub.status()).toMatchObject({ posted: 30n, held: 0n, reserved: 0n });
    expect(await stub.listEntries(1, 5)).toMatchObject([
      { seq: 2, id: 'refund:r1', kind: 'refund', delta: -70n, postedAfter: 30n, call: null },
    ]);
    expect(await stub.audit()).toMatchObject({ violations: [] });
    await evictDurableObject(getStub(account));
    expect(await getStub(account).audit()).toMatchObject({ posted: 30n, violations: [] });
  });

  it('is returned to the balance when it is released, and cannot be paid after', async () => {
    const { stub } = await createAccount(100n);
    await stub.reserveRefund({ id: 'r1', amount: 100n });
    expect(await stub.releaseRefund('r1')).toEqual({ ok: true });
    expect(await stub.releaseRefund('r1')).toEqual({ ok: true });
    expect(await stub.payRefund('r1')).toEqual({ ok: false, reason: 'released' });
    expect(await stub.reserveRefund({ id: 'r1', amount: 100n })).toMatchObject({
      reason: 'released',
    });
    expect(await stub.refundable()).toBe(100n);
  });

  it('cannot be released once it is paid', async () => {
    const { stub } = await createAccount(100n);
    await stub.reserveRefund({ id: 'r1', amount: 100n });
    await stub.payRefund('r1');
    expect(await stub.payRefund('r1')).toEqual({ ok: true, posted: 0n });
    expect(await stub.releaseRefund('r1')).toEqual({ ok: false, reason: 'paid' });
    expect(await stub.reserveRefund({ id: 'r1', amount: 100n })).toEqual({ ok: true });
    expect(await stub.status()).toMatchObject({ posted: 0n, held: 0n });
  });

  it('is refused for more than what is left of the deposits, whatever operators credited', async () => {
    const { stub } = await createAccount(100n);
    await stub.adjust({ id: 'adj:1', delta: 500n, note: 'operator' });
    expect(await stub.refundable()).toBe(100n);
    expect(await stub.reserveRefund({ id: 'r1', amount: 101n })).toMatchObject({
      reason: 'insufficient',
    });
    expect(await stub.reserveRefund({ id: 'r1', amount: 0n })).toMatchObject({
      reason: 'not_positive',
    });
    expect(await stub.reserveRefund({ id: 'r1', amount: 100n })).toEqual({ ok: true });
    expect(await stub.reserveRefund({ id: 'r1', amount: 99n })).toMatchObject({
      reason: 'conflict',
    });
    expect(await stub.payRefund('r2')).toMatchObject({ reason: 'unknown' });
    expect(await stub.releaseRefund('r2')).toMatchObject({ reason: 'unknown' });
  });

  it('leaves what calls hold alone', async () => {
    const { stub } = await createAccount(100n);
    await stub.hold(buildHoldRequest(1, 60n, 0));
    expect(await stub.refundable()).toBe(40n);
    expect(await stub.reserveRefund({ id: 'r1', amount: 41n })).toMatchObject({
      reason: 'insufficient',
    });
    expect(await stub.reserveRefund({ id: 'r1', amount: 40n })).toEqual({ ok: true });
    expect(await stub.settle(buildSettleRequest(1, 90n))).toMatchObject({
      charged: 60n,
      shortfall: 30n,
    });
    expect(await stub.audit()).toMatchObject({ posted: 40n, held: 40n, violations: [] });
  });

  it('that was reserved before the account was closed is paid after its object was wiped', async () => {
    const { account, stub } = await createAccount(100n);
    await stub.hold(buildHoldRequest(1, 10n, 0));
    await stub.settle(buildSettleRequest(1, 10n));
    await stub.reserveRefund({ id: 'r1', amount: 90n });
    await stub.close();
    await runDurableObjectAlarm(getStub(account));
    expect(await getStub(account).close()).toEqual({ wiped: true, posted: 90n, openCalls: 0 });
    await evictDurableObject(getStub(account));
    expect(await getStub(account).payRefund('r1')).toEqual({ ok: true, posted: 0n });
    expect(await getStub(account).audit()).toMatchObject({ posted: 0n, held: 0n, violations: [] });
    await runDurableObjectAlarm(getStub(account));
    expect(postgres.stored.get(account)?.at(-1)?.id).toBe('refund:r1');
  });

  it('confirmed before the account was closed still has what a correction gave back', async () => {
    const { account, stub } = await createAccount(100n);
    await stub.hold(buildHoldRequest(1, 60n, 0));
    await stub.settle(buildSettleRequest(1, 60n));
    await stub.adjust({ id: 'correction:1', delta: 60n, note: 'correction' });
    expect(await stub.refundable()).toBe(100n);
    await stub.close();
    await runDurableObjectAlarm(getStub(account));
    expect(await getStub(account).close()).toMatchObject({ wiped: true });
    expect(await getStub(account).reserveRefund({ id: 'r1', amount: 100n })).toEqual({ ok: true });
  });

  it('moves money once, whatever is repeated, reordered or aborted in between', async () => {
    const step = fc.record({
      verb: fc.constantFrom('reserve', 'release', 'pay', 'hold', 'settle', 'abort', 'evict'),
      id: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const { account } = await createAccount(100n);
        const states = new Map<number, 'reserved' | 'paid' | 'released'>();
        for (const { verb, id } of steps) {
          const stub = getStub(account);
          const state = states.get(id);
          if (verb === 'reserve') {
            const result = await stub.reserveRefund({ id: `r${id}`, amount: 40n });
            if (result.ok && state === undefined) states.set(id, 'reserved');
            expect(result.ok).toBe(states.get(id) === 'reserved' || states.get(id) === 'paid');
          } else if (verb === 'release') {
            const result = await stub.releaseRefund(`r${id}`);
            expect(result.ok).toBe(state === 'reserved' || state === 'released');
            if (state === 'reserved') states.set(id, 'released');
          } else if (verb === 'pay') {
            const result = await stub.payRefund(`r${id}`);
            expect(result.ok).toBe(state === 'reserved' || state === 'paid');
            if (state === 'reserved') states.set(id, 'paid');
          } else if (verb === 'hold') await stub.hold(buildHoldRequest(id, 9n, 0));
          else if (verb === 'settle') await stub.settle(buildSettleRequest(id, 9n));
          else if (verb === 'evict') await evictDurableObject(stub);
          else await abortAllDurableObjects();
          const count = (wanted: string) =>
            BigInt([...states.values()].filter((one) => one === wanted).length);
          const audit = await getStub(account).audit();
          expect(audit.violations).toEqual([]);
          expect(audit.posted).toBeLessThanOrEqual(100n - 40n * count('paid'));
          expect(audit.posted).toBeGreaterThanOrEqual(73n - 40n * count('paid'));
          const status = await getStub(account).status();
          expect(status?.reserved).toBe(40n * count('reserved'));
        }
      }),
      { seed: 20261127, numRuns: 40 },
    );
  });
});

/// <reference types="@cloudflare/vitest-plugin/types" />
/**
 * The end of an account: what is left, and that a death between any two steps changes nothing of
 * it.
 */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { NO_LIMITS } from './contract/index.ts';
import {
  ADDRESS,
  buildHoldRequest,
  buildSettleRequest,
  callId,
  freshAccount,
  getStub,
  KEY,
} from './fixtures.workerd.ts';
import { CHARGES_PER_WIPE_STEP } from './limits.ts';
import { clock, postgres, queue, START, wipe } from './test-worker.workerd.ts';

/**
 * 1,000 nano-USD in two credits, an adjustment with a note, a call of 10, and one of 20 still open.
 */
async function createUsedAccount() {
  const account = freshAccount();
  const stub = getStub(account);
  await stub.open(account);
  await stub.putKey({ ...KEY, limits: NO_LIMITS });
  await stub.setLowBalance(2_000n);
  await stub.bindAddress(ADDRESS);
  const deposit = { source: 'deposit', address: ADDRESS } as const;
  await stub.credit({ id: 'bsc:0xab:1', amount: 600n, ...deposit });
  await stub.credit({ id: 'bsc:0xab:2', amount: 400n, ...deposit });
  await stub.adjust({ id: 'adj:1', delta: 5n, note: 'for Ada' });
  await stub.hold(buildHoldRequest(1, 10n, 0));
  await stub.settle(buildSettleRequest(1, 10n));
  await stub.hold(buildHoldRequest(2, 20n, 0));
  return { account, stub };
}

type Row = Record<string, SqlStorageValue>;

async function tables(account: string): Promise<Record<string, Row[]>> {
  return runInDurableObject(getStub(account), (_, { storage: { sql } }) => {
    const names = ['account', 'keys', 'retired_secrets', 'entries', 'notifications'];
    return Object.fromEntries(
      names.map((name) => [name, sql.exec<Row>(`SELECT * FROM ${name}`).toArray()]),
    );
  });
}

async function expectTombstone(account: string, posted: bigint, seq: number): Promise<void> {
  const stub = getStub(account);
  expect(await stub.close()).toEqual({ wiped: true, posted, openCalls: 0 });
  const remaining = await tables(account);
  expect(remaining).toMatchObject({ keys: [], retired_secrets: [], notifications: [] });
  expect(remaining.account).toMatchObject([
    { state: 'closed', posted: Number(posted), held: 0, seq, acknowledged: seq, wiped: 1 },
  ]);
  expect(remaining.entries?.map((row) => row.id)).toEqual(['bsc:0xab:1', 'bsc:0xab:2', 'adj:1']);
  expect(JSON.stringify(remaining)).not.toContain('Ada');
  expect(JSON.stringify(remaining)).not.toContain(KEY.secretHash);
  expect(await stub.audit()).toMatchObject({ posted, held: 0n, lastSeq: seq, violations: [] });
  // One that was set for calls long ended may still ring; it sets no other.
  await runDurableObjectAlarm(stub);
  expect(await runDurableObjectAlarm(stub)).toBe(false);
}

beforeEach(() => {
  clock.now = START;
  postgres.fault = 'none';
  queue.down = false;
  wipe.chargesPerStep = CHARGES_PER_WIPE_STEP;
});

describe('closing an account', () => {
  it('waits for open calls and for Postgres, then keeps only the tombstone', async () => {
    const { account, stub } = await createUsedAccount();
    expect(await stub.close()).toEqual({ wiped: false, posted: 995n, openCalls: 1 });
    expect(await stub.hold(buildHoldRequest(3, 1n, 0))).toMatchObject({ reason: 'account_closed' });
    expect(await stub.status()).toMatchObject({ state: 'closed', openCalls: 1, held: 20n });
    await runDurableObjectAlarm(stub);
    expect(await stub.close()).toEqual({ wiped: false, posted: 995n, openCalls: 1 });
    await stub.settle(buildSettleRequest(2, 15n));
    expect(await stub.close()).toEqual({ wiped: false, posted: 980n, openCalls: 0 });
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    await expectTombstone(account, 980n, 5);
  });

  it('wipes it by the alarm alone, though the object is evicted after every step', async () => {
    const { account, stub } = await createUsedAccount();
    await stub.close();
    await evictDurableObject(stub);
    postgres.fault = 'ack_lost';
    expect(await runDurableObjectAlarm(getStub(account))).toBe(true);
    await evictDurableObject(getStub(account));
    clock.now = START + 60_000;
    expect(await runDurableObjectAlarm(getStub(account))).toBe(true);
    await evictDurableObject(getStub(account));
    postgres.fault = 'none';
    expect(await runDurableObjectAlarm(getStub(account))).toBe(true);
    await evictDurableObject(getStub(account));
    // The open call had expired: void, so nothing more was taken.
    await expectTombstone(account, 995n, 5);
  });

  it('wipes it after an eviction right after Postgres acknowledged, even if the alarm is lost', async () => {
    const { account, stub } = await createUsedAccount();
    await stub.settle(buildSettleRequest(2, 15n));
    await runDurableObjectAlarm(stub);
    await runInDurableObject(stub, async (_, { storage }) => {
      // As a death would leave it right after closing was written.
      storage.sql.exec("UPDATE account SET state = 'closed'");
      await storage.deleteAlarm();
    });
    await evictDurableObject(stub);
    await getStub(account).status();
    expect(await runDurableObjectAlarm(getStub(account))).toBe(true);
    await expectTombstone(account, 980n, 5);
  });

  it('keeps it closed: no reopening, no new money, and earlier credits are still known', async () => {
    const { account, stub } = await createUsedAccount();
    await stub.settle(buildSettleRequest(2, 15n));
    await runDurableObjectAlarm(stub);
    expect(await stub.close()).toEqual({ wiped: true, posted: 980n, openCalls: 0 });
    await evictDurableObject(stub);
    const after = getStub(account);
    await after.open(account);
    await after.freeze(false);
    const late = { id: 'bsc:0xcd:1', amount: 5n, source: 'deposit' } as const;
    expect(await after.credit(late)).toEqual({ ok: false, reason: 'closed' });
    const credited = { id: 'bsc:0xab:2', amount: 400n, source: 'deposit' } as const;
    expect(await after.credit(credited)).toEqual({ ok: true, posted: 1_000n });
    expect(await after.credit({ ...credited, amount: 1n })).toMatchObject({ reason: 'conflict' });
    const adjustment = { id: 'adj:1', delta: 5n, note: 'for Ada' };
    expect(await after.adjust(adjustment)).toEqual({ ok: true, posted: 1_005n });
    expect(await after.adjust({ ...adjustment, id: 'adj:2' })).toMatchObject({ reason: 'closed' });
    const limits = NO_LIMITS;
    expect(await after.putKey({ ...KEY, limits })).toMatchObject({ reason: 'closed' });
    expect(await after.updateKey(KEY.keyId, { limits })).toMatchObject({ reason: 'closed' });
    expect(await after.hold(buildHoldRequest(9, 0n, 0))).toMatchObject({
      reason: 'invalid_api_key',
    });
    expect(await after.settle(buildSettleRequest(2, 15n))).toEqual({
      ok: false,
      reason: 'unknown',
    });
    await after.setLowBalance(5_000n);
    expect(await after.status()).toMatchObject({ state: 'closed', lowBalance: null });
    await expectTombstone(account, 980n, 5);
  });

  it('reports an account that was never opened as wiped and stores nothing', async () => {
    const stub = getStub(freshAccount());
    expect(await stub.close()).toEqual({ wiped: true, posted: 0n, openCalls: 0 });
    expect(await stub.status()).toBeNull();
    expect(await stub.keys()).toEqual([]);
    expect(await stub.revokeLeaked(KEY)).toBeNull();
  });

  it('sends its owner no further notification', async () => {
    const { account, stub } = await createUsedAccount();
    await stub.close();
    await stub.settle(buildSettleRequest(2, 20n));
    await runDurableObjectAlarm(stub);
    expect(queue.received.filter((notification) => notification.account === account)).toEqual([]);
  });
});

/** A closed account of 12 calls, and one whose hold expired; an alarm deletes four of them. */
async function closeBusyAccount() {
  wipe.chargesPerStep = 4;
  const { account, stub } = await createUsedAccount();
  for (let n = 10; n < 21; n += 1) {
    await stub.hold(buildHoldRequest(n, 10n, 0));
    await stub.settle(buildSettleRequest(n, 10n));
  }
  await stub.reserveRefund({ id: 'r1', amount: 100n });
  await stub.close();
  clock.now = START + 60_000;
  await runDurableObjectAlarm(stub);
  return { account, stub };
}

async function countCharges(account: string): Promise<number> {
  const { entries } = await tables(account);
  return entries?.filter(({ kind }) => kind === 'charge').length ?? 0;
}

describe('the wipe of an account with more charges than one alarm deletes', () => {
  it('takes everything else in its first step', async () => {
    const { account, stub } = await closeBusyAccount();
    expect(await countCharges(account)).toBe(9);
    const remaining = await tables(account);
    expect(remaining).toMatchObject({ keys: [], retired_secrets: [], notifications: [] });
    expect(JSON.stringify(remaining)).not.toContain('Ada');
    expect(await stub.status()).toMatchObject({ state: 'closed', lowBalance: null });
  });

  it('goes on by the alarm alone, though the object is evicted after every step', async () => {
    const { account } = await closeBusyAccount();
    const charges = [];
    for (let step = 0; step < 3; step += 1) {
      await evictDurableObject(getStub(account));
      expect((await getStub(account).audit()).violations).toEqual([]);
      expect(await runDurableObjectAlarm(getStub(account))).toBe(true);
      charges.push(await countCharges(account));
    }
    expect(charges).toEqual([5, 1, 0]);
    expect(await runDurableObjectAlarm(getStub(account))).toBe(false);
    await getStub(account).releaseRefund('r1');
    await expectTombstone(account, 885n, 16);
  });

  it('goes on after the alarm was lost', async () => {
    const { account, stub } = await closeBusyAccount();
    await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm());
    await evictDurableObject(stub);
    await getStub(account).status();
    while (await runDurableObjectAlarm(getStub(account)));
    expect(await countCharges(account)).toBe(0);
  });

  it('loses nothing of a step that throws', async () => {
    const { account, stub } = await closeBusyAccount();
    const exec = (statement: string) =>
      runInDurableObject(stub, (_, { storage }) => void storage.sql.exec(statement));
    await exec(`CREATE TRIGGER broken BEFORE DELETE ON entries WHEN old.id = '${callId(14)}'
      BEGIN SELECT raise(ABORT, 'broken'); END`);
    await runDurableObjectAlarm(stub);
    expect(await countCharges(account)).toBe(9);
    expect((await stub.audit()).violations).toEqual([]);
    await exec('DROP TRIGGER broken');
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await countCharges(account)).toBe(5);
    expect((await stub.audit()).violations).toEqual([]);
  });

  it('answers of every call as after it, and is not over until the last charge is gone', async () => {
    const { account, stub } = await closeBusyAccount();
    const unknown = { ok: false, reason: 'unknown' };
    // The first would be a late settlement, the second a repeated one.
    expect(await stub.settle(buildSettleRequest(2, 15n))).toEqual(unknown);
    expect(await stub.settle(buildSettleRequest(20, 10n))).toEqual(unknown);
    const floor = { id: callId(20), floor: 5n, deadline: clock.now };
    expect(await stub.checkpoint(floor)).toEqual(unknown);
    expect(await stub.hold(buildHoldRequest(20, 10n, 0))).toMatchObject({
      reason: 'invalid_api_key',
    });
    expect(await countCharges(account)).toBe(9);
    const alarmAt = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
    expect(alarmAt).toBeGreaterThan(clock.now);
    expect(alarmAt).toBeLessThanOrEqual(clock.now + 1_000);
  });

  it('ends at once when closing is asked for again and the rest fits one step', async () => {
    const { account, stub } = await closeBusyAccount();
    expect(await stub.close()).toEqual({ wiped: true, posted: 885n, openCalls: 0 });
    expect(await countCharges(account)).toBe(0);
  });

  it('still knows credits, refuses new money, and pays a refund that was reserved before', async () => {
    const { account, stub } = await closeBusyAccount();
    const credited = { id: 'bsc:0xab:2', amount: 400n, source: 'deposit' } as const;
    expect(await stub.credit(credited)).toEqual({ ok: true, posted: 1_000n });
    const late = { id: 'bsc:0xcd:1', amount: 5n, source: 'deposit', address: ADDRESS } as const;
    expect(await stub.credit(late)).toEqual({ ok: false, reason: 'closed' });
    postgres.fault = 'throws';
    expect(await stub.payRefund('r1')).toEqual({ ok: true, posted: 785n });
    await runDurableObjectAlarm(stub);
    // Postgres does not hold up the charges, which it has.
    expect(await countCharges(account)).toBe(5);
    expect((await stub.audit()).violations).toEqual([]);
    postgres.fault = 'none';
    clock.now += 10_000;
    while (await runDurableObjectAlarm(getStub(account)));
    expect(await countCharges(account)).toBe(0);
    expect(await stub.close()).toEqual({ wiped: true, posted: 785n, openCalls: 0 });
    expect(await stub.audit()).toMatchObject({ lastSeq: 17, acknowledgedSeq: 17, violations: [] });
    expect(postgres.stored.get(account)).toHaveLength(17);
  });
});

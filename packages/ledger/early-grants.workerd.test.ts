/// <reference types="@cloudflare/vitest-plugin/types" />
import { evictDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, type HoldRequest, type KeyLimits, NO_LIMITS } from './contract/index.ts';
import { EARLY_DECLINES_PER_DAY, EARLY_GRANT, EARLY_PAUSE_MS } from './early-grants.ts';
import {
  buildHoldRequest,
  buildSettleRequest,
  freshAccount,
  getStub,
  KEY,
} from './fixtures.workerd.ts';
import { clock, START } from './test-worker.workerd.ts';

async function openAccount(limits: KeyLimits = NO_LIMITS) {
  const account = freshAccount();
  await getStub(account).open(account);
  await getStub(account).putKey({ ...KEY, limits });
  await getStub(account).credit({ id: 'local:1', amount: 1_000n, source: 'local' });
  return account;
}

let calls = 0;

type Options = Readonly<{ isolate?: string; sent?: boolean; request?: Partial<HoldRequest> }>;

/** Holds a new call, as a gateway isolate does. */
async function hold(account: string, { isolate = 'a', sent = false, request = {} }: Options = {}) {
  calls += 1;
  const base = { ...buildHoldRequest(calls, 1n, 1), deadline: clock.now + 60_000 };
  return getStub(account).hold({ ...base, early: { isolate, sent }, ...request });
}

async function settleLast(account: string): Promise<void> {
  await getStub(account).settle(buildSettleRequest(calls, 2n));
}

const TOO_LARGE = { maxInputCost: 1_000_000n };

beforeEach(() => {
  clock.now = START;
});

describe('an admitted hold', () => {
  it('grants its isolate a risk, and says what can still be reserved', async () => {
    const account = await openAccount();
    expect(await hold(account)).toMatchObject({
      ok: true,
      early: { risk: EARLY_GRANT, spendable: 998n },
    });
  });

  it('grants nothing to a gateway that never sends early', async () => {
    const account = await openAccount();
    calls += 1;
    expect(await getStub(account).hold(buildHoldRequest(calls, 1n, 1))).not.toHaveProperty('early');
  });

  it('grants to two isolates, and to another once one was silent for more than a minute', async () => {
    const account = await openAccount();
    for (const isolate of ['a', 'b', 'a'])
      expect(await hold(account, { isolate })).toHaveProperty('early');
    expect(await hold(account, { isolate: 'c' })).not.toHaveProperty('early');
    clock.now += EARLY_PAUSE_MS;
    expect(await hold(account, { isolate: 'c' })).toHaveProperty('early');
  });

  it.each<readonly [string, Partial<KeyLimits>]>([
    ['calls per minute', { callsPerMinute: 2 }],
    ['concurrent calls', { concurrentCalls: 2 }],
  ])('grants nothing where half of the key’s %s are used', async (_, limits) => {
    const account = await openAccount({ ...NO_LIMITS, ...limits });
    expect(await hold(account)).not.toHaveProperty('early');
  });

  it('grants after an eviction to the isolates that had grants, and to no third', async () => {
    const account = await openAccount();
    for (const isolate of ['a', 'b']) await hold(account, { isolate });
    await evictDurableObject(getStub(account));
    clock.now += EARLY_PAUSE_MS - 1;
    expect(await hold(account, { isolate: 'c' })).not.toHaveProperty('early');
    expect(await hold(account, { isolate: 'a' })).toHaveProperty('early');
    clock.now += 1;
    expect(await hold(account, { isolate: 'c' })).toHaveProperty('early');
    expect(await hold(account, { isolate: 'b' })).not.toHaveProperty('early');
    expect((await getStub(account).audit()).violations).toEqual([]);
  });
});

describe('a declined hold of a call that was sent early', () => {
  it('ends all grants for more than a minute, also after an eviction', async () => {
    const account = await openAccount();
    await hold(account);
    expect(await hold(account, { sent: true, request: TOO_LARGE })).toMatchObject({ ok: false });
    await evictDurableObject(getStub(account));
    clock.now += EARLY_PAUSE_MS - 1;
    expect(await hold(account)).not.toHaveProperty('early');
    clock.now += 1;
    expect(await hold(account)).toHaveProperty('early');
    expect((await getStub(account).audit()).violations).toEqual([]);
  });

  it('ends them for the day the third time', async () => {
    const account = await openAccount();
    for (let declines = 0; declines < EARLY_DECLINES_PER_DAY; declines += 1) {
      expect(await hold(account)).toHaveProperty('early');
      await settleLast(account);
      await hold(account, { sent: true, request: TOO_LARGE });
      clock.now += EARLY_PAUSE_MS;
    }
    expect(await hold(account)).not.toHaveProperty('early');
    await settleLast(account);
    clock.now += DAY_MS;
    expect(await hold(account)).toHaveProperty('early');
  });

  it('counts where its key is unknown too', async () => {
    const account = await openAccount();
    await hold(account);
    const key = { ...KEY, secretHash: 'f'.repeat(64) };
    expect(await hold(account, { sent: true, request: { key } })).toMatchObject({ ok: false });
    expect(await hold(account)).not.toHaveProperty('early');
  });
});

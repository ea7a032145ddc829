/// <reference types="@cloudflare/vitest-plugin/types" />
/**
 * What bounds calls that cost an account nothing: refusals by the provider, a share of its rate,
 * shortfalls; and that neither these limits nor a key's own are forgotten by an eviction.
 */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type KeyLimits, NO_LIMITS, type SettleReason } from './contract/index.ts';
import {
  buildHoldRequest,
  buildSettleRequest,
  callId,
  getStub,
  KEY,
  openAccount,
} from './fixtures.workerd.ts';
import { clock, postgres, START } from './test-worker.workerd.ts';

const DAY_MS = 86_400_000;
const OTHER_KEY = { keyId: 8, secretHash: 'c'.repeat(64) };
const CREDIT = 10_000_000_000n;

async function createAccount(limits: KeyLimits = NO_LIMITS) {
  const opened = await openAccount({ credit: CREDIT, limits });
  await opened.stub.putKey({ ...OTHER_KEY, limits });
  return opened;
}

type Stub = ReturnType<typeof getStub>;

async function evict(account: string): Promise<Stub> {
  await evictDurableObject(getStub(account));
  return getStub(account);
}

let calls = 0;

/** A hold of 20 nano-USD, whose deadline is a minute away. */
function nextHold(overrides: Partial<ReturnType<typeof buildHoldRequest>> = {}) {
  calls += 1;
  return { ...buildHoldRequest(calls, 10n, 10), deadline: clock.now + 60_000, ...overrides };
}

function end(stub: Stub, id: string, reason: SettleReason, cost = 0n) {
  const httpStatus = reason === 'upstream_refused' ? 400 : 200;
  return stub.settle({ ...buildSettleRequest(0, cost), id, reason, httpStatus });
}

/** One call that ends as `reason`; returns the decline if it is not admitted. */
async function call(stub: Stub, reason: SettleReason, overrides = {}, cost = 0n) {
  const request = nextHold(overrides);
  const held = await stub.hold(request);
  if (!held.ok) return held;
  await end(stub, request.id, reason, cost);
  return undefined;
}

/** Refused calls so far apart that no pause of the key applies. */
async function refuse(stub: Stub, count: number) {
  for (let n = 0; n < count; n++) {
    expect(await call(stub, 'upstream_refused')).toBeUndefined();
    clock.now += 61_000;
  }
}

beforeEach(() => {
  clock.now = START;
  postgres.fault = 'none';
});

describe('refused calls', () => {
  it('are free up to 200 a day, and then every call is declined until midnight, for this account only', async () => {
    const { account, stub } = await createAccount();
    await refuse(stub, 200);
    const untilMidnight = Math.ceil((DAY_MS - (clock.now % DAY_MS)) / 1_000);
    const decline = {
      ok: false,
      reason: 'refusal_limit_exceeded',
      retryAfterSeconds: untilMidnight,
    };
    expect(await call(stub, 'upstream_refused')).toEqual(decline);
    expect(await call(stub, 'provider_reported', { key: OTHER_KEY })).toEqual(decline);
    expect(await stub.audit()).toMatchObject({ posted: CREDIT, held: 0n, violations: [] });
    const other = await createAccount();
    expect(await call(other.stub, 'provider_reported')).toBeUndefined();
    const evicted = await evict(account);
    expect(await call(evicted, 'upstream_refused')).toEqual(decline);
    clock.now += untilMidnight * 1_000;
    expect(await call(evicted, 'provider_reported')).toBeUndefined();
  });

  it('count once, however often their settlement is repeated', async () => {
    const { stub } = await createAccount();
    await refuse(stub, 198);
    const request = nextHold();
    await stub.hold(request);
    for (let n = 0; n < 5; n++) await end(stub, request.id, 'upstream_refused');
    clock.now += 61_000;
    expect(await call(stub, 'upstream_refused')).toBeUndefined();
    clock.now += 61_000;
    expect(await call(stub, 'provider_reported')).toMatchObject({
      reason: 'refusal_limit_exceeded',
    });
  });

  it('are allowed in larger number to an account that spends', async () => {
    const { stub } = await createAccount();
    // 0.05 USD, so five refusals more.
    const costly = { maxInputCost: 50_000_000n };
    expect(await call(stub, 'provider_reported', costly, 50_000_000n)).toBeUndefined();
    await refuse(stub, 205);
    expect(await call(stub, 'upstream_refused')).toMatchObject({
      reason: 'refusal_limit_exceeded',
    });
  });

  it('can’t exceed the allowance by a burst once half of it is used up', async () => {
    const { stub } = await createAccount();
    await refuse(stub, 150);
    const open = await Promise.all(
      Array.from({ length: 200 }, () => stub.hold(nextHold({ key: OTHER_KEY }))),
    );
    expect(open.filter((held) => held.ok)).toHaveLength(50);
  });

  it('of one key in a row slow it down, not another key, until one call is served', async () => {
    const { account, stub } = await createAccount();
    for (let n = 0; n < 20; n++) expect(await call(stub, 'upstream_refused')).toBeUndefined();
    const slowed = { ok: false, reason: 'refused_calls_slowed', retryAfterSeconds: 1 };
    expect(await call(stub, 'upstream_refused')).toEqual(slowed);
    expect(await call(stub, 'provider_reported', { key: OTHER_KEY })).toBeUndefined();
    expect(await call(await evict(account), 'upstream_refused')).toEqual(slowed);
    clock.now += 1_000;
    // One at a time: a burst would pass before its first refusal is known.
    const [first, second] = [nextHold(), nextHold()];
    expect(await getStub(account).hold(first)).toMatchObject({ ok: true });
    expect(await getStub(account).hold(second)).toEqual(slowed);
    await end(getStub(account), first.id, 'upstream_refused');
    expect(await getStub(account).hold(second)).toEqual({ ...slowed, retryAfterSeconds: 2 });
    clock.now += 2_000;
    expect(await call(getStub(account), 'provider_reported', {}, 5n)).toBeUndefined();
    expect(await call(getStub(account), 'upstream_refused')).toBeUndefined();
    expect(await call(getStub(account), 'upstream_refused')).toBeUndefined();
  });

  it('in a row are forgotten after 15 minutes', async () => {
    const { account, stub } = await createAccount();
    for (let n = 0; n < 20; n++) await call(stub, 'upstream_refused');
    clock.now += 16 * 60_000;
    const [first, second] = [nextHold(), nextHold()];
    expect(await stub.hold(first)).toMatchObject({ ok: true });
    expect(await stub.hold(second)).toMatchObject({ ok: true });
    expect(await (await evict(account)).hold(nextHold())).toMatchObject({ ok: true });
  });
});

describe('an account’s share of a provider’s rate', () => {
  const SHARE = { providerCallsPerMinute: 3 };

  it('bounds its calls of any minute to that provider and to no other, also after an eviction', async () => {
    const { account, stub } = await createAccount();
    expect(await call(stub, 'provider_reported', SHARE)).toBeUndefined();
    clock.now += 1_000;
    await stub.hold(nextHold(SHARE));
    expect(await call(stub, 'upstream_refused', { ...SHARE, key: OTHER_KEY })).toBeUndefined();
    const decline = { ok: false, reason: 'provider_share_exceeded', retryAfterSeconds: 59 };
    expect(await call(stub, 'provider_reported', SHARE)).toEqual(decline);
    expect(await call(await evict(account), 'provider_reported', SHARE)).toEqual(decline);
    const elsewhere = { ...SHARE, provider: 'anthropic' };
    expect(await call(getStub(account), 'provider_reported', elsewhere)).toBeUndefined();
    const other = await createAccount();
    expect(await call(other.stub, 'provider_reported', SHARE)).toBeUndefined();
    clock.now += 59_000;
    expect(await call(getStub(account), 'provider_reported', SHARE)).toBeUndefined();
    expect(await call(getStub(account), 'provider_reported', SHARE)).toMatchObject({ ok: false });
  });
});

describe('a key’s calls per minute', () => {
  it('survive an eviction: open, settled and expired calls count, each once', async () => {
    const { account, stub } = await createAccount({ ...NO_LIMITS, callsPerMinute: 4 });
    await stub.hold(nextHold());
    await call(stub, 'provider_reported', {}, 5n);
    await call(stub, 'waived_empty');
    const expiring = nextHold({ deadline: clock.now + 1 });
    await stub.hold(expiring);
    clock.now += 5_000;
    const quota = { budgets: [], calls: { left: 0, limit: 4, resetSeconds: 55 } };
    const decline = { ok: false, reason: 'rate_limited', retryAfterSeconds: 55, quota };
    expect(await stub.hold(nextHold())).toEqual(decline);
    const evicted = await evict(account);
    expect(await evicted.hold(nextHold())).toEqual(decline);
    // The other key has a limit of its own.
    expect(await evicted.hold(nextHold({ key: OTHER_KEY }))).toMatchObject({ ok: true });
    clock.now = START + 60_000;
    expect(await (await evict(account)).hold(nextHold())).toMatchObject({ ok: true });
  });

  it('count a call that was settled late once', async () => {
    const { account, stub } = await createAccount({ ...NO_LIMITS, callsPerMinute: 2 });
    const expiring = nextHold({ deadline: clock.now + 1 });
    await stub.hold(expiring);
    clock.now += 1_000;
    await runDurableObjectAlarm(stub);
    expect(await end(stub, expiring.id, 'provider_reported', 5n)).toMatchObject({ late: true });
    const evicted = await evict(account);
    expect(await evicted.hold(nextHold())).toMatchObject({ ok: true });
    expect(await evicted.hold(nextHold())).toMatchObject({ reason: 'rate_limited' });
  });
});

describe('a shortfall', () => {
  it('halves the concurrency of the account for the day like an expired hold, and raises an alert', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { account, stub } = await openAccount({ credit: 10_000n });
    for (const n of [1, 2]) {
      const request = nextHold({ id: callId(900_000 + n) });
      await stub.hold(request);
      const posted = (await stub.audit()).posted;
      const settled = await end(stub, request.id, 'provider_reported', posted + 1n);
      expect(settled).toMatchObject({ shortfall: 1n });
      await stub.credit({ id: `local:${n + 1}`, amount: 100_000n, source: 'local' });
    }
    const alerts = errors.mock.calls
      .flat()
      .filter((line) => String(line).includes('account_slowed'));
    errors.mockRestore();
    expect(alerts.map((line) => JSON.parse(String(line)))).toEqual([
      { event: 'account_slowed', account, reason: 'shortfall' },
    ]);
    const admitted = async (target: Stub) => {
      const held = await Promise.all(Array.from({ length: 340 }, () => target.hold(nextHold())));
      return held.filter(({ ok }) => ok).length;
    };
    // Two shortfalls leave a third of 1,000.
    expect(await admitted(stub)).toBe(333);
    expect(await (await evict(account)).hold(nextHold())).toMatchObject({
      reason: 'too_many_concurrent_calls',
    });
  });
});

describe('refused requests without a hold', () => {
  it('count for the row of their key and for the day of their account, and leave no entry', async () => {
    const { stub } = await createAccount();
    for (let n = 1; n < 20; n++) expect(await stub.refuse(KEY)).toEqual({ ok: true, value: null });
    const slowed = { reason: 'refused_calls_slowed', retryAfterSeconds: 1 };
    expect(await stub.refuse(KEY)).toEqual({ ok: true, value: slowed });
    expect(await stub.hold(nextHold())).toMatchObject({ ok: false, reason: slowed.reason });
    for (let n = 20; n < 200; n++) {
      clock.now += 61_000;
      await stub.refuse(OTHER_KEY);
    }
    expect(await stub.refuse(KEY)).toMatchObject({ value: { reason: 'refusal_limit_exceeded' } });
    expect(await stub.hold(nextHold())).toMatchObject({ reason: 'refusal_limit_exceeded' });
    expect(await stub.audit()).toMatchObject({
      posted: CREDIT,
      held: 0n,
      lastSeq: 1,
      violations: [],
    });
  });

  it('survive an eviction in the day of their account', async () => {
    const { account, stub } = await createAccount();
    for (let n = 0; n < 199; n++) await stub.refuse(n % 2 === 0 ? KEY : OTHER_KEY);
    const evicted = await evict(account);
    expect(await evicted.refuse(KEY)).toMatchObject({
      value: { reason: 'refusal_limit_exceeded' },
    });
  });

  it('of a key that is not valid count for nobody', async () => {
    const { stub } = await createAccount();
    const forged = { ...KEY, secretHash: 'f'.repeat(64) };
    expect(await stub.refuse(forged)).toEqual({ ok: false, reason: 'invalid_api_key' });
    expect(await stub.refuse(KEY)).toEqual({ ok: true, value: null });
  });
});

/// <reference types="@cloudflare/vitest-plugin/types" />
/**
 * The spend guard and its notifications: against a plain model over all charges, and case by case.
 */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_SPEND_GUARD, NO_LIMITS, type SpendGuard } from './contract/index.ts';
import {
  buildHoldRequest,
  buildSettleRequest,
  callId,
  getStub,
  KEY,
  openAccount,
} from './fixtures.workerd.ts';
import { clock, postgres, queue, START } from './test-worker.workerd.ts';

const SEED = 20261124;
const DAY_MS = 86_400_000;
const USD = 1_000_000_000n;
const FLOOR = 2n * USD;
/** Midnight UTC. */
const MIDNIGHT = Math.ceil(START / DAY_MS) * DAY_MS;

function createAccount(spendGuard: SpendGuard = DEFAULT_SPEND_GUARD) {
  return openAccount({ credit: 1_000_000n * USD, spendGuard });
}

let calls = 0;

/** One call of `usd`: whether it was let in, or why not. */
async function spend(account: string, usd: number, key = KEY): Promise<string> {
  calls += 1;
  const cost = BigInt(usd) * USD;
  const stub = getStub(account);
  const request = { ...buildHoldRequest(calls, cost, 0), key, deadline: clock.now + 60_000 };
  const held = await stub.hold(request);
  if (!held.ok) return held.reason;
  const settled = await stub.settle({ ...buildSettleRequest(calls, 0n), cost });
  expect(settled).toMatchObject({ ok: true, charged: cost });
  return 'ok';
}

/** Three days of 10 USD each, and the morning of the fourth. */
async function createAccountWithBaseline(spendGuard?: SpendGuard) {
  const created = await createAccount(spendGuard);
  for (let day = 0; day < 3; day += 1) {
    expect(await spend(created.account, 10)).toBe('ok');
    clock.now += DAY_MS;
  }
  return created;
}

async function keyStatus(account: string) {
  const [key] = await getStub(account).keys();
  if (key === undefined) throw new Error('no key');
  return key;
}

function sentNotificationIds(account: string): string[] {
  return queue.received
    .filter((notification) => notification.account === account)
    .map(({ id }) => id);
}

beforeEach(() => {
  clock.now = MIDNIGHT;
  postgres.fault = 'none';
  queue.down = false;
});

/** A model of the spend guard: keeps every charge and computes everything from all of them. */
class SpendGuardModel {
  readonly notificationIds = new Set<string>();
  spendGuard = DEFAULT_SPEND_GUARD;
  pausedAt: number | null = null;
  #guardDisabledDay = -1;
  readonly #alertDays = new Set<number>();
  readonly #spent = new Map<number, bigint>();

  #currentDay(): number {
    return Math.floor(clock.now / DAY_MS);
  }

  get today(): bigint {
    return this.#spent.get(this.#currentDay()) ?? 0n;
  }

  get typicalDailySpend(): bigint | null {
    const activeDays = [...this.#spent].filter(
      ([day, usd]) => day < this.#currentDay() && usd > 0n,
    );
    activeDays.sort(([a], [b]) => a - b);
    let mean = 0n;
    for (const [index, [, usd]] of activeDays.entries()) {
      const max = 3n * (mean > FLOOR ? mean : FLOOR);
      const capped = index >= 3 && usd > max ? max : usd;
      mean = index === 0 ? usd : (mean * 4n + capped) / 5n;
    }
    return activeDays.length < 3 ? null : mean;
  }

  get activePausedAt(): number | null {
    const on = this.pausedAt !== null && Math.floor(this.pausedAt / DAY_MS) === this.#currentDay();
    return on && this.spendGuard.pauseMultiple !== null ? this.pausedAt : null;
  }

  #baselineAmount(): bigint {
    const typicalDailySpend = this.typicalDailySpend ?? 0n;
    return typicalDailySpend > FLOOR ? typicalDailySpend : FLOOR;
  }

  #pause(): boolean {
    const { pauseMultiple } = this.spendGuard;
    if (
      pauseMultiple === null ||
      this.typicalDailySpend === null ||
      this.#guardDisabledDay === this.#currentDay()
    )
      return false;
    if (
      this.activePausedAt !== null ||
      this.today <= BigInt(pauseMultiple) * this.#baselineAmount()
    )
      return false;
    this.pausedAt = clock.now;
    this.notificationIds.add(`key_paused:${KEY.keyId}:${clock.now}`);
    return true;
  }

  call(usd: number): string {
    if (this.activePausedAt !== null || this.#pause()) return 'key_paused';
    this.#spent.set(this.#currentDay(), this.today + BigInt(usd) * USD);
    if (usd === 0 || this.#pause()) return 'ok';
    const { alertMultiple } = this.spendGuard;
    const day = this.#currentDay();
    if (alertMultiple === null || this.#alertDays.has(day)) return 'ok';
    if (this.today <= BigInt(alertMultiple) * this.#baselineAmount()) return 'ok';
    this.#alertDays.add(day);
    this.notificationIds.add(`unusual_spending:${KEY.keyId}:${day}`);
    return 'ok';
  }

  resume(): void {
    if (this.activePausedAt === null) return;
    this.pausedAt = null;
    this.#guardDisabledDay = this.#currentDay();
  }

  change(spendGuard: SpendGuard): void {
    this.spendGuard = spendGuard;
    this.pausedAt = null;
  }
}

const usd = fc.constantFrom(0, 1, 3, 9, 30, 150, 151);
const stepArbitrary = fc.oneof(
  { weight: 6, arbitrary: fc.record({ verb: fc.constant('call' as const), usd }) },
  { weight: 4, arbitrary: fc.record({ verb: fc.constant('night' as const), usd }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('resume' as const), usd }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('change' as const), usd }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('crash' as const), usd }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('ship' as const), usd }) },
);
type Step = typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never;

const SPEND_GUARDS: readonly SpendGuard[] = [
  DEFAULT_SPEND_GUARD,
  { alertMultiple: 2, pauseMultiple: 4 },
  { alertMultiple: null, pauseMultiple: 3 },
  { alertMultiple: 1, pauseMultiple: null },
];

async function applyStep(account: string, model: SpendGuardModel, step: Step): Promise<void> {
  const stub = getStub(account);
  if (step.verb === 'call') expect(await spend(account, step.usd)).toBe(model.call(step.usd));
  if (step.verb === 'night') clock.now += (step.usd % 2 === 0 ? 1 : 2) * DAY_MS + 7;
  if (step.verb === 'crash') await evictDurableObject(stub);
  if (step.verb === 'ship') await runDurableObjectAlarm(stub);
  if (step.verb === 'resume') {
    expect(await stub.resumeKey(KEY.keyId)).toEqual({ ok: true });
    model.resume();
  }
  if (step.verb === 'change') {
    const spendGuard = SPEND_GUARDS[step.usd % SPEND_GUARDS.length] ?? DEFAULT_SPEND_GUARD;
    expect(await stub.updateKey(KEY.keyId, { spendGuard })).toEqual({ ok: true });
    model.change(spendGuard);
  }
}

describe('the spend guard and its model', () => {
  it('pause, resume and notify equally over random days, crashes and deliveries', async () => {
    let paused = 0;
    const runHistory = async (history: readonly Step[]) => {
      clock.now = MIDNIGHT;
      const { account, stub } = await createAccount();
      const model = new SpendGuardModel();
      for (const step of history) {
        await applyStep(account, model, step);
        expect(await keyStatus(account)).toMatchObject({
          pausedAt: model.activePausedAt,
          spentToday: model.today,
          typicalDailySpend: model.typicalDailySpend,
          spendGuard: model.spendGuard,
        });
        expect((await stub.audit()).violations).toEqual([]);
      }
      await runDurableObjectAlarm(stub);
      expect(new Set(sentNotificationIds(account))).toEqual(model.notificationIds);
      paused += [...model.notificationIds].filter((id) => id.startsWith('key_paused')).length;
    };
    process.stdout.write(`seed ${SEED}\n`);
    const histories = fc.array(stepArbitrary, { minLength: 20, maxLength: 45 });
    await fc.assert(fc.asyncProperty(histories, runHistory), { seed: SEED, numRuns: 30 });
    process.stdout.write(`${paused} pauses\n`);
    expect(paused).toBeGreaterThan(5);
  });
});

describe('a stolen key', () => {
  it('spends no more with a hundred concurrent calls than in sequence', async () => {
    const { account, stub } = await createAccountWithBaseline();
    const request = (n: number) => buildHoldRequest(1_000_000 + n, 5n * USD, 0);
    const deadline = clock.now + 60_000;
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, n) => stub.hold({ ...request(n), deadline })),
    );
    // 20 times a day of 10 USD is 200 USD: forty calls of 5.
    expect(results.filter(({ ok }) => ok)).toHaveLength(40);
    for (const result of results) {
      if (!result.ok) expect(result.reason).toBe('too_many_concurrent_calls');
    }
    for (let n = 0; n < 40; n += 1) {
      await stub.settle({ ...buildSettleRequest(1_000_000 + n, 0n), cost: 5n * USD });
    }
    expect(await spend(account, 5)).toBe('ok');
    expect(await spend(account, 5)).toBe('key_paused');
    expect(await keyStatus(account)).toMatchObject({ spentToday: 205n * USD, pausedAt: clock.now });
    const status = await stub.key(KEY);
    expect(status).toMatchObject({ ok: true, value: { pausedAt: clock.now } });
    await runDurableObjectAlarm(stub);
    const day = Math.floor(clock.now / DAY_MS);
    expect(sentNotificationIds(account).sort()).toEqual([
      `key_paused:7:${clock.now}`,
      `unusual_spending:7:${day}`,
    ]);
    clock.now += DAY_MS;
    expect(await spend(account, 5)).toBe('ok');
    // The theft counted for three usual days, not for twenty.
    expect((await keyStatus(account)).typicalDailySpend).toBe(14n * USD);
  });

  it('is paused without ending its open calls', async () => {
    const { account, stub } = await createAccountWithBaseline();
    await stub.hold({
      ...buildHoldRequest(2_000_000, 150n * USD, 0),
      deadline: clock.now + 60_000,
    });
    expect(await spend(account, 49)).toBe('ok');
    await stub.settle({ ...buildSettleRequest(2_000_000, 0n), cost: 150n * USD });
    await stub.hold({ ...buildHoldRequest(2_000_001, USD, 0), deadline: clock.now + 60_000 });
    await stub.updateKey(KEY.keyId, { spendGuard: { alertMultiple: null, pauseMultiple: 1 } });
    expect(await spend(account, 1)).toBe('key_paused');
    const checkpoint = await stub.checkpoint({
      id: callId(2_000_001),
      floor: 1n,
      deadline: clock.now,
    });
    expect(checkpoint).toEqual({ ok: true, stop: null });
    expect(await stub.settle({ ...buildSettleRequest(2_000_001, 0n), cost: USD })).toMatchObject({
      ok: true,
    });
  });

  it('is revoked when reported as leaked, by a retired secret too, with one notification', async () => {
    const { account, stub } = await createAccount();
    const secretHash = 'c'.repeat(64);
    const previousExpiresAt = clock.now + 60_000;
    expect(await stub.rollKey({ keyId: KEY.keyId, secretHash, previousExpiresAt })).toEqual({
      ok: true,
    });
    expect(await spend(account, 1)).toBe('ok');
    expect(await spend(account, 1, { ...KEY, secretHash })).toBe('ok');
    expect(await stub.revokeLeaked({ ...KEY, secretHash: 'd'.repeat(64) })).toBeNull();
    expect(await stub.revokeLeaked(KEY)).toEqual({ alreadyRevoked: false });
    expect(await stub.revokeLeaked({ ...KEY, secretHash })).toEqual({ alreadyRevoked: true });
    expect(await spend(account, 1, { ...KEY, secretHash })).toBe('key_revoked');
    clock.now = previousExpiresAt;
    expect(await stub.revokeLeaked(KEY)).toBeNull();
    expect(await stub.rollKey({ keyId: KEY.keyId, secretHash, previousExpiresAt })).toMatchObject({
      reason: 'revoked',
    });
    await runDurableObjectAlarm(stub);
    expect(sentNotificationIds(account)).toEqual(['key_leaked:7']);
  });
});

describe('the owner is notified of', () => {
  it('the first use of an expensive model by a key that was used before, once', async () => {
    const expensiveHold = (n: number, keyId: number) => ({
      ...buildHoldRequest(n, 1n, 0),
      key: { ...KEY, keyId },
      model: 'anthropic/opus',
      maxOutputPrice: 25n * USD,
    });
    const { account, stub } = await createAccount();
    await stub.putKey({ ...KEY, keyId: 8, limits: NO_LIMITS });
    expect(await stub.hold(expensiveHold(1, 8))).toMatchObject({ ok: true });
    expect(await stub.hold(expensiveHold(2, 8))).toMatchObject({ ok: true });
    await spend(account, 1);
    await evictDurableObject(stub);
    for (const n of [3, 4])
      expect(await getStub(account).hold(expensiveHold(n, 7))).toMatchObject({ ok: true });
    await runDurableObjectAlarm(stub);
    expect(sentNotificationIds(account)).toEqual(['expensive_model:7']);
    expect(queue.received.at(-1)).toMatchObject({
      kind: 'expensive_model',
      model: 'anthropic/opus',
    });
  });

  it('a low balance once, and again only after it rose above the threshold', async () => {
    const { account, stub } = await openAccount();
    await stub.setLowBalance(5n * USD);
    await stub.credit({ id: 'local:1', amount: 7n * USD, source: 'local' });
    for (const cost of [2, 1, 1]) expect(await spend(account, cost)).toBe('ok');
    await evictDurableObject(stub);
    await getStub(account).credit({ id: 'local:2', amount: 2n * USD, source: 'local' });
    await spend(account, 1);
    await runDurableObjectAlarm(stub);
    expect(sentNotificationIds(account)).toEqual(['low_balance:3', 'low_balance:6']);
    expect(await stub.status()).toMatchObject({ lowBalance: 5n * USD, posted: 4n * USD });
    await stub.setLowBalance(null);
    await spend(account, 1);
    await runDurableObjectAlarm(stub);
    expect(sentNotificationIds(account)).toHaveLength(2);
    expect((await stub.audit()).violations).toEqual([]);
  });

  it('an alert after the queue was down and the object was evicted, though no other work is left', async () => {
    const { account, stub } = await createAccount({ alertMultiple: 1, pauseMultiple: null });
    queue.down = true;
    await spend(account, 3);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect((await stub.status())?.pendingEntries).toBe(0);
    expect(sentNotificationIds(account)).toEqual([]);
    await evictDurableObject(stub);
    expect(await runDurableObjectAlarm(getStub(account))).toBe(true);
    queue.down = false;
    expect(await runDurableObjectAlarm(getStub(account))).toBe(true);
    expect(sentNotificationIds(account)).toHaveLength(1);
    expect(await runDurableObjectAlarm(getStub(account))).toBe(false);
  });
});

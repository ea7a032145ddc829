/// <reference types="@cloudflare/vitest-plugin/types" />
/** A key's brakes, and what its owner hears: against a plain reckoning of all lines, and scene by scene. */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_BRAKES, type KeyBrakes, NO_LIMITS } from './contract.ts';
import { callId, freshAccount, holdOf, KEY, settleOf } from './scenes.workerd.ts';
import { clock, postgres, queue, START } from './stage.workerd.ts';

const SEED = 20261124;
const DAY_MS = 86_400_000;
const USD = 1_000_000_000n;
const FLOOR = 2n * USD;
/** Midnight UTC. */
const MIDNIGHT = Math.ceil(START / DAY_MS) * DAY_MS;

function stubOf(account: string) {
  return env.STAGE.get(env.STAGE.idFromName(account));
}

async function opened(brakes: KeyBrakes = DEFAULT_BRAKES) {
  const account = freshAccount();
  const stub = stubOf(account);
  await stub.open(account);
  await stub.putKey({ ...KEY, limits: NO_LIMITS, brakes });
  await stub.credit({ id: 'local:1', amount: 1_000_000n * USD, source: 'local' });
  return { account, stub };
}

let calls = 0;

/** One call of `usd`: whether it was let in, or why not. */
async function spend(account: string, usd: number, key = KEY): Promise<string> {
  calls += 1;
  const cost = BigInt(usd) * USD;
  const stub = stubOf(account);
  const request = { ...holdOf(calls, cost, 0), key, deadline: clock.now + 60_000 };
  const held = await stub.hold(request);
  if (!held.ok) return held.reason;
  const settled = await stub.settle({ ...settleOf(calls, 0n), cost });
  expect(settled).toMatchObject({ ok: true, charged: cost });
  return 'ok';
}

/** Three days of 10 USD each, and the morning of the fourth. */
async function habitual(brakes?: KeyBrakes) {
  const made = await opened(brakes);
  for (let day = 0; day < 3; day += 1) {
    expect(await spend(made.account, 10)).toBe('ok');
    clock.now += DAY_MS;
  }
  return made;
}

async function standing(account: string) {
  const [key] = await stubOf(account).keys();
  if (key === undefined) throw new Error('no key');
  return key;
}

function told(account: string): string[] {
  return queue.taken.filter((notice) => notice.account === account).map(({ id }) => id);
}

beforeEach(() => {
  clock.now = MIDNIGHT;
  postgres.fault = 'none';
  queue.down = false;
});

/** The brakes again: every line kept, everything worked out from all of them each time. */
class Reckoning {
  readonly notices = new Set<string>();
  brakes = DEFAULT_BRAKES;
  pausedAt: number | null = null;
  #resumed = -1;
  readonly #told = new Set<number>();
  readonly #spent = new Map<number, bigint>();

  #dayNow(): number {
    return Math.floor(clock.now / DAY_MS);
  }

  get today(): bigint {
    return this.#spent.get(this.#dayNow()) ?? 0n;
  }

  get usual(): bigint | null {
    const before = [...this.#spent].filter(([day, usd]) => day < this.#dayNow() && usd > 0n);
    before.sort(([a], [b]) => a - b);
    let mean = 0n;
    for (const [index, [, usd]] of before.entries()) {
      const most = 3n * (mean > FLOOR ? mean : FLOOR);
      const counted = index >= 3 && usd > most ? most : usd;
      mean = index === 0 ? usd : (mean * 4n + counted) / 5n;
    }
    return before.length < 3 ? null : mean;
  }

  get paused(): number | null {
    const on = this.pausedAt !== null && Math.floor(this.pausedAt / DAY_MS) === this.#dayNow();
    return on && this.brakes.pauseAt !== null ? this.pausedAt : null;
  }

  #measure(): bigint {
    const usual = this.usual ?? 0n;
    return usual > FLOOR ? usual : FLOOR;
  }

  #pause(): boolean {
    const { pauseAt } = this.brakes;
    if (pauseAt === null || this.usual === null || this.#resumed === this.#dayNow()) return false;
    if (this.paused !== null || this.today <= BigInt(pauseAt) * this.#measure()) return false;
    this.pausedAt = clock.now;
    this.notices.add(`key_paused:${KEY.keyId}:${clock.now}`);
    return true;
  }

  call(usd: number): string {
    if (this.paused !== null || this.#pause()) return 'key_paused';
    this.#spent.set(this.#dayNow(), this.today + BigInt(usd) * USD);
    if (usd === 0 || this.#pause()) return 'ok';
    const { noticeAt } = this.brakes;
    const day = this.#dayNow();
    if (noticeAt === null || this.#told.has(day)) return 'ok';
    if (this.today <= BigInt(noticeAt) * this.#measure()) return 'ok';
    this.#told.add(day);
    this.notices.add(`unusual_spending:${KEY.keyId}:${day}`);
    return 'ok';
  }

  resume(): void {
    if (this.paused === null) return;
    this.pausedAt = null;
    this.#resumed = this.#dayNow();
  }

  change(brakes: KeyBrakes): void {
    this.brakes = brakes;
    this.pausedAt = null;
  }
}

const usd = fc.constantFrom(0, 1, 3, 9, 30, 150, 151);
const happening = fc.oneof(
  { weight: 6, arbitrary: fc.record({ verb: fc.constant('call' as const), usd }) },
  { weight: 4, arbitrary: fc.record({ verb: fc.constant('night' as const), usd }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('resume' as const), usd }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('change' as const), usd }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('crash' as const), usd }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('ship' as const), usd }) },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

const CHOICES: readonly KeyBrakes[] = [
  DEFAULT_BRAKES,
  { noticeAt: 2, pauseAt: 4 },
  { noticeAt: null, pauseAt: 3 },
  { noticeAt: 1, pauseAt: null },
];

async function happen(account: string, reckoning: Reckoning, what: Happening): Promise<void> {
  const stub = stubOf(account);
  if (what.verb === 'call') expect(await spend(account, what.usd)).toBe(reckoning.call(what.usd));
  if (what.verb === 'night') clock.now += (what.usd % 2 === 0 ? 1 : 2) * DAY_MS + 7;
  if (what.verb === 'crash') await evictDurableObject(stub);
  if (what.verb === 'ship') await runDurableObjectAlarm(stub);
  if (what.verb === 'resume') {
    expect(await stub.resumeKey(KEY.keyId)).toEqual({ ok: true });
    reckoning.resume();
  }
  if (what.verb === 'change') {
    const brakes = CHOICES[what.usd % CHOICES.length] ?? DEFAULT_BRAKES;
    expect(await stub.changeKey(KEY.keyId, { brakes })).toEqual({ ok: true });
    reckoning.change(brakes);
  }
}

describe('the brakes against a plain reckoning', () => {
  it('pause, let go and tell alike, over days, crashes and deliveries', async () => {
    let paused = 0;
    const live = async (history: readonly Happening[]) => {
      clock.now = MIDNIGHT;
      const { account, stub } = await opened();
      const reckoning = new Reckoning();
      for (const what of history) {
        await happen(account, reckoning, what);
        expect(await standing(account)).toMatchObject({
          pausedAt: reckoning.paused,
          spentToday: reckoning.today,
          usualDay: reckoning.usual,
          brakes: reckoning.brakes,
        });
        expect((await stub.audit()).broken).toEqual([]);
      }
      await runDurableObjectAlarm(stub);
      expect(new Set(told(account))).toEqual(reckoning.notices);
      paused += [...reckoning.notices].filter((id) => id.startsWith('key_paused')).length;
    };
    process.stdout.write(`seed ${SEED}\n`);
    const histories = fc.array(happening, { minLength: 20, maxLength: 45 });
    await fc.assert(fc.asyncProperty(histories, live), { seed: SEED, numRuns: 30 });
    process.stdout.write(`${paused} pauses\n`);
    expect(paused).toBeGreaterThan(5);
  });
});

describe('a stolen key', () => {
  it('spends no more by a hundred calls at once than one after another', async () => {
    const { account, stub } = await habitual();
    const request = (n: number) => holdOf(1_000_000 + n, 5n * USD, 0);
    const deadline = clock.now + 60_000;
    const asked = await Promise.all(
      Array.from({ length: 100 }, (_, n) => stub.hold({ ...request(n), deadline })),
    );
    // 20 times a day of 10 USD is 200 USD: forty calls of 5.
    expect(asked.filter(({ ok }) => ok)).toHaveLength(40);
    for (const answer of asked) {
      if (!answer.ok) expect(answer.reason).toBe('too_many_concurrent_calls');
    }
    for (let n = 0; n < 40; n += 1) {
      await stub.settle({ ...settleOf(1_000_000 + n, 0n), cost: 5n * USD });
    }
    expect(await spend(account, 5)).toBe('ok');
    expect(await spend(account, 5)).toBe('key_paused');
    expect(await standing(account)).toMatchObject({ spentToday: 205n * USD, pausedAt: clock.now });
    const proof = await stub.key(KEY);
    expect(proof).toMatchObject({ ok: true, value: { pausedAt: clock.now } });
    await runDurableObjectAlarm(stub);
    const day = Math.floor(clock.now / DAY_MS);
    expect(told(account).sort()).toEqual([
      `key_paused:7:${clock.now}`,
      `unusual_spending:7:${day}`,
    ]);
    clock.now += DAY_MS;
    expect(await spend(account, 5)).toBe('ok');
    // The theft counted for three usual days, not for twenty.
    expect((await standing(account)).usualDay).toBe(14n * USD);
  });

  it('lets a paused key’s running calls end', async () => {
    const { account, stub } = await habitual();
    await stub.hold({ ...holdOf(2_000_000, 150n * USD, 0), deadline: clock.now + 60_000 });
    expect(await spend(account, 49)).toBe('ok');
    await stub.settle({ ...settleOf(2_000_000, 0n), cost: 150n * USD });
    await stub.hold({ ...holdOf(2_000_001, USD, 0), deadline: clock.now + 60_000 });
    await stub.changeKey(KEY.keyId, { brakes: { noticeAt: null, pauseAt: 1 } });
    expect(await spend(account, 1)).toBe('key_paused');
    const told = await stub.checkpoint({ id: callId(2_000_001), floor: 1n, deadline: clock.now });
    expect(told).toEqual({ ok: true, stop: null });
    expect(await stub.settle({ ...settleOf(2_000_001, 0n), cost: USD })).toMatchObject({
      ok: true,
    });
  });

  it('is revoked by whoever found it in public, by a retired secret too, and only once told', async () => {
    const { account, stub } = await opened();
    const secretHash = 'c'.repeat(64);
    const previousUntil = clock.now + 60_000;
    expect(await stub.rollKey({ keyId: KEY.keyId, secretHash, previousUntil })).toEqual({
      ok: true,
    });
    expect(await spend(account, 1)).toBe('ok');
    expect(await spend(account, 1, { ...KEY, secretHash })).toBe('ok');
    expect(await stub.revokeLeaked({ ...KEY, secretHash: 'd'.repeat(64) })).toBeNull();
    expect(await stub.revokeLeaked(KEY)).toEqual({ alreadyRevoked: false });
    expect(await stub.revokeLeaked({ ...KEY, secretHash })).toEqual({ alreadyRevoked: true });
    expect(await spend(account, 1, { ...KEY, secretHash })).toBe('key_revoked');
    clock.now = previousUntil;
    expect(await stub.revokeLeaked(KEY)).toBeNull();
    expect(await stub.rollKey({ keyId: KEY.keyId, secretHash, previousUntil })).toMatchObject({
      reason: 'revoked',
    });
    await runDurableObjectAlarm(stub);
    expect(told(account)).toEqual(['key_leaked:7']);
  });
});

describe('what its owner hears', () => {
  it('a dear model’s first use by a key that was used before, once', async () => {
    const dear = (n: number, keyId: number) => ({
      ...holdOf(n, 1n, 0),
      key: { ...KEY, keyId },
      model: 'anthropic/opus',
      outputPrice: 25n * USD,
    });
    const { account, stub } = await opened();
    await stub.putKey({ ...KEY, keyId: 8, limits: NO_LIMITS });
    expect(await stub.hold(dear(1, 8))).toMatchObject({ ok: true });
    expect(await stub.hold(dear(2, 8))).toMatchObject({ ok: true });
    await spend(account, 1);
    await evictDurableObject(stub);
    for (const n of [3, 4])
      expect(await stubOf(account).hold(dear(n, 7))).toMatchObject({ ok: true });
    await runDurableObjectAlarm(stub);
    expect(told(account)).toEqual(['dear_model:7']);
    expect(queue.taken.at(-1)).toMatchObject({ kind: 'dear_model', model: 'anthropic/opus' });
  });

  it('a low balance once, until it rises above again', async () => {
    const account = freshAccount();
    const stub = stubOf(account);
    await stub.open(account);
    await stub.putKey({ ...KEY, limits: NO_LIMITS });
    await stub.setLowBalance(5n * USD);
    await stub.credit({ id: 'local:1', amount: 7n * USD, source: 'local' });
    for (const cost of [2, 1, 1]) expect(await spend(account, cost)).toBe('ok');
    await evictDurableObject(stub);
    await stubOf(account).credit({ id: 'local:2', amount: 2n * USD, source: 'local' });
    await spend(account, 1);
    await runDurableObjectAlarm(stub);
    expect(told(account)).toEqual(['low_balance:3', 'low_balance:6']);
    expect(await stub.standing()).toMatchObject({ lowBalance: 5n * USD, posted: 4n * USD });
    await stub.setLowBalance(null);
    await spend(account, 1);
    await runDurableObjectAlarm(stub);
    expect(told(account)).toHaveLength(2);
    expect((await stub.audit()).broken).toEqual([]);
  });

  it('arrives though the queue was down and the object died, also when nothing else is to be done', async () => {
    const { account, stub } = await opened({ noticeAt: 1, pauseAt: null });
    queue.down = true;
    await spend(account, 3);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect((await stub.standing())?.pendingEntries).toBe(0);
    expect(told(account)).toEqual([]);
    await evictDurableObject(stub);
    expect(await runDurableObjectAlarm(stubOf(account))).toBe(true);
    queue.down = false;
    expect(await runDurableObjectAlarm(stubOf(account))).toBe(true);
    expect(told(account)).toHaveLength(1);
    expect(await runDurableObjectAlarm(stubOf(account))).toBe(false);
  });
});

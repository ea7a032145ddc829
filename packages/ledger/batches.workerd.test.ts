/// <reference types="@cloudflare/vitest-plugin/types" />
import { exports } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { type CallVerb, decodeResults, encodeVerbs } from './batch-message.ts';
import { NO_LIMITS } from './contract/index.ts';
import {
  buildHoldRequest,
  buildSettleRequest,
  callId,
  freshAccount,
  getStub,
  KEY,
} from './fixtures.workerd.ts';
import { clock, START, trips } from './test-worker.workerd.ts';

async function openAccount(credit: bigint) {
  const account = freshAccount();
  const stub = getStub(account);
  await stub.open(account);
  await stub.putKey({ ...KEY, limits: NO_LIMITS });
  await stub.credit({ id: 'local:1', amount: credit, source: 'local' });
  return { account, stub };
}

function hold(n: number, input: bigint): CallVerb {
  return { name: 'hold', request: buildHoldRequest(n, input, 10) };
}

function settle(n: number, cost: bigint): CallVerb {
  return { name: 'settle', request: buildSettleRequest(n, cost) };
}

async function runBatch(account: string, verbs: readonly CallVerb[]) {
  const results = decodeResults(verbs, await getStub(account).batch(encodeVerbs(verbs)));
  return results.map((item) => item?.result ?? null);
}

beforeEach(() => {
  clock.now = START;
  trips.failing = false;
  trips.batches = 0;
  trips.alone = 0;
});

describe('a batch of verbs', () => {
  it('runs in order, so that a settlement frees its money for the hold behind it', async () => {
    const { account, stub } = await openAccount(100n);
    const results = await runBatch(account, [
      hold(1, 90n),
      hold(2, 40n),
      settle(1, 30n),
      hold(3, 50n),
      { name: 'checkpoint', request: { id: callId(3), floor: 20n, deadline: START + 90_000 } },
    ]);
    expect(results).toMatchObject([
      { ok: true, held: 100n },
      { ok: false, reason: 'balance_held', missingAmount: 50n },
      { ok: true, charged: 30n, late: false },
      { ok: true, held: 60n },
      { ok: true, stop: null },
    ]);
    expect(await stub.audit()).toMatchObject({ posted: 70n, held: 60n, violations: [] });
  });

  it('leaves its other verbs alone where one of them throws', async () => {
    const { account, stub } = await openAccount(100n);
    const malformed = { ...buildHoldRequest(2, 1n, 1), choices: 0 };
    const results = await runBatch(account, [
      hold(1, 20n),
      { name: 'hold', request: malformed },
      settle(1, 25n),
      settle(9, 1n),
    ]);
    expect(results).toMatchObject([
      { ok: true, held: 30n },
      null,
      { ok: true, charged: 25n },
      { ok: false, reason: 'unknown' },
    ]);
    expect(await stub.audit()).toMatchObject({ posted: 75n, held: 0n, violations: [] });
  });

  it('answers the same when it is repeated', async () => {
    const { account, stub } = await openAccount(100n);
    const verbs = [hold(1, 20n), settle(1, 25n), hold(2, 500n)];
    const first = await runBatch(account, verbs);
    expect(await runBatch(account, verbs)).toEqual(first);
    expect(await stub.audit()).toMatchObject({ posted: 75n, held: 0n, violations: [] });
  });

  it('is declined as a whole before the account is open', async () => {
    const results = await runBatch(freshAccount(), [hold(1, 1n), settle(1, 1n)]);
    expect(results).toEqual([
      { ok: false, reason: 'invalid_api_key' },
      { ok: false, reason: 'unknown' },
    ]);
  });
});

const BURST = 64;

/** Sends calls at once, each in a request of its own, and returns what they answered. */
async function burst(account: string, first: number): Promise<string[]> {
  return Promise.all(
    Array.from({ length: BURST }, (_, index) => exports.TestGateway.call(account, first + index)),
  );
}

function expectedAnswers(first: number): string[] {
  return Array.from({ length: BURST }, (_, index) => `call ${first + index}`);
}

// Both fail where a rider goes on from a promise that its sender resolves: workerd then refuses the
// I/O of a hundred of them (docs/decisions/0032-batches-per-account.md has the runs).
describe(`${BURST} requests of one account at once`, () => {
  it('share trips to the object, and each goes on in its own context', async () => {
    const { account, stub } = await openAccount(100_000n);
    for (let round = 0; round < 8; round += 1) {
      const first = 1 + round * BURST;
      expect(await burst(account, first)).toEqual(expectedAnswers(first));
    }
    await expect.poll(async () => (await stub.status())?.openCalls).toBe(0);
    expect(trips.batches).toBeLessThan(8 * BURST);
    expect(trips.alone).toBe(0);
    expect(await stub.audit()).toMatchObject({ posted: 100_000n - 2n * 8n * 64n, violations: [] });
  });

  it('are each held and settled once where every batch loses its answer', async () => {
    const { account, stub } = await openAccount(100_000n);
    trips.failing = true;
    for (let round = 0; round < 4; round += 1) {
      const first = 1 + round * BURST;
      expect(await burst(account, first)).toEqual(expectedAnswers(first));
    }
    await expect.poll(() => trips.queued, { timeout: 5_000 }).toBe(4 * BURST);
    expect(trips.alone).toBe(4 * BURST);
    await expect.poll(async () => (await stub.status())?.openCalls).toBe(0);
    expect(await stub.audit()).toMatchObject({ posted: 100_000n - 2n * 4n * 64n, violations: [] });
  });
});

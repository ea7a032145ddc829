/// <reference types="@cloudflare/vitest-plugin/types" />

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeVerbs } from './batch-message.ts';
import {
  ADDRESS,
  buildHoldRequest,
  buildSettleRequest,
  callId,
  getStub,
  openAccount,
} from './fixtures.workerd.ts';
import { toStatementLine } from './statement-line.ts';
import { clock, postgres, START } from './test-worker.workerd.ts';

beforeEach(() => {
  clock.now = START;
  postgres.fault = 'none';
});

type Stub = ReturnType<typeof getStub>;

async function call(stub: Stub, n: number, cost: bigint): Promise<void> {
  await stub.hold(buildHoldRequest(n, 1n, Number(cost)));
  await stub.settle(buildSettleRequest(n, cost));
}

/** Every kind of entry: a credit, an adjustment, an ended call, an expired one and its late charge,
 * a refund. */
async function makeHistory() {
  const { account, stub } = await openAccount({ credit: 1_000_000n });
  await call(stub, 1, 5n);
  await stub.adjust({ id: 'adjustment:1', delta: -7n, note: 'a correction' });
  await stub.hold(buildHoldRequest(2, 1n, 50));
  await stub.checkpoint({ id: callId(2), floor: 20n, deadline: START + 60_000 });
  await stub.hold(buildHoldRequest(3, 1n, 50));
  clock.now = START + 120_000;
  await runDurableObjectAlarm(stub);
  await stub.settle(buildSettleRequest(2, 30n));
  await stub.settle(buildSettleRequest(3, 10n));
  await stub.bindAddress(ADDRESS);
  const deposit = { id: 'polygon:1', amount: 50n, source: 'deposit', address: ADDRESS } as const;
  await stub.credit(deposit);
  await stub.reserveRefund({ id: 'r1', amount: 9n });
  await stub.payRefund('r1');
  await runDurableObjectAlarm(stub);
  return { account, stub };
}

/** What the format says (docs/statements.md), made anew: SHA-256 over the line with the hash before. */
function findUnchained(account: string): number | undefined {
  let previous = '0'.repeat(64);
  for (const entry of postgres.stored.get(account) ?? []) {
    const line = toStatementLine(account, entry, previous);
    previous = createHash('sha256').update(line).digest('hex');
    if (entry.hash !== previous) return entry.seq;
  }
  return undefined;
}

/** Takes the chain away, as the release before left its tables. */
async function forgetChain(stub: Stub, account: string): Promise<void> {
  await runInDurableObject(stub, (_, { storage }) => {
    storage.sql.exec('UPDATE entries SET hash = NULL');
    storage.sql.exec("UPDATE account SET chain_seq = 0, chain_hash = printf('%064d', 0)");
  });
  const rows = postgres.stored.get(account) ?? [];
  postgres.stored.set(
    account,
    rows.map(({ hash: _, ...entry }) => entry),
  );
  await evictDurableObject(stub);
}

describe('the chain of entries', () => {
  it('has every kind of entry, and reaches Postgres with it', async () => {
    const { account, stub } = await makeHistory();
    expect(postgres.stored.get(account)).toHaveLength(9);
    expect(postgres.stored.get(account)?.at(-1)).toMatchObject({ kind: 'refund' });
    expect(findUnchained(account)).toBeUndefined();
    expect((await stub.audit()).violations).toEqual([]);
  });

  it('goes on after an eviction and after a transaction that failed', async () => {
    const { account, stub } = await openAccount({ credit: 1_000_000n });
    await call(stub, 1, 5n);
    await evictDurableObject(stub);
    await getStub(account).hold(buildHoldRequest(2, 1n, 5));
    const verbs = [
      { name: 'settle', request: buildSettleRequest(2, 5n) },
      // No gateway asks for it: the object throws.
      { name: 'hold', request: { ...buildHoldRequest(3, 1n, 1), choices: 0 } },
    ] as const;
    // The whole transaction fails at the second one; the first then runs alone.
    await getStub(account).batch(encodeVerbs(verbs));
    await runDurableObjectAlarm(getStub(account));
    expect(postgres.stored.get(account)).toHaveLength(3);
    expect(findUnchained(account)).toBeUndefined();
  });

  it.each([
    ['an amount', "UPDATE entries SET posted_after = posted_after, id = 'local:2' WHERE seq = 1"],
    ['a hash', "UPDATE entries SET hash = printf('%064d', 1) WHERE seq = 2"],
    ['the hash of the last entry', "UPDATE entries SET hash = printf('%064d', 1) WHERE seq = 3"],
    [
      'a report',
      `UPDATE entries SET report = replace(report, '"output":5', '"output":4') WHERE seq = 2`,
    ],
    ['a hash that is gone', 'UPDATE entries SET hash = NULL WHERE seq = 2'],
  ])('fails the audit where %s was changed', async (_, statement) => {
    const { account, stub } = await openAccount({ credit: 1_000_000n });
    await call(stub, 1, 5n);
    await call(stub, 2, 5n);
    await runInDurableObject(stub, (_object, { storage }) => {
      storage.sql.exec(statement);
    });
    await evictDurableObject(stub);
    expect((await getStub(account).audit()).violations).toEqual(['entries_are_chained']);
  });

  it('stays sound where charges are pruned', async () => {
    const { account, stub } = await makeHistory();
    clock.now = START + 32 * 86_400_000;
    await call(stub, 9, 5n);
    await runDurableObjectAlarm(stub);
    expect((await stub.audit()).violations).toEqual([]);
    expect(findUnchained(account)).toBeUndefined();
  });
});

describe('entries of a release before the chain', () => {
  it('get the hashes that they would have had, pruned ones too', async () => {
    const { account, stub } = await makeHistory();
    const hashes = (postgres.stored.get(account) ?? []).map(({ hash }) => hash);
    clock.now = START + 32 * 86_400_000;
    await call(stub, 9, 5n);
    await runDurableObjectAlarm(stub);
    await forgetChain(stub, account);
    await getStub(account).status();
    await runDurableObjectAlarm(getStub(account));
    const stored = postgres.stored.get(account) ?? [];
    expect(stored.slice(0, hashes.length).map(({ hash }) => hash)).toEqual(hashes);
    expect(findUnchained(account)).toBeUndefined();
    expect((await getStub(account).audit()).violations).toEqual([]);
  });

  it('are chained 2,000 in each alarm, and new ones wait without a hash until then', async () => {
    const { account, stub } = await openAccount({ credit: 1_000_000n });
    for (let n = 0; n < 2_300; n += 1) {
      await stub.adjust({ id: `adjustment:${n}`, delta: 1n, note: 'n' });
    }
    await runDurableObjectAlarm(stub);
    await forgetChain(stub, account);
    await getStub(account).adjust({ id: 'adjustment:new', delta: 1n, note: 'n' });
    await runDurableObjectAlarm(getStub(account));
    const stored = postgres.stored.get(account) ?? [];
    expect(stored.filter(({ hash }) => hash !== undefined)).toHaveLength(2_000);
    expect((await getStub(account).audit()).violations).toEqual([]);
    await runDurableObjectAlarm(getStub(account));
    expect(postgres.stored.get(account)).toHaveLength(2_302);
    expect(findUnchained(account)).toBeUndefined();
  });

  it('are chained in the outbox, and again where Postgres did not answer', async () => {
    const { account, stub } = await makeHistory();
    await forgetChain(stub, account);
    postgres.fault = 'ack_lost';
    await call(getStub(account), 8, 5n);
    await runDurableObjectAlarm(getStub(account));
    expect(postgres.stored.get(account)?.at(-1)).toMatchObject({ id: callId(8) });
    expect(findUnchained(account)).toBe(1);
    postgres.fault = 'none';
    clock.now += 600_000;
    await runDurableObjectAlarm(getStub(account));
    expect(findUnchained(account)).toBeUndefined();
    expect((await getStub(account).audit()).violations).toEqual([]);
  });

  it('stay out of the chain where Postgres says something else than the object', async () => {
    const { account, stub } = await makeHistory();
    await forgetChain(stub, account);
    const [first, ...others] = postgres.stored.get(account) ?? [];
    if (first !== undefined) postgres.stored.set(account, [{ ...first, at: 1 }, ...others]);
    await getStub(account).status();
    await runDurableObjectAlarm(getStub(account));
    const hashes = await runInDurableObject(getStub(account), (_, { storage }) =>
      storage.sql.exec<{ hash: string | null }>('SELECT hash FROM entries').toArray(),
    );
    expect(hashes.every(({ hash }) => hash === null)).toBe(true);
  });
});

/** What Postgres says of the first entry, so that the chain of its account can't begin. */
function changeStored(account: string): void {
  const [first, ...others] = postgres.stored.get(account) ?? [];
  if (first !== undefined) postgres.stored.set(account, [{ ...first, at: 1 }, ...others]);
}

const isClosing = async (account: string) => !(await getStub(account).close()).wiped;
const DAY_MS = 86_400_000;

/** Lets a closed account's alarms run at a moment: the wipe is the last step of one. */
async function ringAt(account: string, at: number): Promise<void> {
  clock.now = at;
  await evictDurableObject(getStub(account));
  await getStub(account).status();
  await runDurableObjectAlarm(getStub(account));
}

describe('a closed account with entries that are not chained', () => {
  it('is wiped once they are, and their hashes are in Postgres', async () => {
    const { account, stub } = await makeHistory();
    await forgetChain(stub, account);
    expect(await isClosing(account)).toBe(true);
    expect(findUnchained(account)).toBe(1);
    await runDurableObjectAlarm(getStub(account));
    expect(await isClosing(account)).toBe(false);
    expect(findUnchained(account)).toBeUndefined();
  });

  it('waits for Postgres to answer, however long that takes', async () => {
    const { account, stub } = await makeHistory();
    await forgetChain(stub, account);
    await isClosing(account);
    postgres.fault = 'throws';
    await ringAt(account, clock.now + 400 * DAY_MS);
    expect(await isClosing(account)).toBe(true);
    postgres.fault = 'none';
    await ringAt(account, clock.now + DAY_MS);
    expect(await isClosing(account)).toBe(false);
    expect(findUnchained(account)).toBeUndefined();
  });

  it.each([
    ['Postgres says something else', changeStored],
    ['Postgres lacks them', (account: string) => void postgres.stored.set(account, [])],
  ])('is wiped a week after it was closed where %s', async (_, change) => {
    const { account, stub } = await makeHistory();
    await forgetChain(stub, account);
    change(account);
    await isClosing(account);
    const closedAt = clock.now;
    await ringAt(account, closedAt + 7 * DAY_MS - 1);
    expect(await isClosing(account)).toBe(true);
    await ringAt(account, closedAt + 7 * DAY_MS);
    expect(await isClosing(account)).toBe(false);
    expect((await getStub(account).audit()).violations).toEqual([]);
    expect((postgres.stored.get(account) ?? []).some(({ hash }) => hash !== undefined)).toBe(false);
  });
});

describe('a backlog that can’t be chained', () => {
  it('is tried again after its backoff, not at each alarm of other work', async () => {
    const { account, stub } = await makeHistory();
    await forgetChain(stub, account);
    changeStored(account);
    await getStub(account).status();
    await runDurableObjectAlarm(getStub(account));
    const { reads } = postgres;
    for (let n = 20; n < 25; n += 1) {
      await call(getStub(account), n, 5n);
      await runDurableObjectAlarm(getStub(account));
    }
    expect(postgres.reads).toBe(reads);
    clock.now += 300_000;
    await call(getStub(account), 30, 5n);
    await runDurableObjectAlarm(getStub(account));
    expect(postgres.reads).toBe(reads + 1);
  });
});

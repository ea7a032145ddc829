/// <reference types="@cloudflare/vitest-plugin/types" />
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, NO_LIMITS } from './contract/index.ts';
import {
  buildHoldRequest,
  buildSettleRequest,
  callId,
  freshAccount,
  getStub,
  KEY,
} from './fixtures.workerd.ts';
import { CHARGES_PER_WIPE_STEP } from './limits.ts';
import { clock, postgres, START, type TestAccount } from './test-worker.workerd.ts';

declare global {
  namespace Cloudflare {
    interface Env {
      TEST_ACCOUNT: DurableObjectNamespace<TestAccount>;
    }
  }
}

type Stub = ReturnType<typeof getStub>;

let restoreExec: () => void = () => undefined;

/** The rows that the object's statements read while `work` runs, as Cloudflare counts them. */
async function countRowsRead(stub: Stub, work: (stub: Stub) => Promise<unknown>): Promise<number> {
  const cursors: Readonly<{ rowsRead: number }>[] = [];
  await runInDurableObject(stub, (_, { storage }) => {
    const prototype: Pick<SqlStorage, 'exec'> = Object.getPrototypeOf(storage.sql);
    const { exec } = prototype;
    restoreExec = () => {
      prototype.exec = exec;
    };
    prototype.exec = new Proxy(exec, {
      apply: (target, self, args) => {
        const cursor = Reflect.apply(target, self, args);
        cursors.push(cursor);
        return cursor;
      },
    });
  });
  await work(stub);
  restoreExec();
  return runInDurableObject(stub, () => cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0));
}

async function openFunded(account = freshAccount()): Promise<Stub> {
  const stub = getStub(account);
  await stub.open(account);
  await stub.putKey({ ...KEY, limits: NO_LIMITS });
  await stub.credit({ id: 'local:1', amount: 1_000_000_000n, source: 'local' });
  return stub;
}

/** Makes calls with the numbers from `first` on, each two nano-USD, and delivers their entries. */
async function makeCalls(stub: Stub, first: number, count: number): Promise<void> {
  await runInDurableObject(stub, (object) => {
    for (let n = first; n < first + count; n += 1) {
      object.hold(buildHoldRequest(n, 1n, 1));
      object.settle(buildSettleRequest(n, 2n));
    }
  });
  await deliver(stub);
}

async function addCredits(stub: Stub, first: number, count: number): Promise<void> {
  await runInDurableObject(stub, (object) => {
    for (let n = first; n < first + count; n += 1)
      object.credit({ id: `local:${n}`, amount: 1n, source: 'local' });
  });
  await deliver(stub);
}

async function deliver(stub: Stub): Promise<void> {
  while ((await stub.status())?.pendingEntries !== 0) await runDurableObjectAlarm(stub);
}

/** Adds an entry, because an alarm is set only then, and rings it. */
async function ringAlarm(stub: Stub, n: number): Promise<void> {
  await makeCalls(stub, 1_000_000 + n, 1);
}

async function listKinds(stub: Stub): Promise<readonly string[]> {
  const page = await stub.listEntries(0, 1_000);
  const next = await stub.listEntries(page.at(-1)?.seq ?? 0, 1_000);
  return [...page, ...next].map(({ kind }) => kind);
}

beforeEach(() => {
  clock.now = START;
  postgres.fault = 'none';
});

afterEach(() => restoreExec());

const WORK: readonly (readonly [title: string, work: (stub: Stub) => Promise<unknown>])[] = [
  ['alarm after ten calls', (stub) => makeCalls(stub, 100_000, 10)],
  [
    'start of the object and a call',
    async (stub) => {
      await evictDurableObject(stub);
      await makeCalls(stub, 200_000, 1);
    },
  ],
  ['bill of a call', (stub) => stub.generation(KEY, callId(3))],
  ['repeated settlement', (stub) => stub.settle(buildSettleRequest(4, 2n))],
  ['balance', (stub) => stub.credits(KEY)],
  ['status of a key', (stub) => stub.key(KEY)],
  ['refundable amount', (stub) => stub.refundable()],
  ['credit', (stub) => stub.credit({ id: 'local:9', amount: 1n, source: 'local' })],
  ['page of entries', (stub) => stub.listEntries(50, 10)],
];

describe('what an object reads', () => {
  it('does not grow with the entries that it keeps', async () => {
    const few = await openFunded();
    await makeCalls(few, 0, 100);
    const many = await openFunded();
    await makeCalls(many, 0, 5_000);
    // The start reads the last minutes.
    clock.now = START + DAY_MS;
    const rows = [];
    for (const [title, work] of WORK) {
      rows.push([title, await countRowsRead(few, work), await countRowsRead(many, work)]);
    }
    expect(rows.filter(([, ofFew, ofMany]) => ofFew !== ofMany)).toEqual([]);
  });

  it('does not grow in an audit beyond 50,000 entries, which finds them sound', async () => {
    const stub = await openFunded();
    await makeCalls(stub, 0, 200);
    await addCredits(stub, 10, 50_000);
    await makeCalls(stub, 1_000, 200);
    const audit = async () => expect((await stub.audit()).violations).toEqual([]);
    const before = await countRowsRead(stub, audit);
    await addCredits(stub, 100_000, 6_000);
    await makeCalls(stub, 2_000, 200);
    expect((await countRowsRead(stub, audit)) / before).toBeCloseTo(1, 1);
  });

  it('grows as the keys do when it starts, and not faster, where each was rotated', async () => {
    const readAtStart = async (keys: number) => {
      const stub = await openFunded();
      for (let keyId = 100; keyId < 100 + keys; keyId += 1) {
        const secretHash = (n: number) => `${keyId}${n}`.padStart(64, '0');
        await stub.putKey({ keyId, secretHash: secretHash(1), limits: NO_LIMITS });
        await stub.rollKey({ keyId, secretHash: secretHash(2), previousExpiresAt: START + DAY_MS });
      }
      return countRowsRead(stub, async () => {
        await evictDurableObject(stub);
        await stub.status();
      });
    };
    const [few, many] = [await readAtStart(20), await readAtStart(40)];
    expect(many - few).toBeLessThan(5 * 20);
  });

  it('does not grow with the credits that it keeps, from the second alarm on', async () => {
    const stub = await openFunded();
    await addCredits(stub, 10, 1_500);
    await makeCalls(stub, 0, 3);
    expect(await countRowsRead(stub, (object) => ringAlarm(object, 1))).toBeLessThan(50);
  });
});

/** Adds charges as calls leave them, all acknowledged, without the calls. */
async function addCharges(stub: Stub, account: string, count: number): Promise<void> {
  await makeCalls(stub, 0, 1);
  await runInDurableObject(stub, (_, { storage: { sql } }) => {
    sql.exec(
      `INSERT INTO entries (row, seq, id, call_id, kind, delta, posted_after, at, key_id, held,
          opening, reason, charged, shortfall, settle_fingerprint, report)
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)
        SELECT e.row + n, e.seq + n, 'charge:' || n, 'charge:' || n, kind, delta,
          posted_after + delta * n, at, key_id, held, opening, reason, charged, shortfall,
          settle_fingerprint, report
        FROM entries e, n WHERE e.seq = (SELECT seq FROM account)`,
      count,
    );
    sql.exec(
      `UPDATE account SET posted = posted - 2 * ?1, seq = seq + ?1, acknowledged = seq + ?1,
        chain_seq = seq + ?1`,
      count,
    );
  });
  postgres.stored.set(account, new Array((await stub.audit()).lastSeq));
  await evictDurableObject(stub);
}

describe('the wipe of a closed account', () => {
  it('reads in each of its steps as much, whatever the number of charges that are left', async () => {
    const read = async (charges: number) => {
      const account = freshAccount();
      const stub = await openFunded(account);
      await stub.adjust({ id: 'adj:1', delta: 1n, note: 'for Ada' });
      await addCharges(stub, account, charges);
      const first = await countRowsRead(stub, (object) => object.close());
      const next = await countRowsRead(stub, runDurableObjectAlarm);
      expect((await stub.audit()).violations).toEqual([]);
      return [first, next];
    };
    const few = await read(2 * CHARGES_PER_WIPE_STEP + 1_000);
    const many = await read(5 * CHARGES_PER_WIPE_STEP);
    expect(many).toEqual(few);
    expect(Math.max(...many)).toBeLessThan(5 * CHARGES_PER_WIPE_STEP);
  });
});

describe('pruning', () => {
  it('takes the oldest charges, 1,000 a time, wherever credits lie between them', async () => {
    const stub = await openFunded();
    await addCredits(stub, 10, 1_100);
    await makeCalls(stub, 0, 700);
    await addCredits(stub, 2_000, 2);
    await makeCalls(stub, 1_000, 700);
    clock.now = START + 31 * DAY_MS;
    const charges = [];
    for (const n of [1, 2, 3]) {
      await ringAlarm(stub, n);
      await evictDurableObject(stub);
      charges.push((await listKinds(stub)).filter((kind) => kind === 'charge').length);
      expect((await stub.audit()).violations).toEqual([]);
    }
    expect(charges).toEqual([401, 2, 3]);
    expect((await listKinds(stub)).filter((kind) => kind === 'credit')).toHaveLength(1_103);
  });

  it('leaves what Postgres has not acknowledged, and the charges of the last 30 days', async () => {
    const stub = await openFunded();
    await makeCalls(stub, 0, 3);
    postgres.fault = 'unreachable';
    await runInDurableObject(stub, (object) => {
      object.hold(buildHoldRequest(9, 1n, 1));
      object.settle(buildSettleRequest(9, 2n));
    });
    clock.now = START + 31 * DAY_MS;
    expect((await stub.audit()).violations).toEqual([]);
    // The last acknowledged entry stays too: the running balance goes on from it.
    expect((await stub.listEntries(0, 100)).map(({ seq }) => seq)).toEqual([1, 4, 5]);
    postgres.fault = 'none';
    await ringAlarm(stub, 1);
    expect((await stub.listEntries(0, 100)).map(({ seq }) => seq)).toEqual([1, 6]);
    expect((await stub.audit()).violations).toEqual([]);
  });
});

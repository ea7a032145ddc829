/// <reference types="@cloudflare/vitest-plugin/types" />
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { NO_LIMITS } from './contract/index.ts';
import {
  buildHoldRequest,
  buildSettleRequest,
  callId,
  freshAccount,
  KEY,
} from './fixtures.workerd.ts';
import { ReferenceModel } from './reference-model.workerd.ts';
import { clock, postgres, START } from './test-worker.workerd.ts';

const SEED = 20261123;
const HISTORIES = 110;

/** Few ids and few amounts, so that most operations repeat or contradict an earlier one. */
const id = fc.integer({ min: 1, max: 6 });
const amount = fc.constantFrom(0n, 1n, 40n, 100n, 250n, 600n);
const operation = fc.oneof(
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('credit' as const), id, amount }) },
  { weight: 5, arbitrary: fc.record({ verb: fc.constant('hold' as const), id, amount }) },
  { weight: 5, arbitrary: fc.record({ verb: fc.constant('settle' as const), id, amount }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('checkpoint' as const), id, amount }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('roll' as const), id, amount }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('close' as const), id, amount }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('later' as const), id, amount }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('alarm' as const), id, amount }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('evict' as const), id, amount }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('abort' as const), id, amount }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('database' as const), id, amount }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

let operationCount = 0;
let accountCount = 0;
let closedAccounts = 0;

function getStub(account: string) {
  return env.TEST_ACCOUNT.get(env.TEST_ACCOUNT.idFromName(account));
}

type Outcome = Readonly<{ ok: boolean; reason?: string }>;

function summarize(result: Outcome, ...details: readonly unknown[]): string {
  return result.ok ? ['ok', ...details].join(' ') : (result.reason ?? '');
}

/** The key's secret after so many rolls. */
function secretHashFor(rolls: number): string {
  return rolls === 0 ? KEY.secretHash : rolls.toString(16).padStart(64, '0');
}

/** Mostly the newest secret, sometimes one of those before it. */
function keyFor(op: Operation, model: ReferenceModel) {
  const rollsBack = op.amount === 40n ? op.id % 5 : 0;
  return { ...KEY, secretHash: secretHashFor(Math.max(0, model.rollCount - rollsBack)) };
}

async function applyOperation(
  account: string,
  model: ReferenceModel,
  op: Operation,
): Promise<void> {
  const stub = getStub(account);
  switch (op.verb) {
    case 'credit': {
      const request = {
        id: `local:${op.id}`,
        amount: op.amount + 1n,
        source: 'local',
      } as const;
      const result = await stub.credit(request);
      expect(summarize(result, result.ok && result.posted)).toBe(
        model.credit(request.id, request.amount),
      );
      return;
    }
    case 'hold': {
      const request = { ...buildHoldRequest(op.id, op.amount, 10), key: keyFor(op, model) };
      const result = await stub.hold(request);
      expect(summarize(result, result.ok && result.held)).toBe(
        model.hold(request, op.amount + 10n, clock.now),
      );
      return;
    }
    case 'settle': {
      const request = buildSettleRequest(op.id, op.amount);
      const result = await stub.settle(request);
      const details = result.ok ? [result.charged, result.shortfall, result.late] : [];
      expect(summarize(result, ...details)).toBe(model.settle(request));
      return;
    }
    case 'checkpoint': {
      const request = { id: callId(op.id), floor: op.amount, deadline: clock.now + 30_000 };
      expect(summarize(await stub.checkpoint(request))).toBe(model.checkpoint(request));
      return;
    }
    case 'roll': {
      const secretHash = secretHashFor(model.rollCount + 1);
      const previousExpiresAt = clock.now + op.id * 10_000;
      const result = await stub.rollKey({ keyId: KEY.keyId, secretHash, previousExpiresAt });
      expect(summarize(result)).toBe(model.roll(secretHash, previousExpiresAt));
      return;
    }
    case 'close': {
      if (op.id > 2) return;
      const { wiped, posted, openCalls } = await stub.close();
      expect(`${wiped} ${posted} ${openCalls}`).toBe(model.close());
      return;
    }
    default:
      await applyFault(account, model, op);
  }
}

async function applyFault(account: string, model: ReferenceModel, op: Operation): Promise<void> {
  if (op.verb === 'later') clock.now += 25_000;
  if (op.verb === 'evict') await evictDurableObject(getStub(account));
  if (op.verb === 'abort') await abortAllDurableObjects();
  if (op.verb === 'database') {
    postgres.fault = (['none', 'unreachable', 'ack_lost'] as const)[op.id % 3] ?? 'none';
  }
  // A real alarm expires and ships; where none is set there is nothing to expire.
  if (op.verb === 'alarm' && (await runDurableObjectAlarm(getStub(account)))) {
    model.expire(clock.now);
    model.flush(postgres.fault === 'none');
  }
}

/** Each line once, in order, with a running balance: what Postgres has is a prefix of the book. */
function checkPostgres(account: string, entryCount: number): void {
  let posted = 0n;
  const rows = postgres.stored.get(account) ?? [];
  expect(rows.length).toBeLessThanOrEqual(entryCount);
  for (const [index, row] of rows.entries()) {
    posted += row.delta;
    expect([row.seq, row.postedAfter]).toEqual([index + 1, posted]);
  }
}

async function runHistory(history: readonly Operation[]): Promise<void> {
  const account = freshAccount();
  const model = new ReferenceModel();
  model.newKey(KEY.secretHash);
  accountCount += 1;
  clock.now = START;
  postgres.fault = 'none';
  await getStub(account).open(account);
  await getStub(account).putKey({ ...KEY, limits: NO_LIMITS });
  for (const op of history) {
    operationCount += 1;
    await applyOperation(account, model, op);
    const { posted, held } = model;
    const audit = await getStub(account).audit();
    expect(audit).toMatchObject({ posted, held, lastSeq: model.entryCount, violations: [] });
    checkPostgres(account, model.entryCount);
  }
  postgres.fault = 'none';
  await runDurableObjectAlarm(getStub(account));
  await finishHistory(account, model);
  expect((await getStub(account).audit()).acknowledgedSeq).toBe(model.entryCount);
  expect(postgres.stored.get(account)?.length ?? 0).toBe(model.entryCount);
}

/** Where it was closed: once every call is overdue, the next alarms end it without being asked. */
async function finishHistory(account: string, model: ReferenceModel): Promise<void> {
  model.expire(clock.now);
  model.flush(true);
  if (!model.closed) return;
  clock.now += 600_000;
  model.expire(clock.now);
  for (let alarms = 0; alarms < 3; alarms += 1) await runDurableObjectAlarm(getStub(account));
  model.flush(true);
  expect(model.wiped).toBe(true);
  // Nothing opens it again.
  await getStub(account).open(account);
  const { posted } = model;
  expect(await getStub(account).close()).toEqual({ wiped: true, posted, openCalls: 0 });
  expect(await getStub(account).keys()).toEqual([]);
  closedAccounts += 1;
}

beforeEach(() => {
  process.stdout.write(`seed ${SEED}, ${HISTORIES} histories\n`);
});
afterAll(() => {
  process.stdout.write(
    `${operationCount} operations on ${accountCount} objects, ${closedAccounts} closed\n`,
  );
});

describe('the account object and the reference model', () => {
  it('give equal results for random histories with crashes, and every audit passes', async () => {
    const histories = fc.array(operation, { minLength: 5, maxLength: 30 });
    await fc.assert(fc.asyncProperty(histories, runHistory), { seed: SEED, numRuns: HISTORIES });
  });
});

/// <reference types="@cloudflare/vitest-plugin/types" />
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type CallResult, type CallVerb, decodeResults, encodeVerbs } from './batch-message.ts';
import { NO_LIMITS } from './contract/index.ts';
import {
  buildHoldRequest,
  buildSettleRequest,
  callId,
  freshAccount,
  getStub,
  KEY,
} from './fixtures.workerd.ts';
import { ReferenceModel } from './reference-model.workerd.ts';
import { clock, postgres, START, wipe } from './test-worker.workerd.ts';

const SEED = 20261123;
const HISTORIES = 120;
/** Few, so that a wipe takes several alarms, between which anything may happen. */
const CHARGES_PER_WIPE_STEP = 1;

/** Few ids and few amounts, so that most operations repeat or contradict an earlier one. */
const id = fc.integer({ min: 1, max: 6 });
const amount = fc.constantFrom(0n, 1n, 40n, 100n, 250n, 600n);
/** What an account object answers of a call, alone or in a batch with others. */
const callOperation = fc.record({
  verb: fc.constantFrom('hold' as const, 'settle' as const, 'checkpoint' as const),
  id,
  amount,
});
const batch = fc.record({
  verb: fc.constant('batch' as const),
  id,
  amount,
  calls: fc.array(callOperation, { minLength: 1, maxLength: 6 }),
  /** The answer was lost, and the whole batch comes again; or each of its verbs alone. */
  repeated: fc.constantFrom('never' as const, 'whole' as const, 'alone' as const),
  /** A verb that throws is in its middle. */
  hasBug: fc.boolean(),
});
const operation = fc.oneof(
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('credit' as const), id, amount }) },
  { weight: 5, arbitrary: fc.record({ verb: fc.constant('hold' as const), id, amount }) },
  { weight: 5, arbitrary: fc.record({ verb: fc.constant('settle' as const), id, amount }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('checkpoint' as const), id, amount }) },
  { weight: 5, arbitrary: batch },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('roll' as const), id, amount }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('close' as const), id, amount }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('later' as const), id, amount }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('alarm' as const), id, amount }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('evict' as const), id, amount }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('abort' as const), id, amount }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('database' as const), id, amount }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
type CallOperation = typeof callOperation extends fc.Arbitrary<infer T> ? T : never;
type Batch = typeof batch extends fc.Arbitrary<infer T> ? T : never;

let operationCount = 0;
let accountCount = 0;
let closedAccounts = 0;
let operationsDuringWipes = 0;

type Outcome = Readonly<{ ok: boolean; reason?: string }>;

function summarize(result: Outcome, ...details: readonly unknown[]): string {
  return result.ok ? ['ok', ...details].join(' ') : (result.reason ?? '');
}

/** The key's secret after so many rolls. */
function secretHashFor(rolls: number): string {
  return rolls === 0 ? KEY.secretHash : rolls.toString(16).padStart(64, '0');
}

/** Mostly the newest secret, sometimes one of those before it. */
function keyFor(op: CallOperation, model: ReferenceModel) {
  const rollsBack = op.amount === 40n ? op.id % 5 : 0;
  return { ...KEY, secretHash: secretHashFor(Math.max(0, model.rollCount - rollsBack)) };
}

function toCallVerb(op: CallOperation, model: ReferenceModel): CallVerb {
  const deadline = clock.now + 30_000;
  switch (op.verb) {
    case 'hold': {
      const request = { ...buildHoldRequest(op.id, op.amount, 10), key: keyFor(op, model) };
      return { name: 'hold', request };
    }
    case 'settle':
      return { name: 'settle', request: buildSettleRequest(op.id, op.amount) };
    case 'checkpoint':
      return { name: 'checkpoint', request: { id: callId(op.id), floor: op.amount, deadline } };
  }
}

async function askAlone(account: string, { name, request }: CallVerb): Promise<CallResult> {
  const stub = getStub(account);
  switch (name) {
    case 'hold':
      return { name, result: await stub.hold(request) };
    case 'settle':
      return { name, result: await stub.settle(request) };
    case 'checkpoint':
      return { name, result: await stub.checkpoint(request) };
  }
}

function summarizeCall({ name, result }: CallResult): string {
  if (!result.ok || name === 'checkpoint') return summarize(result);
  if (name === 'hold') return summarize(result, result.held);
  return summarize(result, result.charged, result.shortfall, result.late);
}

function applyToModel(model: ReferenceModel, { name, request }: CallVerb): string {
  switch (name) {
    case 'hold':
      return model.hold(request, request.maxInputCost + 10n, clock.now);
    case 'settle':
      return model.settle(request);
    case 'checkpoint':
      return model.checkpoint(request);
  }
}

/** A hold that no gateway asks for: the object throws. */
const BUG: CallVerb = { name: 'hold', request: { ...buildHoldRequest(9, 1n, 1), choices: 0 } };

async function applyBatch(account: string, model: ReferenceModel, op: Batch): Promise<void> {
  const calls = op.calls.map((call) => toCallVerb(call, model));
  const verbs = op.hasBug ? [...calls.slice(0, 2), BUG, ...calls.slice(2)] : calls;
  const text = encodeVerbs(verbs);
  const results = decodeResults(verbs, await getStub(account).batch(text));
  const answers = results.filter((_, index) => verbs[index] !== BUG);
  const expected = calls.map((call) => applyToModel(model, call));
  const summaries = answers.map((answer) => (answer === null ? 'threw' : summarizeCall(answer)));
  expect(summaries).toEqual(expected);
  if (op.repeated === 'never') return;
  for (const call of calls) {
    if (op.repeated === 'alone')
      expect(summarizeCall(await askAlone(account, call))).toBe(applyToModel(model, call));
  }
  if (op.repeated === 'alone') return;
  const again = decodeResults(calls, await getStub(account).batch(encodeVerbs(calls)));
  const repeatedSummaries = again.map((answer) => answer && summarizeCall(answer));
  expect(repeatedSummaries).toEqual(calls.map((call) => applyToModel(model, call)));
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
    case 'hold':
    case 'settle':
    case 'checkpoint': {
      const call = toCallVerb({ ...op, verb: op.verb }, model);
      expect(summarizeCall(await askAlone(account, call))).toBe(applyToModel(model, call));
      return;
    }
    case 'batch':
      await applyBatch(account, model, op);
      return;
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
  const model = new ReferenceModel(CHARGES_PER_WIPE_STEP);
  model.newKey(KEY.secretHash);
  accountCount += 1;
  clock.now = START;
  postgres.fault = 'none';
  await getStub(account).open(account);
  await getStub(account).putKey({ ...KEY, limits: NO_LIMITS });
  for (const op of history) {
    operationCount += 1;
    if (model.isWiping) operationsDuringWipes += 1;
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
  while (await runDurableObjectAlarm(getStub(account))) model.flush(true);
  expect(model.wiped).toBe(true);
  // Nothing opens it again.
  await getStub(account).open(account);
  const { posted } = model;
  expect(await getStub(account).close()).toEqual({ wiped: true, posted, openCalls: 0 });
  expect(await getStub(account).keys()).toEqual([]);
  closedAccounts += 1;
}

beforeEach(() => {
  wipe.chargesPerStep = CHARGES_PER_WIPE_STEP;
  process.stdout.write(`seed ${SEED}, ${HISTORIES} histories\n`);
});
afterAll(() => {
  process.stdout.write(
    `${operationCount} operations on ${accountCount} objects, ${closedAccounts} closed, ${operationsDuringWipes} operations during wipes\n`,
  );
});

/** Six calls, and a closing whose first alarm begins the wipe. */
const UNTIL_WIPE: readonly Operation[] = [
  { verb: 'credit', id: 1, amount: 600n },
  ...[1, 2, 3, 4, 5, 6].flatMap((call): Operation[] => [
    { verb: 'hold', id: call, amount: 40n },
    { verb: 'settle', id: call, amount: 40n },
  ]),
  { verb: 'close', id: 1, amount: 0n },
  { verb: 'alarm', id: 1, amount: 0n },
];

async function checkHistories(
  first: readonly Operation[],
  { maxLength, numRuns }: Readonly<{ maxLength: number; numRuns: number }>,
): Promise<void> {
  const histories = fc.array(operation, { minLength: 5, maxLength });
  const run = (history: readonly Operation[]) => runHistory([...first, ...history]);
  await fc.assert(fc.asyncProperty(histories, run), { seed: SEED, numRuns });
}

describe('the account object and the reference model', () => {
  it('give equal results for random histories with crashes, and every audit passes', async () => {
    await checkHistories([], { maxLength: 30, numRuns: HISTORIES });
  });

  it('give equal results while an account is wiped in steps, and every audit passes', async () => {
    await checkHistories(UNTIL_WIPE, { maxLength: 12, numRuns: 20 });
    expect(operationsDuringWipes).toBeGreaterThan(50);
  });
});

/// <reference types="@cloudflare/vitest-plugin/types" />
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { NO_LIMITS } from './contract.ts';
import { Oracle } from './oracle.workerd.ts';
import { callId, freshAccount, holdOf, KEY, settleOf } from './scenes.workerd.ts';
import { clock, postgres, START } from './stage.workerd.ts';

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

let operations = 0;
let objects = 0;
let closings = 0;

function stubOf(account: string) {
  return env.STAGE.get(env.STAGE.idFromName(account));
}

type Answer = Readonly<{ ok: boolean; reason?: string }>;

function short(answer: Answer, ...shown: readonly unknown[]): string {
  return answer.ok ? ['ok', ...shown].join(' ') : (answer.reason ?? '');
}

/** The key's secret after so many rolls. */
function hashOf(rolls: number): string {
  return rolls === 0 ? KEY.secretHash : rolls.toString(16).padStart(64, '0');
}

/** Mostly the newest secret, sometimes one of those before it. */
function keyFor(what: Operation, oracle: Oracle) {
  const back = what.amount === 40n ? what.id % 5 : 0;
  return { ...KEY, secretHash: hashOf(Math.max(0, oracle.rolled - back)) };
}

async function happen(account: string, oracle: Oracle, what: Operation): Promise<void> {
  const stub = stubOf(account);
  switch (what.verb) {
    case 'credit': {
      const request = {
        id: `local:${what.id}`,
        amount: what.amount + 1n,
        source: 'local',
      } as const;
      const answer = await stub.credit(request);
      expect(short(answer, answer.ok && answer.posted)).toBe(
        oracle.credit(request.id, request.amount),
      );
      return;
    }
    case 'hold': {
      const request = { ...holdOf(what.id, what.amount, 10), key: keyFor(what, oracle) };
      const answer = await stub.hold(request);
      expect(short(answer, answer.ok && answer.held)).toBe(
        oracle.hold(request, what.amount + 10n, clock.now),
      );
      return;
    }
    case 'settle': {
      const request = settleOf(what.id, what.amount);
      const answer = await stub.settle(request);
      const shown = answer.ok ? [answer.charged, answer.shortfall, answer.late] : [];
      expect(short(answer, ...shown)).toBe(oracle.settle(request));
      return;
    }
    case 'checkpoint': {
      const request = { id: callId(what.id), floor: what.amount, deadline: clock.now + 30_000 };
      expect(short(await stub.checkpoint(request))).toBe(oracle.checkpoint(request));
      return;
    }
    case 'roll': {
      const secretHash = hashOf(oracle.rolled + 1);
      const previousUntil = clock.now + what.id * 10_000;
      const answer = await stub.rollKey({ keyId: KEY.keyId, secretHash, previousUntil });
      expect(short(answer)).toBe(oracle.roll(secretHash, previousUntil));
      return;
    }
    case 'close': {
      if (what.id > 2) return;
      const { wiped, posted, openCalls } = await stub.close();
      expect(`${wiped} ${posted} ${openCalls}`).toBe(oracle.close());
      return;
    }
    default:
      await befall(account, oracle, what);
  }
}

async function befall(account: string, oracle: Oracle, what: Operation): Promise<void> {
  if (what.verb === 'later') clock.now += 25_000;
  if (what.verb === 'evict') await evictDurableObject(stubOf(account));
  if (what.verb === 'abort') await abortAllDurableObjects();
  if (what.verb === 'database') {
    postgres.fault = (['none', 'unreachable', 'ack_lost'] as const)[what.id % 3] ?? 'none';
  }
  // A real alarm expires and ships; where none is set there is nothing to expire.
  if (what.verb === 'alarm' && (await runDurableObjectAlarm(stubOf(account)))) {
    oracle.expire(clock.now);
    oracle.ship(postgres.fault === 'none');
  }
}

/** Each line once, in order, with a running balance: what Postgres has is a prefix of the book. */
function checkPostgres(account: string, lines: number): void {
  let posted = 0n;
  const rows = postgres.stored.get(account) ?? [];
  expect(rows.length).toBeLessThanOrEqual(lines);
  for (const [index, row] of rows.entries()) {
    posted += row.delta;
    expect([row.seq, row.postedAfter]).toEqual([index + 1, posted]);
  }
}

async function live(history: readonly Operation[]): Promise<void> {
  const account = freshAccount();
  const oracle = new Oracle();
  oracle.newKey(KEY.secretHash);
  objects += 1;
  clock.now = START;
  postgres.fault = 'none';
  await stubOf(account).open(account);
  await stubOf(account).putKey({ ...KEY, limits: NO_LIMITS });
  for (const what of history) {
    operations += 1;
    await happen(account, oracle, what);
    const { posted, held } = oracle;
    const audit = await stubOf(account).audit();
    expect(audit).toMatchObject({ posted, held, lastSeq: oracle.lines, broken: [] });
    checkPostgres(account, oracle.lines);
  }
  postgres.fault = 'none';
  await runDurableObjectAlarm(stubOf(account));
  await rest(account, oracle);
  expect((await stubOf(account).audit()).acknowledgedSeq).toBe(oracle.lines);
  expect(postgres.stored.get(account)?.length ?? 0).toBe(oracle.lines);
}

/** Where it was closed: once every call is overdue, the next alarms end it without being asked. */
async function rest(account: string, oracle: Oracle): Promise<void> {
  oracle.expire(clock.now);
  oracle.ship(true);
  if (!oracle.closed) return;
  clock.now += 600_000;
  oracle.expire(clock.now);
  for (let rings = 0; rings < 3; rings += 1) await runDurableObjectAlarm(stubOf(account));
  oracle.ship(true);
  expect(oracle.wiped).toBe(true);
  // Nothing opens it again.
  await stubOf(account).open(account);
  const { posted } = oracle;
  expect(await stubOf(account).close()).toEqual({ wiped: true, posted, openCalls: 0 });
  expect(await stubOf(account).keys()).toEqual([]);
  closings += 1;
}

beforeEach(() => {
  process.stdout.write(`seed ${SEED}, ${HISTORIES} histories\n`);
});
afterAll(() => {
  process.stdout.write(`${operations} operations on ${objects} objects, ${closings} closed\n`);
});

describe('the book against the oracle', () => {
  it('answers alike and stays whole, whatever happens in whatever order', async () => {
    const histories = fc.array(operation, { minLength: 5, maxLength: 30 });
    await fc.assert(fc.asyncProperty(histories, live), { seed: SEED, numRuns: HISTORIES });
  });
});

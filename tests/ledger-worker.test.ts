/**
 * The ledger Worker where it runs: keys, revocation, both sides of the books, the sweep, the queue and
 * past calls. Accidents that nobody can ask for from outside (a lost alarm, a month gone by, a table that
 * refuses a line) are made between two runs, in the objects' own files.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type KeyProof, NO_LIMITS, type SettleRequest } from '@farebox/ledger';
import { type LocalStack, startStack } from '@farebox/local';
import { NO_USAGE } from '@farebox/money';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { billOf } from './bills.ts';
import { chatCompletion, json, pause, ScriptedUpstream } from './scripted-upstream.ts';

type Account = Awaited<ReturnType<LocalStack['createAccount']>>;

const PATIENCE = { timeout: 15_000 };
const stateDir = mkdtempSync(join(tmpdir(), 'farebox-ledger-'));
let upstream: ScriptedUpstream;
let stack: LocalStack;

async function start(): Promise<void> {
  stack = await startStack({
    stateDir,
    database: 'pglite',
    providers: { openai: { baseUrl: `${upstream.url}/v1`, apiKey: 'k' } },
    cronEveryMs: null,
    quiet: true,
  });
}

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  upstream.answer = (_, response) =>
    json(response, chatCompletion('ok', { input: 1000, output: 100 }));
  await start();
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

/** One statement straight at Postgres; every value is its text. */
async function sql(query: string, ...params: readonly string[]): Promise<(string | null)[][]> {
  const { origin } = new URL(stack.databaseUrl.replace(/^postgres(ql)?:/, 'http:'));
  const body = JSON.stringify({ query, params });
  const response = await fetch(`${origin}/sql`, { method: 'POST', body });
  const answer = (await response.json()) as { rows: (string | null)[][]; message?: string };
  if (response.status !== 200) throw new Error(answer.message);
  return answer.rows;
}

async function one(query: string, ...params: readonly string[]): Promise<string | null> {
  const [row] = await sql(query, ...params);
  return row?.[0] ?? null;
}

function ask(apiKey: string, path: string): Promise<Response> {
  return fetch(`${stack.gatewayUrl}${path}`, { headers: { authorization: `Bearer ${apiKey}` } });
}

function complete(apiKey: string): Promise<Response> {
  return fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'Count this.' }],
      max_tokens: 1000,
    }),
  });
}

const PRICES = {
  input_uncached: 1_000_000n,
  cache_read: 0n,
  cache_write_5m: 0n,
  cache_write_1h: 0n,
  output: 1_000_000n,
};

async function proofOf(accountId: string): Promise<KeyProof> {
  const query =
    "select key_id, secret_hash from api_keys where account_id = $1 and state = 'active'";
  const [row] = await sql(query, accountId);
  return { keyId: Number(row?.[0]), secretHash: row?.[1] ?? '' };
}

/** A call of one nano-USD, without the gateway. */
async function callDirectly(accountId: string, key: KeyProof): Promise<string> {
  const id = randomBytes(16).toString('hex');
  const { calls } = stack.doors;
  const held = await calls.hold(accountId, {
    id,
    key,
    model: 'openai/gpt-4o-mini',
    provider: 'openai',
    dialect: 'chat',
    stream: false,
    inputWorst: 1n,
    outputPrice: 1_000_000n,
    choices: 1,
    output: { kind: 'explicit', tokens: 10 },
    deadline: Date.now() + 60_000,
  });
  expect(held).toMatchObject({ ok: true });
  const usage = { ...NO_USAGE, input_uncached: 1 };
  const bill = { httpStatus: 200, usage, prices: PRICES, fees: [], cost: 1n };
  const request: SettleRequest = { id, reason: 'provider_reported', ...bill };
  expect(await calls.settle(accountId, request)).toMatchObject({ ok: true, charged: 1n });
  return id;
}

async function untilShipped(accountId: string): Promise<void> {
  await vi.waitUntil(async () => {
    const audit = await stack.doors.operators.audit(accountId);
    return audit.lastSeq === audit.acknowledgedSeq;
  }, PATIENCE);
}

/** What the Workers signalled; workerd wraps each line of theirs in one of its own. */
function said(): string {
  return stack.output().replaceAll('\\"', '"');
}

const TICK_MS = 300_000;
const SPACE = 2n ** 64n;
const TODAY = Math.floor(Date.now() / 86_400_000) * 86_400_000;

/** Fires the cron as at that slice's time of day. */
async function tick(slice: number): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: TODAY + slice * TICK_MS + 1 });
  try {
    await stack.tick();
  } finally {
    vi.useRealTimers();
  }
}

function sliceOf(accountId: string): number {
  return Number((BigInt(`0x${accountId}`) * 288n) / SPACE);
}

describe('a key', () => {
  it('is a pending row before its object knows it, active after, and works', async () => {
    const accountId = randomBytes(8).toString('hex');
    const states = 'select state from api_keys where account_id = $1 order by created_at';
    await sql('insert into accounts (id, created_at) values ($1, now())', accountId);
    const wanted = { name: 'first', limits: NO_LIMITS };
    const { accounts } = stack.doors;
    expect(await accounts.mintKey(accountId, wanted)).toEqual({ ok: false, reason: 'not_open' });
    expect(await sql(states, accountId)).toEqual([['pending']]);
    await accounts.open(accountId);
    const minted = await accounts.mintKey(accountId, wanted);
    expect(await sql(states, accountId)).toEqual([['pending'], ['active']]);
    expect((await ask(minted.ok ? minted.apiKey : '', '/v1/key')).status).toBe(200);
  });

  it('of an account that has no row is not made', async () => {
    const nobody = randomBytes(8).toString('hex');
    const minted = await stack.doors.accounts.mintKey(nobody, { name: 'x', limits: NO_LIMITS });
    expect(minted).toEqual({ ok: false, reason: 'not_open' });
  });

  it('is dead the moment it is revoked, and its row says so', async () => {
    const { accountId, apiKey } = await stack.createAccount({ creditUsd: '5' });
    const { keyId } = await proofOf(accountId);
    expect((await complete(apiKey)).status).toBe(200);
    expect(await stack.doors.accounts.revokeKey(accountId, keyId)).toEqual({ ok: true });
    expect((await complete(apiKey)).status).toBe(401);
    const state = 'select state from api_keys where account_id = $1';
    expect(await one(state, accountId)).toBe('revoked');
  });

  it.each([
    ['asking again', (id: string, keyId: number) => stack.doors.accounts.revokeKey(id, keyId)],
    ['the sweep', (id: string) => tick(sliceOf(id))],
  ])('is dead too where its row could not be marked; %s marks it', async (_, mark) => {
    const { accountId, apiKey } = await stack.createAccount({ creditUsd: '5' });
    const { keyId } = await proofOf(accountId);
    const state = 'select state from api_keys where account_id = $1';
    await stack.stopDatabase();
    const revoked = await stack.doors.accounts.revokeKey(accountId, keyId);
    expect((await complete(apiKey)).status).toBe(401);
    await stack.startDatabase();
    expect(revoked).toEqual({ ok: true });
    expect(said()).toContain('"where":"ledger.revoke_key"');
    expect(await one(state, accountId)).toBe('active');
    await mark(accountId, keyId);
    expect(await one(state, accountId)).toBe('revoked');
  });
});

describe('an audit', () => {
  async function shipped(): Promise<string> {
    const { accountId, apiKey } = await stack.createAccount({ creditUsd: '5' });
    await complete(apiKey);
    await untilShipped(accountId);
    expect((await stack.doors.operators.audit(accountId)).broken).toEqual([]);
    return accountId;
  }

  it.each([
    [
      'an amount',
      'update ledger_entries set delta = delta - 1, posted_after = posted_after - 1 where account_id = $1 and seq = 2',
      'postgres_and_unacknowledged_are_ledger',
    ],
    [
      'a line too many',
      "insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at) select account_id, 3, 'forged', 'credit', 1, posted_after + 1, now() from ledger_entries where account_id = $1 and seq = 2",
      'postgres_not_ahead',
    ],
    [
      'a line that is gone',
      'with bills as (delete from calls where account_id = $1) delete from ledger_entries where account_id = $1 and seq = 2',
      'postgres_has_acknowledged',
    ],
  ])('names what was changed in Postgres: %s', async (_, tampering, invariant) => {
    const accountId = await shipped();
    await sql(tampering, accountId);
    expect((await stack.doors.operators.audit(accountId)).broken).toEqual([invariant]);
    await tick(sliceOf(accountId));
    const line = JSON.stringify({ event: 'invariant_broken', account: accountId, invariant });
    await expect.poll(said, PATIENCE).toContain(line);
  });

  it('answers with the object alone where Postgres is away, and says so', async () => {
    const accountId = await shipped();
    await stack.stopDatabase();
    const audit = await stack.doors.operators.audit(accountId);
    await tick(sliceOf(accountId));
    await stack.startDatabase();
    expect(audit).toMatchObject({ lastSeq: 2, held: 0n, broken: ['postgres_unreachable'] });
    await expect.poll(said, PATIENCE).toContain('"event":"sweep_unfinished"');
  });
});

describe('the outbox', () => {
  it('brings 1,000 calls of one account to Postgres in at most 20 statements', async () => {
    await sql('create table statements (one int)');
    await sql(
      `create function count_statement() returns trigger language plpgsql as
       $$ begin insert into statements values (1); return null; end $$`,
    );
    const counted = 'after insert on ledger_entries for each statement';
    await sql(`create trigger counted ${counted} execute function count_statement()`);
    const { accountId } = await stack.createAccount({ creditUsd: '5' });
    const key = await proofOf(accountId);
    const began = Date.now();
    for (let made = 0; made < 1_000; made += 50) {
      await Promise.all(Array.from({ length: 50 }, () => callDirectly(accountId, key)));
    }
    await untilShipped(accountId);
    const statements = Number(await one('select count(*) from statements'));
    await sql('drop trigger counted on ledger_entries');
    process.stdout.write(`1,001 lines of one account in ${statements} statements\n`);
    const lines = 'select count(*) from ledger_entries where account_id = $1';
    expect(await one(lines, accountId)).toBe('1001');
    expect(statements).toBeGreaterThan(0);
    // Four full loads, and one each second while calls still end.
    const seconds = Math.ceil((Date.now() - began) / 1_000);
    expect(statements).toBeLessThanOrEqual(Math.min(20, 4 + seconds));
  });
});

describe('the sweep', () => {
  const SLICE = 7;
  const FIRST = (SPACE * BigInt(SLICE)) / 288n;
  const nth = (n: bigint) => (FIRST + n).toString(16).padStart(16, '0');

  it('meets more accounts than one page, and says where it had to stop', async () => {
    await sql(
      `insert into accounts (id, created_at)
       select lpad(to_hex($1::bigint + n), 16, '0'), now() from generate_series(0, 1099) n`,
      FIRST.toString(),
    );
    for (const n of [0n, 250n, 999n, 1_050n]) {
      await sql(
        `insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at)
         values ($1, 1, 'forged', 'credit', 1, 1, now())`,
        nth(n),
      );
    }
    await tick(SLICE);
    const stopped = JSON.stringify({ event: 'sweep_unfinished', account: nth(999n) });
    await expect.poll(said, PATIENCE).toContain(stopped);
    const named = (n: bigint) => {
      const broken = {
        event: 'invariant_broken',
        account: nth(n),
        invariant: 'postgres_not_ahead',
      };
      return said().includes(JSON.stringify(broken));
    };
    expect([0n, 250n, 999n, 1_050n].map(named)).toEqual([true, true, true, false]);
  });
});

/** The databases that workerd keeps for the ledger's objects: one each, and one of all alarms. */
function objectFiles(): readonly string[] {
  const names = readdirSync(stateDir, { recursive: true }).map(String);
  return names.filter((name) => /farebox-ledger-Account.*\.sqlite$/.test(name));
}

function holds(db: DatabaseSync, accountId: string): boolean {
  const opened = "select 1 from sqlite_master where name = 'account'";
  if (db.prepare(opened).get() === undefined) return false;
  return db.prepare('select id from account').get()?.id === accountId;
}

/** Changes the database of that account's object, or with null that of the alarms, while nothing runs. */
function meddle(accountId: string | null, statement: string): void {
  let meddled = 0;
  for (const name of objectFiles()) {
    const db = new DatabaseSync(join(stateDir, name));
    const alarms = name.endsWith('metadata.sqlite');
    if (accountId === null ? alarms : !alarms && holds(db, accountId)) {
      db.exec(statement);
      meddled += 1;
    }
    db.close();
  }
  if (meddled !== 1) throw new Error('The file to change was not found.');
}

describe('after accidents', () => {
  let stuck: Account;
  let refusing: Account;
  let old: Account;
  let oldCall: string;
  let oldBill: unknown;

  async function billed({ apiKey }: Account): Promise<[id: string, bill: unknown]> {
    const id = (await complete(apiKey)).headers.get('x-request-id') ?? '';
    return [id, await billOf(stack.gatewayUrl, apiKey, id)];
  }

  beforeAll(async () => {
    [stuck, refusing, old] = await Promise.all([
      stack.createAccount({ creditUsd: '5' }),
      stack.createAccount({ creditUsd: '5' }),
      stack.createAccount({ creditUsd: '5' }),
    ]);
    [oldCall, oldBill] = await billed(old);
    await billed(old);
    await untilShipped(old.accountId);
    await untilShipped(stuck.accountId);
    await stack.stopDatabase();
    await billed(stuck);
    await stack.stop();
    meddle(null, 'delete from _cf_ALARM');
    meddle(stuck.accountId, 'delete from _cf_METADATA');
    meddle(
      refusing.accountId,
      `create trigger refuse before insert on entries
       when (select state from account) = 'frozen' begin select raise(abort, 'refused'); end`,
    );
    const longAgo = `update entries set at = at - 31 * 86400000 where call_id = '${oldCall}'`;
    meddle(old.accountId, longAgo);
    await start();
  });

  it('the sweep wakes an account whose alarm was lost, and its lines arrive', async () => {
    const lines = 'select count(*) from ledger_entries where account_id = $1';
    await pause(1_500);
    expect(await one(lines, stuck.accountId)).toBe('1');
    await tick(sliceOf(stuck.accountId));
    await expect.poll(() => one(lines, stuck.accountId), PATIENCE).toBe('2');
    expect((await stack.doors.operators.audit(stuck.accountId)).broken).toEqual([]);
  });

  it('a bill its account could not take arrives through the queue, once', async () => {
    const { accountId, apiKey } = refusing;
    const { operators } = stack.doors;
    upstream.answer = async (_, response) => {
      await operators.freeze(accountId, true);
      json(response, chatCompletion('ok', { input: 1000, output: 100 }));
    };
    const answer = await complete(apiKey);
    expect(answer.status).toBe(200);
    const call = answer.headers.get('x-request-id') ?? '';
    await expect
      .poll(said, PATIENCE)
      .toContain(JSON.stringify({ event: 'settlement_queued', call }));
    expect(await operators.audit(accountId)).toMatchObject({ lastSeq: 1, broken: [] });
    await operators.freeze(accountId, false);
    const bill = await billOf(stack.gatewayUrl, apiKey, call, PATIENCE.timeout);
    expect(bill).toMatchObject({ status: 'settled', cost_nano_usd: '210000' });
    expect(await operators.audit(accountId)).toMatchObject({ lastSeq: 2, held: 0n, broken: [] });
  });

  it('a call its object has dropped is answered from Postgres, to its own account only', async () => {
    const { accountId, apiKey } = old;
    expect((await stack.doors.operators.audit(accountId)).broken).toEqual([]);
    const kept = await stack.doors.accounts.statement(accountId, 0, 10);
    expect(kept.map((entry) => entry.seq)).toEqual([1, 3]);
    expect(await billOf(stack.gatewayUrl, apiKey, oldCall)).toEqual(oldBill);
    const path = `/v1/generation/${oldCall}`;
    expect((await ask(stuck.apiKey, path)).status).toBe(404);
    await stack.stopDatabase();
    const without = await ask(apiKey, path);
    await stack.startDatabase();
    expect(without.status).toBe(404);
    const signalled = { event: 'unexpected', where: 'ledger.past_call', call: oldCall };
    await expect.poll(said, PATIENCE).toContain(JSON.stringify(signalled));
  });
});

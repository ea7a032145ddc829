/**
 * The ledger Worker on the real stack: keys, revocation, audit against Postgres, daily
 * reconciliation, the queue, archived calls. Accidents that no public interface can cause (a lost
 * alarm, a month gone by, a table that rejects an entry) are made between two runs, in the objects'
 * own files.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type KeyCredential, NO_LIMITS, type SettleRequest } from '@farebox/ledger';
import { type LocalStack, startStack } from '@farebox/local';
import { NO_USAGE } from '@farebox/money';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fetchSettledBalance, waitForBill } from './support/bills.ts';
import { chatCompletion, ScriptedUpstream, sendJson, sleep } from './support/scripted-upstream.ts';

type Account = Awaited<ReturnType<LocalStack['createAccount']>>;

const WAIT_OPTIONS = { timeout: 15_000 };
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
  upstream.handler = (_, response) =>
    sendJson(response, chatCompletion('ok', { input: 1000, output: 100 }));
  await start();
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

/** Runs one statement against Postgres; every value is its text. */
async function sql(query: string, ...params: readonly string[]): Promise<(string | null)[][]> {
  const { origin } = new URL(stack.databaseUrl.replace(/^postgres(ql)?:/, 'http:'));
  const body = JSON.stringify({ query, params });
  const response = await fetch(`${origin}/sql`, { method: 'POST', body });
  const payload = (await response.json()) as { rows: (string | null)[][]; message?: string };
  if (response.status !== 200) throw new Error(payload.message);
  return payload.rows;
}

async function selectOne(query: string, ...params: readonly string[]): Promise<string | null> {
  const [row] = await sql(query, ...params);
  return row?.[0] ?? null;
}

function getPath(apiKey: string, path: string): Promise<Response> {
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
  cache_write_30m: 0n,
  cache_write_1h: 0n,
  cache_write_12h: 0n,
  output: 1_000_000n,
};

async function getCredential(accountId: string): Promise<KeyCredential> {
  const query =
    "select key_id, secret_hash from api_keys where account_id = $1 and state = 'active'";
  const [row] = await sql(query, accountId);
  return { keyId: Number(row?.[0]), secretHash: row?.[1] ?? '' };
}

/** A call of one nano-USD, without the gateway. */
async function holdAndSettle(accountId: string, key: KeyCredential): Promise<string> {
  const id = randomBytes(16).toString('hex');
  const { calls } = stack.ledger;
  const held = await calls.hold(accountId, {
    id,
    key,
    model: 'openai/gpt-4o-mini',
    provider: 'openai',
    dialect: 'chat',
    stream: false,
    maxInputCost: 1n,
    maxOutputPrice: 1_000_000n,
    choices: 1,
    output: { kind: 'explicit', tokens: 10 },
    deadline: Date.now() + 60_000,
  });
  expect(held).toMatchObject({ ok: true });
  const usage = { ...NO_USAGE, input_uncached: 1 };
  const bill = {
    httpStatus: 200,
    usage,
    prices: PRICES,
    priceRule: null,
    providerCost: null,
    marginBasisPoints: null,
    firstTokenMs: null,
    totalMs: null,
    fees: [],
    cost: 1n,
  };
  const request: SettleRequest = { id, reason: 'provider_reported', ...bill };
  expect(await calls.settle(accountId, request)).toMatchObject({ ok: true, charged: 1n });
  return id;
}

async function waitForOutbox(accountId: string): Promise<void> {
  await vi.waitUntil(async () => {
    const audit = await stack.ledger.operators.audit(accountId);
    return audit.lastSeq === audit.acknowledgedSeq;
  }, WAIT_OPTIONS);
}

/** The Workers' log events; workerd wraps each of their lines in one of its own. */
function workerOutput(): string {
  return stack.output().replaceAll('\\"', '"');
}

const TICK_MS = 300_000;
const ID_SPACE = 2n ** 64n;
const TODAY = Math.floor(Date.now() / 86_400_000) * 86_400_000;

/** Fires the cron as if at that slice's time of day. */
async function runCron(slice: number): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: TODAY + slice * TICK_MS + 1 });
  try {
    await stack.runCrons();
  } finally {
    vi.useRealTimers();
  }
}

function getSlice(accountId: string): number {
  return Number((BigInt(`0x${accountId}`) * 288n) / ID_SPACE);
}

describe('a key', () => {
  it('is a pending row before the account object has it, and active and valid afterwards', async () => {
    const accountId = randomBytes(8).toString('hex');
    const stateQuery = 'select state from api_keys where account_id = $1 order by created_at';
    await sql('insert into accounts (id, created_at) values ($1, now())', accountId);
    const keyRequest = { name: 'first', limits: NO_LIMITS };
    const { accounts } = stack.ledger;
    expect(await accounts.mintKey(accountId, keyRequest)).toEqual({
      ok: false,
      reason: 'not_open',
    });
    expect(await sql(stateQuery, accountId)).toEqual([['pending']]);
    await accounts.open(accountId);
    const minted = await accounts.mintKey(accountId, keyRequest);
    expect(await sql(stateQuery, accountId)).toEqual([['pending'], ['active']]);
    expect((await getPath(minted.ok ? minted.apiKey : '', '/v1/key')).status).toBe(200);
  });

  it('is not created for an account without a row', async () => {
    const unknownAccount = randomBytes(8).toString('hex');
    const minted = await stack.ledger.accounts.mintKey(unknownAccount, {
      name: 'x',
      limits: NO_LIMITS,
    });
    expect(minted).toEqual({ ok: false, reason: 'not_open' });
  });

  it('is invalid at once when revoked, and its row says so', async () => {
    const { accountId, apiKey } = await stack.createAccount({ creditUsd: '5' });
    const { keyId } = await getCredential(accountId);
    expect((await complete(apiKey)).status).toBe(200);
    expect(await stack.ledger.accounts.revokeKey(accountId, keyId)).toEqual({ ok: true });
    expect((await complete(apiKey)).status).toBe(401);
    const state = 'select state from api_keys where account_id = $1';
    expect(await selectOne(state, accountId)).toBe('revoked');
  });

  it.each([
    ['asking again', (id: string, keyId: number) => stack.ledger.accounts.revokeKey(id, keyId)],
    ['the reconciliation', (id: string) => runCron(getSlice(id))],
  ])('is invalid even if its row could not be updated; %s updates it', async (_, markRow) => {
    const { accountId, apiKey } = await stack.createAccount({ creditUsd: '5' });
    const { keyId } = await getCredential(accountId);
    const state = 'select state from api_keys where account_id = $1';
    await stack.stopDatabase();
    const revoked = await stack.ledger.accounts.revokeKey(accountId, keyId);
    expect((await complete(apiKey)).status).toBe(401);
    await stack.startDatabase();
    expect(revoked).toEqual({ ok: true });
    expect(workerOutput()).toContain('"where":"ledger.revoke_key"');
    expect(await selectOne(state, accountId)).toBe('active');
    await markRow(accountId, keyId);
    expect(await selectOne(state, accountId)).toBe('revoked');
  });
});

describe('the audit of an account', () => {
  async function createShippedAccount(): Promise<string> {
    const { accountId, apiKey } = await stack.createAccount({ creditUsd: '5' });
    await complete(apiKey);
    await fetchSettledBalance(stack.gatewayUrl, apiKey);
    await waitForOutbox(accountId);
    expect((await stack.ledger.operators.audit(accountId)).violations).toEqual([]);
    return accountId;
  }

  it.each([
    [
      'an amount',
      'update ledger_entries set delta = delta - 1, posted_after = posted_after - 1 where account_id = $1 and seq = 2',
      'postgres_and_unacknowledged_are_ledger',
    ],
    [
      'an extra entry',
      "insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at) select account_id, 3, 'forged', 'credit', 1, posted_after + 1, now() from ledger_entries where account_id = $1 and seq = 2",
      'postgres_not_ahead',
    ],
    [
      'a missing entry',
      'with bills as (delete from calls where account_id = $1) delete from ledger_entries where account_id = $1 and seq = 2',
      'postgres_has_acknowledged',
    ],
  ])('names what was changed in Postgres: %s', async (_, statement, invariant) => {
    const accountId = await createShippedAccount();
    await sql(statement, accountId);
    expect((await stack.ledger.operators.audit(accountId)).violations).toEqual([invariant]);
    await runCron(getSlice(accountId));
    const line = JSON.stringify({ event: 'invariant_broken', account: accountId, invariant });
    await expect.poll(workerOutput, WAIT_OPTIONS).toContain(line);
  });

  it('audits the account object alone while Postgres is away and says so', async () => {
    const accountId = await createShippedAccount();
    await stack.stopDatabase();
    const audit = await stack.ledger.operators.audit(accountId);
    await runCron(getSlice(accountId));
    await stack.startDatabase();
    expect(audit).toMatchObject({ lastSeq: 2, held: 0n, violations: ['postgres_unreachable'] });
    await expect.poll(workerOutput, WAIT_OPTIONS).toContain('"event":"reconciliation_incomplete"');
  });
});

describe('the outbox', () => {
  it('delivers 1,000 calls of one account to Postgres in at most 20 statements', async () => {
    await sql('create table statements (one int)');
    await sql(
      `create function count_statement() returns trigger language plpgsql as
       $$ begin insert into statements values (1); return null; end $$`,
    );
    const counted = 'after insert on ledger_entries for each statement';
    await sql(`create trigger counted ${counted} execute function count_statement()`);
    const { accountId } = await stack.createAccount({ creditUsd: '5' });
    const key = await getCredential(accountId);
    const startedAt = Date.now();
    for (let callCount = 0; callCount < 1_000; callCount += 50) {
      await Promise.all(Array.from({ length: 50 }, () => holdAndSettle(accountId, key)));
    }
    await waitForOutbox(accountId);
    const statements = Number(await selectOne('select count(*) from statements'));
    await sql('drop trigger counted on ledger_entries');
    process.stdout.write(`1,001 lines of one account in ${statements} statements\n`);
    const entryCountQuery = 'select count(*) from ledger_entries where account_id = $1';
    expect(await selectOne(entryCountQuery, accountId)).toBe('1001');
    expect(statements).toBeGreaterThan(0);
    // Four full batches, and one each second while calls still end.
    const seconds = Math.ceil((Date.now() - startedAt) / 1_000);
    expect(statements).toBeLessThanOrEqual(Math.min(20, 4 + seconds));
  });
});

describe('the daily reconciliation', () => {
  const SLICE = 7;
  const FIRST = (ID_SPACE * BigInt(SLICE)) / 288n;
  const accountIdAt = (n: bigint) => (FIRST + n).toString(16).padStart(16, '0');

  it('processes more accounts than one page and reports where it stopped', async () => {
    await sql(
      `insert into accounts (id, created_at)
       select lpad(to_hex($1::bigint + n), 16, '0'), now() from generate_series(0, 1099) n`,
      FIRST.toString(),
    );
    for (const n of [0n, 250n, 999n, 1_050n]) {
      await sql(
        `insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at)
         values ($1, 1, 'forged', 'credit', 1, 1, now())`,
        accountIdAt(n),
      );
    }
    await runCron(SLICE);
    const unfinishedEvent = JSON.stringify({
      event: 'reconciliation_incomplete',
      account: accountIdAt(999n),
    });
    await expect.poll(workerOutput, WAIT_OPTIONS).toContain(unfinishedEvent);
    const isReported = (n: bigint) => {
      const violations = {
        event: 'invariant_broken',
        account: accountIdAt(n),
        invariant: 'postgres_not_ahead',
      };
      return workerOutput().includes(JSON.stringify(violations));
    };
    expect([0n, 250n, 999n, 1_050n].map(isReported)).toEqual([true, true, true, false]);
  });
});

/**
 * The databases that workerd keeps for the ledger's objects: one per object, and one for all
 * alarms.
 */
function objectFiles(): readonly string[] {
  const names = readdirSync(stateDir, { recursive: true }).map(String);
  return names.filter((name) => /farebox-ledger-Account.*\.sqlite$/.test(name));
}

function belongsToAccount(db: DatabaseSync, accountId: string): boolean {
  const opened = "select 1 from sqlite_master where name = 'account'";
  if (db.prepare(opened).get() === undefined) return false;
  return db.prepare('select id from account').get()?.id === accountId;
}

/** Changes the database of that account's object, or of the alarms (null), while no Worker runs. */
function modifyDatabase(accountId: string | null, statement: string): void {
  let modifiedCount = 0;
  for (const name of objectFiles()) {
    const db = new DatabaseSync(join(stateDir, name));
    const alarms = name.endsWith('metadata.sqlite');
    if (accountId === null ? alarms : !alarms && belongsToAccount(db, accountId)) {
      db.exec(statement);
      modifiedCount += 1;
    }
    db.close();
  }
  if (modifiedCount !== 1) throw new Error('The file to change was not found.');
}

describe('after a lost alarm or a failed settlement', () => {
  let stuckAccount: Account;
  let failingAccount: Account;
  let oldAccount: Account;
  let oldCall: string;
  let oldBill: unknown;

  async function callAndBill({ apiKey }: Account): Promise<[id: string, bill: unknown]> {
    const id = (await complete(apiKey)).headers.get('x-request-id') ?? '';
    return [id, await waitForBill(stack.gatewayUrl, apiKey, id)];
  }

  beforeAll(async () => {
    [stuckAccount, failingAccount, oldAccount] = await Promise.all([
      stack.createAccount({ creditUsd: '5' }),
      stack.createAccount({ creditUsd: '5' }),
      stack.createAccount({ creditUsd: '5' }),
    ]);
    [oldCall, oldBill] = await callAndBill(oldAccount);
    await callAndBill(oldAccount);
    await waitForOutbox(oldAccount.accountId);
    await waitForOutbox(stuckAccount.accountId);
    await stack.stopDatabase();
    await callAndBill(stuckAccount);
    await stack.stop();
    modifyDatabase(null, 'delete from _cf_ALARM');
    modifyDatabase(stuckAccount.accountId, 'delete from _cf_METADATA');
    modifyDatabase(
      failingAccount.accountId,
      `create trigger refuse before update on entries
       when (select state from account) = 'frozen' begin select raise(abort, 'refused'); end`,
    );
    const charge = `(select -delta from entries where call_id = '${oldCall}')`;
    const ageCall = `
      update entries set at = at - 31 * 86400000 where call_id = '${oldCall}';
      update keys set baseline_today = baseline_today - ${charge},
        week_spent = week_spent - ${charge}, month_spent = month_spent - ${charge};`;
    modifyDatabase(oldAccount.accountId, ageCall);
    await start();
  });

  it('the reconciliation wakes an account whose alarm was lost, and its entries arrive', async () => {
    const entryCountQuery = 'select count(*) from ledger_entries where account_id = $1';
    await sleep(1_500);
    expect(await selectOne(entryCountQuery, stuckAccount.accountId)).toBe('1');
    await runCron(getSlice(stuckAccount.accountId));
    await expect
      .poll(() => selectOne(entryCountQuery, stuckAccount.accountId), WAIT_OPTIONS)
      .toBe('2');
    expect((await stack.ledger.operators.audit(stuckAccount.accountId)).violations).toEqual([]);
  });

  it('a settlement that the account rejected arrives through the queue, once', async () => {
    const { accountId, apiKey } = failingAccount;
    const { operators } = stack.ledger;
    upstream.handler = async (_, response) => {
      await operators.freeze(accountId, true);
      sendJson(response, chatCompletion('ok', { input: 1000, output: 100 }));
    };
    const response = await complete(apiKey);
    expect(response.status).toBe(200);
    const call = response.headers.get('x-request-id') ?? '';
    await expect
      .poll(workerOutput, WAIT_OPTIONS)
      .toContain(JSON.stringify({ event: 'settlement_queued', call }));
    expect(await operators.audit(accountId)).toMatchObject({ lastSeq: 1, violations: [] });
    await operators.freeze(accountId, false);
    const bill = await waitForBill(stack.gatewayUrl, apiKey, call, WAIT_OPTIONS.timeout);
    expect(bill).toMatchObject({ status: 'settled', cost_nano_usd: '210000' });
    expect(await operators.audit(accountId)).toMatchObject({
      lastSeq: 2,
      held: 0n,
      violations: [],
    });
  });

  it('a call that the account object no longer keeps is read from Postgres, by its own account only', async () => {
    const { accountId, apiKey } = oldAccount;
    expect((await stack.ledger.operators.audit(accountId)).violations).toEqual([]);
    const remaining = await stack.ledger.accounts.listEntries(accountId, 0, 10);
    expect(remaining.map((entry) => entry.seq)).toEqual([1, 3]);
    expect(await waitForBill(stack.gatewayUrl, apiKey, oldCall)).toEqual(oldBill);
    const path = `/v1/generation/${oldCall}`;
    expect((await getPath(stuckAccount.apiKey, path)).status).toBe(404);
    await stack.stopDatabase();
    const unavailable = await getPath(apiKey, path);
    await stack.startDatabase();
    expect(unavailable.status).toBe(404);
    const loggedEvent = { event: 'unexpected', where: 'ledger.archived_call', call: oldCall };
    await expect.poll(workerOutput, WAIT_OPTIONS).toContain(JSON.stringify(loggedEvent));
  });
});

/**
 * The catalog as data: what operators accept takes effect in a running gateway within its refresh,
 * at its moment and not before; what can't be valid is refused and the calls go on. No deploy, no
 * restart.
 */
import { randomBytes } from 'node:crypto';
import { findModelById, RELEASED } from '@farebox/catalog';
import { submitChange } from '@farebox/catalog-changes';
import { connect } from '@farebox/database';
import { listParityReports } from '@farebox/database/catalog';
import { type LocalAccount, type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { recomputeDay, runParity } from '../workers/ledger/parity.ts';
import { type BillJson, waitForBill } from './support/bills.ts';
import {
  chatCompletion,
  chatEvents,
  ScriptedUpstream,
  sendJson,
  sendStream,
  sleep,
} from './support/scripted-upstream.ts';
import { sql } from './support/sql.ts';

const REFRESH_MS = 200;
const TIMEOUT_MS = 20_000;
/** Dearer in the release than in these tests, so that a hold by the release covers the change. */
const RELEASED_MODEL = 'gpt-5.4';
const DAY_MS = 86_400_000;

let upstream: ScriptedUpstream;
let stack: LocalStack;
let account: LocalAccount;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  stack = await startStack({
    providers: { openai: { baseUrl: `${upstream.url}/v1`, apiKey: 'sk-upstream' } },
    gatewayBindings: { CATALOG_REFRESH_SECONDS: String(REFRESH_MS / 1000) },
    cronEveryMs: null,
    quiet: true,
  });
  account = await stack.createAccount({ creditUsd: '100' });
});

beforeEach(() => {
  upstream.handler = (_, response) =>
    sendJson(response, chatCompletion('done', { input: 1000, output: 1000 }));
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

function call(model: string, fields: object = {}, headers: object = {}): Promise<Response> {
  return post('/v1/chat/completions', model, fields, headers);
}

async function estimate(model: string): Promise<unknown> {
  const response = await post('/v1/estimate', model);
  const { data } = (await response.json()) as { data: unknown };
  return data;
}

function post(
  path: string,
  model: string,
  fields: object = {},
  headers: object = {},
): Promise<Response> {
  return fetch(stack.gatewayUrl + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${account.apiKey}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify({
      model,
      messages: [{ role: 'user', content: 'Hello.' }],
      max_tokens: 1000,
      ...fields,
    }),
  });
}

/** Calls until the answer has the status, since a change may take a refresh to arrive. */
async function callUntil(model: string, status: number): Promise<Response> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const response = await call(model);
    if (response.status === status || Date.now() > deadline) return response;
    await response.arrayBuffer();
    await sleep(50);
  }
}

async function billFor(response: Response): Promise<BillJson & { price_rule?: string | null }> {
  await response.arrayBuffer();
  return waitForBill(stack.gatewayUrl, account.apiKey, response.headers.get('x-request-id'));
}

/** Calls until a bill is made with the version that is in effect. */
async function billUntil(model: string, version: number) {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const bill = await billFor(await callUntil(model, 200));
    if (bill.price_rule?.startsWith(`${RELEASED.version}+${version}/`)) return bill;
    if (Date.now() > deadline) throw new Error(`still ${bill.price_rule}`);
    await sleep(50);
  }
}

const defined = (id: string, usdPerMillion: number) => ({
  provider: 'openai',
  definition: {
    id,
    limits: { context: 128_000, output: 16_000 },
    prices: [
      {
        id: 'standard',
        when: {},
        prices: {
          input_uncached: usdPerMillion * 1_000_000_000,
          output: usdPerMillion * 1_000_000_000,
        },
      },
    ],
  },
});

/** Accepts a change as the operators' application does. */
async function change(value: object, effectiveAt: number | null = null): Promise<number> {
  const result = await submitChange(
    { db: connect(stack.databaseUrl), released: RELEASED, limit: { sharePercent: 1000 } },
    {
      id: randomBytes(16).toString('hex'),
      author: 'ada@farebox.example',
      reason: 'a test of the catalog',
      change: value,
      effectiveAt,
      now: Date.now(),
    },
  );
  if (!result.ok || result.version === null) throw new Error(JSON.stringify(result));
  return result.version;
}

describe('a change of the catalog in a running stack', () => {
  it('lets the next call use a model that was added while a stream runs', async () => {
    const before = await call('gpt-added');
    expect(before.status).toBe(404);
    let finish: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      finish = resolve;
    });
    upstream.handler = async (request, response) => {
      if (!request.body.includes('"stream":true'))
        return sendJson(response, chatCompletion('done', { input: 1000, output: 1000 }));
      const events = chatEvents(['one', 'two'], { input: 10, output: 2 });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of events.slice(0, 2)) response.write(event);
      await gate;
      response.end(events.slice(2).join(''));
    };
    const streaming = await call('gpt-4o-mini', { stream: true });
    const version = await change({ models: [defined('gpt-added', 3)] });
    const after = await callUntil('gpt-added', 200);
    expect(after.status).toBe(200);
    const bill = await billFor(after);
    expect(bill.cost_nano_usd).toBe('6000000');
    expect(bill.price_rule).toBe(`${RELEASED.version}+${version}/standard`);
    finish();
    expect(await streaming.text()).toContain('[DONE]');
    const streamed = streaming.headers.get('x-request-id');
    const held = await waitForBill(stack.gatewayUrl, account.apiKey, streamed);
    expect(held.reason).toBe('provider_reported');
  });

  it('takes effect at its moment, and not before', async () => {
    await change({ models: [defined('gpt-dated', 2)] });
    await callUntil('gpt-dated', 200);
    const moment = Date.now() + 8_000;
    const version = await change({ models: [defined('gpt-dated', 7)] }, moment);
    // The gateway learns of the version behind calls, while the former price holds.
    while (Date.now() < moment - 2_000) {
      const before = await billFor(await call('gpt-dated'));
      expect(before.prices?.output).toBe('2000000000');
      await sleep(200);
    }
    await sleep(moment - Date.now() + 20);
    const after = await billFor(await call('gpt-dated'));
    expect(after.prices?.output).toBe('7000000000');
    expect(after.price_rule).toBe(`${RELEASED.version}+${version}/standard`);
  });

  it('adds a margin to every price of a provider', async () => {
    const version = await change({ margins: [{ scope: 'openai', basis_points: 1000 }] });
    const bill = await billUntil('gpt-added', version);
    expect(bill.prices?.output).toBe('3300000000');
    expect(bill.cost_nano_usd).toBe('6600000');
    expect(bill.margin_percent).toBe('10');
    expect(bill.provider_prices?.output).toBe('3000000000');
    expect(bill.cost_at_provider_prices_nano_usd).toBe('6000000');
    const asked = await call('gpt-added', {}, { 'x-farebox-include-cost': 'true' });
    expect(await asked.json()).toMatchObject({
      cost: {
        nano_usd: '6600000',
        margin_percent: '10',
        nano_usd_at_provider_prices: '6000000',
      },
    });
    expect(await estimate('gpt-added')).toMatchObject({
      margin_percent: '10',
      prices: { output: '3300000000' },
      provider_prices: { output: '3000000000' },
    });
    await billUntil('gpt-added', await change({ margins: [{ scope: 'openai', basis_points: 0 }] }));
  });

  it('ends calls of a model that is withdrawn', async () => {
    await change({ models: [{ provider: 'openai', id: 'gpt-added', status: 'withdrawn' }] });
    expect((await callUntil('gpt-added', 404)).status).toBe(404);
  });

  it('refuses a poisoned row that was put straight into Postgres, and the old version goes on', async () => {
    const version = await change({ models: [defined('gpt-sound', 2)] });
    await billUntil('gpt-sound', version);
    const poisoned = version + 1;
    const { definition } = defined('gpt-sound', 2);
    const prices = [{ id: 'standard', when: {}, prices: { input_uncached: -1, output: -1 } }];
    const bad = JSON.stringify({ ...definition, prices });
    await sql(
      stack,
      `with v as (insert into catalog_versions (version, author, reason, created_at, effective_at)
        values (${poisoned}, 'nobody', 'put in by hand', now(), now()) returning version)
      insert into catalog_models (version, provider, id, status, definition)
      select version, 'openai', 'gpt-sound', 'defined', $1::jsonb from v`,
      [bad],
    );
    const deadline = Date.now() + TIMEOUT_MS;
    const refused = new RegExp(`catalog_refused\\W+version\\W+${poisoned}\\b`);
    while (!refused.test(stack.output()) && Date.now() < deadline) {
      await call('gpt-sound').then((response) => response.arrayBuffer());
      await sleep(100);
    }
    expect(stack.output()).toMatch(refused);
    const bill = await billFor(await call('gpt-sound'));
    expect(bill.prices?.output).toBe('2000000000');
    await stack.restartWorkers();
    const restarted = await billFor(await callUntil('gpt-sound', 200));
    expect(restarted.prices?.output).toBe('2000000000');
    const next = await change({ models: [defined('gpt-sound', 3)] });
    expect((await billUntil('gpt-sound', next)).prices?.output).toBe('3000000000');
  });

  it('bills the first call of a new isolate by the prices in effect, not the release’s', async () => {
    const listed = findModelById(RELEASED, { provider: 'openai', id: RELEASED_MODEL });
    const prices = listed?.prices.map((rule) => ({
      ...rule,
      prices: { ...rule.prices, output: 3_000_000_000 },
    }));
    const definition = { ...listed, prices };
    const version = await change({ models: [{ provider: 'openai', definition }] });
    await billUntil(RELEASED_MODEL, version);
    await stack.restartWorkers();
    // A stream states no cost, so that its settlement waits for the catalog as long as it takes.
    const events = chatEvents(['one', 'two'], { input: 10, output: 2 });
    upstream.handler = (_, response) => sendStream(response, events);
    const bill = await billFor(await call(RELEASED_MODEL, { stream: true }));
    expect(bill.price_rule).toBe(`${RELEASED.version}+${version}/standard`);
    expect(bill.prices?.output).toBe('3000000000');
  });

  it('is served on while the database is down', async () => {
    await stack.stopDatabase();
    const response = await call('gpt-sound');
    await stack.startDatabase();
    expect(response.status).toBe(200);
    expect((await billFor(response)).prices?.output).toBe('3000000000');
  });
});

describe('the daily recomputation of bills', () => {
  const today = Math.floor(Date.now() / DAY_MS);

  it('finds every bill of the day right, whatever version it names', async () => {
    await waitForCalls();
    const db = connect(stack.databaseUrl);
    const report = await recomputeDay(db, today, Date.now());
    expect(report).toMatchObject({ differing: 0, examples: [], listVersion: RELEASED.version });
    expect(report.completedAt).not.toBeNull();
    expect(report.calls).toBeGreaterThan(10);
    expect(report.skipped).toBeLessThan(report.calls);
    expect(await recomputeDay(db, today, Date.now() + 1)).toEqual(report);
  });

  it.each([
    ['a price', 'output_price = output_price + 1'],
    ['a rule', "price_rule = price_rule || '+flex'"],
    ['a version', "price_rule = '1999-01-01/standard'"],
    ['a count', 'output = output + 1'],
  ])('finds the one bill with %s that does not follow', async (_, edit) => {
    const [row] = await sql(
      stack,
      "select id from calls where reason = 'provider_reported' order by created_at desc limit 1",
    );
    const id = row?.[0] ?? '';
    await sql(stack, 'delete from parity_reports');
    await sql(stack, 'create table before as select * from calls');
    await sql(stack, `update calls set ${edit} where id = $1`, [id]);
    const report = await recomputeDay(connect(stack.databaseUrl), today, Date.now());
    await sql(
      stack,
      `update calls c set output_price = b.output_price, price_rule = b.price_rule, output = b.output
        from before b where b.id = c.id`,
    );
    await sql(stack, 'drop table before');
    expect(report).toMatchObject({ differing: 1, examples: [id] });
  });

  it('compares the prices in effect with the sources of the released list', async () => {
    await sql(stack, 'delete from parity_reports');
    const report = await recomputeDay(connect(stack.databaseUrl), today, Date.now());
    const released = RELEASED.providers.flatMap(({ models }) => models);
    expect(report.priceDifferences).toContainEqual({
      model: 'openai/gpt-sound',
      rule: '',
      field: 'model',
      listed: 'new',
      stated: '-',
    });
    expect(report.differingPrices).toBeGreaterThanOrEqual(report.priceDifferences.length);
    expect(report.disputed).toBe(released.filter(({ provenance }) => provenance.disputed).length);
  });
});

describe('the daily comparison with the costs that providers state', () => {
  /** gpt-sound costs 3 USD per million tokens, input and output. */
  const COST = 6_000_000n;
  const twoHoursAfterToday = () => (Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS + 7_200_000;

  async function compareCosts(stated: bigint | null, id: string): Promise<unknown[]> {
    await sql(stack, 'delete from parity_reports');
    await sql(stack, `update calls set provider_cost = ${stated} where id = $1`, [id]);
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
    await runParity(connect(stack.databaseUrl), twoHoursAfterToday());
    const lines = logged.mock.calls.flat();
    logged.mockRestore();
    return lines.filter((line) => String(line).includes('parity_provider_cost_difference'));
  }

  async function readCosts(): Promise<unknown> {
    const [report] = await listParityReports(connect(stack.databaseUrl), 1);
    return report?.providerCosts;
  }

  it('sums what was stated and what the prices give, and logs what is more than rounding', async () => {
    const usage = { prompt_tokens: 1000, completion_tokens: 1000, total_tokens: 2000, cost: 0.006 };
    upstream.handler = (_, response) =>
      sendJson(
        response,
        Object.assign({}, chatCompletion('done', { input: 1, output: 1 }), { usage }),
      );
    const bill = await billFor(await call('gpt-sound'));
    expect(bill).toMatchObject({ cost_nano_usd: '6000000', provider_cost_nano_usd: '6000000' });
    await waitForCalls();
    const sums = { provider: 'openai', calls: 1, computed: COST };
    for (const stated of [COST, COST + 1n, COST - 1n]) {
      expect(await compareCosts(stated, bill.id)).toEqual([]);
      expect(await readCosts()).toEqual([{ ...sums, differing: 0, stated }]);
    }
    for (const stated of [COST + 2n, COST - 2n, 0n]) {
      expect(await compareCosts(stated, bill.id)).toHaveLength(1);
      expect(await readCosts()).toEqual([{ ...sums, differing: 1, stated }]);
    }
    expect(await compareCosts(null, bill.id)).toEqual([]);
    expect(await readCosts()).toEqual([]);
  });
});

/** Waits until Postgres has every call that the account object has settled. */
async function waitForCalls(): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (Date.now() < deadline) {
    const status = await stack.ledger.operators.status(account.accountId);
    if (status?.pendingEntries === 0) return;
    await sleep(200);
  }
}

/**
 * Corrections of wrong bills: what is selected and given back, that the preview is what is applied,
 * and that each call is corrected once, whatever is repeated or interrupted.
 */
import type { Database } from '@farebox/database';
import {
  addPlannedCalls,
  type CorrectionProposal,
  finishPlan,
  insertCorrection,
  listOperatorActions,
} from '@farebox/database/operators';
import { findCallCorrection } from '@farebox/database/statements';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { NO_SUMS, previewCorrection, readRuleKinds } from './correction-preview.ts';
import { continueAnyCorrection } from './correction-workflow.ts';
import {
  createAccount,
  OPERATORS,
  type OperatorsHarness,
  REASON,
  startHarness,
} from './harness.testing.ts';

let harness: OperatorsHarness;

beforeAll(async () => {
  harness = await startHarness();
  vi.spyOn(console, 'log').mockImplementation(() => {});
});
afterAll(async () => {
  await harness.stop();
});

const DAY = Date.UTC(2026, 10, 20);
const MILLION = 1_000_000;
const USD = 1_000_000_000n;

type StoredCall = Readonly<{
  id: string;
  rule: string;
  reason?: string;
  output?: number;
  price?: bigint;
  at?: number;
}>;

let callCount = 0;
function nextId(): string {
  callCount += 1;
  return callCount.toString(16).padStart(32, '0');
}

/** Stores calls that were charged for their output tokens alone, behind a credit of 9,000 USD. */
async function storeCalls(db: Database, account: string, stored: readonly StoredCall[]) {
  const start = 9_000n * USD;
  await db.execute(`insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at)
    values ('${account}', 1, 'credit:${account}', 'credit', ${start}, ${start}, now())`);
  let posted = start;
  for (const [index, call] of stored.entries()) {
    const { id, rule, output = MILLION, price = 10n * USD, at = DAY } = call;
    const { reason = 'provider_reported' } = call;
    const charged = (BigInt(output) * price) / BigInt(MILLION);
    posted -= charged;
    const seq = index + 2;
    await db.execute(`insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at)
      values ('${account}', ${seq}, '${id}', 'charge', ${-charged}, ${posted}, now())`);
    await db.execute(`insert into calls (account_id, id, seq, key_id, model, provider, dialect,
        stream, status, reason, input_uncached, cache_read, cache_write_5m, cache_write_30m,
        cache_write_1h, cache_write_12h, output, output_reasoning, input_uncached_price,
        cache_read_price, cache_write_5m_price, cache_write_30m_price, cache_write_1h_price,
        cache_write_12h_price, output_price, price_rule, fees, charged, shortfall, created_at)
      values ('${account}', '${id}', ${seq}, 7, 'openai/gpt', 'openai', 'chat', true, 'settled',
        '${reason}', 0, 0, 0, 0, 0, 0, ${output}, 0, 1, 1, 1, 1, 1, 1, ${price}, '${rule}',
        '[]'::jsonb, ${charged}, 0, '${new Date(at).toISOString()}')`);
  }
}

const RULE = { scope: 'rule', model: 'openai/gpt', from: '2026-11-20', until: '2026-11-21' };
type Form = Readonly<Record<string, string>>;

function preview(form: Form, as: string = OPERATORS.finance) {
  return harness.send('/operators/corrections/preview', { as, form });
}

/** Reads the hidden fields of a page, as a browser sends them back. */
function readHiddenFields(page: string): Form {
  const inputs = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  return Object.fromEntries(inputs.map(([, name = '', value = '']) => [name, value]));
}

async function readPreview(response: Response): Promise<Form> {
  expect(response.status).toBe(200);
  return readHiddenFields(await response.text());
}

/** Opens the second step, as the first one's form does. */
async function select(fields: Form, as: string = OPERATORS.finance) {
  const query = new URLSearchParams(fields).toString();
  const response = await harness.send(`/operators/corrections/new?${query}`, { as });
  return { status: response.status, text: await response.text() };
}

/** Reads the fields of a page that can be filled in, with what stands in them. */
function readEnteredFields(page: string): Form {
  const inputs = [...page.matchAll(/<input id="[^"]*" name="([^"]+)"[^>]*? value="([^"]*)"/g)];
  return Object.fromEntries(inputs.map(([, name = '', value = '']) => [name, value]));
}

function submit(form: Form, as: string = OPERATORS.finance) {
  return harness.send('/operators/corrections', { as, form: { ...form, reason: REASON } });
}

function decide(id: string, decision: string, as: string) {
  const form = { decision, reason: REASON };
  return harness.send(`/operators/corrections/${id}`, { as, form });
}

function findCredit(call: string, correction = ''): bigint | undefined {
  const found = [...harness.ledger.adjustments].filter(([id]) =>
    id.startsWith(`correction:${call}:${correction}`),
  );
  expect(found.length).toBeLessThanOrEqual(1);
  return found[0]?.[1];
}

/** Stores calls of one output token each, at 10 USD a million, without one statement per call. */
async function storeManyCalls(account: string, rule: string, count: number): Promise<void> {
  await storeCalls(harness.db, account, [{ id: nextId(), rule, output: 1 }]);
  const columns = (
    await harness.db.execute<{ name: string }>(`select column_name as name
      from information_schema.columns where table_name = 'calls'
      and is_generated = 'NEVER' and column_name not in ('id', 'seq')`)
  ).rows.map(({ name }) => `"${name}"`);
  const prefix = nextId().slice(8);
  // A statement of many rows would exceed the driver's time limit on a busy machine.
  for (let from = 1; from < count; from += 500) {
    const series = `generate_series(${from}, ${Math.min(from + 499, count - 1)}) as n`;
    await harness.db.execute(`insert into ledger_entries (account_id, seq, id, kind, delta,
        posted_after, at)
      select account_id, seq + n, '${prefix}' || lpad(to_hex(n), 8, '0'), kind, delta,
        posted_after + n * delta, at
      from ledger_entries, ${series} where account_id = '${account}' and seq = 2`);
    await harness.db.execute(`insert into calls (id, seq, ${columns.join(', ')})
      select '${prefix}' || lpad(to_hex(n), 8, '0'), seq + n, ${columns.join(', ')}
      from calls, ${series} where account_id = '${account}' and seq = 2`);
  }
}

/** Runs the cron, also where a ledger did not answer the run before. */
async function runCron(times: number): Promise<void> {
  const adjustmentLimits = { account: 50n * USD, operator: 200n * USD };
  const { db, ledger } = harness;
  const deps = { db, ledger: ledger.operators, now: Date.now, adjustmentLimits };
  for (let run = 0; run < times; run += 1) await continueAnyCorrection(deps).catch(() => {});
}

/** Reads how many calls of a correction are in each state. */
async function countStates(correction: string): Promise<Readonly<Record<string, number>>> {
  const { rows } = await harness.db.execute<{ state: string; calls: string }>(`select state,
    count(*)::text as calls from correction_calls where correction_id = '${correction}'
    group by state`);
  return Object.fromEntries(rows.map(({ state, calls }) => [state, Number(calls)]));
}

describe('the correction of one call', () => {
  it('gives back the difference once, shown to its owner, however often it is sent', async () => {
    const { accountId } = await createAccount(harness.db);
    const id = nextId();
    await storeCalls(harness.db, accountId, [{ id, rule: 'v1/one' }]);
    const form = await readPreview(await preview({ scope: 'call', call: id, cost: '7.5' }));
    expect(form).toMatchObject({ calls: '1', amount: '2500000000' });
    for (let sent = 0; sent < 2; sent += 1) {
      const response = await submit(form);
      expect(response.headers.get('location')).toContain('done=correction_applied');
    }
    expect(findCredit(id, form.correction)).toBe(2_500_000_000n);
    const sent = harness.ledger.requests.filter((request) => request.includes(id));
    expect(sent).toEqual([`adjust ${accountId} correction:${id}:${form.correction} 2500000000`]);
    expect(await findCallCorrection(harness.db, accountId, id)).toMatchObject({
      amount: 2_500_000_000n,
    });
    expect((await preview({ scope: 'call', call: id, cost: '1' })).status).toBe(409);
    const actions = await listOperatorActions(harness.db, { before: 1e9, limit: 100 });
    const outcomes = actions.map(({ action, outcome }) => `${action} ${outcome}`);
    expect(outcomes).toContain('preview_correction done');
    expect(actions).toContainEqual(
      expect.objectContaining({
        action: 'propose_correction',
        outcome: 'correction_applied',
        reason: `${REASON} (correction ${form.correction})`,
      }),
    );
  });

  it('starts from the bill: what it used, at which prices, and what was charged', async () => {
    const { accountId } = await createAccount(harness.db);
    const id = nextId();
    await storeCalls(harness.db, accountId, [{ id, rule: 'v1/bill' }]);
    const page = await select({ scope: 'call', call: id });
    expect(page.text).toContain('1,000,000 at $10 per million');
    expect(readEnteredFields(page.text)).toEqual({ cost: '10' });
    expect(readHiddenFields(page.text)).toEqual({ scope: 'call', call: id });
    expect((await select({ scope: 'call', call: nextId() })).status).toBe(409);
    expect((await select({ scope: 'call', call: 'x' })).status).toBe(422);
    expect((await select({ scope: 'call', call: id }, OPERATORS.support)).status).toBe(403);
  });

  it('is refused where the call would cost the same or more, or is unknown', async () => {
    const { accountId } = await createAccount(harness.db);
    const id = nextId();
    await storeCalls(harness.db, accountId, [{ id, rule: 'v1/same' }]);
    for (const [call, cost, status] of [
      [id, '10', 409],
      [id, '10.01', 409],
      [nextId(), '1', 409],
      [id, '-1', 422],
      ['x', '1', 422],
    ] as const) {
      expect((await preview({ scope: 'call', call, cost })).status).toBe(status);
    }
  });

  it('is refused while a late settlement may still give back the same money', async () => {
    const { accountId } = await createAccount(harness.db);
    const [id, settled] = [nextId(), nextId()];
    await storeCalls(harness.db, accountId, [
      { id, rule: 'v1/late', reason: 'expired_at_checkpoint' },
      { id: settled, rule: 'v1/late', reason: 'estimated_after_disconnect' },
    ]);
    expect((await preview({ scope: 'call', call: id, cost: '0' })).status).toBe(409);
    expect((await preview({ scope: 'call', call: settled, cost: '0' })).status).toBe(200);
  });

  it('is refused without the permission to adjust, and for other sums than the preview', async () => {
    const { accountId } = await createAccount(harness.db);
    const id = nextId();
    await storeCalls(harness.db, accountId, [{ id, rule: 'v1/denied' }]);
    const one = { scope: 'call', call: id, cost: '7' };
    expect((await preview(one, OPERATORS.support)).status).toBe(403);
    const form = await readPreview(await preview(one));
    expect((await submit(form, OPERATORS.support)).status).toBe(403);
    expect((await submit({ ...form, cost: '1' })).status).toBe(409);
    expect(findCredit(id)).toBeUndefined();
  });
});

describe('the correction of a price rule', () => {
  it('asks only for prices that its calls used, with those charged in the fields', async () => {
    const { accountId } = await createAccount(harness.db);
    const rule = 'v1/asked';
    const [call, cached] = [nextId(), nextId()];
    await storeCalls(harness.db, accountId, [
      { id: call, rule },
      { id: cached, rule, output: 0, at: DAY + 1 },
    ]);
    const fields = { ...RULE, price_rule: rule };
    const page = await select(fields);
    expect(readEnteredFields(page.text)).toEqual({ price_output: '10' });
    expect(page.text).toContain('Output, USD per million tokens');
    // The second call is charged for what it read from the cache.
    await harness.db.execute(`update calls set cache_read = 5000000, charged = 5,
      input_uncached = 0 where id = '${cached}'`);
    const both = await select(fields);
    const entered = readEnteredFields(both.text);
    expect(entered).toEqual({ price_cache_read: '0.000000001', price_output: '10' });
    const hidden = readHiddenFields(both.text);
    expect(hidden).toEqual(fields);
    // Nothing is given back at the prices that were charged.
    expect((await preview({ ...hidden, ...entered })).status).toBe(409);
    const form = await readPreview(await preview({ ...hidden, ...entered, price_output: '8' }));
    expect(form).toMatchObject({ calls: '1', amount: '2000000000' });
  });

  it.each([
    ['no rule', { price_rule: '' }, 422],
    ['an empty period', { until: '2026-11-20' }, 422],
    ['a position that is none', { after_at: 'x' }, 422],
    ['a rule without calls', { price_rule: 'v1/none' }, 409],
  ])('asks for no prices of %s', async (_, field, status) => {
    expect((await select({ ...RULE, price_rule: 'v1/x', ...field })).status).toBe(status);
  });

  it('selects the calls of the rule and the period, at the right price', async () => {
    const { accountId } = await createAccount(harness.db);
    const rule = 'v1/selected';
    const ids = Array.from({ length: 6 }, nextId);
    const [first = '', last = '', before = '', after = '', other = '', free = ''] = ids;
    await storeCalls(harness.db, accountId, [
      { id: first, rule },
      { id: last, rule, output: 3, at: DAY + 86_399_999 },
      { id: before, rule, at: DAY - 1 },
      { id: after, rule, at: DAY + 86_400_000 },
      { id: other, rule: `${rule}2` },
      { id: free, rule, output: 0 },
    ]);
    const form = { ...RULE, price_rule: rule, price_output: '8' };
    await submit(await readPreview(await preview(form)));
    expect(ids.map((id) => findCredit(id))).toEqual([
      2_000_000_000n,
      6_000n,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect((await preview({ ...form, price_output: '12' })).status).toBe(409);
  });

  it('refuses calls that were charged at different prices', async () => {
    const { accountId } = await createAccount(harness.db);
    const rule = 'v1/mixed';
    await storeCalls(harness.db, accountId, [
      { id: nextId(), rule },
      { id: nextId(), rule, price: 20n * USD },
    ]);
    const response = await preview({ ...RULE, price_rule: rule, price_output: '8' });
    expect(response.status).toBe(409);
    expect(await response.text()).toContain('different prices');
  });

  it.each([
    ['no price', { price_output: '' }],
    ['a malformed price', { price_output: 'x' }],
    ['an empty period', { until: '2026-11-20' }],
    ['a malformed day', { from: 'yesterday' }],
    ['no rule', { price_rule: ' ' }],
  ])('refuses %s', async (_, field) => {
    const form = { ...RULE, price_rule: 'v1/x', price_output: '8', ...field };
    expect((await preview(form)).status).toBe(422);
  });

  it('above the limit of one account waits for a second operator', async () => {
    const { accountId } = await createAccount(harness.db);
    const rule = 'v1/large';
    const [one, two] = [nextId(), nextId()];
    await storeCalls(harness.db, accountId, [
      { id: one, rule, output: 5 * MILLION },
      { id: two, rule, output: 5 * MILLION },
    ]);
    const form = await readPreview(await preview({ ...RULE, price_rule: rule, price_output: '4' }));
    const { correction = '' } = form;
    const response = await submit(form);
    expect(response.headers.get('location')).toContain('done=correction_waiting');
    expect((await decide(correction, 'continue', OPERATORS.otherFinance)).status).toBe(303);
    expect(findCredit(one)).toBeUndefined();
    expect((await decide(correction, 'approve', OPERATORS.finance)).status).toBe(403);
    expect((await decide(correction, 'approve', OPERATORS.otherFinance)).status).toBe(303);
    expect([findCredit(one), findCredit(two)]).toEqual([30n * USD, 30n * USD]);
    expect((await decide(correction, 'reject', OPERATORS.otherFinance)).status).toBe(409);
  });

  it('frees its calls for another correction when it is rejected', async () => {
    const { accountId } = await createAccount(harness.db);
    const id = nextId();
    await storeCalls(harness.db, accountId, [{ id, rule: 'v1/r', output: 10 * MILLION }]);
    const one = { scope: 'call', call: id, cost: '1' };
    const form = await readPreview(await preview(one));
    await submit(form);
    expect((await preview(one)).status).toBe(409);
    expect((await decide(form.correction ?? '', 'reject', OPERATORS.finance)).status).toBe(303);
    expect((await preview(one)).status).toBe(200);
    expect(findCredit(id)).toBeUndefined();
  });

  it('continues after a failure at any call, and posts none twice', async () => {
    const { accountId } = await createAccount(harness.db);
    const rule = 'v1/interrupted';
    const ids = Array.from({ length: 25 }, nextId);
    await storeCalls(
      harness.db,
      accountId,
      ids.map((id) => ({ id, rule, output: 1_000 })),
    );
    const form = await readPreview(await preview({ ...RULE, price_rule: rule, price_output: '9' }));
    const { onAdjust } = harness.ledger;
    const consoleError = vi.spyOn(console, 'error').mockImplementation(() => {});
    let count = 0;
    // The answer is lost after the ledger has posted the entry.
    harness.ledger.onAdjust = (request) => {
      const answer = onAdjust(request);
      count += 1;
      if (count % 7 === 0) throw new Error('lost');
      return answer;
    };
    let response = await submit(form);
    for (let tries = 0; response.status === 500 && tries < 20; tries += 1) {
      response = await decide(form.correction ?? '', 'continue', OPERATORS.otherFinance);
    }
    harness.ledger.onAdjust = onAdjust;
    consoleError.mockRestore();
    expect(response.headers.get('location')).toContain('done=correction_applied');
    expect(ids.map((id) => findCredit(id))).toEqual(ids.map(() => 1_000_000n));
    const page = await harness.send(`/operators/corrections/${form.correction}`, {
      as: OPERATORS.finance,
    });
    expect(await page.text()).toContain('finished');
  });

  it('leaves out a closed account, and finishes', async () => {
    const { accountId } = await createAccount(harness.db);
    const id = nextId();
    await storeCalls(harness.db, accountId, [{ id, rule: 'v1/closed', output: 1_000 }]);
    const form = await readPreview(await preview({ scope: 'call', call: id, cost: '0' }));
    const { onAdjust } = harness.ledger;
    harness.ledger.onAdjust = () => ({ ok: false, reason: 'closed' });
    const response = await submit(form);
    harness.ledger.onAdjust = onAdjust;
    expect(response.headers.get('location')).toContain('done=correction_applied');
    expect(await findCallCorrection(harness.db, accountId, id)).toBeUndefined();
  });
});

describe('a correction of many calls', () => {
  it('plans more than a page, and the cron finishes what one request leaves', async () => {
    const rule = 'v1/many';
    const [one, other] = [await createAccount(harness.db), await createAccount(harness.db)];
    await storeManyCalls(one.accountId, rule, 5_001);
    await storeManyCalls(other.accountId, rule, 100);
    const form = await readPreview(await preview({ ...RULE, price_rule: rule, price_output: '9' }));
    const { correction = '' } = form;
    expect(form).toMatchObject({ calls: '5101', amount: '5101000' });
    const response = await submit(form);
    expect(response.headers.get('location')).toContain('done=correction_continues');
    expect(await countStates(correction)).toEqual({ planned: 4_301, applied: 800 });
    const page = await harness.send(`/operators/corrections/${correction}`, {
      as: OPERATORS.finance,
    });
    expect(await page.text()).toContain('4,301');
    await runCron(6);
    expect(await countStates(correction)).toEqual({ applied: 5_101 });
    const entries = [...harness.ledger.adjustments].filter(([id]) => id.endsWith(correction));
    expect(entries).toHaveLength(5_101);
    expect(new Set(entries.map(([, delta]) => delta))).toEqual(new Set([1_000n]));
    const requests = harness.ledger.requests.length;
    await runCron(1);
    expect((await submit(form)).headers.get('location')).toContain('done=correction_applied');
    expect(harness.ledger.requests).toHaveLength(requests);
  }, 120_000);

  it('corrects each call once, whichever answers of the ledger are lost', async () => {
    const { onAdjust } = harness.ledger;
    const consoleError = vi.spyOn(console, 'error').mockImplementation(() => {});
    const failures = fc.array(fc.constantFrom('answers', 'lost', 'unreachable'), { maxLength: 60 });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(failures, async (script) => {
        round += 1;
        const rule = `v1/failures-${round}`;
        const { accountId } = await createAccount(harness.db);
        await storeManyCalls(accountId, rule, 25);
        const form = await readPreview(
          await preview({ ...RULE, price_rule: rule, price_output: '9' }),
        );
        const { correction = '' } = form;
        const left = [...script];
        harness.ledger.onAdjust = (request) => {
          const what = left.shift();
          const answer = what === 'unreachable' ? undefined : onAdjust(request);
          if (answer === undefined || what === 'lost') throw new Error('no answer');
          return answer;
        };
        await submit(form);
        await runCron(script.length);
        const entries = [...harness.ledger.adjustments].filter(([id]) => id.endsWith(correction));
        expect(entries.map(([, delta]) => delta)).toEqual(Array(25).fill(1_000n));
        expect(await countStates(correction)).toEqual({ applied: 25 });
      }),
      { numRuns: 12 },
    );
    harness.ledger.onAdjust = onAdjust;
    consoleError.mockRestore();
  }, 120_000);
});

describe('a plan that was interrupted', () => {
  /** Stores 3 calls, and a plan of the first of them. */
  async function storePlan(rule: string, expected: Readonly<{ calls: number; amount: bigint }>) {
    const { accountId } = await createAccount(harness.db);
    const ids = Array.from({ length: 3 }, nextId);
    const [first = ''] = ids;
    await storeCalls(
      harness.db,
      accountId,
      ids.map((id) => ({ id, rule, output: 1_000 })),
    );
    const correction = nextId();
    const prices = { output: 9n * USD };
    const proposal = {
      ...{ id: correction, expected, reason: REASON, by: OPERATORS.finance, now: Date.now() },
      rule: { model: 'openai/gpt', priceRule: rule, from: DAY, until: DAY + 1, prices },
    };
    await insertCorrection(harness.db, proposal, []);
    const planned = [{ accountId, callId: first, amount: 1_000_000n }];
    await addPlannedCalls(harness.db, correction, planned, { createdAt: DAY, id: first });
    return { correction, ids };
  }

  it('is completed by continuing, and then applied', async () => {
    const plan = await storePlan('v1/half', { calls: 3, amount: 3_000_000n });
    expect(plan.ids.map((id) => findCredit(id))).toEqual([undefined, undefined, undefined]);
    const response = await decide(plan.correction, 'continue', OPERATORS.otherFinance);
    expect(response.headers.get('location')).toContain('done=correction_applied');
    expect(plan.ids.map((id) => findCredit(id))).toEqual([1_000_000n, 1_000_000n, 1_000_000n]);
  });

  it('is completed by the cron', async () => {
    const plan = await storePlan('v1/by-cron', { calls: 3, amount: 3_000_000n });
    await runCron(1);
    expect(plan.ids.map((id) => findCredit(id))).toEqual([1_000_000n, 1_000_000n, 1_000_000n]);
  });

  it('of one call can be continued, as it is stored with the call', async () => {
    const { accountId } = await createAccount(harness.db);
    const [id, correction] = [nextId(), nextId()];
    await storeCalls(harness.db, accountId, [{ id, rule: 'v1/one-call' }]);
    const proposal = {
      ...{ id: correction, rule: null, expected: { calls: 1, amount: USD } },
      ...{ reason: REASON, by: OPERATORS.finance, now: Date.now() },
    };
    await insertCorrection(harness.db, proposal, [{ accountId, callId: id, amount: USD }]);
    const response = await decide(correction, 'continue', OPERATORS.otherFinance);
    expect(response.headers.get('location')).toContain('done=correction_applied');
    expect(findCredit(id)).toBe(USD);
  });

  it('counts toward the limits of the day on which it is completed', async () => {
    const limits = { account: 50n * USD, operator: 50n * USD };
    const { accountId } = await createAccount(harness.db);
    const completedAt = Date.now() + 2 * 86_400_000;
    const complete = async (proposedAt: number) => {
      const [id, callId] = [nextId(), nextId()];
      const proposal = {
        ...{ id, rule: null, expected: { calls: 1, amount: 30n * USD } },
        ...{ reason: REASON, by: 'slow@example.com', now: proposedAt },
      };
      await insertCorrection(harness.db, proposal, [{ accountId, callId, amount: 30n * USD }]);
      const plan = { id, by: proposal.by, now: completedAt, limits };
      return (await finishPlan(harness.db, plan))?.state;
    };
    expect(await complete(completedAt - 25 * 3_600_000)).toBe('approved');
    expect(await complete(completedAt)).toBe('proposed');
    await runCron(1);
  });

  it('is deleted where it differs from the preview, and frees its calls', async () => {
    const rule = 'v1/differs';
    const plan = await storePlan(rule, { calls: 2, amount: 2_000_000n });
    expect((await decide(plan.correction, 'continue', OPERATORS.finance)).status).toBe(409);
    const form = { ...RULE, price_rule: rule, price_output: '9' };
    expect(await readPreview(await preview(form))).toMatchObject({ calls: '3' });
  });

  it('can be rejected, and not approved', async () => {
    const plan = await storePlan('v1/rejected', { calls: 3, amount: 3_000_000n });
    const path = `/operators/corrections/${plan.correction}`;
    const page = await (await harness.send(path, { as: OPERATORS.otherFinance })).text();
    expect(page).toContain('being planned');
    expect((await decide(plan.correction, 'approve', OPERATORS.otherFinance)).status).toBe(409);
    expect((await decide(plan.correction, 'reject', OPERATORS.otherFinance)).status).toBe(303);
    expect(await countStates(plan.correction)).toEqual({});
  });
});

describe('the portions of a rule’s calls', () => {
  /** Stores calls of which every third one used no output, and so gives nothing back. */
  async function storeMixture(rule: string, count: number) {
    const { accountId } = await createAccount(harness.db);
    const outputs = Array.from({ length: count }, (_, index) => (index % 3 === 2 ? 0 : 1_000));
    await storeCalls(
      harness.db,
      accountId,
      outputs.map((output, index) => ({ id: nextId(), rule, output, at: DAY + (index >> 2) })),
    );
    await harness.db.execute(`update calls set cache_read = 1000000, charged = 1
      where account_id = '${accountId}' and output = 0`);
    const prices = { output: 9n * USD };
    const selected = { model: 'openai/gpt', priceRule: rule, from: DAY, until: DAY + 86_400_000 };
    const overcharged = outputs.filter((output) => output > 0).length;
    return { rule: { ...selected, prices }, overcharged };
  }

  it('have the same sums and kinds as all of them at once, whatever their size', async () => {
    const { rule, overcharged } = await storeMixture('v1/portions', 50);
    const { db } = harness;
    for (const pageSize of [1, 2, 3, 7, 1_000]) {
      let requests = 0;
      let sums = NO_SUMS;
      do {
        const result = await previewCorrection({ db, pageSize }, { kind: 'rule', rule }, sums);
        if (!result.ok) throw new Error(result.reason);
        ({ sums } = result);
        requests += 1;
      } while (sums.next !== null);
      const amount = BigInt(overcharged) * 1_000_000n;
      expect(sums).toMatchObject({ calls: overcharged, amount, largest: 1_000_000n });
      let found = { calls: 0, kinds: [] as readonly string[], next: NO_SUMS.next };
      do {
        const result = await readRuleKinds({ db, pageSize }, rule, { ...found, kinds: [] });
        if (!result.ok) throw new Error(result.reason);
        const kinds = [...new Set([...found.kinds, ...result.found.kinds])];
        found = { ...result.found, kinds };
      } while (found.next !== null);
      expect(found).toMatchObject({ calls: 50, next: null });
      expect(found.kinds.toSorted()).toEqual(['cache_read', 'output']);
      // A request reads 10 pages.
      expect(requests).toBe(Math.floor(50 / (10 * pageSize)) + 1);
    }
  });

  it('are refused in the request that finds other prices than those of the first call', async () => {
    const { rule } = await storeMixture('v1/mixed-later', 30);
    const { db } = harness;
    await db.execute(`update calls set output_price = 11000000000 where price_rule = '${rule.priceRule}'
      and created_at = (select max(created_at) from calls where price_rule = '${rule.priceRule}')`);
    const deps = { db, pageSize: 2 };
    const first = await previewCorrection(deps, { kind: 'rule', rule }, NO_SUMS);
    if (!first.ok) throw new Error(first.reason);
    expect(first.sums.next).not.toBeNull();
    const mixed = { ok: false, reason: 'mixed_prices' };
    expect(await previewCorrection(deps, { kind: 'rule', rule }, first.sums)).toEqual(mixed);
    const before = { calls: 0, kinds: [], next: first.sums.next };
    expect(await readRuleKinds(deps, rule, before)).toEqual(mixed);
  });

  /** The database, of which requests fail, or are carried out and their answer lost. */
  function createFlakyDatabase(script: readonly Interruption[]): Database {
    const left = [...script];
    return new Proxy(harness.db, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (name === 'select') {
          return (...given: unknown[]) => {
            if (left.length > 0 && left.shift() !== 'answers') throw new Error('no answer');
            return Reflect.apply(value, target, given);
          };
        }
        if (name !== 'batch') return value.bind(target);
        return async (...given: unknown[]) => {
          const what = left.shift();
          if (what === 'fails') throw new Error('no answer');
          const answer: unknown = await Reflect.apply(value, target, given);
          if (what === 'lost') throw new Error('the answer is lost');
          return answer;
        };
      },
    });
  }

  type Interruption = 'answers' | 'fails' | 'lost';
  const interruptions = fc.array(fc.constantFrom<Interruption>('answers', 'fails', 'lost'), {
    maxLength: 30,
  });

  it('are each planned and corrected once, wherever planning is interrupted', async () => {
    const adjustmentLimits = { account: 50n * USD, operator: 100_000n * USD };
    const { ledger } = harness;
    let round = 0;
    const runs = fc.record({
      scripts: fc.array(interruptions, { minLength: 1, maxLength: 3 }),
      pageSize: fc.integer({ min: 1, max: 9 }),
      count: fc.integer({ min: 1, max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(runs, async ({ scripts, pageSize, count }) => {
        round += 1;
        const { rule, overcharged } = await storeMixture(`v1/interruptions-${round}`, count);
        const id = nextId();
        const expected = { calls: overcharged, amount: BigInt(overcharged) * 1_000_000n };
        const proposal: CorrectionProposal = {
          ...{ id, rule, expected, reason: REASON, by: `op-${round}@example.com`, now: Date.now() },
        };
        await insertCorrection(harness.db, proposal, []);
        const common = { ledger: ledger.operators, now: Date.now, adjustmentLimits, pageSize };
        // Several runs at once, as the cron and an operator who continues.
        await Promise.all(
          scripts.map(async (script) => {
            const deps = { ...common, db: createFlakyDatabase(script) };
            for (let run = 0; run < 4; run += 1) await continueAnyCorrection(deps).catch(() => {});
          }),
        );
        for (let run = 0; run < 8; run += 1) {
          await continueAnyCorrection({ ...common, db: harness.db });
        }
        const entries = [...ledger.adjustments].filter(([entry]) => entry.endsWith(id));
        expect(entries.map(([, delta]) => delta)).toEqual(Array(overcharged).fill(1_000_000n));
        expect(await countStates(id)).toEqual({ applied: overcharged });
        const requests = ledger.requests.filter((request) => request.includes(id));
        expect(new Set(requests).size).toBe(overcharged);
      }),
      { numRuns: 20 },
    );
  }, 240_000);
});

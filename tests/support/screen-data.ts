/**
 * An account whose screens have everything to show: keys with long names and budgets, served, cut
 * and refused calls, deposits and refunds in every state, an adjustment, a correction, alerts; and
 * for operators what waits for their decision. Rows stand where the ledger, the deposits Worker and
 * operators would bring them.
 */
import { connect } from '@farebox/database';
import { saveParityReport } from '@farebox/database/catalog';
import type { LocalAccount, LocalStack } from '@farebox/local';
import { sleep } from './scripted-upstream.ts';
import { sql } from './sql.ts';
import { insertUsageHistory } from './usage-history.ts';
import { insertWebhookHistory } from './webhook-history.ts';

const DAY_MS = 86_400_000;
const LONG_NAME = 'Nightly captions of the Reykjavík archive, batch 3 (staging, EU)';
const TRON_CHAIN_ID = 728126428;
const OTHER_OPERATOR = 'finn.rasmussen@farebox.example';
const REASON = 'ticket 4711, requested by the owner of the account';

export type FilledAccount = LocalAccount &
  Readonly<{
    keyId: number;
    /** A call with a bill, which was corrected, and one of another outcome. */
    callId: string;
    cutCallId: string;
    /** A call that can be corrected. */
    correctableCallId: string;
    adjustmentId: string;
    correctionId: string;
    refundId: string;
    /** A deposit in review as operators' pages name it. */
    depositPath: string;
  }>;

const hex = (digit: string, length: number) => digit.repeat(length);

async function createKeys(stack: LocalStack, accountId: string): Promise<void> {
  const { accounts } = stack.ledger;
  const limits = {
    budget: 1_234_560_000_000n,
    periodBudgets: { day: 2_500_000_000n, month: 40_000_000_000n },
    expiresAt: Date.now() + 40 * DAY_MS,
    models: ['anthropic/claude-opus-5-5', 'openai/gpt-5.4', 'deepseek/deepseek-flash'],
    callsPerMinute: 600,
    concurrentCalls: 20,
    maxOutputPrice: 25_000_000_000n,
  };
  await accounts.mintKey(accountId, { name: LONG_NAME, limits });
  const other = await accounts.mintKey(accountId, { name: 'laptop', limits: { ...limits } });
  if (!other.ok) throw new Error(other.reason);
  await accounts.revokeKey(accountId, other.keyId);
}

/** One call that is served, and several that Farebox refuses. */
async function makeCalls({ gatewayUrl }: LocalStack, apiKey: string): Promise<string> {
  const call = async (model: string, rest: object = {}) => {
    const messages = [{ role: 'user', content: 'Hello' }];
    const response = await fetch(`${gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages, ...rest }),
    });
    await response.arrayBuffer();
    return response.headers.get('x-request-id') ?? '';
  };
  for (const model of ['openai/gpt-9', 'openai/gpt-9', 'anthropic/claude-9-opus'])
    await call(model);
  await call('openai/gpt-6-luna', { max_tokens: 'many' });
  return (await call('openai/gpt-6-luna')).replaceAll('-', '');
}

async function waitForCall(stack: LocalStack, accountId: string, id: string): Promise<void> {
  const query = 'select 1 from calls where account_id = $1 and id = $2';
  for (let attempt = 0; (await sql(stack, query, [accountId, id])).length === 0; attempt += 1) {
    if (attempt > 100) throw new Error('the call was not listed');
    await sleep(200);
  }
}

/** Deposits of every state; the credited one has its entry in the ledger. */
async function insertDeposits(stack: LocalStack, accountId: string): Promise<string> {
  const states = [
    ['tron', 'credited', '1234567890', '1234567890000', null],
    ['bsc', 'pending', '50000000000000000000', null, null],
    ['tron', 'final', '20000000', '20000000000', null],
    ['tron', 'dust', '400000', '400000000', null],
    ['tron', 'in_review', '3000000', '3000000000', 'blocked_sender'],
    ['bsc', 'closed', '7500000000000000000', '7500000000', 'account_closed'],
  ] as const;
  const query = `insert into deposits (chain, tx_hash, log_index, block_number, block_hash, contract, sender,
      recipient, account_id, units, amount, state, reason, found_by, seen_at, final_at, credited_at)
    values ($1, $2, 0, 1000, $2, $3, $3, $4, $5, $6, $7, $8, $9, 'scan', now() - $10::interval, now(), now())`;
  for (const [index, [chain, state, units, amount, reason]] of states.entries()) {
    const transaction = `0x${hex(String(index + 1), 64)}`;
    const [contract, recipient] = [`0x${hex('c', 40)}`, `0x${hex('d', 40)}`];
    const texts = [chain, transaction, contract, recipient, accountId, units];
    await insertWithNulls(stack, query, [
      ...texts,
      amount,
      state,
      reason,
      `${index * 31 + 2} minutes`,
    ]);
  }
  const id = `${TRON_CHAIN_ID}:0x${hex('1', 64)}:0`;
  const credited = await stack.ledger.credits.credit(accountId, {
    id,
    amount: 1_234_567_890_000n,
    source: 'local',
  });
  if (!credited.ok) throw new Error(credited.reason);
  return `tron/0x${hex('5', 64)}/0`;
}

/** The driver's parameters are texts; a null stands in the statement itself. */
async function insertWithNulls(
  stack: LocalStack,
  query: string,
  params: readonly (string | null)[],
): Promise<void> {
  const values: string[] = [];
  const text = query.replaceAll(/\$(\d+)/g, (_, number: string) => {
    const value = params[Number(number) - 1] ?? null;
    return value === null ? 'null' : `$${values.push(value)}`;
  });
  await sql(stack, text, values);
}

/** Two addresses of chain_cursors: one network reads, one is halted. */
async function insertNetworks(stack: LocalStack): Promise<void> {
  const query = `insert into chain_cursors
      (chain, next_block, head, final, final_at, last_polled_at, advanced_at, last_error, halted_at, "window")
    values ('tron', 1001, 1020, 1000, now(), now(), now(), null, null, 100),
      ('bsc', 998, 1003, 990, now(), now(), now(), null, null, 100),
      ('polygon', 5001, 5600, 5400, now() - interval '2 hours', now(), now() - interval '2 hours',
        'reorganized', now() - interval '1 hour', 100)
    on conflict (chain) do nothing`;
  await sql(stack, query);
  await sql(
    stack,
    `insert into chain_incidents (chain, kind, at, block_number, expected, found, provider)
      values ('polygon', 'reorganized', now() - interval '1 hour', 5001, $1, $2, 1)`,
    [`0x${hex('a', 64)}`, `0x${hex('b', 64)}`],
  );
}

const REFUND_STATES = [
  ['paid', null, true],
  ['declined', 'ask_support', true],
  ['cancelled', null, true],
  ['expired', null, true],
  ['exported', null, false],
  ['half_approved', null, false],
] as const;

/** An account has one open refund at most: the exported one is another account's. */
async function insertRefunds(stack: LocalStack, accountId: string): Promise<string> {
  const other = await stack.createAccount({ creditUsd: '0' });
  const query = `insert into refunds (id, account_id, chain, address, amount, fee, state, reason, tx_hash,
      requested_at, confirmed_at, exported_at, ended_at, approved_by, attempt)
    values ($1, $2, $3, $4, $5, 200000000, $6, $7, $8, now() - $9::interval, now(), $10::timestamptz,
      $11::timestamptz, $12, 0)`;
  for (const [index, [state, reason, isEnded]] of REFUND_STATES.entries()) {
    const now = new Date().toISOString();
    await insertWithNulls(stack, query, [
      hex(String(index + 1), 32),
      state === 'exported' ? other.accountId : accountId,
      index % 2 === 0 ? 'tron' : 'polygon',
      `0x${hex('7', 40)}`,
      String(1_234_499_968_000 / (index * 40 + 1)).split('.')[0] ?? '',
      state,
      reason,
      state === 'paid' ? `0x${hex('f', 64)}` : null,
      `${9 - index} days`,
      state === 'exported' ? now : null,
      isEnded ? now : null,
      state === 'half_approved' ? OTHER_OPERATOR : null,
    ]);
  }
  return hex('6', 32);
}

async function insertAlerts(stack: LocalStack, accountId: string, keyId: number): Promise<void> {
  const alerts = [
    ['low_balance', null, null, '4200000000', null],
    ['unusual_spending', keyId, null, '31070000000', null],
    ['budget_low', keyId, null, '8050000000', 'month'],
    ['expensive_model', keyId, 'anthropic/claude-opus-5-5', null, null],
  ] as const;
  const query = `insert into notifications (account_id, id, kind, key_id, model, amount, budget_period, at)
    values ($1, $2, $2, $3, $4, $5, $6, now() - interval '3 hours')`;
  for (const [kind, key, model, amount, period] of alerts)
    await insertWithNulls(stack, query, [
      accountId,
      kind,
      key === null ? null : String(key),
      model,
      amount,
      period,
    ]);
}

async function insertProposals(stack: LocalStack, accountId: string, callId: string) {
  const [adjustmentId, correctionId] = [hex('a', 32), hex('b', 32)];
  await sql(
    stack,
    `insert into adjustments (id, account_id, delta, reason, state, proposed_by, proposed_at)
      values ($1, $2, 1234567890, $3, 'proposed', $4, now())`,
    [adjustmentId, accountId, REASON, OTHER_OPERATOR],
  );
  await sql(
    stack,
    `insert into corrections (id, model, price_rule, calls, accounts, amount, reason, state, proposed_by,
        proposed_at)
      values ($1, 'anthropic/claude-opus-5-5', 'standard', 1234567, 321, 98765432109, $2, 'proposed', $3, now())`,
    [correctionId, REASON, OTHER_OPERATOR],
  );
  const applied = hex('c', 32);
  await sql(
    stack,
    `insert into corrections (id, calls, accounts, amount, reason, state, proposed_by, proposed_at, decided_by,
        decided_at) values ($1, 1, 1, 1200, $2, 'applied', $3, now(), $3, now())`,
    [applied, REASON, OTHER_OPERATOR],
  );
  await sql(
    stack,
    `insert into correction_calls (account_id, call_id, correction_id, amount, state, ended_at)
      values ($1, $2, $3, 1200, 'applied', now())`,
    [accountId, callId, applied],
  );
  const request = { id: `correction:${callId}:${applied}`, delta: 1_200n, note: 'correction' };
  await stack.ledger.operators.adjust(accountId, request);
  await stack.ledger.operators.adjust(accountId, {
    id: `adjustment:${adjustmentId}`,
    delta: 250_000_000n,
    note: 'goodwill',
  });
  return { adjustmentId, correctionId };
}

async function insertReports(stack: LocalStack): Promise<void> {
  const today = Math.floor(Date.now() / DAY_MS);
  await saveParityReport(connect(stack.databaseUrl), {
    day: today - 1,
    lastAt: null,
    lastCall: null,
    completedAt: today * DAY_MS - 1,
    listVersion: '2026-11-26',
    listDate: '2026-11-25',
    skipped: 3,
    disputed: 12,
    stale: 4,
    calls: 1_234_567,
    differing: 2,
    examples: [hex('1', 32), hex('2', 32)],
    differingPrices: 1,
    newPrices: 1,
    priceDifferences: [
      { model: 'openai/gpt-5.4', rule: 'standard', field: 'output', listed: '15', stated: '14' },
    ],
    providerCosts: [
      {
        provider: 'xai',
        calls: 40_000,
        differing: 1,
        computed: 12_345_678_901n,
        stated: 12_345_678_902n,
      },
    ],
  });
  const incident = `insert into status_incidents (id, component, summary, operator, opened_at, resolved_at)
    values ($1, 'gateway', $2, $3, now() - interval '3 hours', $4::timestamptz)`;
  const summary =
    'Calls to Anthropic fail with status 529 for about one call in ten; calls to other providers are not affected. Retry after a minute.';
  await insertWithNulls(stack, incident, [hex('d', 32), summary, OTHER_OPERATOR, null]);
  const resolvedAt = new Date().toISOString();
  await insertWithNulls(stack, incident, [hex('e', 32), summary, OTHER_OPERATOR, resolvedAt]);
}

/** Creates the account and everything around it. */
export async function createFilledAccount(stack: LocalStack): Promise<FilledAccount> {
  const account = await stack.createAccount({
    creditUsd: '50',
    name: 'Production',
    email: 'konstantina.papadopoulou-engineering@subsidiary.example.com',
  });
  const { accountId } = account;
  const rows = await sql(stack, 'select key_id from api_keys where account_id = $1', [accountId]);
  const keyId = Number(rows[0]?.[0]);
  await createKeys(stack, accountId);
  const callId = await makeCalls(stack, account.apiKey);
  await insertUsageHistory(stack, accountId, keyId);
  await insertNetworks(stack);
  const depositPath = await insertDeposits(stack, accountId);
  const refundId = await insertRefunds(stack, accountId);
  await insertAlerts(stack, accountId, keyId);
  await insertWebhookHistory(stack, accountId);
  await waitForCall(stack, accountId, callId);
  const proposals = await insertProposals(stack, accountId, callId);
  await insertReports(stack);
  const cut = await sql(
    stack,
    `select id from calls where account_id = $1 and reason = 'waived_upstream_error' limit 1`,
    [accountId],
  );
  const cutCallId = cut[0]?.[0] ?? '';
  const charged = await sql(
    stack,
    `select id from calls where account_id = $1 and seq >= 1000000
      and reason = 'provider_reported' order by created_at limit 1`,
    [accountId],
  );
  const correctableCallId = charged[0]?.[0] ?? '';
  const ids = { keyId, callId, cutCallId, correctableCallId, refundId, depositPath };
  return { ...account, ...proposals, ...ids };
}

/** Each limit of a key is enforced, named in the error, and distinct from an empty balance. */
import { NO_LIMITS } from '@farebox/ledger';
import type { LocalStack } from '@farebox/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { waitForBill } from './support/bills.ts';
import {
  chatCompletion,
  type ScriptedUpstream,
  sendJson,
  sleep,
} from './support/scripted-upstream.ts';
import { sharedStack } from './support/shared-stack.ts';

let upstream: ScriptedUpstream;
let stack: LocalStack;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
});

type CallOptions = Readonly<{
  model?: string;
  max_tokens?: number;
  max_completion_tokens?: number;
}>;

function call(apiKey: string, options: CallOptions = {}): Promise<Response> {
  return fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'Hello.' }],
      ...options,
    }),
  });
}

async function errorCode(response: Response): Promise<string> {
  const { error } = (await response.json()) as { error: { code: string } };
  return `${response.status} ${error.code}`;
}

async function createKey(limits: Partial<typeof NO_LIMITS>): Promise<string> {
  const account = await stack.createAccount({
    creditUsd: '5',
    limits: { ...NO_LIMITS, ...limits },
  });
  return account.apiKey;
}

function respondWithUsage(input: number, output: number): void {
  upstream.handler = (_, response) => sendJson(response, chatCompletion('ok', { input, output }));
}

describe('a key', () => {
  it('spends at most its own limit, whatever the balance', async () => {
    respondWithUsage(1000, 1000);
    // One call of 1,000 + 1,000 tokens costs 750,000 nano-USD.
    const key = await createKey({ budget: 1_500_000n });
    const first = await call(key, { max_tokens: 1000 });
    expect(first.status).toBe(200);
    await waitForBill(stack.gatewayUrl, key, first.headers.get('x-request-id'));
    const second = await call(key, { max_tokens: 2000 });
    expect(await errorCode(second)).toBe('402 key_limit_exceeded');
    const keyResponse = await fetch(`${stack.gatewayUrl}/v1/key`, {
      headers: { 'x-goog-api-key': key },
    });
    const { data } = (await keyResponse.json()) as { data: Record<string, unknown> };
    expect(data).toMatchObject({
      spent_nano_usd: '750000',
      budget_nano_usd: '1500000',
      budget_left_nano_usd: '750000',
      models: null,
    });
  });

  it('spends at most its budget of the month, and tells what is left and when it renews', async () => {
    respondWithUsage(1000, 1000);
    const key = await createKey({ periodBudgets: { month: 1_500_000n } });
    const first = await call(key, { max_tokens: 1000 });
    await waitForBill(stack.gatewayUrl, key, first.headers.get('x-request-id'));
    const second = await call(key, { max_tokens: 1300 });
    expect(await second.clone().text()).toContain('monthly budget of 0.0015 USD');
    expect(await errorCode(second)).toBe('402 key_limit_exceeded');
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(first.headers.get('ratelimit-policy')).toBe('"budget-month";q=1500;qu="micro-usd"');
    expect(second.headers.get('ratelimit')).toMatch(/^"budget-month";r=750;t=\d+$/);
    const response = await fetch(`${stack.gatewayUrl}/v1/key`, {
      headers: { 'x-goog-api-key': key },
    });
    const now = new Date();
    const nextMonth = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1);
    expect(await response.json()).toMatchObject({
      data: {
        spendable_nano_usd: '750000',
        period_budgets: [
          {
            period: 'month',
            budget_nano_usd: '1500000',
            spent_nano_usd: '750000',
            left_nano_usd: '750000',
            resets_at: new Date(nextMonth).toISOString(),
          },
        ],
      },
    });
  });

  it('calls no model above its price limit, and lists none', async () => {
    respondWithUsage(1, 1);
    const key = await createKey({ maxOutputPrice: 1_000_000_000n });
    expect((await call(key)).status).toBe(200);
    const refused = await call(key, { model: 'gpt-4o' });
    expect(await refused.clone().text()).toContain('costs 10 USD');
    expect(await errorCode(refused)).toBe('403 model_too_expensive');
    const listed = await fetch(`${stack.gatewayUrl}/v1/models`, {
      headers: { authorization: `Bearer ${key}` },
    });
    const { data } = (await listed.json()) as {
      data: readonly { id: string; prices_nano_usd_per_million: { output: string } }[];
    };
    expect(data.map(({ id }) => id)).toContain('openai/gpt-4o-mini');
    const outputPrices = data.map((model) => Number(model.prices_nano_usd_per_million.output));
    expect(Math.max(...outputPrices)).toBeLessThanOrEqual(1_000_000_000);
  });

  it('is rejected after it expires', async () => {
    respondWithUsage(1, 1);
    const key = await createKey({ expiresAt: Date.now() + 3000 });
    expect((await call(key)).status).toBe(200);
    await sleep(3100);
    expect(await errorCode(await call(key))).toBe('401 key_expired');
  });

  it('calls and lists only its allowed models', async () => {
    respondWithUsage(1, 1);
    // A model that its provider has not announced to retire: the list leaves retired ones out.
    const key = await createKey({ models: ['openai/gpt-5.4'] });
    expect((await call(key, { model: 'gpt-5.4' })).status).toBe(200);
    expect((await call(key, { model: 'openai/gpt-5.4' })).status).toBe(200);
    expect(await errorCode(await call(key, { model: 'gpt-4o' }))).toBe('403 model_not_allowed');
    const list = await fetch(`${stack.gatewayUrl}/v1/models`, {
      headers: { authorization: `Bearer ${key}` },
    });
    const { data } = (await list.json()) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toEqual(['openai/gpt-5.4']);
  });

  it('is limited in calls per minute and in concurrent calls', async () => {
    respondWithUsage(1, 1);
    const rateLimitedKey = await createKey({ callsPerMinute: 2 });
    const statuses = [
      await call(rateLimitedKey),
      await call(rateLimitedKey),
      await call(rateLimitedKey),
    ];
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(Number(statuses[2]?.headers.get('retry-after'))).toBeGreaterThan(30);
    let openGate = () => {};
    const gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    upstream.handler = async (_, response) => {
      await gate;
      sendJson(response, chatCompletion('ok', { input: 1, output: 1 }));
    };
    const singleCallKey = await createKey({ concurrentCalls: 1 });
    const first = call(singleCallKey);
    await sleep(200);
    expect(await errorCode(await call(singleCallKey))).toBe('429 too_many_concurrent_calls');
    openGate();
    expect((await first).status).toBe(200);
  });
});

describe('the output limit', () => {
  it('is half of what the balance buys when the request has none, and a header says so', async () => {
    respondWithUsage(1, 1);
    const { apiKey } = await stack.createAccount({ creditUsd: '0.005' });
    const response = await call(apiKey);
    const limit = Number(response.headers.get('x-farebox-max-output-tokens'));
    // Half of 0.005 USD, less the input, at 0.60 USD a million.
    expect(limit).toBeGreaterThan(2000);
    expect(limit).toBeLessThanOrEqual(4166);
    const body = JSON.parse(upstream.received.at(-1)?.body ?? '');
    expect(body.max_completion_tokens ?? body.max_tokens).toBe(limit);
  });

  it('of the request is never lowered: 402 says which limit is affordable', async () => {
    const { apiKey } = await stack.createAccount({ creditUsd: '0.005' });
    const response = await call(apiKey, { max_tokens: 16_000 });
    expect(response.status).toBe(402);
    const { error } = (await response.json()) as {
      error: { affordable_max_output_tokens: number };
    };
    expect(error.affordable_max_output_tokens).toBeGreaterThan(4000);
    respondWithUsage(1, 1);
    expect((await call(apiKey, { max_tokens: error.affordable_max_output_tokens })).status).toBe(
      200,
    );
  });

  it('is sent under the field name of the provider', async () => {
    respondWithUsage(1, 1);
    const { apiKey } = await stack.createAccount({ creditUsd: '5' });
    await call(apiKey, { model: 'deepseek/deepseek-chat', max_completion_tokens: 77 });
    expect(JSON.parse(upstream.received.at(-1)?.body ?? '')).toMatchObject({ max_tokens: 77 });
  });
});

/**
 * Calls that a provider refuses are free, and not without end: a key that sends nothing else slows
 * down, an account has a daily allowance, and another account notices nothing of it.
 */
import { NO_LIMITS } from '@farebox/ledger';
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { chatCompletion, ScriptedUpstream, sendJson, sleep } from './support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let stack: LocalStack;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  upstream.handler = (request, response) => {
    if (request.body.includes('refuse')) {
      const error = { message: 'Invalid value', type: 'invalid_request_error', code: null };
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error }));
      return;
    }
    if (request.path.startsWith('/xai')) response.setHeader('x-ratelimit-limit-requests', '12');
    sendJson(response, chatCompletion('ok', { input: 10, output: 1 }));
  };
  stack = await startStack({
    providers: {
      openai: { baseUrl: `${upstream.url}/v1`, apiKey: 'k' },
      xai: { baseUrl: `${upstream.url}/xai/v1`, apiKey: 'k' },
      google: { baseUrl: `${upstream.url}/google`, apiKey: 'k' },
    },
    gatewayBindings: { PROVIDER_CALLS_PER_MINUTE: '{"anthropic": 12}' },
    cronEveryMs: null,
    quiet: true,
  });
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

function chat(apiKey: string, content: string, model = 'gpt-4o-mini'): Promise<Response> {
  return fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({
      model,
      messages: [{ role: 'user', content }],
      max_tokens: 5,
    }),
  });
}

function messages(apiKey: string): Promise<Response> {
  return fetch(`${stack.gatewayUrl}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model: 'claude-sonnet-4-5',
      messages: [{ role: 'user', content: 'Hello.' }],
      max_tokens: 5,
    }),
  });
}

/** A count that the provider refuses. */
function countTokens(apiKey: string): Promise<Response> {
  return fetch(`${stack.gatewayUrl}/v1beta/models/gemini-3.8-flash:countTokens`, {
    method: 'POST',
    headers: { 'x-goog-api-key': apiKey },
    body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'refuse this' }] }] }),
  });
}

async function mintKey(accountId: string): Promise<string> {
  const request = { name: 'one', limits: NO_LIMITS };
  const minted = await stack.ledger.accounts.mintKey(accountId, request);
  if (!minted.ok) throw new Error(minted.reason);
  return minted.apiKey;
}

/** Repeats a refused call until it is not forwarded; returns how many were, and that answer. */
async function refuseUntilDeclined(apiKey: string) {
  for (let refused = 0; refused < 300; ) {
    const response = await chat(apiKey, 'refuse this');
    if (response.status === 400) refused += 1;
    // The call before may not be settled yet, and no more may be open than could be refused.
    else if ((await parseError(response.clone())).code === 'too_many_concurrent_calls')
      await sleep(50);
    else return { refused, response };
    await response.body?.cancel();
  }
  throw new Error('Refused calls were never declined.');
}

async function parseError(response: Response): Promise<Record<string, unknown>> {
  const { error } = (await response.json()) as { error: Record<string, unknown> };
  return error;
}

describe('refused calls', () => {
  it('slow down their key, then use up the day of their account, and cost it and others nothing', async () => {
    const account = await stack.createAccount({ creditUsd: '5' });
    const other = await stack.createAccount({ creditUsd: '5' });
    let forwarded = 0;
    let last: Response | undefined;
    for (let keys = 0; keys < 12 && last === undefined; keys++) {
      const apiKey = keys === 0 ? account.apiKey : await mintKey(account.accountId);
      const { refused, response } = await refuseUntilDeclined(apiKey);
      forwarded += refused;
      expect(response.status).toBe(429);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      const { code } = await parseError(response.clone());
      if (code === 'refusal_limit_exceeded') last = response;
      else expect(code).toBe('refused_calls_slowed');
    }
    expect(forwarded).toBe(200);
    expect(last?.headers.get('x-should-retry')).toBe('false');
    const declined = await chat(account.apiKey, 'Hello.');
    expect(await parseError(declined)).toMatchObject({
      code: 'refusal_limit_exceeded',
      type: 'rate_limit_error',
    });
    const anthropic = await messages(account.apiKey);
    expect(anthropic.status).toBe(429);
    expect(await anthropic.json()).toMatchObject({
      type: 'error',
      error: { type: 'rate_limit_error' },
    });
    const audit = await stack.ledger.operators.audit(account.accountId);
    expect(audit).toMatchObject({ posted: 5_000_000_000n, held: 0n, violations: [] });
    expect((await chat(other.apiKey, 'Hello.')).status).toBe(200);
    expect(stack.output().replaceAll('\\"', '"')).toContain(
      `{"event":"account_slowed","account":"${account.accountId}","reason":"refusals"}`,
    );
  });
});

describe('refused counts of tokens', () => {
  it('slow down their key, whose counts and calls are then declined', async () => {
    const { apiKey } = await stack.createAccount({ creditUsd: '5' });
    const statuses: number[] = [];
    for (let n = 0; n < 20; n++) statuses.push((await countTokens(apiKey)).status);
    expect(new Set(statuses)).toEqual(new Set([400]));
    await vi.waitFor(
      async () => {
        const declined = await countTokens(apiKey);
        expect(declined.status).toBe(429);
        expect(Number(declined.headers.get('retry-after'))).toBeGreaterThan(0);
      },
      { interval: 20, timeout: 5_000 },
    );
    expect((await chat(apiKey, 'Hello.')).status).toBe(429);
  });
});

describe('an account’s share of a provider’s rate', () => {
  it('ends with a 429 in the caller’s dialect while another account still gets through', async () => {
    const [account, other] = await Promise.all([
      stack.createAccount({ creditUsd: '5' }),
      stack.createAccount({ creditUsd: '5' }),
    ]);
    const statuses: number[] = [];
    // A quarter of 12 calls per minute.
    for (let n = 0; n < 4; n++) statuses.push((await messages(account.apiKey)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const declined = await messages(account.apiKey);
    expect(Number(declined.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await declined.json()).toMatchObject({ error: { type: 'rate_limit_error' } });
    expect((await messages(other.apiKey)).status).toBe(200);
    expect((await chat(account.apiKey, 'Hello.')).status).toBe(200);
  });

  it('follows from the rate that the provider states, where none is configured', async () => {
    const [account, other] = await Promise.all([
      stack.createAccount({ creditUsd: '5' }),
      stack.createAccount({ creditUsd: '5' }),
    ]);
    const statuses: number[] = [];
    for (let n = 0; n < 4; n++)
      statuses.push((await chat(account.apiKey, 'Hello.', 'grok-4.3')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect((await chat(other.apiKey, 'Hello.', 'grok-4.3')).status).toBe(200);
  });
});

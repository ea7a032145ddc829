/** Known attempts to pay less for a call than it costs, each with the right bill. */
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchBalance, fetchSettledBalance, waitForBill } from './support/bills.ts';
import {
  chatCompletion,
  chatEvents,
  messageEvents,
  ScriptedUpstream,
  sendJson,
  sendStream,
  sleep,
} from './support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  stack = await startStack({
    database: 'pglite-memory',
    providers: {
      openai: { baseUrl: `${upstream.url}/v1`, apiKey: 'k' },
      anthropic: { baseUrl: upstream.url, apiKey: 'k' },
    },
    gatewayBindings: { DRAIN_SECONDS: '2', KEY_CALLS_PER_SECOND: '50', KEEPALIVE_SECONDS: '0.3' },
    quiet: true,
  });
  ({ apiKey } = await stack.createAccount({ creditUsd: '100' }));
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

const prompt = [{ role: 'user', content: 'Tell me everything.' }];

function post(
  body: unknown,
  options: { key?: string; path?: string; headers?: HeadersInit; signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(`${stack.gatewayUrl}${options.path ?? '/v1/chat/completions'}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${options.key ?? apiKey}`, ...options.headers },
    body: JSON.stringify(body),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

/** Reads until `enough` returns true, then drops the connection; returns the call's id. */
async function disconnectWhen(
  body: unknown,
  shouldDisconnect: (text: string) => boolean,
  path?: string,
): Promise<string | null> {
  const abort = new AbortController();
  const response = await post(body, {
    signal: abort.signal,
    ...(path === undefined ? {} : { path }),
  });
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (shouldDisconnect(text)) abort.abort();
    }
  } catch {
    // This test's own abort.
  }
  return response.headers.get('x-request-id');
}

describe('a client that disconnects before the usage arrives', () => {
  it('is charged the reported usage when it disconnects between the last text and the usage chunk', async () => {
    const counts = { input: 2000, output: 700 };
    const events = chatEvents(['one', 'two'], counts);
    upstream.handler = async (_, response) => {
      await sendStream(response, events.slice(0, 4), 1, 'hang');
      await sleep(300);
      for (const event of events.slice(4)) response.write(event);
      response.end();
    };
    const id = await disconnectWhen(
      { model: 'gpt-4o-mini', messages: prompt, stream: true },
      (text) => text.includes('"stop"'),
    );
    const bill = await waitForBill(stack.gatewayUrl, apiKey, id);
    expect(bill).toMatchObject({
      reason: 'provider_reported',
      usage: { input_uncached: 2000, output: 700 },
    });
  });

  it('is charged the whole prompt when it disconnects at the first token', async () => {
    const words = Array.from({ length: 500 }, () => 'word ');
    upstream.handler = (_, response) =>
      sendStream(response, chatEvents(words, { input: 24_000, output: 500 }), 10);
    const content = 'The quick brown fox jumps over the lazy dog. '.repeat(2000);
    const id = await disconnectWhen(
      { model: 'gpt-4o-mini', messages: [{ role: 'user', content }], stream: true },
      (text) => text.includes('word'),
    );
    const bill = await waitForBill(stack.gatewayUrl, apiKey, id);
    expect(bill.reason).toBe('estimated_after_disconnect');
    // 20,000 words and stops by OpenAI's own tokenizer (o200k_base).
    expect(bill.usage?.input_uncached).toBeGreaterThanOrEqual(19_000);
    expect(bill.usage?.output).toBeLessThan(200);
  });

  it('is charged the provider’s input count when that came before the disconnect', async () => {
    const words = Array.from({ length: 500 }, () => 'word ');
    upstream.handler = (_, response) =>
      sendStream(response, messageEvents(words, { input: 54_321, output: 500 }), 10);
    const body = {
      model: 'claude-sonnet-4-5',
      max_tokens: 1000,
      messages: prompt,
      stream: true,
      stop_sequences: ['w'],
    };
    const id = await disconnectWhen(body, (text) => text.includes('word'), '/v1/messages');
    const bill = await waitForBill(stack.gatewayUrl, apiKey, id);
    expect(bill).toMatchObject({
      reason: 'estimated_after_disconnect',
      usage: { input_uncached: 54_321 },
    });
    expect(bill.usage?.output).toBeGreaterThanOrEqual(1);
  });

  it('is charged the hidden reasoning when it disconnects while the model reasons', async () => {
    upstream.handler = (_, response) =>
      sendStream(response, chatEvents([], { input: 1, output: 1 }).slice(0, 1), 0, 'hang');
    const started = Date.now();
    const id = await disconnectWhen(
      { model: 'gpt-5-mini', messages: prompt, stream: true, max_completion_tokens: 4000 },
      () => true,
    );
    const bill = await waitForBill(stack.gatewayUrl, apiKey, id);
    const seconds = (Date.now() - started) / 1000;
    expect(bill.reason).toBe('estimated_after_disconnect');
    expect(bill.usage?.output).toBeGreaterThan(100);
    expect(bill.usage?.output).toBeLessThan(100 * seconds + 100);
    expect(bill.usage?.output).toBeLessThanOrEqual(4000);
  });

  it('is charged the reported usage when it disconnects from a call that is not streamed', async () => {
    upstream.handler = async (_, response) => {
      await sleep(700);
      sendJson(response, chatCompletion('done', { input: 3000, output: 900 }));
    };
    const abort = new AbortController();
    const before = await fetchSettledBalance(stack.gatewayUrl, apiKey);
    const pending = post(
      { model: 'gpt-4o-mini', messages: prompt },
      { signal: abort.signal },
    ).catch(() => null);
    await sleep(200);
    abort.abort();
    await pending;
    const expectedPosted = before.posted - (3000n * 150n + 900n * 600n);
    await expect
      .poll(() => fetchBalance(stack.gatewayUrl, apiKey).then(({ posted }) => posted), {
        timeout: 8000,
      })
      .toBe(expectedPosted);
  });
});

describe('a request that could cost more than its hold', () => {
  it('holds n times the output for n choices', async () => {
    const estimate = async (n: number) => {
      const body = { model: 'gpt-4o-mini', messages: prompt, max_tokens: 1000, n };
      const response = await post(body, { path: '/v1/estimate' });
      const { data } = (await response.json()) as { data: { hold_nano_usd: string } };
      return BigInt(data.hold_nano_usd);
    };
    expect((await estimate(10)) - (await estimate(1))).toBe(9n * 600_000n);
  });

  it.each([
    ['a service tier without a price', { service_tier: 'ultrafast' }],
    ['store', { store: true }],
    [
      'a stored file',
      { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }] },
    ],
  ])('is rejected with a clear error: %s', async (_, extra) => {
    const receivedBefore = upstream.received.length;
    const response = await post({ model: 'gpt-4o-mini', messages: prompt, ...extra });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'unsupported_feature' } });
    expect(upstream.received.length).toBe(receivedBefore);
  });

  it('is rejected when it repeats or escapes the name of a billed field', async () => {
    const receivedBefore = upstream.received.length;
    for (const body of [
      '{"model":"gpt-4o-mini","max_tokens":1,"max_tokens":100000,"messages":[]}',
      '{"model":"gpt-4o-mini","m\\u006fdel":"gpt-4","messages":[]}',
      '{"model":"gpt-4o-mini","n":1,"\\u006e":50,"messages":[]}',
    ]) {
      const response = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}` },
        body,
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: 'duplicate_field' } });
    }
    expect(upstream.received.length).toBe(receivedBefore);
  });

  it('is answered 429 balance_held while another call holds the whole balance', async () => {
    const account = await stack.createAccount({ creditUsd: '0.002' });
    let openGate = () => {};
    const gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    upstream.handler = async (_, response) => {
      await gate;
      sendJson(response, chatCompletion('ok', { input: 5, output: 5 }));
    };
    const body = { model: 'gpt-4o-mini', messages: prompt, max_tokens: 2500 };
    const first = post(body, { key: account.apiKey });
    await sleep(300);
    const second = await post(body, { key: account.apiKey });
    expect(second.status).toBe(429);
    expect(second.headers.get('retry-after')).not.toBeNull();
    expect(await second.json()).toMatchObject({ error: { code: 'balance_held' } });
    openGate();
    expect((await first).status).toBe(200);
  });
});

describe('a request id sent by the client', () => {
  it('does not name a call: a replayed id is a new call and is charged', async () => {
    upstream.handler = (_, response) =>
      sendJson(response, chatCompletion('ok', { input: 100, output: 10 }));
    const headers = { 'x-request-id': 'a'.repeat(32), 'idempotency-key': 'same' };
    const ids = new Set<string | null>();
    for (let round = 0; round < 2; round += 1) {
      const response = await post({ model: 'gpt-4o-mini', messages: prompt }, { headers });
      ids.add(response.headers.get('x-request-id'));
      await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
    }
    expect(ids.size).toBe(2);
    expect(ids.has('a'.repeat(32))).toBe(false);
  });

  it('does not show another account’s call', async () => {
    upstream.handler = (_, response) =>
      sendJson(response, chatCompletion('ok', { input: 100, output: 10 }));
    const response = await post({ model: 'gpt-4o-mini', messages: prompt });
    const otherAccount = await stack.createAccount({ creditUsd: '1' });
    const foreignBill = await fetch(
      `${stack.gatewayUrl}/v1/generation/${response.headers.get('x-request-id')}`,
      {
        headers: { authorization: `Bearer ${otherAccount.apiKey}` },
      },
    );
    expect(foreignBill.status).toBe(404);
  });
});

describe('a flood of calls on one account', () => {
  it('is rate limited at the edge while the account’s calls still settle', async () => {
    const account = await stack.createAccount({ creditUsd: '1' });
    upstream.handler = async (_, response) => {
      await sleep(200);
      sendJson(response, chatCompletion('ok', { input: 100, output: 10 }));
    };
    const normalCall = await post(
      { model: 'gpt-4o-mini', messages: prompt },
      { key: account.apiKey },
    );
    const flood = await Promise.all(
      Array.from({ length: 400 }, () =>
        post({ model: 'no-such-model', messages: prompt }, { key: account.apiKey }).then(
          async (response) => {
            await response.arrayBuffer();
            return response.status;
          },
        ),
      ),
    );
    expect(flood.filter((status) => status === 429).length).toBeGreaterThan(200);
    await sleep(1000);
    const bill = await waitForBill(
      stack.gatewayUrl,
      account.apiKey,
      normalCall.headers.get('x-request-id'),
    );
    expect(bill.status).toBe('settled');
  });
});

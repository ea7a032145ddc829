/**
 * The attempts of tests/abuse.test.ts to pay less for a call than it costs, in Responses and in
 * Gemini's own API, each with the right bill.
 */
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchBalance, fetchSettledBalance, waitForBill } from './support/bills.ts';
import { geminiEvents, geminiResponse } from './support/gemini-upstream.ts';
import {
  type Counts,
  openStream,
  responseDocument,
  responseEvents,
  ScriptedUpstream,
  sendJson,
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
      google: { baseUrl: upstream.url, apiKey: 'k' },
    },
    gatewayBindings: { DRAIN_SECONDS: '2', KEY_CALLS_PER_SECOND: '50', KEEPALIVE_SECONDS: '0.3' },
    quiet: true,
  });
  ({ apiKey } = await stack.createAccount({ creditUsd: '100' }));
}, 240_000);

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

const DIALECTS = ['responses', 'gemini'] as const;
type Dialect = (typeof DIALECTS)[number];

const GEMINI = '/v1beta/models/gemini-3.5-flash';
const PATHS = {
  responses: { document: '/v1/responses', stream: '/v1/responses' },
  gemini: {
    document: `${GEMINI}:generateContent`,
    stream: `${GEMINI}:streamGenerateContent?alt=sse`,
  },
} as const;

function buildBody(dialect: Dialect, text: string, maxOutput: number, stream = false): object {
  if (dialect === 'responses')
    return { model: 'gpt-4o-mini', input: text, max_output_tokens: maxOutput, stream };
  return {
    contents: [{ role: 'user', parts: [{ text }] }],
    generationConfig: { maxOutputTokens: maxOutput },
  };
}

function writeEvents(dialect: Dialect, texts: readonly string[], counts: Counts): string[] {
  if (dialect === 'responses') return responseEvents(texts, counts);
  return geminiEvents(texts, counts).map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`);
}

function buildAnswer(dialect: Dialect, counts: Counts): unknown {
  return dialect === 'responses'
    ? responseDocument('done', counts)
    : geminiResponse([{ text: 'done' }], counts);
}

/** nano-USD a token: gpt-4o-mini and gemini-3.5-flash (OpenAI's and Google's price lists). */
const PRICES = {
  responses: { input: 150n, output: 600n },
  gemini: { input: 1500n, output: 9000n },
} as const;

type PostOptions = Readonly<{ key?: string; signal?: AbortSignal; headers?: HeadersInit }>;

function post(path: string, body: object | string, options: PostOptions = {}): Promise<Response> {
  return fetch(stack.gatewayUrl + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${options.key ?? apiKey}`,
      'content-type': 'application/json',
      ...options.headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

/** Reads until some text has come, then drops the connection; returns the call's id. */
async function disconnectAfter(path: string, body: object, word: string): Promise<string | null> {
  const abort = new AbortController();
  const response = await post(path, body, { signal: abort.signal });
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.includes(word)) abort.abort();
    }
  } catch {
    // This test's own abort.
  }
  return response.headers.get('x-request-id');
}

describe.each(DIALECTS)('a client of %s that disconnects', (dialect) => {
  const { document, stream } = PATHS[dialect];

  it('at the first token is charged the whole prompt', async () => {
    const words = Array.from({ length: 300 }, () => 'word ');
    const events = writeEvents(dialect, words, { input: 20_000, output: 300 });
    upstream.handler = async (_, response) => {
      openStream(response);
      for (const event of events) {
        if (response.destroyed) return;
        response.write(event);
        // What comes in the two seconds after the client left is charged: at most 100 words.
        await sleep(20);
      }
      response.end();
    };
    const text = 'The quick brown fox jumps over the lazy dog. '.repeat(2000);
    const id = await disconnectAfter(stream, buildBody(dialect, text, 2000, true), 'word');
    const bill = await waitForBill(stack.gatewayUrl, apiKey, id);
    expect(bill.reason).toBe('estimated_after_disconnect');
    // 20,000 words and stops by OpenAI's own tokenizer (o200k_base); Google states its count.
    expect(bill.usage?.input_uncached).toBeGreaterThanOrEqual(19_000);
    expect(bill.usage?.output).toBeGreaterThanOrEqual(1);
    expect(bill.usage?.output).toBeLessThan(200);
  });

  it('from a call that is not streamed is charged the reported usage', async () => {
    const account = await stack.createAccount({ creditUsd: '1' });
    const { input, output } = PRICES[dialect];
    upstream.handler = async (_, response) => {
      await sleep(700);
      sendJson(response, buildAnswer(dialect, { input: 3000, output: 900 }));
    };
    const before = await fetchSettledBalance(stack.gatewayUrl, account.apiKey);
    const abort = new AbortController();
    const body = buildBody(dialect, 'Tell me everything.', 1000);
    const pending = post(document, body, { key: account.apiKey, signal: abort.signal });
    await sleep(250);
    abort.abort();
    await pending.catch(() => null);
    await expect
      .poll(() => fetchBalance(stack.gatewayUrl, account.apiKey), { timeout: 8_000 })
      .toMatchObject({ posted: before.posted - (3000n * input + 900n * output), held: 0n });
  });
});

describe('a client of responses that disconnects', () => {
  it('between the last text and the usage is charged the reported usage', async () => {
    const events = responseEvents(['one', 'two'], { input: 2000, output: 700 });
    upstream.handler = async (_, response) => {
      openStream(response);
      for (const event of events.slice(0, -1)) response.write(event);
      await sleep(300);
      response.end(events.at(-1));
    };
    const body = buildBody('responses', 'Tell me everything.', 1000, true);
    const id = await disconnectAfter('/v1/responses', body, 'output_item.done');
    expect(await waitForBill(stack.gatewayUrl, apiKey, id)).toMatchObject({
      reason: 'provider_reported',
      usage: { input_uncached: 2000, output: 700 },
    });
  });

  it('while the model reasons is charged the hidden reasoning', async () => {
    upstream.handler = (_, response) => {
      openStream(response);
      response.write(responseEvents([], { input: 1, output: 1 })[0]);
    };
    const body = { model: 'gpt-5-mini', input: 'Think.', stream: true, max_output_tokens: 4000 };
    const started = Date.now();
    const id = await disconnectAfter('/v1/responses', body, 'response.created');
    const bill = await waitForBill(stack.gatewayUrl, apiKey, id);
    const seconds = (Date.now() - started) / 1000;
    expect(bill.reason).toBe('estimated_after_disconnect');
    expect(bill.usage?.output).toBeGreaterThan(100);
    expect(bill.usage?.output).toBeLessThan(100 * seconds + 100);
  });
});

const CONTENTS = [{ role: 'user', parts: [{ text: 'x' }] }];

describe('a request that could cost more than its hold', () => {
  it.each([
    ['a service tier without a price', { service_tier: 'scale' }],
    ['store', { store: true }],
    ['an earlier response', { previous_response_id: 'resp_1' }],
    ['a stored conversation', { conversation: 'conv_1' }],
    ['an answer that is fetched later', { background: true }],
    ['a stored prompt', { prompt: { id: 'pmpt_1' } }],
    [
      'a stored file',
      { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }] },
    ],
    ['a tool without a price', { tools: [{ type: 'image_generation' }] }],
    ['a stored container', { tools: [{ type: 'code_interpreter', container: 'cntr_1' }] }],
    ['agents without a bound', { multi_agent: { enabled: true } }],
  ])('of Responses is rejected with %s', async (_, extra) => {
    const before = upstream.received.length;
    const response = await post('/v1/responses', { model: 'gpt-4o-mini', input: 'x', ...extra });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { code: string } };
    expect(['unsupported_feature', 'previous_response_not_found']).toContain(error.code);
    expect(upstream.received.length).toBe(before);
  });

  it.each([
    ['a service tier without a price', { contents: CONTENTS, serviceTier: 'scale' }],
    ['a cache', { contents: CONTENTS, cachedContent: 'cachedContents/x' }],
    ['a stored file', { contents: [{ parts: [{ fileData: { fileUri: 'files/x' } }] }] }],
    ['a store of files', { contents: CONTENTS, tools: [{ fileSearch: {} }] }],
    ['a tool that nobody knows', { contents: CONTENTS, tools: [{ nextTool: {} }] }],
    ['too many candidates', { contents: CONTENTS, generationConfig: { candidateCount: 9 } }],
  ])('of Gemini is rejected with %s', async (_, body) => {
    const before = upstream.received.length;
    const response = await post(PATHS.gemini.document, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { status: 'INVALID_ARGUMENT' } });
    expect(upstream.received.length).toBe(before);
  });

  it.each([
    [PATHS.responses.document, '{"model":"gpt-4o-mini","model":"gpt-4","input":"x"}'],
    [PATHS.responses.document, '{"model":"gpt-4o-mini","m\\u006fdel":"gpt-4","input":"x"}'],
    [PATHS.responses.document, '{"model":"gpt-4o-mini","Model":"gpt-4","input":"x"}'],
    [
      PATHS.responses.document,
      '{"model":"gpt-4o-mini","max_output_tokens":1,"max_output_tokens":9000,"input":"x"}',
    ],
    [PATHS.responses.document, '{"model":"gpt-4o-mini","maxOutputTokens":9000,"input":"x"}'],
    [
      PATHS.responses.document,
      '{"model":"gpt-4o-mini","input":"x","service\\u005ftier":"flex","service_tier":"default"}',
    ],
    [
      PATHS.gemini.document,
      '{"contents":[],"generationConfig":{},"generation_config":{"maxOutputTokens":9000}}',
    ],
    [
      PATHS.gemini.document,
      '{"contents":[],"generationConfig":{"maxOutputTokens":1,"max_output_tokens":9000}}',
    ],
    [
      PATHS.gemini.document,
      '{"contents":[],"generationConfig":{"candidateCount":1,"candidat\\u0065Count":8}}',
    ],
    [PATHS.gemini.document, '{"contents":[],"GenerationConfig":{"maxOutputTokens":9000}}'],
    [
      PATHS.gemini.document,
      '{"contents":[],"cachedContent":null,"cached_content":"cachedContents/x"}',
    ],
  ])(
    'at %s is rejected where it names a billed field twice or otherwise: %s',
    async (path, body) => {
      const before = upstream.received.length;
      const response = await post(path, body);
      expect(response.status).toBe(400);
      await response.arrayBuffer();
      expect(upstream.received.length).toBe(before);
    },
  );

  it('of Gemini holds the output once for each candidate', async () => {
    const hold = async (candidateCount: number) => {
      const generationConfig = { maxOutputTokens: 1000, candidateCount };
      const body = { model: 'gemini-3.5-flash', contents: CONTENTS, generationConfig };
      const response = await post('/v1/estimate', body);
      const { data } = (await response.json()) as { data: { hold_nano_usd: string } };
      return BigInt(data.hold_nano_usd);
    };
    expect((await hold(8)) - (await hold(1))).toBe(7n * 1000n * PRICES.gemini.output);
  });
});

describe.each(DIALECTS)('a call of %s', (dialect) => {
  const { document } = PATHS[dialect];

  it('is 429 while another holds the whole balance, and is not sent', async () => {
    const { apiKey: key, accountId } = await stack.createAccount({ creditUsd: '0' });
    const body = buildBody(dialect, 'x', 2500);
    const estimate = await post('/v1/estimate', { model: 'gemini-3.5-flash', ...body }, { key });
    const { data } = (await estimate.json()) as { data: { hold_nano_usd: string } };
    const hold = BigInt(data.hold_nano_usd);
    const amount = hold + hold / 2n;
    await stack.ledger.credits.credit(accountId, { id: 'one', amount, source: 'local' });
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    upstream.handler = async (_, response) => {
      await gate;
      sendJson(response, buildAnswer(dialect, { input: 5, output: 5 }));
    };
    const before = upstream.received.length;
    const first = post(document, body, { key });
    await expect.poll(() => upstream.received.length, { timeout: 5_000 }).toBe(before + 1);
    const second = await post(document, body, { key });
    expect(second.status).toBe(429);
    expect(second.headers.get('retry-after')).not.toBeNull();
    expect(await second.text()).toContain('The balance is reserved for calls in progress.');
    expect(upstream.received.length).toBe(before + 1);
    open();
    expect((await first).status).toBe(200);
  });

  it('with the id of another is a call of its own, and shows no other account', async () => {
    upstream.handler = (_, response) =>
      sendJson(response, buildAnswer(dialect, { input: 100, output: 10 }));
    const headers = { 'x-request-id': 'a'.repeat(32), 'idempotency-key': 'same' };
    const ids = new Set<string | null>();
    for (let round = 0; round < 2; round += 1) {
      const response = await post(document, buildBody(dialect, 'x', 100), { headers });
      await response.arrayBuffer();
      const id = response.headers.get('x-request-id');
      await waitForBill(stack.gatewayUrl, apiKey, id);
      ids.add(id);
    }
    expect(ids.size).toBe(2);
    const other = await stack.createAccount({ creditUsd: '1' });
    const [id] = ids;
    const foreign = await fetch(`${stack.gatewayUrl}/v1/generation/${id}`, {
      headers: { authorization: `Bearer ${other.apiKey}` },
    });
    expect(foreign.status).toBe(404);
  });
});

/**
 * Outcomes of calls to Gemini's own API when a party misbehaves, in both forms of a stream. Each is
 * settled once and reported to the caller truthfully, in Google's shape.
 */
import { type CreateAccountOptions, type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchSettledBalance, waitForBill } from './support/bills.ts';
import { readErrorCode } from './support/dialect-calls.ts';
import { geminiEvents, geminiResponse } from './support/gemini-upstream.ts';
import {
  ScriptedUpstream,
  sendJson,
  sleep,
  type UpstreamHandler,
} from './support/scripted-upstream.ts';

// gemini-3.5-flash: 1.50 USD in, 9 USD out per million tokens (Google's price list).
const MODEL = 'gemini-3.5-flash';
const INPUT = 1500n;
const OUTPUT = 9000n;
const CONTENTS = [{ role: 'user', parts: [{ text: 'Tell me everything.' }] }];

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  stack = await startStack({
    database: 'pglite-memory',
    providers: { google: { baseUrl: upstream.url, apiKey: 'k' } },
    gatewayBindings: {
      FIRST_BYTE_TIMEOUT_SECONDS: '1',
      IDLE_TIMEOUT_SECONDS: '1.5',
      DRAIN_SECONDS: '1',
      KEEPALIVE_SECONDS: '0.4',
    },
    quiet: true,
  });
  ({ apiKey } = await stack.createAccount({ creditUsd: '100' }));
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

/** The two forms of a stream: what is called, and how it is written and read. */
const FORMS = {
  events: {
    method: 'streamGenerateContent?alt=sse',
    type: 'text/event-stream',
    write: (events: readonly unknown[]) =>
      events.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`),
    read: (text: string) =>
      text
        .split(/(?:\r?\n)+/)
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line.replace(/^data: /, ''))),
  },
  array: {
    method: 'streamGenerateContent',
    type: 'application/json; charset=UTF-8',
    write: (events: readonly unknown[]) =>
      events.map((event, index) => `${index === 0 ? '[' : '\n,\r\n'}${JSON.stringify(event)}`),
    read: (text: string) => JSON.parse(text),
  },
} as const;
type Form = keyof typeof FORMS;
const BOTH: readonly Form[] = ['events', 'array'];

function post(method: string, extra: object = {}, key = apiKey): Promise<Response> {
  return fetch(`${stack.gatewayUrl}/v1beta/models/${MODEL}:${method}`, {
    method: 'POST',
    headers: { 'x-goog-api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify({ contents: CONTENTS, ...extra }),
  });
}

/** Writes pieces one after another, then leaves the connection open, or breaks it. */
function writePieces(form: Form, pieces: readonly string[], end: 'cut' | 'hang'): UpstreamHandler {
  return async (_, response) => {
    response.writeHead(200, { 'content-type': FORMS[form].type });
    for (const piece of pieces) {
      response.write(piece);
      await sleep(30);
    }
    if (end === 'cut') response.destroy();
  };
}

async function readBill(response: Response, key = apiKey) {
  return waitForBill(stack.gatewayUrl, key, response.headers.get('x-request-id'));
}

describe.each(BOTH)('a stream as %s that the provider truncates', (form) => {
  const { method, write, read } = FORMS[form];
  const events = geminiEvents(['one', 'two', 'three'], { input: 9, output: 40 });

  it('before its last event ends with an error, and costs what was counted', async () => {
    upstream.handler = writePieces(form, write(events.slice(0, 2)), 'cut');
    const response = await post(method);
    const received = read(await response.text());
    expect(received.slice(0, -1)).toEqual(events.slice(0, 2));
    expect(received.at(-1)).toMatchObject({ error: { code: 502, status: 'INTERNAL' } });
    const bill = await readBill(response);
    expect(bill).toMatchObject({ reason: 'estimated_after_upstream_cut' });
    expect(bill.usage).toMatchObject({ input_uncached: 9 });
    expect(bill.usage?.output).toBeGreaterThanOrEqual(2);
    expect(bill.usage?.output).toBeLessThan(40);
  });

  it('within an event forwards nothing of that event', async () => {
    const [first = '', second = ''] = write(events);
    upstream.handler = writePieces(form, [first, second.slice(0, -30)], 'cut');
    const text = await (await post(method)).text();
    expect(text).not.toContain('two');
    const received = read(text);
    expect(received[0]).toEqual(events[0]);
    expect(received.at(-1)).toMatchObject({ error: { code: 502 } });
    expect(received).toHaveLength(2);
  });

  it('after its last event is whole, and costs what it counts', async () => {
    upstream.handler = writePieces(form, write(events), 'cut');
    const response = await post(method);
    expect(read(await response.text())).toEqual(events);
    const cost = 9n * INPUT + 40n * OUTPUT;
    expect(await readBill(response)).toMatchObject({
      reason: 'provider_reported',
      cost_nano_usd: String(cost),
    });
  });

  it('by silence is kept alive in a form that every parser skips, and then ends with an error', async () => {
    upstream.handler = writePieces(form, write(events.slice(0, 1)), 'hang');
    const text = await (await post(method)).text();
    expect(text).toMatch(/\}\s*[\r\n]{2,}/);
    expect(text).not.toContain(': keep-alive');
    expect(read(text).at(-1)).toMatchObject({ error: { code: 504, status: 'DEADLINE_EXCEEDED' } });
  });

  it('with an error of its own passes that on, and is charged for what came before', async () => {
    const error = { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' };
    upstream.handler = async (_, response) => {
      response.writeHead(200, { 'content-type': FORMS[form].type });
      for (const piece of write([events[0], { error }])) response.write(piece);
      response.end(form === 'array' ? '\n]' : '');
    };
    const response = await post(method);
    expect(read(await response.text())).toEqual([events[0], { error }]);
    expect(await readBill(response)).toMatchObject({ reason: 'estimated_after_upstream_cut' });
  });

  it('with an error about our account there hides it', async () => {
    const error = { code: 403, message: 'Project secret-42 has no quota.', status: 'X' };
    upstream.handler = async (_, response) => {
      response.writeHead(200, { 'content-type': FORMS[form].type });
      for (const piece of write([events[0], { error }])) response.write(piece);
      response.end(form === 'array' ? '\n]' : '');
    };
    const text = await (await post(method)).text();
    expect(text).not.toContain('secret-42');
    expect(read(text).at(-1)).toMatchObject({ error: { code: expect.any(Number) } });
  });
});

const respondWith =
  (status: number, error: object): UpstreamHandler =>
  (_, response) =>
    sendJson(response, { error }, status);
const reset: UpstreamHandler = (_, response) => void response.socket?.resetAndDestroy();
const SECRET = { message: 'secret', code: 1, status: 'X' };

describe('a provider without an answer', () => {
  it.each([
    ['is silent before its headers', () => {}, 504, 'DEADLINE_EXCEEDED'],
    ['breaks off before its headers', reset, 502, 'INTERNAL'],
    ['fails inside', respondWith(500, SECRET), 503, 'UNAVAILABLE'],
    ['refuses our key', respondWith(403, SECRET), 502, 'INTERNAL'],
    ['limits our calls', respondWith(429, SECRET), 429, 'RESOURCE_EXHAUSTED'],
  ] as const)('because it %s costs nothing', async (_, handler, code, status) => {
    upstream.handler = handler;
    const account = await stack.createAccount({ creditUsd: '1' });
    const before = await fetchSettledBalance(stack.gatewayUrl, account.apiKey);
    for (const method of ['generateContent', FORMS.events.method, FORMS.array.method]) {
      const response = await post(method, {}, account.apiKey);
      const text = await response.text();
      expect(response.status).toBe(code);
      expect(JSON.parse(text)).toMatchObject({ error: { code, status } });
      expect(text).not.toContain('secret');
      expect(await readBill(response, account.apiKey)).toMatchObject({
        reason: 'waived_upstream_error',
        cost_nano_usd: '0',
      });
    }
    expect(await fetchSettledBalance(stack.gatewayUrl, account.apiKey)).toEqual(before);
  });

  it('passes on the pause of a rate limit in the words that Google’s clients read', async () => {
    const retry = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.4s' };
    upstream.handler = respondWith(429, { ...SECRET, details: [retry] });
    const response = await post('generateContent');
    expect(response.headers.get('retry-after')).toBe('34');
    const { error } = (await response.json()) as { error: { details: unknown[] } };
    expect(error.details).toContainEqual({ ...retry, retryDelay: '34s' });
  });
});

describe('a refused request', () => {
  it.each([
    ['a field twice', { generationConfig: {}, generation_config: {} }, 'INVALID_ARGUMENT'],
    ['a cache', { cachedContent: 'cachedContents/x' }, 'INVALID_ARGUMENT'],
    ['a tool without a price', { tools: [{ fileSearch: {} }] }, 'INVALID_ARGUMENT'],
    ['Google Maps since Gemini 3', { tools: [{ googleMaps: {} }] }, 'INVALID_ARGUMENT'],
    ['too many candidates', { generationConfig: { candidateCount: 9 } }, 'INVALID_ARGUMENT'],
  ])('with %s is told why, and nothing is sent', async (_, extra, status) => {
    const before = upstream.received.length;
    const response = await post('generateContent', extra);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 400, status } });
    expect(upstream.received.length).toBe(before);
  });

  it('of an account without a balance is 402, with what is missing', async () => {
    const { apiKey: key } = await stack.createAccount({ creditUsd: '0' });
    const response = await post('generateContent', {}, key);
    expect(response.status).toBe(402);
    const { error } = (await response.json()) as { error: { details: { metadata?: unknown }[] } };
    expect(error.details[0]?.metadata).toMatchObject({ missing_nano_usd: expect.any(String) });
  });
});

type RejectedRequest = Readonly<{
  path?: string;
  method?: string;
  key?: string;
  body?: object;
  text?: string;
}>;
const GENERATE = `/v1beta/models/${MODEL}:generateContent`;
const nested = `{"contents":${'['.repeat(5000)}${']'.repeat(5000)}}`;
const oversized = JSON.stringify({ text: 'x'.repeat(20 * 1024 * 1024) });
/** The requests that tests/call-outcomes.test.ts sends in the other dialects. */
const REJECTED_REQUESTS: readonly (readonly [string, number, RejectedRequest])[] = [
  ['invalid_api_key', 401, { key: 'sk-other' }],
  ['not_found', 404, { path: `${GENERATE}/nothing` }],
  ['method_not_allowed', 405, { method: 'PUT' }],
  ['model_not_found', 404, { path: '/v1beta/models/no-such-model:generateContent' }],
  ['model_not_supported_on_endpoint', 400, { path: '/v1beta/models/gpt-4o-mini:generateContent' }],
  ['invalid_json', 400, { text: '{' }],
  ['not_an_object', 400, { text: '[]' }],
  ['nesting_too_deep', 400, { text: nested }],
  ['duplicate_field', 400, { text: '{"contents":[],"contents":[]}' }],
  ['missing_field', 400, { text: '{}' }],
  ['invalid_field', 400, { body: { generationConfig: { maxOutputTokens: 'many' } } }],
  ['unsupported_feature', 400, { body: { cachedContent: 'cachedContents/x' } }],
  ['body_too_large', 413, { text: oversized }],
];
const HOUR = 3_600_000;
const REJECTED_ACCOUNTS: readonly (readonly [string, number, CreateAccountOptions])[] = [
  ['insufficient_balance', 402, { creditUsd: '0' }],
  ['key_limit_exceeded', 402, { creditUsd: '1', limits: { budget: 1n } }],
  ['key_expired', 401, { creditUsd: '1', limits: { expiresAt: Date.now() - HOUR } }],
  ['model_not_allowed', 403, { creditUsd: '1', limits: { models: ['openai/gpt-4'] } }],
];

describe('an error of ours in Google’s shape', () => {
  async function expectError(response: Response, code: string, status: number): Promise<void> {
    const body: unknown = await response.json();
    const id = response.headers.get('x-request-id');
    expect(response.status).toBe(status);
    expect(body).toMatchObject({
      error: {
        code: status,
        message: expect.any(String),
        status: expect.stringMatching(/^[A-Z_]+$/),
      },
    });
    expect(readErrorCode('gemini', body)).toBe(code);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(JSON.stringify(body)).toContain(`"requestId":"${id}"`);
    expect(response.headers.get('x-should-retry')).toBe('false');
  }

  it.each(REJECTED_REQUESTS)('%s: %i', async (code, status, rejected) => {
    const before = upstream.received.length;
    const response = await fetch(stack.gatewayUrl + (rejected.path ?? GENERATE), {
      method: rejected.method ?? 'POST',
      headers: { 'x-goog-api-key': rejected.key ?? apiKey },
      body: rejected.text ?? JSON.stringify({ contents: CONTENTS, ...rejected.body }),
    });
    await expectError(response, code, status);
    expect(upstream.received.length).toBe(before);
  });

  it.each(REJECTED_ACCOUNTS)('%s: %i', async (code, status, options) => {
    const account = await stack.createAccount(options);
    await expectError(await post('generateContent', {}, account.apiKey), code, status);
  });
});

describe('a call with grounding, tiers and media', () => {
  it.each([
    [
      'each query once',
      { tools: [{ google_search: {} }] },
      { groundingMetadata: { webSearchQueries: ['a', 'b', 'a', ''] } },
      {},
      20n * INPUT + 5n * OUTPUT + 2n * 14_000_000n,
    ],
    [
      'the tier that served it',
      { serviceTier: 'flex' },
      {},
      { serviceTier: 'flex' },
      (20n * INPUT + 5n * OUTPUT) / 2n,
    ],
    [
      'the standard tier where the one that was asked for was full',
      { serviceTier: 'priority' },
      {},
      { serviceTier: 'standard' },
      20n * INPUT + 5n * OUTPUT,
    ],
  ])('costs %s', async (_, extra, candidate, usage, cost) => {
    const answer = geminiResponse([{ text: 'x' }], { input: 20, output: 5 });
    const [first] = answer.candidates;
    upstream.handler = (_request, response) =>
      sendJson(response, {
        ...answer,
        candidates: [{ ...first, ...candidate }],
        usageMetadata: { ...answer.usageMetadata, ...usage },
      });
    const response = await post('generateContent', extra);
    expect(await readBill(response)).toMatchObject({
      reason: 'provider_reported',
      cost_nano_usd: String(cost),
    });
  });
});

describe('a client that disconnects', () => {
  it('is charged the count that had come, and no more', async () => {
    const events = geminiEvents(
      Array.from({ length: 200 }, () => 'word '),
      { input: 30, output: 200 },
    );
    upstream.handler = async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const piece of FORMS.events.write(events)) {
        if (response.destroyed) return;
        response.write(piece);
        await sleep(20);
      }
      response.end();
    };
    const abort = new AbortController();
    const response = await fetch(
      `${stack.gatewayUrl}/v1beta/models/${MODEL}:${FORMS.events.method}`,
      {
        method: 'POST',
        headers: { 'x-goog-api-key': apiKey },
        body: JSON.stringify({ contents: CONTENTS }),
        signal: abort.signal,
      },
    );
    await response.body?.getReader().read();
    abort.abort();
    const bill = await readBill(response);
    expect(bill.reason).toBe('estimated_after_disconnect');
    expect(bill.usage).toMatchObject({ input_uncached: 30 });
    expect(bill.usage?.output).toBeLessThan(150);
  });
});

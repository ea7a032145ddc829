/**
 * Outcomes of calls when a party misbehaves: a client that stops reading, a provider that
 * truncates, stalls or fails, uploads that never arrive. Each is settled once and reported to the
 * caller truthfully.
 */
import { connect, type Socket } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import { type CreateAccountOptions, type LocalStack, startStack } from '@farebox/local';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchBalance, fetchSettledBalance, waitForBill } from './support/bills.ts';
import {
  chatCompletion,
  chatEvents,
  messageEvents,
  messageResponse,
  openStream,
  responseDocument,
  responseEvents,
  ScriptedUpstream,
  sendJson,
  sendStream,
  sleep,
  type UpstreamHandler,
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
    gatewayBindings: {
      FIRST_BYTE_TIMEOUT_SECONDS: '3',
      IDLE_TIMEOUT_SECONDS: '1.5',
      DRAIN_SECONDS: '1',
      KEEPALIVE_SECONDS: '0.5',
    },
    quiet: true,
  });
  ({ apiKey } = await stack.createAccount({ creditUsd: '100' }));
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

const messages = [{ role: 'user', content: 'Tell me everything.' }];
type Dialect = 'chat' | 'messages' | 'responses';
const DIALECTS: readonly Dialect[] = ['chat', 'messages', 'responses'];
const PATHS = {
  chat: '/v1/chat/completions',
  messages: '/v1/messages',
  responses: '/v1/responses',
} as const;
const BODIES = {
  chat: { model: 'gpt-4o-mini', messages, max_tokens: 100 },
  messages: { model: 'claude-sonnet-4-5', messages, max_tokens: 100 },
  responses: { model: 'gpt-4o-mini', input: messages, max_output_tokens: 100 },
} as const;
/** The field of the output limit, what keeps a stream alive, the status of an overloaded provider. */
const LIMIT_FIELDS = {
  chat: 'max_tokens',
  messages: 'max_tokens',
  responses: 'max_output_tokens',
} as const;
const KEEP_ALIVES = { chat: '\n: ', messages: 'event: ping', responses: '\n: ' } as const;
const OVERLOADED = { chat: 503, messages: 529, responses: 503 } as const;

/** The events of a stream of these texts. */
const EVENTS = { chat: chatEvents, messages: messageEvents, responses: responseEvents };
const ANSWERS = { chat: chatCompletion, messages: messageResponse, responses: responseDocument };

/** Cuts a stream between the end of its texts and its last word. */
function cutBeforeEnd(dialect: Dialect, events: readonly string[]): readonly string[] {
  const last = { chat: 'finish_reason":"stop', messages: 'message_delta', responses: 'completed"' };
  const first = events.findIndex((event) => event.includes(last[dialect]));
  return events.slice(0, dialect === 'chat' ? first + 1 : first);
}

function toErrorBody(dialect: Dialect, error: object, ids: object = {}): object {
  const isAnthropic = dialect === 'messages';
  return isAnthropic ? { type: 'error', error, ...ids } : { error: { ...error, ...ids } };
}

function post(dialect: Dialect, extra: object = {}, key = apiKey): Promise<Response> {
  return fetch(stack.gatewayUrl + PATHS[dialect], {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ ...BODIES[dialect], ...extra }),
  });
}

function getRequestId(response: Response): string | null {
  return response.headers.get('x-request-id');
}

/** A raw request on a socket of its own. */
async function sendRaw(body: string, path: string, length = Buffer.byteLength(body)) {
  const { hostname, port } = new URL(stack.gatewayUrl);
  const socket = connect(Number(port), hostname);
  await new Promise((resolve) => socket.once('connect', resolve));
  const first = `POST ${path} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${apiKey}`;
  socket.write(`${first}\r\ncontent-length: ${length}\r\n\r\n${body}`);
  return socket;
}

/** Everything that the socket receives until it ends or breaks. */
function readToEnd(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
    socket.resume();
  });
}

/** The `data:` of each event; throws if anything but whole events arrived. */
function parseEvents(text: string): unknown[] {
  const pieces = text.split('\n\n');
  if (pieces.at(-1) !== '') throw new Error('the stream ends within an event');
  const events: unknown[] = [];
  for (const piece of pieces.slice(0, -1)) {
    const data = piece.split('\n').filter((line) => line.startsWith('data: '));
    if (data.length > 1) throw new Error('two events are glued together');
    const [line] = data;
    if (line !== undefined && line !== 'data: [DONE]') events.push(JSON.parse(line.slice(6)));
  }
  return events;
}

/** The error that a stream ends with, alone or before a response that failed. */
function findError(events: readonly unknown[]): unknown {
  const isError = (event: unknown) =>
    JSON.stringify(event)?.includes('"type":"response.failed"') !== true;
  return events.filter(isError).at(-1);
}

describe('a client that stops reading and keeps its connection open', () => {
  it('is settled in bounded time and its stream ends with an error', async () => {
    const word = 'x'.repeat(64 * 1024);
    const events = chatEvents(
      Array.from({ length: 400 }, () => word),
      { input: 5, output: 5 },
    );
    upstream.handler = (_, response) => sendStream(response, events);
    const body = JSON.stringify({ ...BODIES.chat, max_tokens: 1000, stream: true });
    const socket = await sendRaw(body, PATHS.chat);
    const head = await new Promise<string>((resolve) => {
      socket.once('data', (chunk: Buffer) => {
        socket.pause();
        resolve(chunk.toString('utf8'));
      });
    });
    const id = /x-request-id: (\w+)/i.exec(head)?.[1];
    const started = Date.now();
    const bill = await waitForBill(stack.gatewayUrl, apiKey, id, 12_000);
    expect(bill).toMatchObject({ status: 'settled', reason: 'estimated_after_disconnect' });
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(bill.usage?.output).toBeGreaterThan(0);
    expect(bill.usage?.output).toBeLessThanOrEqual(1000);
    const remainder = await readToEnd(socket);
    // A complete chunked response ends with an empty chunk (RFC 9112 section 7.1).
    expect(remainder.endsWith('\r\n0\r\n\r\n')).toBe(false);
    expect(remainder).not.toContain('[DONE]');
    expect((await fetchBalance(stack.gatewayUrl, apiKey)).held).toBe(0n);
  });
});

describe('a stream that the provider truncates', () => {
  function choiceChunk(index: number, delta: object, finish: string | null): string {
    const choices = [{ index, delta, finish_reason: finish }];
    return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices })}\n\n`;
  }

  it('ends with an error and is estimated when only the first of two choices finished', async () => {
    const events = [
      choiceChunk(0, { role: 'assistant', content: 'one' }, null),
      choiceChunk(1, { role: 'assistant', content: 'two' }, null),
      choiceChunk(0, {}, 'stop'),
      choiceChunk(1, { content: 'three' }, null),
    ];
    upstream.handler = (_, response) => sendStream(response, events, 20, 'cut');
    const response = await post('chat', { n: 2, stream: true });
    const text = await response.text();
    expect(parseEvents(text).at(-1)).toMatchObject({ error: { code: 'upstream_disconnected' } });
    expect(text).not.toContain('[DONE]');
    const bill = await waitForBill(stack.gatewayUrl, apiKey, getRequestId(response));
    expect(bill.reason).toBe('estimated_after_upstream_cut');
    expect(bill.usage?.output).toBeGreaterThan(0);
  });

  it.each(DIALECTS)(
    'after its finish, before its last word, ends in an error: %s',
    async (dialect) => {
      const events = cutBeforeEnd(
        dialect,
        EVENTS[dialect](['one', 'two'], { input: 9, output: 2 }),
      );
      upstream.handler = (_, response) => sendStream(response, events, 20, 'cut');
      const response = await post(dialect, { stream: true });
      expect(findError(parseEvents(await response.text()))).toMatchObject({
        error: { code: 'upstream_disconnected' },
      });
      const bill = await waitForBill(stack.gatewayUrl, apiKey, getRequestId(response));
      expect(bill.reason).toBe('estimated_after_upstream_cut');
    },
  );

  it.each(DIALECTS)('forwards nothing of an event that is truncated: %s', async (dialect) => {
    const events = EVENTS[dialect](['one', 'UNFINISHED'], { input: 9, output: 2 });
    const broken = events.findIndex((piece) => piece.includes('UNFINISHED'));
    upstream.handler = async (_, response) => {
      openStream(response);
      for (const piece of events.slice(0, broken)) response.write(piece);
      const truncated = events[broken] ?? '';
      response.write(truncated.slice(0, truncated.indexOf('UNFINISHED') + 4));
      await sleep(100);
      response.destroy();
    };
    const response = await post(dialect, { stream: true });
    const text = await response.text();
    expect(text).not.toContain('UNFI');
    const received = parseEvents(text);
    expect(findError(received)).toMatchObject({ error: { code: 'upstream_disconnected' } });
    expect(JSON.stringify(received)).toContain('one');
  });

  it.each(DIALECTS)(
    'sends keep-alives and then an error event when the provider stalls: %s',
    async (dialect) => {
      const events = EVENTS[dialect](['one', 'two'], { input: 9, output: 1 });
      const first = events.findIndex((event) => event.includes('one'));
      upstream.handler = (_, response) =>
        sendStream(response, events.slice(0, first + 1), 0, 'hang');
      const response = await post(dialect, { stream: true });
      const text = await response.text();
      expect(text).toContain(KEEP_ALIVES[dialect]);
      const received = parseEvents(text);
      expect(JSON.stringify(received)).toContain('one');
      expect(findError(received)).toMatchObject({ error: { code: 'upstream_timeout' } });
      const bill = await waitForBill(stack.gatewayUrl, apiKey, getRequestId(response));
      expect(bill.reason).toBe('estimated_after_upstream_cut');
    },
  );
});

const respondWith =
  (status: number): UpstreamHandler =>
  (_, response) =>
    sendJson(response, { error: { message: 'secret' } }, status);
const WAIVED_BILL = { status: 'settled', reason: 'waived_upstream_error' };

const reset: UpstreamHandler = (_, response) => void response.socket?.resetAndDestroy();

describe.each(DIALECTS)('a provider without an answer (%s)', (dialect) => {
  const overloaded = OVERLOADED[dialect];
  it.each([
    ['is silent before its headers', () => {}, 504, 'upstream_timeout', WAIVED_BILL],
    ['breaks off before its headers', reset, 502, 'upstream_unreachable', WAIVED_BILL],
    ['fails inside', respondWith(500), overloaded, 'upstream_overloaded', WAIVED_BILL],
    ['refuses our key', respondWith(401), 502, 'upstream_account_error', WAIVED_BILL],
    ['limits our calls', respondWith(429), 429, 'upstream_rate_limited', WAIVED_BILL],
  ] as const)('because it %s', async (_, handler, status, code, expectedBill) => {
    upstream.handler = handler;
    const before = await fetchSettledBalance(stack.gatewayUrl, apiKey);
    const response = await post(dialect);
    const text = await response.text();
    const error = { code, message: expect.any(String), type: expect.any(String) };
    expect(JSON.parse(text)).toMatchObject(toErrorBody(dialect, error));
    expect(text).not.toContain('secret');
    expect(response.status).toBe(status);
    const bill = await waitForBill(stack.gatewayUrl, apiKey, getRequestId(response));
    expect(bill).toMatchObject({ ...expectedBill, http_status: status, cost_nano_usd: '0' });
    expect(await fetchSettledBalance(stack.gatewayUrl, apiKey)).toEqual(before);
  });
});

describe('the daily cap of waivers', () => {
  async function callRepeatedly(handler: UpstreamHandler, count: number) {
    const account = await stack.createAccount({ creditUsd: '1' });
    upstream.handler = handler;
    const call = async () => {
      const response = await post('chat', {}, account.apiKey);
      const text = await response.text();
      const bill = await waitForBill(stack.gatewayUrl, account.apiKey, getRequestId(response));
      return { text, bill };
    };
    const results = [];
    while (results.length < count) {
      const size = Math.min(10, count - results.length);
      results.push(...(await Promise.all(Array.from({ length: size }, call))));
    }
    return results;
  }

  /** The cap begins anew at midnight, UTC: what ran across it is run again, for a new account. */
  async function withinOneDay<T>(run: () => Promise<T>): Promise<T> {
    const getDay = () => new Date().toISOString().slice(0, 10);
    const day = getDay();
    const result = await run();
    return getDay() === day ? result : run();
  }

  it.each([
    ['fails inside', respondWith(503)],
    ['resets the connection', reset],
    ['limits our calls', respondWith(429)],
  ] as const)('charges nothing, the 60th time too, where the provider %s', async (_, handler) => {
    for (const { text, bill } of await callRepeatedly(handler, 60)) {
      expect(text).toContain('Nothing was charged.');
      expect(bill).toMatchObject({ reason: 'waived_upstream_error', cost_nano_usd: '0' });
    }
  });

  it('charges the estimated input of an empty answer after fifty in a day, with its usage', async () => {
    const answer = Object.assign({}, chatCompletion('', { input: 0, output: 0 }), { usage: null });
    const results = await withinOneDay(() =>
      callRepeatedly((_, response) => sendJson(response, answer), 51),
    );
    const last = results.pop();
    for (const { bill } of results) expect(bill.reason).toBe('waived_empty');
    expect(last?.bill.reason).toBe('estimated_usage_missing');
    expect(BigInt(last?.bill.cost_nano_usd ?? '0')).toBeGreaterThan(0n);
    expect(last?.bill.usage?.input_uncached).toBeGreaterThan(0);
    expect(last?.text).not.toContain('Nothing was charged');
  });
});

describe('request bodies that are announced and never sent', () => {
  it('do not block a small call of another account', async () => {
    const otherAccount = await stack.createAccount({ creditUsd: '1' });
    upstream.handler = (_, response) =>
      sendJson(response, chatCompletion('ok', { input: 5, output: 1 }));
    const sockets = await Promise.all(
      Array.from({ length: 10 }, () => sendRaw('{', PATHS.chat, 20 * 1024 * 1024)),
    );
    try {
      await sleep(300);
      const response = await post('chat', {}, otherAccount.apiKey);
      expect(response.status).toBe(200);
      await response.arrayBuffer();
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});

const HOUR = 3_600_000;
/** Accounts and keys whose state rejects the call. */
const REJECTED_ACCOUNTS: readonly (readonly [
  code: string,
  status: number,
  wish: CreateAccountOptions,
])[] = [
  ['insufficient_balance', 402, { creditUsd: '0' }],
  ['key_limit_exceeded', 402, { creditUsd: '1', limits: { budget: 1n } }],
  ['key_expired', 401, { creditUsd: '1', limits: { expiresAt: Date.now() - HOUR } }],
  ['model_not_allowed', 403, { creditUsd: '1', limits: { models: ['openai/gpt-4'] } }],
];
const deeplyNested = `{"model":"m","messages":${'['.repeat(5000)}${']'.repeat(5000)}}`;
const oversized = JSON.stringify({ model: 'm', text: 'x'.repeat(20 * 1024 * 1024) });
/** Requests whose content is rejected; without a body of their own they send a valid one. */
const REJECTED_REQUESTS: readonly (readonly [
  code: string,
  status: number,
  request: RejectedRequest,
])[] = [
  ['missing_api_key', 401, { headers: {} }],
  ['invalid_api_key', 401, { headers: { authorization: 'Bearer sk-other' } }],
  ['not_found', 404, { path: '-nothing' }],
  ['method_not_allowed', 405, { method: 'PUT' }],
  ['model_not_found', 404, { body: { model: 'no-such-model' } }],
  [
    'model_not_supported_on_endpoint',
    400,
    { body: { model: ['claude-sonnet-4-5', 'gpt-4o-mini'] } },
  ],
  ['invalid_json', 400, { text: '{' }],
  ['not_an_object', 400, { text: '[]' }],
  ['nesting_too_deep', 400, { text: deeplyNested }],
  ['duplicate_field', 400, { text: '{"model":"a","model":"b"}' }],
  ['missing_field', 400, { text: '{}' }],
  ['invalid_field', 400, { body: { max_tokens: 'many' } }],
  ['unsupported_feature', 400, { body: { service_tier: 'ultrafast' } }],
  ['body_too_large', 413, { text: oversized }],
];
type RejectedRequest = Readonly<{
  headers?: Record<string, string>;
  path?: string;
  method?: string;
  body?: Readonly<Record<string, unknown>>;
  text?: string;
}>;

describe.each(DIALECTS)('an error in the dialect %s', (dialect) => {
  async function expectError(response: Response, code: string, status: number): Promise<void> {
    const body: unknown = await response.json();
    const error = { code, message: expect.any(String), type: expect.any(String) };
    const id = getRequestId(response);
    expect(body).toMatchObject(toErrorBody(dialect, error, { request_id: id }));
    expect(response.status).toBe(status);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(response.headers.get('request-id')).toBe(id);
    expect(response.headers.get('x-should-retry')).toBe('false');
  }

  it.each(REJECTED_REQUESTS)('%s: %i', async (code, status, rejected) => {
    const model = rejected.body?.model;
    const choice = Array.isArray(model) ? { model: model[dialect === 'messages' ? 1 : 0] } : {};
    const { max_tokens: limit, ...fields } = rejected.body ?? {};
    const limits = limit === undefined ? {} : { [LIMIT_FIELDS[dialect]]: limit };
    const response = await fetch(stack.gatewayUrl + PATHS[dialect] + (rejected.path ?? ''), {
      method: rejected.method ?? 'POST',
      headers: rejected.headers ?? { authorization: `Bearer ${apiKey}` },
      body:
        rejected.text ?? JSON.stringify({ ...BODIES[dialect], ...fields, ...limits, ...choice }),
    });
    await expectError(response, code, status);
  });

  it.each(REJECTED_ACCOUNTS)('%s: %i', async (code, status, options) => {
    const account = await stack.createAccount(options);
    await expectError(await post(dialect, {}, account.apiKey), code, status);
  });
});

describe.each(DIALECTS)('the official SDK (%s) with two retries', (dialect) => {
  /** Calls once; returns the number of requests and the final status. */
  async function countAttempts(key: string, extra: object = {}) {
    let requests = 0;
    const countingFetch = (...args: Parameters<typeof fetch>) => {
      requests += 1;
      return fetch(...args);
    };
    const options = { apiKey: key, maxRetries: 2, fetch: countingFetch };
    const openai = new OpenAI({ ...options, baseURL: `${stack.gatewayUrl}/v1` });
    const anthropic = new Anthropic({ ...options, baseURL: stack.gatewayUrl });
    const call = { body: { ...BODIES[dialect], ...extra } };
    const result =
      dialect === 'messages'
        ? anthropic.post(PATHS[dialect], call)
        : openai.post(PATHS[dialect].slice('/v1'.length), call);
    const status = await result.then(
      () => 200,
      (error: unknown) => (error instanceof Error && 'status' in error ? error.status : error),
    );
    return { requests, status };
  }

  it('does not retry an error that would repeat', async () => {
    const emptyAccount = await stack.createAccount({ creditUsd: '0' });
    expect(await countAttempts(emptyAccount.apiKey)).toEqual({ requests: 1, status: 402 });
    expect(await countAttempts('sk-other')).toEqual({ requests: 1, status: 401 });
    expect(await countAttempts(apiKey, { model: 'none' })).toEqual({ requests: 1, status: 404 });
    expect(await countAttempts(apiKey, { [LIMIT_FIELDS[dialect]]: 'x' })).toEqual({
      requests: 1,
      status: 400,
    });
  });

  it('waits for Retry-After while the balance is held and then succeeds', async () => {
    const limit = { [LIMIT_FIELDS[dialect]]: 2500 };
    const body = JSON.stringify({ ...BODIES[dialect], ...limit });
    const version = dialect === 'messages' ? { 'anthropic-version': '2023-06-01' } : {};
    const headers = { authorization: `Bearer ${apiKey}`, ...version };
    const requestInit = { method: 'POST', headers, body };
    const estimate = await (await fetch(`${stack.gatewayUrl}/v1/estimate`, requestInit)).json();
    const { hold_usd: hold } = (estimate as { data: { hold_usd: string } }).data;
    const account = await stack.createAccount({ creditUsd: (1.5 * Number(hold)).toFixed(9) });
    const counts = { input: 5, output: 5 };
    upstream.handler = async (_, response) => {
      await sleep(700);
      sendJson(response, ANSWERS[dialect]('ok', counts));
    };
    const first = post(dialect, limit, account.apiKey);
    await sleep(200);
    const started = Date.now();
    expect(await countAttempts(account.apiKey, limit)).toEqual({ requests: 2, status: 200 });
    expect(Date.now() - started).toBeGreaterThanOrEqual(1990);
    expect((await first).status).toBe(200);
  });
});

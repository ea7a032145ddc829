/**
 * Requests of every kind that a client may send, over plain HTTP against the gateway in real
 * workerd. Each row states the request and its right answer: an error in the caller's own dialect
 * that reaches no provider and costs nothing, or a call that reaches the provider and is billed to
 * the nano-USD. Nothing stays held after any of them.
 */
import { request as httpRequest } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { LocalStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchBalance, fetchSettledBalance, waitForBill } from './support/bills.ts';
import { geminiResponse } from './support/gemini-upstream.ts';
import {
  chatCompletion,
  chatEvents,
  messageEvents,
  messageResponse,
  type ReceivedRequest,
  responseDocument,
  responseEvents,
  type ScriptedUpstream,
  sendJson,
  sendStream,
  type UpstreamHandler,
} from './support/scripted-upstream.ts';
import { sharedStack } from './support/shared-stack.ts';

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;

const COUNTS = { input: 11, output: 3 };

const answer: UpstreamHandler = async ({ path, body }, response) => {
  const isStream = /"stream"\s*:\s*true/.test(body);
  if (path.includes('countTokens')) sendJson(response, { totalTokens: 14 });
  else if (path.includes('count_tokens')) sendJson(response, { input_tokens: 14 });
  else if (path.includes(':generateContent')) {
    sendJson(response, geminiResponse([{ text: 'Hello.' }], COUNTS));
  } else if (path.includes('messages')) {
    if (isStream) await sendStream(response, messageEvents(['Hello.'], COUNTS));
    else sendJson(response, messageResponse('Hello.', COUNTS));
  } else if (path.includes('responses')) {
    if (isStream) await sendStream(response, responseEvents(['Hello.'], COUNTS));
    else sendJson(response, responseDocument('Hello.', COUNTS));
  } else if (isStream) await sendStream(response, chatEvents(['Hello.'], COUNTS));
  else sendJson(response, chatCompletion('Hello.', COUNTS));
};

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  ({ apiKey } = await stack.createAccount({ creditUsd: '100' }));
  upstream.handler = answer;
});

type Dialect = 'chat' | 'messages' | 'responses' | 'gemini';

const PATHS: Readonly<Record<Dialect, string>> = {
  chat: '/v1/chat/completions',
  messages: '/v1/messages',
  responses: '/v1/responses',
  gemini: '/v1beta/models/gemini-3.5-flash:generateContent',
};

const HELLO = [{ role: 'user', content: 'Say hello.' }];

const BODIES: Readonly<Record<Dialect, Readonly<Record<string, unknown>>>> = {
  chat: { model: 'gpt-4.1-mini', max_tokens: 100, messages: HELLO },
  messages: { model: 'claude-sonnet-4-6', max_tokens: 100, messages: HELLO },
  responses: { model: 'gpt-4.1-mini', max_output_tokens: 100, input: 'Say hello.' },
  gemini: { contents: [{ role: 'user', parts: [{ text: 'Say hello.' }] }] },
};

/** What 11 tokens in and 3 out cost: 0.40 and 1.60, 3 and 15, 1.50 and 9 USD a million. */
const COSTS: Readonly<Record<Dialect, bigint>> = {
  chat: 9_200n,
  messages: 78_000n,
  responses: 9_200n,
  gemini: 43_500n,
};

type Sent = Readonly<{
  path?: string;
  method?: string;
  headers?: Readonly<Record<string, string>>;
  /** Text or bytes as they are; members of an object are added to the dialect's own body. */
  body?: string | Uint8Array | Readonly<Record<string, unknown>>;
  key?: string | null;
}>;

function toBody(dialect: Dialect, body: Sent['body']): string | Uint8Array<ArrayBuffer> {
  if (typeof body === 'string') return body;
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return JSON.stringify({ ...BODIES[dialect], ...body });
}

function send(dialect: Dialect, sent: Sent): Promise<Response> {
  const { path = PATHS[dialect], method = 'POST', headers = {}, key = apiKey } = sent;
  const authorization = key === null ? undefined : { authorization: `Bearer ${key}` };
  const hasBody = method !== 'GET' && method !== 'HEAD';
  return fetch(stack.gatewayUrl + path, {
    method,
    headers: { ...authorization, ...headers },
    ...(hasBody ? { body: toBody(dialect, sent.body) } : {}),
  });
}

/** The error of a response, whichever dialect it is written in; `code` is ours. */
async function readError(response: Response): Promise<{
  dialect: Dialect;
  code: string;
  param: string | null;
  message: string;
}> {
  const body = JSON.parse(await response.text());
  const { error } = body;
  if (body.type === 'error') {
    expect(error.type).toEqual(expect.any(String));
    return { dialect: 'messages', code: error.code, param: error.param ?? null, ...error };
  }
  if (typeof error.status === 'string') {
    expect(error.code).toBe(response.status);
    const [info] = error.details;
    return {
      dialect: 'gemini',
      code: info.reason.toLowerCase(),
      param: null,
      message: error.message,
    };
  }
  expect(error.type).toEqual(expect.any(String));
  return { dialect: 'chat', code: error.code, param: error.param, message: error.message };
}

/** Waits until nothing is held, and returns what is posted. */
async function settledBalance(): Promise<bigint> {
  return (await fetchSettledBalance(stack.gatewayUrl, apiKey)).posted;
}

type Refusal = Readonly<{ status: number; code: string; param?: string; says?: RegExp }>;

/** Sends a request that must be refused: in its dialect, without a call, for nothing. */
async function expectRefusal(dialect: Dialect, sent: Sent, refusal: Refusal): Promise<void> {
  const before = await settledBalance();
  const calls = upstream.received.length;
  const response = await send(dialect, sent);
  const { status, headers } = response;
  const error = await readError(response);
  expect([status, error.code]).toEqual([refusal.status, refusal.code]);
  expect(error.dialect).toBe(dialect === 'responses' ? 'chat' : dialect);
  if (refusal.param !== undefined && dialect !== 'gemini') {
    expect(error.param ?? error.message).toContain(refusal.param);
  }
  if (refusal.says !== undefined) expect(error.message).toMatch(refusal.says);
  expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
  expect(headers.get('x-should-retry')).toBe('false');
  expect(upstream.received.length).toBe(calls);
  expect(await settledBalance()).toBe(before);
}

type SentUpstream = Readonly<Record<string, unknown>>;

/** Sends a request that must be served, and returns what the provider got. */
async function expectAnswer(dialect: Dialect, sent: Sent, cost?: bigint): Promise<ReceivedRequest> {
  const before = await settledBalance();
  const calls = upstream.received.length;
  const response = await send(dialect, sent);
  expect([response.status, (await response.text()).includes('Hello.')]).toEqual([200, true]);
  const bill = await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
  expect(bill.reason).toBe('provider_reported');
  expect(BigInt(bill.cost_nano_usd)).toBe(cost ?? COSTS[dialect]);
  expect(before - (await settledBalance())).toBe(cost ?? COSTS[dialect]);
  const received = upstream.received.at(-1);
  if (received === undefined || upstream.received.length !== calls + 1) throw new Error('no call');
  return received;
}

function parseSent({ body }: ReceivedRequest): SentUpstream {
  return JSON.parse(body);
}

const CHAT_TEXT = JSON.stringify(BODIES.chat);
const utf16 = (text: string): Uint8Array => Buffer.from(`\ufeff${text}`, 'utf16le');

/** Bytes that are no text in UTF-8, in a string of an otherwise valid body. */
function withBytes(...bytes: number[]): Uint8Array {
  const [head = '', tail = ''] = CHAT_TEXT.split('hello');
  return Buffer.concat([Buffer.from(head), Buffer.from(bytes), Buffer.from(tail)]);
}

function nested(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
}

describe('a body that is no JSON object', () => {
  const ROWS: readonly (readonly [string, string | Uint8Array, string])[] = [
    ['nothing', '', 'invalid_json'],
    ['white space', ' \r\n\t ', 'invalid_json'],
    ['a word', 'hello', 'invalid_json'],
    ['null', 'null', 'not_an_object'],
    ['an array', `[${CHAT_TEXT}]`, 'not_an_object'],
    ['a string', JSON.stringify(CHAT_TEXT), 'not_an_object'],
    ['a number', '5', 'not_an_object'],
    ['two documents', CHAT_TEXT + CHAT_TEXT, 'invalid_json'],
    ['one document a line', `${CHAT_TEXT}\n${CHAT_TEXT}\n`, 'invalid_json'],
    ['a document and a null byte', `${CHAT_TEXT}\u0000`, 'invalid_json'],
    ['a truncated document', CHAT_TEXT.slice(0, -2), 'invalid_json'],
    ['a trailing comma', CHAT_TEXT.replace(/}$/, ',}'), 'invalid_json'],
    ['a comment', CHAT_TEXT.replace('{', '{/* hello */'), 'invalid_json'],
    ['single quotes', CHAT_TEXT.replaceAll('"', "'"), 'invalid_json'],
    ['names without quotes', CHAT_TEXT.replace('"model"', 'model'), 'invalid_json'],
    ['NaN', CHAT_TEXT.replace(':100', ':NaN'), 'invalid_json'],
    ['Infinity', CHAT_TEXT.replace(':100', ':Infinity'), 'invalid_json'],
    ['a hexadecimal number', CHAT_TEXT.replace(':100', ':0x64'), 'invalid_json'],
    ['a number with a leading zero', CHAT_TEXT.replace(':100', ':0100'), 'invalid_json'],
    ['a number with a plus', CHAT_TEXT.replace(':100', ':+100'), 'invalid_json'],
    ['a line break in a string', CHAT_TEXT.replace('hello', 'hel\nlo'), 'invalid_json'],
    ['an unknown escape', CHAT_TEXT.replace('hello', '\\x41'), 'invalid_json'],
    ['UTF-16', utf16(CHAT_TEXT), 'invalid_json'],
    ['Latin-1', withBytes(0xe9), 'invalid_json'],
    ['an overlong sequence', withBytes(0xc0, 0xaf), 'invalid_json'],
    ['a surrogate in UTF-8', withBytes(0xed, 0xa0, 0x80), 'invalid_json'],
    ['a truncated sequence', withBytes(0xe2, 0x82), 'invalid_json'],
    ['a byte order mark twice', `\ufeff\ufeff${CHAT_TEXT}`, 'invalid_json'],
    ['a form', 'model=gpt-4.1-mini&max_tokens=5', 'invalid_json'],
    ['a part of a form', `--x\r\n\r\n${CHAT_TEXT}\r\n--x--\r\n`, 'invalid_json'],
    ['129 levels', CHAT_TEXT.replace(/}$/, `,"x":${nested(129)}}`), 'nesting_too_deep'],
    ['10,000 levels', '['.repeat(10_000), 'nesting_too_deep'],
  ];

  it.each(ROWS)('is refused in the shape of each dialect: %s', async (_, body, code) => {
    for (const dialect of ['chat', 'messages', 'responses', 'gemini'] as const) {
      await expectRefusal(dialect, { body }, { status: 400, code });
    }
  });
});

describe('a JSON object that is written in an unusual way', () => {
  it.each([
    ['white space around it', ` \r\n\t${CHAT_TEXT}\n `],
    ['a byte order mark', `\ufeff${CHAT_TEXT}`],
    ['escaped names', CHAT_TEXT.replace('"model"', '"\\u006dodel"')],
    ['an escaped surrogate alone', CHAT_TEXT.replace('hello', '\\ud800')],
    ['an escaped null', CHAT_TEXT.replace('hello', '\\u0000')],
    ['100 levels', CHAT_TEXT.replace(/}$/, `,"x":${nested(100)}}`)],
    ['a number beyond doubles', CHAT_TEXT.replace(/}$/, ',"temperature":1e999}')],
    ['a long number', CHAT_TEXT.replace(/}$/, `,"seed":${'9'.repeat(400)}}`)],
    ['an exponent', CHAT_TEXT.replace(':100', ':1e2')],
    ['a decimal', CHAT_TEXT.replace(':100', ':100.0')],
    ['an unknown field twice', CHAT_TEXT.replace(/}$/, ',"x":1,"x":2}')],
    ['an empty name', CHAT_TEXT.replace(/}$/, ',"":1}')],
    ['names of prototypes', CHAT_TEXT.replace(/}$/, ',"__proto__":{},"constructor":1}')],
  ])('reaches the provider as it is: %s', async (_, body) => {
    const received = await expectAnswer('chat', { body });
    expect(received.body).toBe(body.replace('\ufeff', ''));
  });
});

describe('the headers of a request', () => {
  const TYPES = [
    '',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8; x=y',
    'application/vnd.api+json',
    'text/plain;charset=UTF-8',
    'text/html',
    // What curl sends with -d.
    'application/x-www-form-urlencoded',
    'application/octet-stream',
    'multipart/form-data',
    'no type',
  ];

  it.each(TYPES)('may state any type of a body that is JSON: "%s"', async (type) => {
    for (const dialect of ['chat', 'messages', 'responses', 'gemini'] as const) {
      const received = await expectAnswer(dialect, { headers: { 'content-type': type } });
      expect(received.headers['content-type']).toBe('application/json');
    }
  });

  it.each(['text/event-stream', 'text/html', 'application/xml', '*/*', ''])(
    'may accept anything, and what the body asks for comes: %s',
    async (accept) => {
      await expectAnswer('chat', { headers: { accept } });
      await expectAnswer('messages', { headers: { accept }, body: { stream: true } });
    },
  );

  it.each([
    ['a tracer', { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }],
    ['an SDK', { 'x-stainless-lang': 'js', 'x-stainless-retry-count': '2' }],
    ['an agent', { 'x-app': 'cli', 'x-claude-code-session-id': 's', 'user-agent': 'x/1' }],
    ['OpenRouter', { 'http-referer': 'https://a.example', 'x-title': 'Á' }],
    ['an organisation', { 'openai-organization': 'org-1', 'openai-project': 'proj_1' }],
    ['a cookie', { cookie: 'session=1' }],
    ['a proxy', { 'x-forwarded-for': '203.0.113.7', 'x-real-ip': '203.0.113.7', via: '1.1 x' }],
    ['an idempotency key', { 'idempotency-key': 'a' }],
    ['much text', { 'x-note': 'n'.repeat(6000) }],
  ])('of %s are not passed on', async (_, headers) => {
    for (const dialect of ['chat', 'messages'] as const) {
      const received = await expectAnswer(dialect, { headers });
      for (const [name, value] of Object.entries(headers)) {
        if (name !== 'user-agent') expect(received.headers[name]).toBeUndefined();
        expect(JSON.stringify(received.headers)).not.toContain(JSON.stringify(value));
      }
    }
  });

  it('with the same idempotency key twice make two calls', async () => {
    const headers = { 'idempotency-key': 'b' };
    await expectAnswer('chat', { headers });
    await expectAnswer('chat', { headers });
  });

  it('of Anthropic’s betas are passed on, unknown ones too', async () => {
    const beta = 'interleaved-thinking-2025-05-14,of-the-future-2027-01-01';
    const received = await expectAnswer('messages', { headers: { 'anthropic-beta': beta } });
    expect(received.headers['anthropic-beta']).toBe(beta);
  });

  it.each(['1999-01-01', 'latest', '2023-06-01, 1999-01-01'])(
    'may not ask for the version "%s"',
    async (version) => {
      const headers = { 'anthropic-version': version };
      const refusal = { status: 400, code: 'invalid_field', says: /2023-06-01/ };
      await expectRefusal('messages', { headers }, refusal);
    },
  );
});

describe('the key of a request', () => {
  const spell = (build: (key: string) => Record<string, string>): (() => Sent) => {
    return () => ({ key: null, headers: build(apiKey) });
  };

  it.each([
    ['a lower-case scheme', spell((key) => ({ authorization: `bearer ${key}` }))],
    ['two spaces', spell((key) => ({ authorization: `Bearer  ${key}` }))],
    ['a tab', spell((key) => ({ authorization: `Bearer\t${key}` }))],
    ['the scheme twice', spell((key) => ({ authorization: `Bearer Bearer ${key}` }))],
    ['no scheme', spell((key) => ({ authorization: key }))],
    ['quotes', spell((key) => ({ authorization: `Bearer "${key}"` }))],
    ['x-api-key', spell((key) => ({ 'x-api-key': key }))],
    ['x-api-key with a scheme', spell((key) => ({ 'x-api-key': `Bearer ${key}` }))],
    ['api-key', spell((key) => ({ 'api-key': key }))],
    ['x-goog-api-key', spell((key) => ({ 'x-goog-api-key': key }))],
    ['a foreign token beside', spell((key) => ({ authorization: 'Bearer x', 'x-api-key': key }))],
    ['a foreign key beside', spell((key) => ({ authorization: `Bearer ${key}`, 'api-key': 'x' }))],
  ])('is read with %s, and never passed on', async (_, build) => {
    for (const dialect of ['chat', 'messages', 'gemini'] as const) {
      const received = await expectAnswer(dialect, build());
      expect(JSON.stringify(received.headers)).not.toContain(apiKey);
    }
  });

  it.each([
    ['nothing', {}, 'missing_api_key'],
    ['an empty header', { authorization: '' }, 'missing_api_key'],
    ['a scheme alone', { authorization: 'Bearer' }, 'invalid_api_key'],
    ['a scheme and a space', { authorization: 'Bearer ' }, 'invalid_api_key'],
    ['undefined', { authorization: 'Bearer undefined' }, 'invalid_api_key'],
    ['a foreign key', { authorization: 'Bearer sk-proj-0123456789' }, 'invalid_api_key'],
    ['a password', { authorization: 'Basic dXNlcjpwYXNz' }, 'invalid_api_key'],
    ['a forged key', { 'x-api-key': `fbx_${'A'.repeat(60)}` }, 'invalid_api_key'],
    ['the prefix alone', { 'x-api-key': 'fbx_' }, 'invalid_api_key'],
    ['a long key', { 'x-api-key': `fbx_${'A'.repeat(5000)}` }, 'invalid_api_key'],
  ])('is refused in the shape of each dialect: %s', async (_, headers, code) => {
    for (const dialect of ['chat', 'messages', 'responses', 'gemini'] as const) {
      const response = await send(dialect, { key: null, headers });
      const error = await readError(response);
      expect([response.status, error.code]).toEqual([401, code]);
      expect(error.dialect).toBe(dialect === 'responses' ? 'chat' : dialect);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  it.each(['key', '%6bey', '$key', 'access_token'])(
    'is refused where the URL has it as %s',
    async (name) => {
      const path = `${PATHS.gemini}?${name}=${apiKey}`;
      const refusal = { status: 401, code: 'api_key_in_url' };
      await expectRefusal('gemini', { path }, refusal);
    },
  );
});

describe('the URL of a request', () => {
  it.each([
    '/chat/completions',
    '//v1/chat/completions',
    '/v1//chat/completions',
    '/v1/chat/completions/',
    '/v1/chat/completions//',
    '/v1/v1/chat/completions',
    '/v1/v1/v1/chat/completions',
    '/api/v1/chat/completions',
    '/openai/v1/chat/completions',
    '/v1/chat/%63ompletions',
    '/v1/./chat/completions',
    '/v1/x/../chat/completions',
    '/v1/chat/completions?',
    '/v1/chat/completions?beta=true&api-version=2024-10-21',
    '/v1/chat/completions?model=gpt-5.4&max_tokens=1',
    '/v1/chat/completions?%ff=%zz',
  ])('is served where it can only mean one endpoint: %s', async (path) => {
    await expectAnswer('chat', { path });
  });

  it.each(['/api/v1/credits', '/credits', '/api/v1/key', '/v1/v1/credits/', '/api/v1/models'])(
    'is that of an account or a list under any base URL: %s',
    async (path) => {
      const response = await send('chat', { path, method: 'GET' });
      expect(response.status).toBe(200);
      expect(await response.json()).toHaveProperty('data');
    },
  );

  it('of Claude Code, with ?beta=true, is served', async () => {
    await expectAnswer('messages', { path: '/v1/messages?beta=true' });
  });

  it.each([
    ['/v1/chat/completion', 404, 'not_found'],
    ['/v1/chat', 404, 'not_found'],
    ['/V1/Chat/Completions', 404, 'not_found'],
    ['/v1/chat/completions;x=1', 404, 'not_found'],
    ['/v1/chat/completions%00', 404, 'not_found'],
    ['/v2/chat/completions', 400, 'wrong_base_url'],
    ['/openai/deployments/x/chat/completions?api-version=1', 400, 'wrong_base_url'],
    ['/v1/files', 400, 'unsupported_feature'],
    ['/v1/threads', 400, 'unsupported_feature'],
    ['/v1/chat/completions/chatcmpl-1', 404, 'answer_not_stored'],
  ])('is an error where no endpoint is meant: %s', async (path, status, code) => {
    await expectRefusal('chat', { path }, { status, code });
  });

  it.each(['GET', 'PUT', 'PATCH', 'DELETE'])('is not for the method %s', async (method) => {
    for (const dialect of ['chat', 'messages', 'responses'] as const) {
      const calls = upstream.received.length;
      const response = await send(dialect, { method });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
      expect(upstream.received.length).toBe(calls);
    }
  });

  it('is answered to HEAD as to GET, without a body', async () => {
    const models = await send('chat', { path: '/v1/models', method: 'HEAD' });
    expect([models.status, await models.text()]).toEqual([200, '']);
    const call = await send('chat', { method: 'HEAD' });
    expect([call.status, await call.text()]).toEqual([405, '']);
  });

  it('is answered to OPTIONS without a key', async () => {
    for (const path of [PATHS.chat, PATHS.messages, '/v1/models', '/nowhere']) {
      const response = await send('chat', { path, method: 'OPTIONS', key: null, body: '' });
      expect(response.status).toBe(204);
    }
  });
});

describe('the coding of a body', () => {
  const text = Buffer.from(CHAT_TEXT);
  const half = Math.floor(text.length / 2);
  const [head, tail] = [text.subarray(0, half), text.subarray(half)];

  it.each<readonly [string, string, Uint8Array]>([
    ['gzip in capitals', 'GZIP', gzipSync(text)],
    ['x-gzip', 'x-gzip', gzipSync(text)],
    ['gzip of several members', 'gzip', Buffer.concat([gzipSync(head), gzipSync(tail)])],
    ['gzip of its own output', 'gzip, gzip', gzipSync(gzipSync(text))],
    ['gzip and identity', 'identity, gzip', gzipSync(text)],
    ['deflate', 'deflate', deflateSync(text)],
    ['br', 'br', brotliCompressSync(text)],
    ['zstd', 'zstd', zstdCompressSync(text)],
    [
      'zstd of several frames',
      'zstd',
      Buffer.concat([head, tail].map((part) => zstdCompressSync(part))),
    ],
    ['identity', 'identity', text],
    ['an empty header', '', text],
  ])('is undone: %s', async (_, encoding, body) => {
    const received = await expectAnswer('chat', {
      body,
      headers: { 'content-encoding': encoding },
    });
    expect(received.body).toBe(CHAT_TEXT);
    expect(received.headers['content-encoding']).toBeUndefined();
  });

  it.each<readonly [string, string, Uint8Array, number, string]>([
    ['unknown', 'compress', text, 415, 'unsupported_content_encoding'],
    ['of four layers', 'br, br, br, br', text, 415, 'unsupported_content_encoding'],
    ['none though it says gzip', 'gzip', text, 400, 'invalid_content_encoding'],
    ['none though it says zstd', 'zstd', text, 400, 'invalid_content_encoding'],
    ['truncated gzip', 'gzip', gzipSync(text).subarray(0, -9), 400, 'invalid_content_encoding'],
    [
      'truncated zstd',
      'zstd',
      zstdCompressSync(text).subarray(0, -3),
      400,
      'invalid_content_encoding',
    ],
    [
      'truncated br',
      'br',
      brotliCompressSync(text).subarray(0, -3),
      400,
      'invalid_content_encoding',
    ],
    [
      'in the other order',
      'br, gzip',
      brotliCompressSync(gzipSync(text)),
      400,
      'invalid_content_encoding',
    ],
    ['undone already', '', gzipSync(text), 400, 'invalid_json'],
  ])('is refused where it is %s', async (_, encoding, body, status, code) => {
    for (const dialect of ['chat', 'messages'] as const) {
      await expectRefusal(
        dialect,
        { body, headers: { 'content-encoding': encoding } },
        { status, code },
      );
    }
  });
});

/** Sends a request as a client does that `fetch` cannot be: returns the status and the body. */
function sendRaw(
  headers: Readonly<Record<string, string>>,
  write: (send: (bytes: string) => void, end: () => void) => void,
): Promise<{ status: number; body: string; continued: boolean }> {
  return new Promise((resolve, reject) => {
    let continued = false;
    const request = httpRequest(
      `${stack.gatewayUrl}${PATHS.chat}`,
      { method: 'POST', headers: { authorization: `Bearer ${apiKey}`, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const body = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, body, continued });
        });
      },
    );
    request.on('error', reject);
    request.on('continue', () => {
      continued = true;
    });
    write(
      (bytes) => request.write(bytes),
      () => request.end(),
    );
  });
}

describe('a body that comes in pieces', () => {
  it('is served in chunks of one byte without a length', async () => {
    const before = await settledBalance();
    const { status } = await sendRaw({ 'transfer-encoding': 'chunked' }, (write, end) => {
      for (const byte of CHAT_TEXT) write(byte);
      end();
    });
    expect(status).toBe(200);
    expect(before - (await settledBalance())).toBe(COSTS.chat);
  });

  it('is served to a client that expects to be told to go on', async () => {
    const length = String(Buffer.byteLength(CHAT_TEXT));
    const { status } = await sendRaw(
      { expect: '100-continue', 'content-length': length },
      (write, end) => {
        setTimeout(() => {
          write(CHAT_TEXT);
          end();
        }, 50);
      },
    );
    expect(status).toBe(200);
  });

  it('is refused without a call where it ends before it is whole', async () => {
    const calls = upstream.received.length;
    const { status, body } = await sendRaw({ 'transfer-encoding': 'chunked' }, (write, end) => {
      write(CHAT_TEXT.slice(0, 20));
      end();
    });
    expect([status, JSON.parse(body).error.code]).toEqual([400, 'invalid_json']);
    expect(upstream.received.length).toBe(calls);
  });
});

type Fields = Readonly<Record<string, unknown>>;

describe('a field that decides the price', () => {
  const INVALID: readonly (readonly [Dialect, string, Fields])[] = [
    ...[0, -1, 1.5, '100', true, [100], {}, 1e300].map(
      (value) => ['chat', 'max_tokens', { max_tokens: value }] as const,
    ),
    ['chat', 'max_completion_tokens', { max_completion_tokens: '5' }],
    ...[-1, 1.5, '100', null, [], {}].map(
      (value) => ['messages', 'max_tokens', { max_tokens: value }] as const,
    ),
    ...[0, '5', 1.5, {}].map(
      (value) => ['responses', 'max_output_tokens', { max_output_tokens: value }] as const,
    ),
    ...['true', 1, 0, {}, []].flatMap((value) =>
      (['chat', 'messages', 'responses'] as const).map(
        (dialect) => [dialect, 'stream', { stream: value }] as const,
      ),
    ),
    ...[null, '', 5, {}, [], 'x'.repeat(300)].flatMap((value) =>
      (['chat', 'messages', 'responses'] as const).map(
        (dialect) => [dialect, 'model', { model: value }] as const,
      ),
    ),
    ...[0, 129, -1, 1.5, '2', [], {}].map((value) => ['chat', 'n', { n: value }] as const),
    ...['x', 5, [], true].map(
      (value) => ['chat', 'stream_options', { stream: true, stream_options: value }] as const,
    ),
    ...['true', 1, {}].map(
      (value) =>
        [
          'chat',
          'include_usage',
          { stream: true, stream_options: { include_usage: value } },
        ] as const,
    ),
    ['messages', 'thinking.budget_tokens', { thinking: { type: 'enabled', budget_tokens: '9' } }],
    ['messages', 'betas', { betas: [5] }],
    ['messages', 'context_management', { context_management: 'x' }],
    ['chat', 'modalities', { modalities: 'audio' }],
    ['chat', 'modalities', { modalities: ['smell'] }],
    ['chat', 'type', { messages: [{ role: 'user', content: [{ text: 'Hi.' }] }] }],
    ['messages', 'type', { messages: [{ role: 'user', content: [{ text: 'Hi.' }] }] }],
    ['chat', 'type', { tools: [{ name: 'f' }] }],
    ['messages', 'type', { tools: [{ name: 'f' }] }],
    ['responses', 'type', { tools: [{ name: 'f' }] }],
    ['chat', 'service_tier', { Service_Tier: 'flex' }],
    ['chat', 'max_tokens', { MaxTokens: 5 }],
  ];

  it.each(INVALID)(
    'is refused in %s where it is no value of %s: %j',
    async (dialect, param, body) => {
      const code = 'invalid_field';
      const isMissing = dialect === 'messages' && 'max_tokens' in body && body.max_tokens === null;
      const refusal = { status: 400, code: isMissing ? 'missing_field' : code, param };
      await expectRefusal(dialect, { body }, refusal);
    },
  );

  it.each([
    ['chat', '"model":"gpt-4.1-mini"', '"model":"gpt-5.4"'],
    ['chat', '"model":"gpt-4.1-mini"', '"\\u006dodel":"gpt-5.4"'],
    ['chat', '"max_tokens":100', '"max_tokens":1'],
    ['messages', '"max_tokens":100', '"max_tokens":1'],
    ['responses', '"max_output_tokens":100', '"max_output_tokens":1'],
  ] as const)('is refused in %s where it is there twice: %s, %s', async (dialect, one, two) => {
    const body = JSON.stringify(BODIES[dialect]).replace(one, `${one},${two}`);
    await expectRefusal(dialect, { body }, { status: 400, code: 'duplicate_field' });
  });

  it.each<readonly [Dialect, string]>([
    ['chat', 'model'],
    ['chat', 'messages'],
    ['messages', 'model'],
    ['messages', 'messages'],
    ['messages', 'max_tokens'],
    ['responses', 'model'],
    ['responses', 'input'],
    ['gemini', 'contents'],
  ])('is refused in %s where it is missing: %s', async (dialect, param) => {
    const { [param]: _, ...body } = BODIES[dialect];
    const text = JSON.stringify(body);
    await expectRefusal(dialect, { body: text }, { status: 400, code: 'missing_field', param });
  });

  const UNPRICED: readonly (readonly [Dialect, string, Fields])[] = [
    ['chat', 'best_of', { best_of: 3 }],
    ['chat', 'prediction', { prediction: { type: 'content', content: 'x' } }],
    ['chat', 'store', { store: true }],
    ['chat', 'store', { store: 'false' }],
    ['chat', 'deferred', { deferred: true }],
    ['chat', 'previous_response_id', { previous_response_id: 'resp_1' }],
    ['chat', 'models', { models: ['gpt-5.4'] }],
    ['chat', 'fallbacks', { fallbacks: ['gpt-5.4'] }],
    ['chat', 'plugins', { plugins: [{ id: 'web' }] }],
    ['chat', 'cached_content', { cached_content: 'x' }],
    ['chat', 'search_parameters', { search_parameters: { mode: 'auto' } }],
    ['chat', 'audio', { messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] }],
    [
      'chat',
      'file_id',
      { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }] },
    ],
    [
      'messages',
      'file_id',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image', source: { type: 'file', file_id: 'file_1' } }],
          },
        ],
      },
    ],
    ['messages', 'container', { container: 'container_1' }],
    ['messages', 'thread', { thread: { type: 'create' } }],
    ['messages', 'fallbacks', { fallbacks: [{ model: 'claude-haiku-5-5' }] }],
    ['messages', 'tools', { tools: [{ type: 'code_execution_20250825', name: 'code_execution' }] }],
    ['messages', 'tools', { tools: [{ type: 'advisor_20260301', name: 'advisor' }] }],
    ['responses', 'store', { store: true }],
    ['responses', 'background', { background: true }],
    ['responses', 'conversation', { conversation: 'conv_1' }],
    ['responses', 'tools', { tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }],
    ['responses', 'tools', { tools: [{ type: 'code_interpreter', container: { type: 'auto' } }] }],
    ['gemini', 'cachedContent', { cachedContent: 'cachedContents/1' }],
  ];

  it.each(UNPRICED)(
    'is refused in %s where it has no price or reaches stored data: %s %j',
    async (dialect, param, body) => {
      await expectRefusal(dialect, { body }, { status: 400, code: 'unsupported_feature', param });
    },
  );

  it.each<readonly [Dialect, Fields, number, string]>([
    ['chat', { model: 'gpt-4.1-minni' }, 404, 'model_not_found'],
    ['chat', { model: '__proto__' }, 404, 'model_not_found'],
    ['chat', { model: 'constructor' }, 404, 'model_not_found'],
    ['chat', { model: '../../etc/passwd' }, 404, 'model_not_found'],
    ['chat', { model: 'gpt-4.1-mini\u0000' }, 404, 'model_not_found'],
    ['messages', { model: 'claude-nonesuch-9' }, 404, 'model_not_found'],
    ['responses', { model: 'gpt-nonesuch' }, 404, 'model_not_found'],
    ['messages', { model: 'gpt-4.1-mini' }, 400, 'model_not_supported_on_endpoint'],
    ['chat', { model: 'claude-sonnet-4-6' }, 400, 'model_not_supported_on_endpoint'],
    ['chat', { model: 'text-embedding-3-small' }, 400, 'model_not_supported_on_endpoint'],
  ])(
    'is refused in %s where it names no model that is served there: %j',
    async (dialect, body, status, code) => {
      await expectRefusal(dialect, { body }, { status, code });
    },
  );

  it.each<readonly [Dialect, string, Fields]>([
    ['chat', '/v1/messages', { system: 'Be brief.' }],
    ['chat', '/v1/messages', { tools: [{ name: 'f', input_schema: { type: 'object' } }] }],
    ['messages', '/v1/chat/completions', { messages: [{ role: 'tool', content: 'x' }] }],
    [
      'messages',
      '/v1/chat/completions',
      { tools: [{ type: 'function', function: { name: 'f', parameters: {} } }] },
    ],
    ['responses', '/v1/chat/completions', { input: undefined, messages: HELLO }],
  ])('is refused in %s where it belongs to %s: %j', async (dialect, endpoint, body) => {
    const says = new RegExp(endpoint);
    await expectRefusal(dialect, { body }, { status: 400, code: 'wrong_dialect', says });
  });
});

describe('a list in a setting', () => {
  it.each([
    ['messages', 'betas', { betas: Array.from({ length: 300 }, () => 'x') }],
    ['chat', 'modalities', { modalities: Array.from({ length: 300 }, () => 'text') }],
  ] as const)(
    'is refused in %s beyond any that has a meaning: %s',
    async (dialect, param, body) => {
      await expectRefusal(dialect, { body }, { status: 400, code: 'invalid_field', param });
    },
  );
});

describe('the name of a model', () => {
  it.each<readonly [Dialect, string, string]>([
    ['chat', 'openai/gpt-4.1-mini', 'gpt-4.1-mini'],
    ['chat', 'models/gpt-4.1-mini', 'gpt-4.1-mini'],
    ['chat', 'GPT-4.1-mini', 'gpt-4.1-mini'],
    ['chat', 'gpt-4.1-mini-2025-04-14', 'gpt-4.1-mini-2025-04-14'],
    ['messages', 'anthropic/claude-sonnet-4-6', 'claude-sonnet-4-6'],
    ['messages', 'claude-sonnet-4-6[1m]', 'claude-sonnet-4-6'],
    ['responses', 'openai/gpt-4.1-mini', 'gpt-4.1-mini'],
  ])('is understood in %s: %s', async (dialect, model, sent) => {
    const received = parseSent(await expectAnswer(dialect, { body: { model } }));
    expect(received.model).toBe(sent);
  });
});

describe('a prompt of any shape', () => {
  const SHAPES: readonly (readonly [Dialect, Fields])[] = [
    ...[null, 'Hi.', {}, 5, [null], [5], ['Hi.'], [[]], [{}], [{ role: 5 }]].flatMap((messages) => [
      ['chat', { messages }] as const,
      ['messages', { messages }] as const,
    ]),
    ...[null, 5, {}, [], ['Hi.'], [null], [[]]].flatMap((content) => [
      ['chat', { messages: [{ role: 'user', content }] }] as const,
      ['messages', { messages: [{ role: 'user', content }] }] as const,
    ]),
    ...[null, 5, {}, [null], ['Hi.'], [[]], [{}]].map((input) => ['responses', { input }] as const),
    ...[null, 'x', 5, [null], [5], ['x'], [[]]].flatMap((tools) => [
      ['chat', { tools }] as const,
      ['messages', { tools }] as const,
      ['responses', { tools }] as const,
    ]),
    ['chat', { messages: Array.from({ length: 5_000 }, () => HELLO[0]) }],
    ['messages', { messages: Array.from({ length: 5_000 }, () => HELLO[0]) }],
    ['chat', Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`x${at}`, at]))],
  ];

  it.each(SHAPES)(
    'is the provider’s to judge, or refused as invalid, in %s: %j',
    async (dialect, body) => {
      const before = await settledBalance();
      const response = await send(dialect, { body });
      if (response.status === 200) {
        await response.text();
        const id = response.headers.get('x-request-id');
        const bill = await waitForBill(stack.gatewayUrl, apiKey, id);
        expect(before - (await settledBalance())).toBe(BigInt(bill.cost_nano_usd));
        expect(BigInt(bill.cost_nano_usd)).toBe(COSTS[dialect]);
      } else {
        const { code } = await readError(response);
        expect(response.status).toBe(400);
        expect(['invalid_field', 'unsupported_feature']).toContain(code);
        expect(await settledBalance()).toBe(before);
      }
    },
  );
});

describe('the size of a request', () => {
  it.each([65_535, 65_536, 65_537, 1_048_576, 1_048_577])(
    'may be around a step of the reader: %i bytes',
    async (bytes) => {
      const text = JSON.stringify({ ...BODIES.chat, x: '' });
      const body = text.replace('"x":""', `"x":"${'x'.repeat(bytes - text.length)}"`);
      const received = await expectAnswer('chat', { body });
      expect(received.bytes.length).toBe(bytes);
    },
  );

  it('may not exceed 20 MB, in the shape of each dialect', async () => {
    const body = JSON.stringify({ ...BODIES.chat, x: 'x'.repeat(21_000_000) });
    for (const dialect of ['chat', 'messages', 'gemini'] as const) {
      await expectRefusal(dialect, { body }, { status: 413, code: 'body_too_large' });
    }
  });

  it('may be of an output beyond what the model can write', async () => {
    await expectAnswer('chat', { body: { max_tokens: 2_000_000_000 } });
    await expectAnswer('messages', { body: { max_tokens: 2_000_000_000 } });
  });
});

describe('a request for several answers', () => {
  it('is billed as reported, and its hold ends', async () => {
    await expectAnswer('chat', { body: { n: 2 } });
    await expectAnswer('chat', { body: { n: 128, max_tokens: 1 } });
  });
});

describe('a request for its cost', () => {
  it.each(['true', 'comment', 'event', 'false'])('may say %s', async (form) => {
    const headers = { 'x-farebox-include-cost': form };
    await expectAnswer('chat', { headers });
    await expectAnswer('messages', { headers, body: { stream: true } });
  });

  it.each(['yes', '1', 'TRUE'])('may not say %s', async (form) => {
    const headers = { 'x-farebox-include-cost': form };
    await expectRefusal('chat', { headers }, { status: 400, code: 'invalid_field' });
    await expectRefusal('messages', { headers }, { status: 400, code: 'invalid_field' });
  });
});

describe('an account that can not pay', () => {
  it.each(['chat', 'messages', 'responses', 'gemini'] as const)(
    'is told so before any call, streamed or not: %s',
    async (dialect) => {
      const poor = await stack.createAccount({ creditUsd: '0.00001' });
      const calls = upstream.received.length;
      for (const stream of [false, true]) {
        const body = dialect === 'gemini' ? {} : { stream };
        const response = await send(dialect, { body, key: poor.apiKey });
        const { code } = await readError(response);
        expect([response.status, code]).toEqual([402, 'insufficient_balance']);
        expect(response.headers.get('content-type')).toBe('application/json');
      }
      expect(upstream.received.length).toBe(calls);
      expect(await fetchBalance(stack.gatewayUrl, poor.apiKey)).toMatchObject({ held: 0n });
    },
  );
});

/** A picture of one pixel. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const user = (...content: object[]): Fields => ({ messages: [{ role: 'user', content }] });
const CACHED = { cache_control: { type: 'ephemeral' } };

describe('a field that a provider knows', () => {
  const PASSED: readonly (readonly [Dialect, Fields])[] = [
    ['chat', { messages: [] }],
    ['chat', { messages: [{ role: 'user', content: '' }] }],
    ['chat', { messages: [{ role: 'user', content: null }] }],
    ['chat', { messages: [{ role: 'developer', content: 'Be brief.' }, ...HELLO] }],
    ['chat', { messages: [{ role: 'system', content: [{ type: 'text', text: 'x' }] }, ...HELLO] }],
    ['chat', { messages: [...HELLO, { role: 'assistant', content: 'He', prefix: true }] }],
    ['chat', { messages: [...HELLO, { role: 'assistant', content: null, refusal: 'No.' }] }],
    ['chat', user({ type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } })],
    ['chat', user({ type: 'image_url', image_url: 'https://a.example/a.png' })],
    ['chat', user({ type: 'image_url', image_url: { url: 'https://a.example/a', detail: 'low' } })],
    ['chat', user({ type: 'file', file: { filename: 'a.pdf', file_data: 'data:x;base64,AAAA' } })],
    ['chat', { tools: [] }],
    ['chat', { tools: null }],
    ['chat', { tools: [{ type: 'function', function: { name: 'f', parameters: schema } }] }],
    ['chat', { tools: [{ type: 'function', function: { name: 'f', strict: true } }] }],
    ['chat', { tools: [{ function: { name: 'f' } }] }],
    ['chat', { tools: [{ type: 'custom', custom: { name: 'f', format: { type: 'text' } } }] }],
    ['chat', { functions: [{ name: 'f', parameters: schema }], function_call: 'auto' }],
    ...['none', 'auto', 'required', null, { type: 'function', function: { name: 'f' } }].map(
      (tool_choice) => ['chat', { tool_choice }] as const,
    ),
    ['chat', { parallel_tool_calls: false }],
    ['chat', { response_format: { type: 'text' } }],
    ['chat', { response_format: { type: 'json_object' } }],
    ['chat', { response_format: { type: 'json_schema', json_schema: { name: 'a', schema } } }],
    ['chat', { response_format: null }],
    ['chat', { logprobs: true, top_logprobs: 20 }],
    ['chat', { logprobs: null, top_logprobs: null }],
    ['chat', { best_of: 1 }],
    ['chat', { n: 1 }],
    ['chat', { n: null }],
    ['chat', { max_tokens: null }],
    ['chat', { max_tokens: 5, max_completion_tokens: 7 }],
    ['chat', { stream: null }],
    ['chat', { stream: false, stream_options: null }],
    ['chat', { stream: true, stream_options: {} }],
    ['chat', { stream: true, stream_options: { include_usage: null } }],
    ['chat', { stream: true, stream_options: { include_usage: true, include_obfuscation: false } }],
    ['chat', { stop: [] }],
    ['chat', { stop: 'x', seed: -1, temperature: '1', top_p: null, logit_bias: { 50256: -100 } }],
    ['chat', { metadata: { a: 'b' }, user: 'u', safety_identifier: 's', prompt_cache_key: 'k' }],
    ['chat', { metadata: null, store: false }],
    ['chat', { service_tier: 'auto' }],
    ['chat', { service_tier: null }],
    ['chat', { reasoning_effort: 'low', verbosity: 'low' }],
    ['chat', { modalities: ['text'] }],
    ['chat', { of_the_future: { a: [1, { b: null }] } }],
    ['messages', { messages: [] }],
    ['messages', { system: 'Be brief.' }],
    ['messages', { system: [{ type: 'text', text: 'Be brief.', ...CACHED }] }],
    ['messages', { system: [] }],
    ['messages', { messages: [...HELLO, { role: 'assistant', content: 'He' }] }],
    ['messages', { messages: [...HELLO, { role: 'system', content: 'Now be brief.' }] }],
    ['messages', CACHED],
    ['messages', { cache_control: { type: 'ephemeral', ttl: '1h' } }],
    [
      'messages',
      user({ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' } }),
    ],
    [
      'messages',
      user({
        type: 'tool_result',
        tool_use_id: 't',
        content: [{ type: 'text', text: 'x', ...CACHED }],
      }),
    ],
    [
      'messages',
      user({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } }),
    ],
    ['messages', user({ type: 'image', source: { type: 'url', url: 'https://a.example/a.png' } })],
    [
      'messages',
      user({ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' } }),
    ],
    [
      'messages',
      user({
        type: 'document',
        source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' },
      }),
    ],
    ['messages', { tools: [{ name: 'f', input_schema: schema, ...CACHED }] }],
    ['messages', { tools: [{ type: 'custom', name: 'f', input_schema: schema }] }],
    ['messages', { tools: [{ type: 'bash_20250124', name: 'bash' }] }],
    ['messages', { tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 1 }] }],
    ['messages', { tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }] }],
    ...[{ type: 'auto' }, { type: 'any' }, { type: 'none' }, { type: 'tool', name: 'f' }].map(
      (tool_choice) => ['messages', { tool_choice }] as const,
    ),
    ['messages', { thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 2000 }],
    ['messages', { thinking: { type: 'adaptive' } }],
    ['messages', { thinking: { type: 'disabled' } }],
    ['messages', { metadata: { user_id: 'u' }, stop_sequences: [], temperature: 1, top_k: 5 }],
    ['messages', { service_tier: 'auto' }],
    ['messages', { service_tier: 'standard_only' }],
    ['messages', { max_tokens: 0 }],
    ['messages', { stream: true }],
    ['messages', { betas: [] }],
    ['messages', { output_config: { effort: 'low' } }],
    ['messages', { output_config: { format: { type: 'json_schema', schema } } }],
    ['messages', { context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } }],
    ['responses', { input: [] }],
    ['responses', { input: [{ role: 'user', content: 'Hi.' }] }],
    [
      'responses',
      {
        input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi.' }] }],
      },
    ],
    [
      'responses',
      {
        input: [
          {
            role: 'user',
            content: [{ type: 'input_image', image_url: `data:image/png;base64,${PIXEL}` }],
          },
        ],
      },
    ],
    [
      'responses',
      { instructions: 'Be brief.', store: false, include: ['reasoning.encrypted_content'] },
    ],
    ['responses', { tools: [{ type: 'function', name: 'f', parameters: schema, strict: true }] }],
    ['responses', { tools: [{ type: 'custom', name: 'f' }] }],
    ['responses', { text: { format: { type: 'json_schema', name: 'a', schema } } }],
    ['responses', { stream: true, stream_options: { include_obfuscation: false } }],
    ['responses', { max_output_tokens: null }],
    ['gemini', { systemInstruction: { parts: [{ text: 'Be brief.' }] } }],
    ['gemini', { generationConfig: { maxOutputTokens: 50, temperature: 0 } }],
    ['gemini', { generation_config: { max_output_tokens: 50 } }],
    ['gemini', { tools: [{ functionDeclarations: [{ name: 'f', parameters: schema }] }] }],
    ['gemini', { safetySettings: [] }],
  ];

  it.each(PASSED)(
    'reaches it unchanged in %s, and the call is billed as reported: %j',
    async (dialect, body) => {
      const received = parseSent(await expectAnswer(dialect, { body }));
      const changed = new Set([
        'max_tokens',
        'max_output_tokens',
        'stream_options',
        'generationConfig',
      ]);
      for (const [name, value] of Object.entries(body)) {
        if (!changed.has(name)) expect([name, received[name]]).toEqual([name, value]);
      }
    },
  );

  it.each<readonly [Fields, Fields]>([
    [
      { max_tokens: 5, max_completion_tokens: 7 },
      { max_tokens: 5, max_completion_tokens: 7 },
    ],
    [{ max_tokens: null }, { max_tokens: null, max_completion_tokens: 32_768 }],
    [{ stream: true }, { stream_options: { include_usage: true } }],
    [
      { stream: true, stream_options: { include_usage: false } },
      { stream_options: { include_usage: true } },
    ],
    [
      { stream: true, stream_options: { include_obfuscation: false } },
      { stream_options: { include_obfuscation: false, include_usage: true } },
    ],
  ])('is changed only where the bill depends on it: %j becomes %j', async (body, sent) => {
    expect(parseSent(await expectAnswer('chat', { body }))).toMatchObject(sent);
  });
});

describe('a request that only asks', () => {
  it.each<readonly [string, Fields]>([
    ['/v1/messages/count_tokens', { model: 'claude-sonnet-4-6', messages: HELLO }],
    ['/v1/responses/input_tokens', { model: 'gpt-4.1-mini', input: 'Hi.' }],
    ['/v1beta/models/gemini-3.5-flash:countTokens', BODIES.gemini],
    ['/v1/estimate', BODIES.chat],
    ['/v1/estimate', BODIES.messages],
    ['/v1/estimate', { ...BODIES.messages, n: 5, stream: true }],
  ])('costs nothing: %s %j', async (path, body) => {
    const before = await settledBalance();
    const response = await send('chat', { path, body: JSON.stringify(body) });
    expect(response.status).toBe(200);
    expect(await settledBalance()).toBe(before);
  });

  it.each(['/v1/messages/count_tokens', '/v1/responses/input_tokens', '/v1/estimate'])(
    'is refused as a call is, where it can not be read: %s',
    async (path) => {
      for (const body of ['', '[]', '{"model":']) {
        const response = await send('chat', { path, body });
        expect(response.status).toBe(400);
      }
    },
  );
});

afterAll(async () => {
  expect((await fetchSettledBalance(stack.gatewayUrl, apiKey)).held).toBe(0n);
});

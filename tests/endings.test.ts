/**
 * How calls end when somebody does not behave: a caller that stops reading, a provider that cuts, falls
 * silent or fails, uploads that never come. Each is settled, heard by the caller as it is, and paid once.
 */
import { connect, type Socket } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import { type AccountWish, type LocalStack, startStack } from '@farebox/local';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { balanceOf, billOf } from './bills.ts';
import {
  type Answer,
  chatCompletion,
  chatEvents,
  json,
  message,
  messageEvents,
  openStream,
  pause,
  ScriptedUpstream,
  stream,
} from './scripted-upstream.ts';

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
      FIRST_BYTE_SECONDS: '1',
      SILENCE_SECONDS: '1.5',
      DRAIN_SECONDS: '1',
      PING_SECONDS: '0.5',
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
type DoorName = 'chat' | 'messages';
const DOORS: readonly DoorName[] = ['chat', 'messages'];
const PATHS = { chat: '/v1/chat/completions', messages: '/v1/messages' } as const;
const BODIES = {
  chat: { model: 'gpt-4o-mini', messages, max_tokens: 100 },
  messages: { model: 'claude-sonnet-4-5', messages, max_tokens: 100 },
} as const;

function post(door: DoorName, extra: object = {}, key = apiKey): Promise<Response> {
  return fetch(stack.gatewayUrl + PATHS[door], {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ ...BODIES[door], ...extra }),
  });
}

function idOf(response: Response): string | null {
  return response.headers.get('x-request-id');
}

/** A request written by hand, on a socket of its own. */
async function dial(body: string, path: string, length = Buffer.byteLength(body)) {
  const { hostname, port } = new URL(stack.gatewayUrl);
  const socket = connect(Number(port), hostname);
  await new Promise((resolve) => socket.once('connect', resolve));
  const first = `POST ${path} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${apiKey}`;
  socket.write(`${first}\r\ncontent-length: ${length}\r\n\r\n${body}`);
  return socket;
}

/** Everything the socket brings until it ends or breaks. */
function restOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
    socket.resume();
  });
}

/** The `data:` of each event; throws where anything but whole events came. */
function eventsOf(text: string): unknown[] {
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

describe('a caller that stops reading and keeps its connection', () => {
  it('is settled in bounded time, and its stream ends broken', async () => {
    const word = 'x'.repeat(64 * 1024);
    const events = chatEvents(
      Array.from({ length: 400 }, () => word),
      { input: 5, output: 5 },
    );
    upstream.answer = (_, response) => stream(response, events);
    const body = JSON.stringify({ ...BODIES.chat, max_tokens: 1000, stream: true });
    const socket = await dial(body, PATHS.chat);
    const head = await new Promise<string>((resolve) => {
      socket.once('data', (chunk: Buffer) => {
        socket.pause();
        resolve(chunk.toString('utf8'));
      });
    });
    const id = /x-request-id: (\w+)/i.exec(head)?.[1];
    const started = Date.now();
    const bill = await billOf(stack.gatewayUrl, apiKey, id, 12_000);
    expect(bill).toMatchObject({ status: 'settled', reason: 'estimated_after_disconnect' });
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(bill.usage?.output).toBeGreaterThan(0);
    expect(bill.usage?.output).toBeLessThanOrEqual(1000);
    const rest = await restOf(socket);
    // A chunked answer that is whole ends in an empty chunk (RFC 9112 section 7.1).
    expect(rest.endsWith('\r\n0\r\n\r\n')).toBe(false);
    expect(rest).not.toContain('[DONE]');
    expect((await balanceOf(stack.gatewayUrl, apiKey)).held).toBe(0n);
  });
});

describe('a stream the provider cuts', () => {
  function choiceChunk(index: number, delta: object, finish: string | null): string {
    const choices = [{ index, delta, finish_reason: finish }];
    return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices })}\n\n`;
  }

  it('after the first of two answers finished ends in an error, and is estimated', async () => {
    const events = [
      choiceChunk(0, { role: 'assistant', content: 'one' }, null),
      choiceChunk(1, { role: 'assistant', content: 'two' }, null),
      choiceChunk(0, {}, 'stop'),
      choiceChunk(1, { content: 'three' }, null),
    ];
    upstream.answer = (_, response) => stream(response, events, 20, 'cut');
    const response = await post('chat', { n: 2, stream: true });
    const text = await response.text();
    expect(eventsOf(text).at(-1)).toMatchObject({ error: { code: 'upstream_cut' } });
    expect(text).not.toContain('[DONE]');
    const bill = await billOf(stack.gatewayUrl, apiKey, idOf(response));
    expect(bill.reason).toBe('estimated_after_upstream_cut');
    expect(bill.usage?.output).toBeGreaterThan(0);
  });

  it.each(DOORS)('after its finish, before its last word, ends in an error: %s', async (door) => {
    const all = {
      chat: chatEvents(['one', 'two'], { input: 9, output: 2 }).slice(0, 4),
      messages: messageEvents(['one', 'two'], { input: 9, output: 2 }).slice(0, 5),
    };
    upstream.answer = (_, response) => stream(response, all[door], 20, 'cut');
    const response = await post(door, { stream: true });
    expect(eventsOf(await response.text()).at(-1)).toMatchObject({
      error: { code: 'upstream_cut' },
    });
    const bill = await billOf(stack.gatewayUrl, apiKey, idOf(response));
    expect(bill.reason).toBe('estimated_after_upstream_cut');
  });

  it.each(DOORS)('within an event shows none of that event: %s', async (door) => {
    const all = {
      chat: chatEvents(['one', 'UNFINISHED'], { input: 9, output: 2 }),
      messages: messageEvents(['one', 'UNFINISHED'], { input: 9, output: 2 }),
    };
    const broken = all[door].findIndex((piece) => piece.includes('UNFINISHED'));
    upstream.answer = async (_, response) => {
      openStream(response);
      for (const piece of all[door].slice(0, broken)) response.write(piece);
      const half = all[door][broken] ?? '';
      response.write(half.slice(0, half.indexOf('UNFINISHED') + 4));
      await pause(100);
      response.destroy();
    };
    const response = await post(door, { stream: true });
    const text = await response.text();
    expect(text).not.toContain('UNFI');
    const events = eventsOf(text);
    expect(events.at(-1)).toMatchObject({ error: { code: 'upstream_cut' } });
    expect(JSON.stringify(events)).toContain('one');
  });

  it('that falls silent is told so, after signs of life', async () => {
    upstream.answer = (_, response) =>
      stream(response, chatEvents(['one'], { input: 9, output: 1 }).slice(0, 2), 0, 'hang');
    const response = await post('chat', { stream: true });
    const text = await response.text();
    expect(text).toContain('\n: ');
    expect(eventsOf(text).at(-1)).toMatchObject({ error: { code: 'upstream_silent' } });
    const bill = await billOf(stack.gatewayUrl, apiKey, idOf(response));
    expect(bill.reason).toBe('estimated_after_upstream_cut');
  });
});

const fails =
  (status: number): Answer =>
  (_, response) =>
    json(response, { error: { message: 'secret' } }, status);
const WAIVED = { status: 'settled', reason: 'waived_upstream_error' };
const NOT_SENT = { status: 'void', reason: 'not_sent' };

describe.each(DOORS)('a provider that gives no answer (%s)', (door) => {
  const overloaded = door === 'chat' ? 503 : 529;
  const reset: Answer = (_, response) => void response.socket?.resetAndDestroy();

  it.each([
    ['is silent before its headers', () => {}, 504, 'upstream_silent', WAIVED],
    ['breaks off before its headers', reset, 502, 'upstream_unreachable', WAIVED],
    ['fails inside', fails(500), overloaded, 'upstream_overloaded', WAIVED],
    ['refuses our key', fails(401), 502, 'upstream_account', NOT_SENT],
    ['limits our calls', fails(429), overloaded, 'upstream_overloaded', NOT_SENT],
  ] as const)('because it %s', async (_, answer, status, code, outcome) => {
    upstream.answer = answer;
    const before = await balanceOf(stack.gatewayUrl, apiKey);
    const response = await post(door);
    const text = await response.text();
    const error = { code, message: expect.any(String), type: expect.any(String) };
    expect(JSON.parse(text)).toMatchObject(door === 'chat' ? { error } : { type: 'error', error });
    expect(text).not.toContain('secret');
    expect(response.status).toBe(status);
    const bill = await billOf(stack.gatewayUrl, apiKey, idOf(response));
    expect(bill).toMatchObject({ ...outcome, http_status: status, cost_nano_usd: '0' });
    expect(await balanceOf(stack.gatewayUrl, apiKey)).toEqual(before);
  });
});

describe('waivers', () => {
  it('end with the fiftieth of a day: the next call is charged what it may have cost', async () => {
    const account = await stack.createAccount({ creditUsd: '1' });
    upstream.answer = fails(500);
    const call = async () => {
      const response = await post('chat', {}, account.apiKey);
      await response.arrayBuffer();
      return billOf(stack.gatewayUrl, account.apiKey, idOf(response));
    };
    for (let round = 0; round < 5; round += 1) {
      const bills = await Promise.all(Array.from({ length: 10 }, call));
      for (const bill of bills) expect(bill.reason).toBe('waived_upstream_error');
    }
    const charged = await call();
    expect(charged.reason).toBe('estimated_usage_missing');
    expect(BigInt(charged.cost_nano_usd)).toBeGreaterThan(0n);
  });
});

describe('uploads that are announced and never come', () => {
  it('do not stop another account’s small call', async () => {
    const other = await stack.createAccount({ creditUsd: '1' });
    upstream.answer = (_, response) =>
      json(response, chatCompletion('ok', { input: 5, output: 1 }));
    const sockets = await Promise.all(
      Array.from({ length: 10 }, () => dial('{', PATHS.chat, 20 * 1024 * 1024)),
    );
    try {
      await pause(300);
      const response = await post('chat', {}, other.apiKey);
      expect(response.status).toBe(200);
      await response.arrayBuffer();
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});

const HOUR = 3_600_000;
/** Accounts and keys that are refused for what they are. */
const POOR: readonly (readonly [code: string, status: number, wish: AccountWish])[] = [
  ['balance_empty', 402, { creditUsd: '0' }],
  ['key_budget_spent', 402, { creditUsd: '1', limits: { budget: 1n } }],
  ['key_expired', 401, { creditUsd: '1', limits: { expiresAt: Date.now() - HOUR } }],
  ['model_not_allowed', 403, { creditUsd: '1', limits: { models: ['openai/gpt-4'] } }],
];
const deep = `{"model":"m","messages":${'['.repeat(5000)}${']'.repeat(5000)}}`;
const large = JSON.stringify({ model: 'm', text: 'x'.repeat(20 * 1024 * 1024) });
/** Requests that are refused for what they say; the body is the door's own where none is given. */
const BAD: readonly (readonly [code: string, status: number, request: BadRequest])[] = [
  ['key_missing', 401, { headers: {} }],
  ['key_malformed', 401, { headers: { authorization: 'Bearer sk-other' } }],
  ['not_found', 404, { path: '/nothing' }],
  ['method_not_allowed', 405, { method: 'PUT' }],
  ['model_unknown', 404, { body: { model: 'no-such-model' } }],
  ['model_elsewhere', 400, { body: { model: ['claude-sonnet-4-5', 'gpt-4o-mini'] } }],
  ['not_json', 400, { text: '{' }],
  ['not_an_object', 400, { text: '[]' }],
  ['too_deep', 400, { text: deep }],
  ['duplicate_field', 400, { text: '{"model":"a","model":"b","messages":[]}' }],
  ['missing_field', 400, { text: '{}' }],
  ['invalid_field', 400, { body: { max_tokens: 'many' } }],
  ['unsupported_feature', 400, { body: { service_tier: 'priority' } }],
  ['body_too_large', 413, { text: large }],
];
type BadRequest = Readonly<{
  headers?: Record<string, string>;
  path?: string;
  method?: string;
  body?: Readonly<Record<string, unknown>>;
  text?: string;
}>;

describe.each(DOORS)('a refusal is written as %s is', (door) => {
  async function check(response: Response, code: string, status: number): Promise<void> {
    const body: unknown = await response.json();
    const error = { code, message: expect.any(String), type: expect.any(String) };
    const id = idOf(response);
    expect(body).toMatchObject(
      door === 'chat'
        ? { error: { ...error, request_id: id } }
        : { type: 'error', error, request_id: id },
    );
    expect(response.status).toBe(status);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(response.headers.get('request-id')).toBe(id);
    expect(response.headers.get('x-should-retry')).toBe('false');
  }

  it.each(BAD)('%s: %i', async (code, status, bad) => {
    const model = bad.body?.model;
    const choice = Array.isArray(model) ? { model: model[door === 'chat' ? 0 : 1] } : {};
    const response = await fetch(stack.gatewayUrl + PATHS[door] + (bad.path ?? ''), {
      method: bad.method ?? 'POST',
      headers: bad.headers ?? { authorization: `Bearer ${apiKey}` },
      body: bad.text ?? JSON.stringify({ ...BODIES[door], ...bad.body, ...choice }),
    });
    await check(response, code, status);
  });

  it.each(POOR)('%s: %i', async (code, status, wish) => {
    const account = await stack.createAccount(wish);
    await check(await post(door, {}, account.apiKey), code, status);
  });
});

describe.each(DOORS)('the official package (%s), told to repeat twice', (door) => {
  /** Calls once; gives how many requests that made and the status it ended with. */
  async function attempts(key: string, extra: object = {}) {
    let requests = 0;
    const counting = (...args: Parameters<typeof fetch>) => {
      requests += 1;
      return fetch(...args);
    };
    const options = { apiKey: key, maxRetries: 2, fetch: counting };
    const openai = new OpenAI({ ...options, baseURL: `${stack.gatewayUrl}/v1` });
    const anthropic = new Anthropic({ ...options, baseURL: stack.gatewayUrl });
    const path = door === 'chat' ? '/chat/completions' : '/v1/messages';
    const call = { body: { ...BODIES[door], ...extra } };
    const done = door === 'chat' ? openai.post(path, call) : anthropic.post(path, call);
    const status = await done.then(
      () => 200,
      (error: unknown) => (error instanceof Error && 'status' in error ? error.status : error),
    );
    return { requests, status };
  }

  it('does not repeat what would be refused again', async () => {
    const poor = await stack.createAccount({ creditUsd: '0' });
    expect(await attempts(poor.apiKey)).toEqual({ requests: 1, status: 402 });
    expect(await attempts('sk-other')).toEqual({ requests: 1, status: 401 });
    expect(await attempts(apiKey, { model: 'none' })).toEqual({ requests: 1, status: 404 });
    expect(await attempts(apiKey, { max_tokens: 'x' })).toEqual({ requests: 1, status: 400 });
  });

  it('waits as long as it is told while the balance is held, and then goes through', async () => {
    const limit = { max_tokens: 2500 };
    const body = JSON.stringify({ ...BODIES[door], ...limit });
    const version = door === 'messages' ? { 'anthropic-version': '2023-06-01' } : {};
    const headers = { authorization: `Bearer ${apiKey}`, ...version };
    const asked = { method: 'POST', headers, body };
    const estimate = await (await fetch(`${stack.gatewayUrl}/v1/estimate`, asked)).json();
    const { hold_usd: hold } = (estimate as { data: { hold_usd: string } }).data;
    const account = await stack.createAccount({ creditUsd: (1.5 * Number(hold)).toFixed(9) });
    const counts = { input: 5, output: 5 };
    upstream.answer = async (_, response) => {
      await pause(700);
      json(response, door === 'chat' ? chatCompletion('ok', counts) : message('ok', counts));
    };
    const first = post(door, limit, account.apiKey);
    await pause(200);
    const started = Date.now();
    expect(await attempts(account.apiKey, limit)).toEqual({ requests: 2, status: 200 });
    expect(Date.now() - started).toBeGreaterThanOrEqual(1990);
    expect((await first).status).toBe(200);
  });
});

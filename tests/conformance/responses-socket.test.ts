/** Responses over WebSocket, through the official SDK's client, against a scripted provider. */
import type { IncomingMessage } from 'node:http';
import { NO_LIMITS } from '@farebox/ledger';
import type { LocalStack } from '@farebox/local';
import OpenAI from 'openai';
import { ResponsesWS } from 'openai/resources/responses/ws';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type BillJson, fetchBalance, waitForBill } from '../support/bills.ts';
import { responseEvents, type ScriptedUpstream, sleep } from '../support/scripted-upstream.ts';
import { sharedStack } from '../support/shared-stack.ts';

const COUNTS = { input: 11, output: 3 };
// gpt-4o-mini: 0.15 USD in, 0.60 USD out per million tokens (OpenAI price list).
const COST = String(11 * 150 + 3 * 600);
const model = 'openai/gpt-4o-mini';

type Event = Readonly<{ type: string; [name: string]: unknown }>;

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
});

/** What the provider received: an entry for each message, and the headers of the handshakes. */
let received: Record<string, unknown>[] = [];
let handshakes: Readonly<Record<string, unknown>>[] = [];

beforeEach(async () => {
  ({ apiKey } = await stack.createAccount({ creditUsd: '20' }));
  received = [];
  handshakes = [];
  answerWith(['Hel', 'lo.']);
});

/** Returns the data of the events of a response with this id. */
function toMessages(texts: readonly string[], id: string): string[] {
  return responseEvents(texts, COUNTS).map((event) =>
    event
      .slice(event.indexOf('data: ') + 6)
      .trim()
      .replaceAll('resp_1', id),
  );
}

type Answer = Readonly<{ length?: number; gapMs?: number; binary?: boolean }>;

/** Lets the provider answer each message with these texts, up to `length` events. */
function answerWith(texts: readonly string[], answer: Answer = {}): void {
  const { length = Number.POSITIVE_INFINITY, gapMs = 0, binary = false } = answer;
  let count = 0;
  upstream.socketHandler = (socket, headers) => {
    handshakes.push(headers);
    socket.on('message', async (data) => {
      received.push(JSON.parse(String(data)));
      count += 1;
      for (const message of toMessages(texts, `resp_${count}`).slice(0, length)) {
        socket.send(message, { binary });
        if (gapMs > 0) await sleep(gapMs);
      }
    });
  };
}

type Client = Readonly<{
  id: string;
  socket: WebSocket;
  /** Sends an event and returns what arrives up to the end of the response. */
  create: (fields: object, binary?: boolean) => Promise<Event[]>;
}>;

const LAST = /^(response\.(completed|failed|incomplete)|error)$/;

async function connect(key = apiKey): Promise<Client> {
  const url = `${stack.gatewayUrl.replace('http', 'ws')}/v1/responses`;
  const headers = {
    authorization: `Bearer ${key}`,
    'openai-beta': 'responses_websockets=2026-02-06',
  };
  const socket = new WebSocket(url, { headers });
  const id = await new Promise<string>((resolve, reject) => {
    socket.once('upgrade', (response) => resolve(String(response.headers['x-request-id'])));
    socket.once('error', reject);
  });
  if (socket.readyState !== WebSocket.OPEN)
    await new Promise((resolve) => socket.once('open', resolve));
  const create = (fields: object, binary = false) =>
    new Promise<Event[]>((resolve) => {
      const events: Event[] = [];
      const onMessage = (data: unknown) => {
        const event: Event = JSON.parse(String(data));
        events.push(event);
        if (!LAST.test(event.type)) return;
        socket.off('message', onMessage);
        resolve(events);
      };
      socket.on('message', onMessage);
      socket.send(JSON.stringify({ type: 'response.create', model, ...fields }), { binary });
    });
  return { id, socket, create };
}

function nextId(id: string, turn: number): string {
  return (BigInt(`0x${id}`) + BigInt(turn)).toString(16).padStart(32, '0');
}

function bill(id: string): Promise<BillJson> {
  return waitForBill(stack.gatewayUrl, apiKey, id);
}

describe('Responses over WebSocket', () => {
  it('makes a call of each response, which may continue an earlier one of the connection', async () => {
    const { id, socket, create } = await connect();
    const first = await create({ input: 'Say hello.', store: false });
    expect(first.map(({ type }) => type)).toEqual(
      toMessages(['Hel', 'lo.'], 'resp_1').map((message) => JSON.parse(message).type),
    );
    const second = await create({ input: 'Once more.', previous_response_id: 'resp_1' });
    expect(second.at(-1)).toMatchObject({ type: 'response.completed', response: { id: 'resp_2' } });
    socket.close();
    expect(handshakes).toHaveLength(1);
    expect(handshakes[0]).toMatchObject({
      authorization: 'Bearer sk-upstream',
      'openai-beta': 'responses_websockets=2026-02-06',
    });
    expect(received).toMatchObject([
      {
        type: 'response.create',
        model: 'gpt-4o-mini',
        store: false,
        max_output_tokens: expect.any(Number),
      },
      { previous_response_id: 'resp_1', store: false },
    ]);
    const settled = { status: 'settled', reason: 'provider_reported', cost_nano_usd: COST };
    expect(await bill(id)).toMatchObject({ ...settled, dialect: 'responses', stream: true });
    expect(await bill(nextId(id, 1))).toMatchObject(settled);
    expect((await fetchBalance(stack.gatewayUrl, apiKey)).held).toBe(0n);
  });

  it('reads binary messages as text, on both sides', async () => {
    answerWith(['Hel', 'lo.'], { binary: true });
    const { id, socket, create } = await connect();
    const events = await create({ input: 'Say hello.' }, true);
    expect(events.at(-1)).toMatchObject({ type: 'response.completed' });
    expect(await bill(id)).toMatchObject({ status: 'settled', cost_nano_usd: COST });
    const answer = new Promise((resolve) => {
      socket.once('message', (data) => resolve(JSON.parse(String(data))));
    });
    socket.send(new Uint8Array([1, 2, 3]));
    const error = { code: 'invalid_json' };
    expect(await answer).toMatchObject({ type: 'error', status: 400, error });
    socket.close();
  });

  it('works through the official SDK', async () => {
    const client = new OpenAI({ apiKey, baseURL: `${stack.gatewayUrl}/v1` });
    const socket = new ResponsesWS(client);
    const text = await new Promise((resolve, reject) => {
      let output = '';
      socket.on('response.output_text.delta', ({ delta }) => {
        output += delta;
      });
      socket.on('response.completed', () => resolve(output));
      socket.on('error', reject);
      socket.send({ type: 'response.create', model, input: 'Say hello.' });
    });
    socket.close();
    expect(text).toBe('Hello.');
  });

  it.each([
    ['previous_response_not_found', 400, { previous_response_id: 'resp_of_another' }],
    ['unsupported_feature', 400, { store: true }],
    ['invalid_field', 400, { type: 'response.cancel' }],
    ['model_not_found', 404, { model: 'no-such-model' }],
    ['websocket_not_supported', 426, { model: 'deepseek/deepseek-chat' }],
  ])('answers %s (%i) with an error event, and goes on', async (code, status, fields) => {
    const { socket, create } = await connect();
    const [error] = await create({ input: 'x', ...fields });
    expect(error).toMatchObject({ type: 'error', status, error: { code } });
    expect(received).toHaveLength(0);
    const next = await create({ input: 'x' });
    expect(next.at(-1)).toMatchObject({ type: 'response.completed' });
    socket.close();
  });

  it('is refused between two responses once the balance is spent', async () => {
    const account = await stack.createAccount({ creditUsd: '0.0001' });
    const { socket, create } = await connect(account.apiKey);
    const [error] = await create({ input: 'x'.repeat(100_000) });
    expect(error).toMatchObject({
      type: 'error',
      status: 402,
      error: { code: 'insufficient_balance' },
    });
    socket.close();
  });

  it('bills what was produced where the client leaves', async () => {
    answerWith(
      Array.from({ length: 60 }, () => 'word '),
      { length: 40, gapMs: 20 },
    );
    const { id, socket } = await connect();
    socket.send(JSON.stringify({ type: 'response.create', model, input: 'x' }));
    await sleep(600);
    socket.terminate();
    const settled = await bill(id);
    expect(settled.reason).toBe('estimated_after_disconnect');
    expect(settled.usage?.output).toBeGreaterThan(2);
    expect((await fetchBalance(stack.gatewayUrl, apiKey)).held).toBe(0n);
  });

  it('ends in an error, and is billed for what was produced, where the provider leaves', async () => {
    upstream.socketHandler = (socket) => {
      socket.on('message', () => {
        for (const message of toMessages(['one ', 'two '], 'resp_1').slice(0, 6))
          socket.send(message);
        setTimeout(() => socket.terminate(), 100);
      });
    };
    const { id, create, socket } = await connect();
    const events = await create({ input: 'x' });
    expect(events.at(-1)).toMatchObject({
      type: 'error',
      error: { code: 'upstream_disconnected' },
    });
    expect(await bill(id)).toMatchObject({ reason: 'estimated_after_upstream_cut' });
    socket.close();
  });

  it('gives the next response its own answer and bill after one that fails in two events', async () => {
    const error = { code: 'server_error', message: 'Something went wrong.' };
    const failed = { id: 'resp_1', object: 'response', status: 'failed', error };
    let count = 0;
    upstream.socketHandler = (socket) => {
      socket.on('message', () => {
        count += 1;
        if (count > 1) {
          for (const message of toMessages(['Hello.'], `resp_${count}`)) socket.send(message);
          return;
        }
        socket.send(JSON.stringify({ type: 'error', status: 500, error }));
        const last = JSON.stringify({ type: 'response.failed', response: failed });
        setTimeout(() => socket.send(last), 50);
      });
    };
    const { id, socket } = await connect();
    const completed = new Promise<Event>((resolve) => {
      socket.on('message', (data) => {
        const event: Event = JSON.parse(String(data));
        if (event.type === 'response.completed') resolve(event);
      });
    });
    for (const input of ['one', 'two'])
      socket.send(JSON.stringify({ type: 'response.create', model, input }));
    expect(await completed).toMatchObject({ response: { id: 'resp_2' } });
    socket.close();
    expect(await bill(id)).toMatchObject({ reason: 'waived_upstream_error', cost_nano_usd: '0' });
    const { reason, cost_nano_usd: cost } = await bill(nextId(id, 1));
    expect([reason, cost]).toEqual(['provider_reported', COST]);
    expect((await fetchBalance(stack.gatewayUrl, apiKey)).held).toBe(0n);
  });

  it('says 426 where the provider refuses the upgrade', async () => {
    upstream.socketHandler = null;
    const { id, create, socket } = await connect();
    const [error] = await create({ input: 'x' });
    expect(error).toMatchObject({ type: 'error', status: 426 });
    expect(await bill(id)).toMatchObject({ cost_nano_usd: '0' });
    socket.close();
  });
});

describe('the upgrade at /v1/responses', () => {
  async function getStatus(path: string, headers: Record<string, string>): Promise<number> {
    const socket = new WebSocket(stack.gatewayUrl.replace('http', 'ws') + path, { headers });
    return new Promise((resolve) => {
      socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
      socket.once('open', () => resolve(101));
      socket.once('error', () => resolve(0));
    });
  }

  it('tells what the limits of its key leave, as a call over HTTP does', async () => {
    const limits = { ...NO_LIMITS, callsPerMinute: 9, periodBudgets: { day: 2_000_000_000n } };
    const limited = await stack.createAccount({ creditUsd: '5', limits });
    const getFields = async (key: string) => {
      const socket = new WebSocket(`${stack.gatewayUrl.replace('http', 'ws')}/v1/responses`, {
        headers: { authorization: `Bearer ${key}` },
      });
      const response = await new Promise<IncomingMessage>((resolve) =>
        socket.once('upgrade', resolve),
      );
      socket.close();
      return [response.headers['ratelimit-policy'], response.headers.ratelimit];
    };
    expect(await getFields(limited.apiKey)).toEqual([
      '"calls";q=9;w=60, "budget-day";q=2000000;qu="micro-usd";w=86400',
      expect.stringMatching(/^"calls";r=9;t=60, "budget-day";r=2000000;t=\d+$/),
    ]);
    expect(await getFields(apiKey)).toEqual([undefined, undefined]);
  });

  it('is refused without a valid key', async () => {
    expect(await getStatus('/v1/responses', {})).toBe(401);
    expect(await getStatus('/v1/responses', { authorization: 'Bearer sk-other' })).toBe(401);
  });

  it('is refused with 426 for a model whose provider has no WebSocket', async () => {
    const headers = { authorization: `Bearer ${apiKey}` };
    expect(await getStatus('/v1/responses?model=deepseek/deepseek-chat', headers)).toBe(426);
  });

  it('is needed: a plain GET is refused', async () => {
    const headers = { authorization: `Bearer ${apiKey}` };
    const response = await fetch(`${stack.gatewayUrl}/v1/responses`, { headers });
    expect(response.status).toBe(405);
  });
});

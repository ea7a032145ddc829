/**
 * Outcomes of calls to operations when a party misbehaves: a provider without an answer, an answer
 * that is none, a client that leaves, a request that could cost more than it holds. Each is settled
 * once and reported to the caller truthfully.
 */
import { connect } from 'node:net';
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchBalance, fetchSettledBalance, waitForBill } from './support/bills.ts';
import {
  buildOperationBody,
  OPERATION_CALLS,
  OPERATIONS,
  type Operation,
} from './support/operation-calls.ts';
import {
  openStream,
  ScriptedUpstream,
  sendJson,
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
      xai: { baseUrl: `${upstream.url}/v1`, apiKey: 'k' },
    },
    extraProviders: [{ id: 'cohere', base_url: `${upstream.url}/v1`, api_key: 'k' }],
    gatewayBindings: {
      FIRST_BYTE_TIMEOUT_SECONDS: '1',
      IDLE_TIMEOUT_SECONDS: '1.5',
      DRAIN_SECONDS: '3',
      KEEPALIVE_SECONDS: '0.5',
      KEY_CALLS_PER_SECOND: '100',
    },
    quiet: true,
  });
  ({ apiKey } = await stack.createAccount({ creditUsd: '100' }));
}, 240_000);

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

type PostOptions = Readonly<{ key?: string; more?: object; body?: BodyInit; signal?: AbortSignal }>;

function post(
  operation: Operation,
  { key = apiKey, more = {}, body, signal }: PostOptions = {},
): Promise<Response> {
  const call = OPERATION_CALLS[operation];
  const sent = body ?? buildOperationBody(call, { ...more });
  return fetch(stack.gatewayUrl + call.path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      ...(sent instanceof FormData ? {} : { 'content-type': 'application/json' }),
    },
    body: sent,
    ...(signal === undefined ? {} : { signal }),
  });
}

function readBill(response: Response, key = apiKey) {
  return waitForBill(stack.gatewayUrl, key, response.headers.get('x-request-id'));
}

function answerTo(operation: Operation): UpstreamHandler {
  const { answer } = OPERATION_CALLS[operation];
  if (operation !== 'speech') return (_, response) => sendJson(response, answer);
  return (_, response) => {
    response.writeHead(200, { 'content-type': 'audio/mpeg' });
    response.end(Buffer.alloc(2_000));
  };
}

/** Those that are charged: moderation is free. */
const PAID = OPERATIONS.filter((operation) => OPERATION_CALLS[operation].cost > 0n);
const DOCUMENTS = OPERATIONS.filter((operation) => operation !== 'speech');
const IN_JSON = OPERATIONS.filter((operation) => OPERATION_CALLS[operation].file === null);

const respondWith =
  (status: number): UpstreamHandler =>
  (_, response) =>
    sendJson(response, { error: { message: 'secret' } }, status);
const reset: UpstreamHandler = (_, response) => void response.socket?.resetAndDestroy();

describe.each(OPERATIONS)('a call of %s', (operation) => {
  it('that is answered costs what its unit costs', async () => {
    upstream.handler = answerTo(operation);
    const response = await post(operation);
    expect(response.status).toBe(200);
    await response.arrayBuffer();
    expect((await readBill(response)).cost_nano_usd).toBe(String(OPERATION_CALLS[operation].cost));
  });

  it.each([
    ['is silent before its headers', () => {}, 504, 'upstream_timeout'],
    ['breaks off before its headers', reset, 502, 'upstream_unreachable'],
    ['fails inside', respondWith(500), 503, 'upstream_overloaded'],
    ['refuses our key', respondWith(401), 502, 'upstream_account_error'],
    ['limits our calls', respondWith(429), 429, 'upstream_rate_limited'],
  ] as const)('whose provider %s is free', async (_, handler, status, code) => {
    upstream.handler = handler;
    const before = await fetchSettledBalance(stack.gatewayUrl, apiKey);
    const response = await post(operation);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ error: { code, message: expect.any(String) } });
    expect(text).not.toContain('secret');
    expect(response.status).toBe(status);
    expect(await readBill(response)).toMatchObject({
      status: 'settled',
      reason: 'waived_upstream_error',
      http_status: status,
      cost_nano_usd: '0',
    });
    expect(await fetchSettledBalance(stack.gatewayUrl, apiKey)).toEqual(before);
  });

  it.each([
    ['invalid_api_key', 401, { key: 'sk-other' }],
    ['model_not_found', 404, { more: { model: 'no-such-model' } }],
    ['model_not_supported_on_endpoint', 400, { more: { model: 'gpt-4o-mini' } }],
    ['unsupported_media_type', 415, { body: new Blob(['<a/>'], { type: 'application/xml' }) }],
  ] as const)('that is wrong is answered with %s: %i', async (code, status, options) => {
    const before = upstream.received.length;
    const response =
      'body' in options
        ? await fetch(stack.gatewayUrl + OPERATION_CALLS[operation].path, {
            method: 'POST',
            headers: { authorization: `Bearer ${apiKey}` },
            body: options.body,
          })
        : await post(operation, options);
    const id = response.headers.get('x-request-id');
    const error = { code, message: expect.any(String), type: expect.any(String), request_id: id };
    expect(await response.json()).toMatchObject({ error });
    expect(response.status).toBe(status);
    expect(upstream.received.length).toBe(before);
  });
});

describe.each(DOCUMENTS)('an answer to a call of %s', (operation) => {
  const send =
    (body: string, type = 'application/json'): UpstreamHandler =>
    (_, response) => {
      response.writeHead(200, { 'content-type': type });
      response.end(body);
    };
  const whole = JSON.stringify(OPERATION_CALLS[operation].answer);

  it.each([
    ['is a page', send('<html>secret</html>', 'text/html')],
    ['is a page that is called a text', send('<!DOCTYPE html><p>secret', 'text/plain')],
    ['is a page that is called a document', send('<html>secret</html>')],
    ['is empty', send('')],
    ['is cut off', send(whole.slice(0, -3))],
    ['is an empty object', send('{}')],
    ['is an error under 200', send('{"error":{"message":"The file is broken."}}')],
    [
      'breaks off',
      (_, response) => {
        response.writeHead(200, { 'content-length': '5000', 'content-type': 'application/json' });
        response.write(whole.slice(0, 9), () => response.destroy());
      },
    ],
  ] as readonly (readonly [string, UpstreamHandler])[])(
    'that %s is an error, and free',
    async (_, handler) => {
      upstream.handler = handler;
      const response = await post(operation);
      const text = await response.text();
      expect(response.status).toBe(502);
      expect(JSON.parse(text)).toMatchObject({ error: { message: expect.any(String) } });
      expect(text).not.toContain('secret');
      expect(await readBill(response)).toMatchObject({ status: 'settled', cost_nano_usd: '0' });
    },
  );
});

describe.each(PAID)('a paid call of %s', (operation) => {
  it('of an account without a balance is 402', async () => {
    const { apiKey: key } = await stack.createAccount({ creditUsd: '0' });
    const before = upstream.received.length;
    const response = await post(operation, { key });
    expect(response.status).toBe(402);
    expect(await response.json()).toMatchObject({ error: { code: 'insufficient_balance' } });
    expect(upstream.received.length).toBe(before);
  });

  it('whose client leaves before the answer costs what the answer says', async () => {
    const account = await stack.createAccount({ creditUsd: '1' });
    const before = await fetchSettledBalance(stack.gatewayUrl, account.apiKey);
    const { cost } = OPERATION_CALLS[operation];
    upstream.handler = async (request, response) => {
      await sleep(600);
      await answerTo(operation)(request, response);
    };
    const abort = new AbortController();
    const pending = post(operation, { key: account.apiKey, signal: abort.signal }).catch(
      () => null,
    );
    await sleep(250);
    abort.abort();
    await pending;
    await expect
      .poll(() => fetchBalance(stack.gatewayUrl, account.apiKey), { timeout: 8_000 })
      .toMatchObject({ posted: before.posted - cost, held: 0n });
  });

  it('is admitted as often as the balance holds it, and not once more', async () => {
    const { apiKey: key, accountId } = await stack.createAccount({ creditUsd: '0' });
    const estimate = await fetch(`${stack.gatewayUrl}/v1/estimate`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: buildOperationBody(OPERATION_CALLS[operation]),
    });
    const { data } = (await estimate.json()) as { data: { hold_nano_usd: string } };
    const amount = 3n * BigInt(data.hold_nano_usd);
    await stack.ledger.credits.credit(accountId, { id: 'race', amount, source: 'local' });
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    upstream.handler = async (request, response) => {
      await gate;
      await answerTo(operation)(request, response);
    };
    const calls = Array.from({ length: 20 }, () => post(operation, { key }));
    await sleep(600);
    open();
    const responses = await Promise.all(calls);
    const admitted = responses.filter(({ status }) => status === 200);
    expect(admitted).toHaveLength(3);
    const codes = responses.filter(({ status }) => status !== 200).map(({ status }) => status);
    expect(new Set(codes)).toEqual(new Set([429]));
    for (const response of admitted) {
      await response.arrayBuffer();
      expect(await readBill(response, key)).toMatchObject({ shortfall_nano_usd: '0' });
    }
    const balance = await fetchBalance(stack.gatewayUrl, key);
    expect(balance.held).toBe(0n);
    expect(balance.posted).toBeGreaterThanOrEqual(0n);
    expect((await stack.ledger.operators.audit(accountId)).violations).toEqual([]);
  });

  it('with the id of another is a call of its own', async () => {
    upstream.handler = answerTo(operation);
    const ids = new Set<string | null>();
    for (let round = 0; round < 2; round += 1) {
      const response = await fetch(stack.gatewayUrl + OPERATION_CALLS[operation].path, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'x-request-id': 'a'.repeat(32) },
        body: buildOperationBody(OPERATION_CALLS[operation]),
      });
      await response.arrayBuffer();
      ids.add((await readBill(response)).id);
    }
    expect(ids.size).toBe(2);
  });
});

describe.each(IN_JSON)('a body of %s', (operation) => {
  const { model, fields } = OPERATION_CALLS[operation];
  const rest = JSON.stringify(fields).slice(1);
  it.each([
    ['names its model twice', `{"model":"${model}","model":"gpt-4",${rest}`, 'duplicate_field'],
    [
      'escapes a second name',
      `{"model":"${model}","m\\u006fdel":"gpt-4",${rest}`,
      'duplicate_field',
    ],
    [
      'has its model in capitals too',
      `{"model":"${model}","Model":"gpt-4",${rest}`,
      'invalid_field',
    ],
    [
      'asks for a tier without a price',
      `{"model":"${model}","service_tier":"flex",${rest}`,
      'invalid_field',
    ],
    ['is no JSON', '{"model":', 'invalid_json'],
    ['is a list', '[]', 'not_an_object'],
  ])('that %s is refused before anything is sent', async (_, body, code) => {
    const before = upstream.received.length;
    const response = await post(operation, { body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code } });
    expect(upstream.received.length).toBe(before);
  });
});

/** Streams of operations: an event with something in it, and the last one with the usage. */
const STREAMS = [
  {
    operation: 'images',
    more: { model: 'gpt-image-1', stream: true, partial_images: 1 },
    first: { type: 'image_generation.partial_image', b64_json: 'AAAA', partial_image_index: 0 },
    last: {
      type: 'image_generation.completed',
      b64_json: 'BBBB',
      usage: { input_tokens: 10, output_tokens: 100 },
    },
  },
  {
    operation: 'speech',
    more: { model: 'gpt-4o-mini-tts', stream_format: 'sse' },
    first: { type: 'speech.audio.delta', audio: 'AAAA' },
    last: { type: 'speech.audio.done', usage: { input_tokens: 14, output_tokens: 101 } },
  },
  {
    operation: 'transcriptions',
    more: { model: 'gpt-4o-transcribe', stream: true },
    first: { type: 'transcript.text.delta', delta: 'Hel' },
    last: {
      type: 'transcript.text.done',
      text: 'Hello',
      usage: { type: 'tokens', input_tokens: 14, output_tokens: 45 },
    },
  },
] as const;

describe.each(STREAMS)('a stream of $operation', ({ operation, more, first, last }) => {
  const write = (event: object) => `data: ${JSON.stringify(event)}\n\n`;

  it('that the provider cuts off ends with an error and costs an estimate', async () => {
    upstream.handler = async (_, response) => {
      openStream(response);
      response.write(write(first));
      response.write(write(last).slice(0, 30));
      await sleep(100);
      response.destroy();
    };
    const response = await post(operation, { more });
    const text = await response.text();
    expect(text).toContain(first.type);
    expect(text).not.toContain(last.type);
    expect(text).toContain('upstream_disconnected');
    const bill = await readBill(response);
    expect(bill.reason).toBe('estimated_after_upstream_cut');
    expect(BigInt(bill.cost_nano_usd)).toBeGreaterThan(0n);
  });

  it('whose client leaves before the last event costs what that reports', async () => {
    upstream.handler = async (_, response) => {
      openStream(response);
      response.write(write(first));
      await sleep(400);
      response.write(write(last));
      response.end();
    };
    const abort = new AbortController();
    const response = await post(operation, { more, signal: abort.signal });
    await response.body?.getReader().read();
    abort.abort();
    const bill = await readBill(response);
    expect(bill.reason).toBe('provider_reported');
    expect(BigInt(bill.cost_nano_usd)).toBeGreaterThan(0n);
  });

  it('that stalls ends with an error', async () => {
    upstream.handler = (_, response) => {
      openStream(response);
      response.write(write(first));
    };
    const response = await post(operation, { more });
    expect(await response.text()).toContain('upstream_timeout');
    expect((await readBill(response)).reason).toBe('estimated_after_upstream_cut');
  });
});

describe('a form that is announced and never sent', () => {
  it('does not keep a call of another account from its answer', async () => {
    upstream.handler = answerTo('embeddings');
    const { hostname, port } = new URL(stack.gatewayUrl);
    const head = `POST /v1/audio/transcriptions HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${apiKey}\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: ${25 * 1024 * 1024}\r\n\r\n--b`;
    const sockets = Array.from({ length: 10 }, () => connect(Number(port), hostname));
    for (const socket of sockets) {
      socket.on('error', () => {});
      socket.write(head);
    }
    try {
      await sleep(300);
      const { apiKey: key } = await stack.createAccount({ creditUsd: '1' });
      expect((await post('embeddings', { key })).status).toBe(200);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});

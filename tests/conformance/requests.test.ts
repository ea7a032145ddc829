/**
 * Requests as clients really send them, through the official SDKs and over plain HTTP, against the
 * gateway in real workerd: compressed, split, under other base URLs, with other names of fields.
 */
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import Anthropic from '@anthropic-ai/sdk';
import { type LocalStack, startStack } from '@farebox/local';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchSettledBalance, waitForBill } from '../support/bills.ts';
import {
  chatCompletion,
  chatEvents,
  messageResponse,
  ScriptedUpstream,
  sendJson,
  sendStream,
  type UpstreamHandler,
} from '../support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  const scripted = { baseUrl: upstream.url, apiKey: 'sk-upstream' };
  stack = await startStack({
    database: 'pglite-memory',
    providers: {
      openai: { baseUrl: `${upstream.url}/v1`, apiKey: 'sk-upstream' },
      anthropic: scripted,
    },
    extraProviders: [{ id: 'mistral', base_url: `${upstream.url}/v1`, api_key: 'sk-upstream' }],
    quiet: true,
  });
  ({ apiKey } = await stack.createAccount({ creditUsd: '50' }));
  openai = new OpenAI({ apiKey, baseURL: `${stack.gatewayUrl}/v1`, maxRetries: 0 });
  anthropic = new Anthropic({ apiKey, baseURL: stack.gatewayUrl, maxRetries: 0 });
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

const messages = [{ role: 'user' as const, content: 'Say hello.' }];
const COUNTS = { input: 11, output: 3 };
const CHAT = { model: 'openai/gpt-4o-mini', messages };
const MESSAGES = { model: 'claude-sonnet-4-5', max_tokens: 100, messages };

const answer: UpstreamHandler = ({ path }, response) => {
  if (path.includes('count_tokens')) sendJson(response, { input_tokens: 14 });
  else if (path.includes('messages')) sendJson(response, messageResponse('Hello.', COUNTS));
  else sendJson(response, chatCompletion('Hello.', COUNTS));
};

function post(path: string, body: BodyInit, headers: Record<string, string> = {}) {
  return fetch(`${stack.gatewayUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, ...headers },
    body,
  });
}

describe('a compressed request body', () => {
  const ENDPOINTS: readonly (readonly [string, object])[] = [
    ['/v1/chat/completions', CHAT],
    ['/v1/messages', MESSAGES],
    ['/v1/messages/count_tokens', { model: MESSAGES.model, messages }],
    ['/v1/estimate', CHAT],
  ];
  type Encode = (bytes: Uint8Array) => Uint8Array;
  /** Compresses two halves apart, as parallel compressors do. */
  const inTwo =
    (encode: Encode): Encode =>
    (bytes) =>
      Buffer.concat([encode(bytes.subarray(0, 40)), encode(bytes.subarray(40))]);
  const CODINGS: readonly (readonly [string, Encode])[] = [
    ['gzip', inTwo(gzipSync)],
    ['zstd', inTwo(zstdCompressSync)],
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['gzip, br', (bytes) => brotliCompressSync(gzipSync(bytes))],
  ];

  it.each(ENDPOINTS)(
    'is decoded on %s, small and large, whatever its coding',
    async (path, body) => {
      upstream.handler = answer;
      for (const [encoding, encode] of CODINGS) {
        for (const padding of [0, 300_000]) {
          const text = JSON.stringify({ ...body, metadata: { note: 'x'.repeat(padding) } });
          const response = await post(path, new Uint8Array(encode(Buffer.from(text))), {
            'content-encoding': encoding,
          });
          expect([encoding, padding, response.status]).toEqual([encoding, padding, 200]);
          if (path === '/v1/estimate') continue;
          const received = JSON.parse(upstream.received.at(-1)?.body ?? '');
          expect(received.messages).toEqual(messages);
          expect(upstream.received.at(-1)?.headers['content-encoding']).toBeUndefined();
        }
      }
    },
  );

  it('of the OpenAI SDK is decoded where its transport compresses', async () => {
    upstream.handler = answer;
    const compressing = new OpenAI({
      apiKey,
      baseURL: `${stack.gatewayUrl}/v1`,
      fetch: (url, init) => {
        const headers = new Headers(init?.headers);
        headers.set('content-encoding', 'zstd');
        headers.delete('content-length');
        return fetch(url, {
          ...init,
          headers,
          body: new Uint8Array(zstdCompressSync(String(init?.body))),
        });
      },
    });
    const reply = await compressing.chat.completions.create(CHAT);
    expect(reply.choices[0]?.message.content).toBe('Hello.');
  });

  it('that decodes to more than 20 MB is 413, soon and without a call', async () => {
    const before = upstream.received.length;
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
    const startedAt = Date.now();
    const response = await post('/v1/chat/completions', new Uint8Array(bomb), {
      'content-encoding': 'gzip',
    });
    expect(response.status).toBe(413);
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    expect(upstream.received.length).toBe(before);
  });

  it('of another coding is 415 and names those that are understood', async () => {
    const response = await post('/v1/messages', 'x', { 'content-encoding': 'snappy' });
    expect(response.status).toBe(415);
    expect(response.headers.get('accept-encoding')).toBe('gzip, deflate, br, zstd');
    expect(await response.json()).toMatchObject({
      type: 'error',
      error: { code: 'unsupported_content_encoding', message: expect.stringContaining('zstd') },
    });
  });

  it('that is none is 400 and says so', async () => {
    const response = await post('/v1/chat/completions', JSON.stringify(CHAT), {
      'content-encoding': 'gzip',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_content_encoding' } });
  });

  it('with a byte order mark is read without it', async () => {
    upstream.handler = answer;
    const response = await post('/v1/chat/completions', `\ufeff${JSON.stringify(CHAT)}`);
    expect(response.status).toBe(200);
    expect(JSON.parse(upstream.received.at(-1)?.body ?? '').messages).toEqual(messages);
  });
});

describe('a base URL that is right for another SDK', () => {
  it('serves the Anthropic SDK with /v1 at its end', async () => {
    upstream.handler = answer;
    const client = new Anthropic({ apiKey, baseURL: `${stack.gatewayUrl}/v1` });
    expect((await client.messages.create(MESSAGES)).content).toMatchObject([{ text: 'Hello.' }]);
    const count = await client.messages.countTokens({ model: MESSAGES.model, messages });
    expect(count.input_tokens).toBe(14);
  });

  it.each(['', '/', '/v1/', '//v1', '/api/v1'])('serves the OpenAI SDK with "%s"', async (base) => {
    upstream.handler = answer;
    const client = new OpenAI({ apiKey, baseURL: `${stack.gatewayUrl}${base}` });
    const reply = await client.chat.completions.create(CHAT);
    expect(reply.choices[0]?.message.content).toBe('Hello.');
  });

  it('of Azure is 400 and names the endpoint', async () => {
    const client = new OpenAI({ apiKey, baseURL: `${stack.gatewayUrl}/openai/deployments/x` });
    await expect(client.chat.completions.create(CHAT)).rejects.toThrow(/\/v1\/chat\/completions/);
  });
});

describe('a request to a model that knows other fields', () => {
  it('has max_tokens renamed for a reasoning model of OpenAI, its value kept', async () => {
    upstream.handler = answer;
    await openai.chat.completions.create({ ...CHAT, model: 'openai/gpt-5', max_tokens: 300 });
    const body = JSON.parse(upstream.received.at(-1)?.body ?? '');
    expect([body.max_completion_tokens, body.max_tokens]).toEqual([300, undefined]);
    await openai.chat.completions.create({ ...CHAT, max_tokens: 300 });
    expect(JSON.parse(upstream.received.at(-1)?.body ?? '').max_tokens).toBe(300);
  });

  it('is repeated once with the name that the provider asks for, and then at once', async () => {
    const seen: unknown[] = [];
    upstream.handler = (request, response) => {
      const body = JSON.parse(request.body);
      seen.push(Object.keys(body).filter((name) => name.startsWith('max_')));
      if ('max_tokens' in body) {
        const message =
          "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
        const error = { message, type: 'invalid_request_error', param: 'max_tokens' };
        sendJson(response, { error: { ...error, code: 'unsupported_parameter' } }, 400);
      } else answer(request, response);
    };
    const model = 'openai/gpt-4.1-mini';
    for (let call = 0; call < 2; call += 1) {
      const { response } = await openai.chat.completions
        .create({ ...CHAT, model, max_tokens: 5 })
        .withResponse();
      const id = response.headers.get('x-request-id');
      expect(await waitForBill(stack.gatewayUrl, apiKey, id)).toMatchObject({
        reason: 'provider_reported',
        usage: { input_uncached: 11, output: 3 },
      });
    }
    expect(seen).toEqual([['max_tokens'], ['max_completion_tokens'], ['max_completion_tokens']]);
  });

  it('streams from a provider that refuses stream_options, and learns that once', async () => {
    const seen: boolean[] = [];
    upstream.handler = (request, response) => {
      const hasOptions = 'stream_options' in JSON.parse(request.body);
      seen.push(hasOptions);
      const detail = [{ type: 'extra_forbidden', loc: ['body', 'stream_options'], msg: 'Extra' }];
      if (hasOptions) sendJson(response, { object: 'error', message: { detail } }, 422);
      else void sendStream(response, chatEvents(['Hel', 'lo'], COUNTS), 1);
    };
    for (let call = 0; call < 2; call += 1) {
      const stream = await openai.chat.completions.create({
        model: 'mistral/mistral-small-latest',
        messages,
        stream: true,
      });
      let text = '';
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
      expect(text).toBe('Hello');
    }
    expect(seen).toEqual([true, false, false]);
  });

  it('is repeated once only', async () => {
    const before = upstream.received.length;
    upstream.handler = (_, response) =>
      sendJson(response, { detail: [{ loc: ['body', 'stream_options'], msg: 'no' }] }, 422);
    const call = openai.chat.completions.create({ ...CHAT, stream: true });
    await expect(call).rejects.toThrow(/stream_options: no/);
    expect(upstream.received.length - before).toBe(2);
  });

  it('is not repeated, and nothing is learned, where the caller’s own field is refused', async () => {
    const hasUsage: boolean[] = [];
    upstream.handler = (request, response) => {
      const { stream_options: options } = JSON.parse(request.body);
      hasUsage.push(options?.include_usage === true);
      if ('x' in (options ?? {})) sendJson(response, { detail: 'stream_options.x: no' }, 400);
      else void sendStream(response, chatEvents(['Hello'], COUNTS), 1);
    };
    const body = { ...CHAT, model: 'openai/gpt-4o', stream: true };
    await post('/v1/chat/completions', JSON.stringify({ ...body, stream_options: { x: 1 } }));
    await (await post('/v1/chat/completions', JSON.stringify(body))).text();
    expect(hasUsage).toEqual([true, true]);
  });
});

describe('a provider’s rejection', () => {
  it.each([
    [{ object: 'error', message: { detail: [{ loc: ['body', 'top_p'], msg: 'too large' }] } }],
    [{ detail: [{ loc: ['body', 'top_p'], msg: 'too large', type: 'x' }] }],
    [{ errors: [{ message: 'top_p: too large' }] }],
    [{ code: 'x', error: 'top_p: too large' }],
    [[{ error: { message: 'top_p: too large', status: 'INVALID_ARGUMENT' } }]],
  ])('in the shape %j is read', async (body) => {
    upstream.handler = (_, response) => sendJson(response, body, 422);
    const error: unknown = await openai.chat.completions.create(CHAT).catch((thrown) => thrown);
    if (!(error instanceof OpenAI.APIError)) throw new Error('no error');
    expect([error.status, error.message]).toEqual([422, '422 top_p: too large']);
  });

  it('carries our request id in place of the provider’s, in both dialects', async () => {
    const providerId = 'req_011CSHoEeqs5C35K2UUqR7Fy';
    upstream.handler = ({ path }, response) => {
      const message = `top_p: too large (${providerId})`;
      const error = { type: 'invalid_request_error', message };
      if (path.includes('messages'))
        sendJson(response, { type: 'error', error, request_id: providerId }, 400);
      else sendJson(response, { error: { ...error, param: 'top_p', code: null } }, 400);
    };
    for (const [path, body] of [
      ['/v1/messages', MESSAGES],
      ['/v1/chat/completions', CHAT],
    ] as const) {
      const response = await post(path, JSON.stringify(body));
      const id = response.headers.get('x-request-id') ?? '';
      const text = await response.text();
      expect(text).not.toContain(providerId);
      const parsed = JSON.parse(text);
      expect(parsed.request_id ?? parsed.error.request_id).toBe(id);
      expect(parsed.error.message).toBe(`top_p: too large (${id})`);
      expect((await waitForBill(stack.gatewayUrl, apiKey, id)).reason).toBe('upstream_refused');
    }
  });

  it('for too many requests is the RateLimitError of each SDK, with the provider’s own pause', async () => {
    for (const [headers, pause] of [
      [{ 'retry-after': '7' }, '7'],
      [{ 'retry-after-ms': '1500' }, '2'],
      [{}, null],
    ] as const) {
      upstream.handler = (_, response) => {
        response.writeHead(429, { 'content-type': 'application/json', ...headers });
        response.end('{"error":{"message":"Rate limit reached","type":"requests"}}');
      };
      const chat: unknown = await openai.chat.completions.create(CHAT).catch((thrown) => thrown);
      if (!(chat instanceof OpenAI.RateLimitError)) throw new Error('no RateLimitError');
      expect(chat.headers.get('retry-after')).toBe(pause);
      const message: unknown = await anthropic.messages.create(MESSAGES).catch((thrown) => thrown);
      if (!(message instanceof Anthropic.RateLimitError)) throw new Error('no RateLimitError');
      expect(message.headers?.get('retry-after')).toBe(pause);
    }
  });

  it('of our own account stays an error of the server', async () => {
    upstream.handler = (_, response) =>
      sendJson(response, { error: { message: 'You exceeded', code: 'insufficient_quota' } }, 429);
    const error: unknown = await openai.chat.completions.create(CHAT).catch((thrown) => thrown);
    expect(error).toMatchObject({ status: 502, code: 'upstream_account_error' });
  });
});

describe('the tool runner of the Anthropic SDK', () => {
  it('goes on without a message thread, which is refused in the words that it knows', async () => {
    const bodies: { thread?: unknown }[] = [];
    upstream.handler = (request, response) => {
      bodies.push(JSON.parse(request.body));
      sendJson(response, messageResponse('Hello.', COUNTS));
    };
    const reply = await anthropic.beta.messages.toolRunner({ ...MESSAGES, tools: [] });
    expect(reply.content).toMatchObject([{ text: 'Hello.' }]);
    expect(bodies.map((body) => body.thread)).toEqual([undefined]);
  });

  it('gets a code for a thread over plain HTTP', async () => {
    const response = await post(
      '/v1/messages',
      JSON.stringify({ ...MESSAGES, thread: { type: 'create' } }),
    );
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { details: { error_code: 'thread_unsupported_request' } },
    });
  });
});

describe('POST /v1/estimate', () => {
  it.each([
    ['a Messages body', MESSAGES, 'messages'],
    ['a Messages body with system and tools', { ...MESSAGES, system: 'x', tools: [] }, 'messages'],
    ['a body that counts tokens', { model: MESSAGES.model, messages }, 'messages'],
    ['a chat body', CHAT, 'chat'],
  ])('takes %s without the headers of an SDK', async (_, body, dialect) => {
    const response = await post('/v1/estimate', JSON.stringify(body));
    expect(await response.json()).toMatchObject({ data: { dialect } });
  });
});

describe('anthropic-version', () => {
  it('of another version is 400 and names the one that is served', async () => {
    const headers = { 'anthropic-version': '2023-01-01' };
    for (const path of ['/v1/messages', '/v1/messages/count_tokens']) {
      const response = await post(path, JSON.stringify(MESSAGES), headers);
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('2023-06-01');
    }
  });
});

describe('a key in any header', () => {
  it.each(['x-api-key', 'api-key', 'x-goog-api-key'])(
    '%s is read, with Bearer too',
    async (name) => {
      for (const value of [apiKey, `Bearer ${apiKey}`]) {
        const response = await fetch(`${stack.gatewayUrl}/v1/credits`, {
          headers: { [name]: value },
        });
        expect(response.status).toBe(200);
      }
    },
  );
});

describe('every request of these tests', () => {
  it('has left nothing held', async () => {
    expect((await fetchSettledBalance(stack.gatewayUrl, apiKey)).held).toBe(0n);
  });
});

/**
 * `send` over a real connection to a server of our own: the recorded errors of each provider (found
 * by FAREBOX_CORPUS, skipped where that is unset), and a provider that times out, disconnects or
 * redirects.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configureProviders, send, type UpstreamRequest } from './index.ts';
import { PROVIDER_IDS } from './list.ts';

const ROOT = process.env.FAREBOX_CORPUS ?? '';
const TIMER: UpstreamRequest['timer'] = {
  start: (delayMs, run) => {
    const timeout = setTimeout(run, delayMs);
    return () => clearTimeout(timeout);
  },
};
type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let respond: Handler = () => {};
const server = createServer((request, response) => respond(request, response));
let base = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  base = `http://127.0.0.1:${address.port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function buildRequest(id: string, rest: Partial<UpstreamRequest> = {}): UpstreamRequest {
  const provider = configureProviders({
    apiKeys: Object.fromEntries(PROVIDER_IDS.map((name) => [name, 'our-key'])),
    baseUrls: Object.fromEntries(PROVIDER_IDS.map((name) => [name, base])),
    extra: [{ id: 'openrouter', baseUrl: base, apiKey: 'our-key' }],
  }).get(id);
  if (provider === undefined) throw new Error(id);
  return {
    provider,
    endpoint: id === 'anthropic' ? 'messages' : 'chat',
    query: '',
    headers: new Headers(),
    body: [new TextEncoder().encode('{}')],
    abort: new AbortController(),
    firstByteMs: 5000,
    timer: TIMER,
    ...rest,
  };
}

/** The reason of each recorded error, by status where the status decides. */
const EXPECTED_KINDS: Readonly<Record<string, string>> = {
  'anthropic 401': 'provider_account_error',
  'anthropic 404': 'rejected',
  'anthropic 529': 'overloaded',
  'deepseek 400': 'rejected',
  'deepseek 422': 'rejected',
  'openai 400': 'rejected',
  'openai 401': 'provider_account_error',
  'openai 404': 'rejected',
  'openai 429': 'overloaded',
  'openrouter 400': 'rejected',
  'xai 503': 'overloaded',
};
/** OpenAI's codes of errors about our own account, whatever their status. */
const QUOTA = /"insufficient_quota"/;
/** xAI answers 400 both to our wrong key and to the caller's long prompt: its message decides. */
const XAI_KEY = /^\{"code":"[^"]*","error":"Incorrect API key/;

function recordedErrors() {
  const errors: { id: string; provider: string; status: number; type: string; body: Buffer }[] = [];
  for (const provider of readdirSync(ROOT)) {
    for (const api of ['openai-chat', 'anthropic-messages', 'openai-responses']) {
      const folder = join(ROOT, provider, api);
      if (!existsSync(folder)) continue;
      for (const name of readdirSync(folder)) {
        const meta = JSON.parse(readFileSync(join(folder, name, 'meta.json'), 'utf8'));
        if (meta.status === 200) continue;
        const body = readFileSync(join(folder, name, meta.response_file));
        errors.push({ id: meta.id, provider, status: meta.status, type: meta.content_type, body });
      }
    }
  }
  return errors;
}

describe.skipIf(ROOT === '')('a recorded error (FAREBOX_CORPUS)', () => {
  it.each(ROOT === '' ? [] : recordedErrors())('$id', async (recording) => {
    const { provider, status, type, body } = recording;
    respond = (_request, response) =>
      response.writeHead(status, { 'content-type': type }).end(body);
    const result = await send(buildRequest(provider));
    const text = body.toString();
    const isAccountError = QUOTA.test(text) && status === 400;
    const isKeyError = XAI_KEY.test(text);
    const xaiKind = isKeyError ? 'provider_account_error' : 'rejected';
    const known =
      EXPECTED_KINDS[`${provider} ${status}`] ?? (provider === 'xai' ? xaiKind : 'unlisted');
    const reason = isAccountError ? 'provider_account_error' : known;
    expect(result).toMatchObject({ ok: false, reason, status });
    if (result.ok || result.reason !== 'rejected') return;
    expect(Buffer.from(result.errorBody).equals(body)).toBe(true);
    expect(result.contentType).toBe(type);
  });
});

describe('the length of an answer', () => {
  const text = '{"choices":[]}';
  const cases: [string, Record<string, string>, number | null][] = [
    ['that its headers tell is known', { 'content-length': String(text.length) }, text.length],
    ['in chunks is not known', {}, null],
  ];
  it.each(cases)('%s', async (_, headers, length) => {
    respond = (_request, response) => {
      response.writeHead(200, headers);
      response.write(text);
      response.end();
    };
    const result = await send(buildRequest('openai'));
    expect(result).toMatchObject({ ok: true, length });
    expect(result.ok && new TextDecoder().decode(await result.arrayBuffer())).toBe(text);
  });

  it('is not known of one that is compressed against our request', async () => {
    const compressed = gzipSync(text);
    respond = (_request, response) => {
      const coding = { 'content-encoding': 'gzip', 'content-length': compressed.length };
      response.writeHead(200, coding);
      response.end(compressed);
    };
    const result = await send(buildRequest('openai'));
    expect(result).toMatchObject({ ok: true, length: null });
    expect(result.ok && (await new Response(result.body).text())).toBe(text);
  });
});

describe('send', () => {
  it('times out when the provider sends no headers', async () => {
    respond = () => {};
    expect(await send(buildRequest('openai', { firstByteMs: 40 }))).toEqual({
      ok: false,
      reason: 'timeout',
    });
  });

  it('does not time out once the headers have arrived', async () => {
    respond = (_request, response) => {
      response.writeHead(200).write('a');
      setTimeout(() => response.end('b'), 500);
    };
    const result = await send(buildRequest('openai', { firstByteMs: 400 }));
    expect(result.ok && (await new Response(result.body).text())).toBe('ab');
  });

  it('reports a provider that closes the connection as unreachable', async () => {
    respond = (request) => request.socket.destroy();
    expect(await send(buildRequest('openai'))).toEqual({ ok: false, reason: 'unreachable' });
  });

  it('neither starts nor waits for a request that is aborted', async () => {
    let requestCount = 0;
    const abort = new AbortController();
    respond = () => {
      requestCount++;
      abort.abort();
    };
    const aborted = { ok: false, reason: 'aborted' };
    expect(await send(buildRequest('openai', { abort: abort }))).toEqual(aborted);
    expect(await send(buildRequest('openai', { abort: abort }))).toEqual(aborted);
    expect(requestCount).toBe(1);
  });

  it('does not follow a redirect', async () => {
    let requestCount = 0;
    respond = (_request, response) => {
      requestCount++;
      response.writeHead(307, { location: `${base}/elsewhere` }).end();
    };
    expect(await send(buildRequest('openai'))).toMatchObject({
      reason: 'provider_account_error',
      status: 307,
    });
    expect(requestCount).toBe(1);
  });

  it('passes Retry-After in seconds or as a date, and nothing else', async () => {
    const now = Date.UTC(2026, 10, 23, 12);
    const retryAfterFor = async (value: string) => {
      respond = (_request, response) => response.writeHead(429, { 'retry-after': value }).end();
      const result = await send(buildRequest('openai'), () => now);
      return !result.ok && result.reason === 'overloaded' ? result.retryAfter : 'none';
    };
    expect(await retryAfterFor('7')).toBe('7');
    expect(await retryAfterFor('Mon, 23 Nov 2026 12:00:30 GMT')).toBe('30');
    expect(await retryAfterFor('soon')).toBeNull();
  });

  it.each([
    ['openai', 200, 'x-ratelimit-limit-requests', '10000', [10_000]],
    ['openai', 429, 'x-ratelimit-limit-requests', '500', [500]],
    ['anthropic', 200, 'anthropic-ratelimit-requests-limit', '4000', [4_000]],
    ['xai', 400, 'x-ratelimit-limit-requests', '1800', [1_800]],
    ['openrouter', 200, 'x-ratelimit-limit-requests', '60', [60]],
    ['google', 200, 'x-ratelimit-limit-requests', '60', []],
    ['openai', 200, 'x-ratelimit-limit-requests', '0', []],
    ['openai', 200, 'x-ratelimit-limit-requests', '1e3', []],
    ['openai', 200, 'x-ratelimit-limit-requests', '', []],
  ])(
    'reports the rate that %s states with %s in %s: %j',
    async (id, status, name, value, rates) => {
      respond = (_request, response) => response.writeHead(status, { [name]: value }).end('{}');
      const stated: number[] = [];
      await send(buildRequest(id, { onRateStated: (rate) => void stated.push(rate) }));
      expect(stated).toEqual(rates);
    },
  );

  it('truncates a long error body', async () => {
    respond = (_request, response) => response.writeHead(400).end('x'.repeat(300_000));
    const result = await send(buildRequest('openai'));
    expect(!result.ok && result.reason === 'rejected' && result.errorBody.length).toBe(65_536);
  });
});

describe('the body of a request', () => {
  async function sendAndReceive(body: readonly Uint8Array[]) {
    const received: { bytes: Buffer; headers: IncomingMessage['headers'] }[] = [];
    respond = (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        received.push({ bytes: Buffer.concat(chunks), headers: request.headers });
        response.end('{}');
      });
    };
    const result = await send(buildRequest('anthropic', { body }));
    expect(result.ok && (await new Response(result.body).text())).toBe('{}');
    const first = received[0];
    if (first === undefined) throw new Error('nothing was sent');
    return first;
  }

  it('arrives unchanged when it is 20 MB in pieces', async () => {
    const pieces = [1, 10_000_000, 3, 10_000_000].map((length, turn) =>
      new Uint8Array(length).fill(97 + turn),
    );
    const { bytes } = await sendAndReceive(pieces);
    expect(bytes.equals(Buffer.concat(pieces))).toBe(true);
  });

  it("is sent in one piece when small, with our headers and none of the caller's", async () => {
    const { bytes, headers } = await sendAndReceive([Buffer.from('{"a"'), Buffer.from(':1}')]);
    expect(bytes.toString()).toBe('{"a":1}');
    expect(headers['content-length']).toBe('7');
    expect(headers['x-api-key']).toBe('our-key');
    expect(headers['accept-encoding']).toBe('identity');
    expect(headers.authorization).toBeUndefined();
  });
});

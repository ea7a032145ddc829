/**
 * What the router adds to every response: CORS headers for browsers, and the rejection of plain
 * http.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { handleRequest } from './app.ts';
import type { Env } from './env.ts';

const unreachable = () => Promise.reject(new Error('not here'));
const LEDGER: Required<Env>['LEDGER'] = new Proxy(Object({}), { get: () => unreachable });
const SETTLEMENTS: Queue = Object({});
const CATALOG: Required<Env>['CATALOG'] = new Proxy(Object({}), { get: () => unreachable });
const bindings = { LEDGER, SETTLEMENTS, CATALOG, KEY_MAC_SECRETS: `1:${'00'.repeat(32)}` };
const context = {
  waitUntil: () => {},
  passThroughOnException: () => {},
  props: {},
};

async function sendRequest(path: string, init: RequestInit = {}, env: Env = bindings) {
  return handleRequest(new Request(`https://api.example${path}`, init), env, context);
}

/** The headers for which openai-node and anthropic-sdk-typescript ask in a browser. */
const SDK_HEADERS = [
  'authorization',
  'content-type',
  'x-api-key',
  'anthropic-version',
  'anthropic-beta',
  'anthropic-dangerous-direct-browser-access',
  'x-stainless-arch',
  'x-stainless-retry-count',
];

describe('the response to a CORS preflight', () => {
  it.each(['/v1/chat/completions', '/v1/messages', '/v1/models', '/nowhere'])(
    'allows the headers of the SDKs on %s, without credentials',
    async (path) => {
      const response = await sendRequest(path, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://page.example',
          'access-control-request-method': 'POST',
          'access-control-request-headers': SDK_HEADERS.join(','),
        },
      });
      expect(response.status).toBe(204);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(response.headers.get('access-control-allow-headers')?.split(', ')).toEqual(
        SDK_HEADERS,
      );
      expect(response.headers.get('access-control-allow-methods')).toBe('GET, POST');
      expect(response.headers.get('access-control-allow-credentials')).toBeNull();
    },
  );

  it('allows only valid header names', async () => {
    const response = await sendRequest('/v1/models', {
      method: 'OPTIONS',
      headers: { 'access-control-request-headers': 'x-ok, bad name, "quoted", <b>' },
    });
    expect(response.headers.get('access-control-allow-headers')).toBe('x-ok');
  });
});

/** The headers that docs/storage.md says we add. */
const ADDED_HEADERS: readonly string[] = (() => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/storage.md'), 'utf8');
  const [, list = ''] = /Headers we add: (.+?)\.\n/s.exec(text) ?? [];
  return [...list.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
})();

describe('every response of the gateway', () => {
  it('has headers that docs/storage.md lists', () => {
    expect(ADDED_HEADERS).toContain('x-farebox-max-tool-calls');
    const written = readdirSync(import.meta.dirname)
      .filter((file) => /\.ts$/.test(file) && !/\.test\.ts$|\.testing\.ts$/.test(file))
      .flatMap((file) => [
        ...readFileSync(join(import.meta.dirname, file), 'utf8').matchAll(/'(x-farebox-[a-z-]+)'/g),
      ])
      .map(([, name = '']) => name);
    // The caller sends this one.
    const added = new Set(written.filter((name) => name !== 'x-farebox-include-cost'));
    expect([...added].filter((name) => !ADDED_HEADERS.includes(name))).toEqual([]);
  });

  const requests: [string, string, RequestInit][] = [
    ['an error without a key', '/v1/chat/completions', { method: 'POST', body: '{}' }],
    ['a forged key', '/v1/credits', { headers: { authorization: 'Bearer fbx_x' } }],
    ['an unknown path', '/nowhere', {}],
    ['a wrong method', '/v1/messages', {}],
    ['the models', '/v1/models', {}],
  ];
  it.each(requests)('is readable by any page: %s', async (_, path, init) => {
    const { headers } = await sendRequest(path, init);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    for (const name of ADDED_HEADERS) {
      expect(headers.get('access-control-expose-headers')?.split(', ')).toContain(name);
    }
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('a call over plain http', () => {
  it('is rejected and not redirected, because its key has already leaked', async () => {
    const init = { method: 'POST', body: '{}', headers: { authorization: 'Bearer fbx_x' } };
    const url = 'http://api.example/v1/chat/completions';
    const response = await handleRequest(new Request(url, init), bindings, context);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { code: 'https_required' } });
  });
});

describe('an API key in a URL', () => {
  it.each([
    ['GET', '/v1beta/models?key=fbx_x'],
    ['GET', '/v1beta/models?key='],
    ['GET', '/v1beta/models/gemini-3.8-flash?$key=x'],
    ['POST', '/v1/models/gemini-3.8-flash:streamGenerateContent?alt=sse&key=x'],
    ['POST', '/v1beta/models/gemini-3.8-flash:countTokens?access_token=x'],
    ['GET', '/v1/models?api_key=fbx_x'],
    ['GET', '/v1/credits?key=fbx_x'],
    ['POST', '/v1/chat/completions?token=Bearer%20fbx_x'],
    ['GET', '/v1/files?key=fbx_x'],
  ])('is refused, whatever the headers say: %s %s', async (method, path) => {
    const response = await sendRequest(path, {
      method,
      headers: { authorization: 'Bearer fbx_other' },
      ...(method === 'POST' ? { body: '{}' } : {}),
    });
    expect(response.status).toBe(401);
    expect(JSON.stringify(await response.json())).toMatch(
      /api_key_in_url.*not in the URL|not in the URL.*api_key_in_url/i,
    );
  });

  it.each(['/v1/models?key=x', '/v1/models?limit=5', '/v1beta/models?pageSize=5'])(
    'is not seen where there is none: %s',
    async (path) => {
      expect((await sendRequest(path)).status).toBe(200);
    },
  );
});

describe('what the providers have and this API has not', () => {
  it('is refused with the reason, in the words of the caller’s API', async () => {
    const ofOpenAi = await (await sendRequest('/v1/files')).text();
    expect(JSON.parse(ofOpenAi)).toMatchObject({
      error: { code: 'unsupported_feature', param: 'files' },
    });
    expect(ofOpenAi).toContain('Send files in the request that needs them.');
    expect(ofOpenAi).not.toMatch(/Google|inlineData/);
    const headers = { 'x-goog-api-key': 'fbx_x' };
    expect(await (await sendRequest('/v1/files', { headers })).text()).toContain('inlineData.');
  });

  it.each([
    ['GET', '/v1/responses/resp_1'],
    ['DELETE', '/v1/responses/resp_1'],
    ['POST', '/v1/responses/resp_1/cancel'],
    ['GET', '/v1/responses/resp_1/input_items'],
    ['GET', '/v1/chat/completions/chatcmpl-1'],
  ])('is a stored answer: %s %s is 404 with the reason', async (method, path) => {
    const response = await sendRequest(path, { method });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      error: { code: 'answer_not_stored', message: expect.stringContaining('not stored here') },
    });
  });
});

describe('a path under another base URL', () => {
  it.each(['/v1/v1/messages', '/messages', '//v1/messages', '/v1/messages/', '/api/v1/messages'])(
    '%s is served as /v1/messages',
    async (path) => {
      const response = await sendRequest(path, { method: 'POST', body: '{}' });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({
        type: 'error',
        error: { code: 'missing_api_key' },
      });
    },
  );

  it('that is not served is 400 and names the endpoint', async () => {
    const path = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';
    const response = await sendRequest(path, { method: 'POST', body: '{}' });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: 'wrong_base_url', message: expect.stringContaining('/v1/chat/completions') },
    });
  });

  it('with a wrong method is told the method', async () => {
    expect((await sendRequest('/v1/v1/messages/')).headers.get('allow')).toBe('POST');
  });
});

describe('a method that a path does not have', () => {
  it.each([
    ['GET', '/v1/chat/completions', 'POST'],
    ['PUT', '/v1/embeddings', 'POST'],
    ['DELETE', '/v1/messages', 'POST'],
    ['PATCH', '/v1/estimate', 'POST'],
    ['POST', '/v1/models', 'GET'],
    ['DELETE', '/v1/models/gpt-5.4', 'GET'],
    ['POST', '/v1/models/openai/gpt-5.4', 'GET'],
    ['PUT', '/v1beta/models/gemini-3.5-flash', 'GET'],
    ['POST', '/v1/credits', 'GET'],
    ['POST', '/v1/key', 'GET'],
    ['DELETE', '/v1/generation/0123', 'GET'],
    ['POST', '/healthz', 'GET'],
  ])('is 405 and told the right one: %s %s', async (method, path, allowed) => {
    const response = await sendRequest(path, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allowed]);
  });

  it('is 405 without a body for HEAD', async () => {
    const response = await sendRequest('/v1/messages', { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([405, '']);
  });
});

describe('a request without a key that is valid', () => {
  it('is told the scheme by which to authenticate', async () => {
    const response = await sendRequest('/v1/credits', {});
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  });
});

describe('an unexpected error', () => {
  it.each(['/v1/messages', '/v1/messages/', '/v1/models/gpt-5.4'])(
    'is 500 in the dialect of the headers and without its text on %s',
    async (path) => {
      const init = { headers: { 'anthropic-version': '2023-06-01' } };
      const method = path.startsWith('/v1/models') ? 'GET' : 'POST';
      const response = await sendRequest(path, { ...init, method }, {});
      expect(response.status).toBe(500);
      const error = { code: 'internal', message: expect.not.stringContaining('KEY_MAC_SECRETS') };
      expect(await response.json()).toMatchObject({ type: 'error', error });
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
    },
  );
});

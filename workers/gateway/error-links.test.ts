/** The `Link` to the page about an error, on errors of every origin and in each dialect. */
import { DIALECTS, type Dialect, type UrlTarget } from '@farebox/dialects';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { handleRequest } from './app.ts';
import { createTestGateway, TEST_API_KEY } from './gateway-context.testing.ts';
import { relay } from './relay.ts';

const SITE = 'https://site.example';
const toLink = (page: string) => `<${SITE}/docs/errors/${page}>; rel="help"`;

const messages = [{ role: 'user', content: 'Hello.' }];
const BODIES: Readonly<Record<Dialect, object>> = {
  chat: { model: 'gpt-5.4', messages },
  messages: { model: 'claude-opus-5-5', max_tokens: 100, messages },
  responses: { model: 'gpt-5.4', input: 'Hello.' },
  gemini: { contents: [{ role: 'user', parts: [{ text: 'Hello.' }] }] },
};

/** An error as the dialect's own provider writes it. */
const NATIVE_ERRORS: Readonly<Record<Dialect, object>> = {
  chat: { error: { message: 'Bad.', type: 'invalid_request_error', param: null, code: null } },
  messages: { type: 'error', error: { type: 'invalid_request_error', message: 'Bad.' } },
  responses: { error: { message: 'Bad.', type: 'invalid_request_error', param: null, code: null } },
  gemini: { error: { code: 400, message: 'Bad.', status: 'INVALID_ARGUMENT' } },
};

/** The beginning of a stream that is then cut. */
const STARTS: Readonly<Record<Dialect, string>> = {
  chat: 'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Good morning to you all."}}]}\n\n',
  messages:
    'event: message_start\ndata: {"type":"message_start","message":{"type":"message","role":"assistant","content":[],"usage":{"input_tokens":5,"output_tokens":1}}}\n\n' +
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n' +
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Good morning to you all."}}\n\n',
  responses:
    'event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":{"id":"r","object":"response","status":"in_progress","output":[]}}\n\n' +
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":1,"item_id":"m","output_index":0,"content_index":0,"delta":"Good morning to you all."}\n\n',
  gemini:
    'data: {"candidates":[{"content":{"parts":[{"text":"Good morning to you all."}],"role":"model"},"index":0}]}\r\n\r\n',
};

const PATHS: Readonly<Record<Dialect, string>> = {
  chat: '/v1/chat/completions',
  messages: '/v1/messages',
  responses: '/v1/responses',
  gemini: '/v1beta/models/gemini-3.8-flash:generateContent',
};

beforeEach(() => void vi.stubGlobal('IdentityTransformStream', TransformStream));
afterEach(() => void vi.unstubAllGlobals());

function toTarget(dialect: Dialect, isStream: boolean): UrlTarget | null {
  if (dialect !== 'gemini') return null;
  const method = isStream ? 'streamGenerateContent' : 'generateContent';
  const streamFormat = isStream ? 'events' : null;
  return { version: 'v1beta', model: 'gemini-3.8-flash', method, streamFormat };
}

/** Sends a call whose provider answers with `answer`. */
async function call(
  dialect: Dialect,
  answer: Response,
  { siteUrl = SITE, isStream = false }: { siteUrl?: string | null; isStream?: boolean } = {},
): Promise<Response> {
  vi.stubGlobal('fetch', async () => answer);
  const { createContext } = createTestGateway();
  const body = isStream && dialect !== 'gemini' ? { stream: true } : {};
  const request = new Request(`https://api.example${PATHS[dialect]}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TEST_API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...BODIES[dialect], ...body }),
  });
  const ctx = createContext(request);
  const deps = { ...ctx.deps, siteUrl };
  return relay({ ...ctx, dialect, deps }, dialect, toTarget(dialect, isStream));
}

function document(value: unknown, status: number): Response {
  return Response.json(value, { status });
}

/** An answer under a status of success. */
function bytes(text: string, type = 'application/json'): Response {
  const body = new ReadableStream({
    type: 'bytes',
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
  return new Response(body, { headers: { 'content-type': type } });
}

describe.each(DIALECTS)('the link of an error in the dialect %s', (dialect) => {
  it.each([400, 404, 422])(
    'leads to the page about rejections on %i of a provider',
    async (status) => {
      const response = await call(dialect, document(NATIVE_ERRORS[dialect], status));
      expect([response.status, response.headers.get('link')]).toEqual([
        status,
        toLink('upstream_refused'),
      ]);
      expect(response.headers.get('access-control-expose-headers')?.split(', ')).toContain('link');
    },
  );

  it('leads to the page of its code where the provider is the cause', async () => {
    const response = await call(dialect, document({}, 500));
    expect(response.headers.get('link')).toBe(toLink('upstream_overloaded'));
  });

  it('leads to the page of its code where a status of success brings an error', async () => {
    const response = await call(dialect, bytes(JSON.stringify(NATIVE_ERRORS[dialect])));
    expect([response.status, response.headers.get('link')]).toEqual([
      502,
      toLink('upstream_error'),
    ]);
  });

  it('is absent where the headers are sent before the error', async () => {
    const response = await call(dialect, bytes(STARTS[dialect], 'text/event-stream'), {
      isStream: true,
    });
    expect([response.status, response.headers.get('link')]).toEqual([200, null]);
    expect(await response.text()).toMatch(/upstream_disconnected/i);
  });

  it('is absent on a rejection where the platform has no site', async () => {
    const answer = document(NATIVE_ERRORS[dialect], 400);
    const response = await call(dialect, answer, { siteUrl: null });
    expect([response.status, response.headers.get('link')]).toEqual([400, null]);
  });

  it('leads to the page about errors of the gateway on 500', async () => {
    const request = new Request(`https://api.example${PATHS[dialect]}`, { method: 'POST' });
    const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} };
    const response = await handleRequest(request, { SITE_URL: `${SITE}/` }, context);
    expect([response.status, response.headers.get('link')]).toEqual([500, toLink('internal')]);
  });
});

describe('the link of an error', () => {
  it('is absent on 500 where the address of the site is none', async () => {
    const request = new Request('https://api.example/v1/messages', { method: 'POST' });
    const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} };
    const response = await handleRequest(request, { SITE_URL: 'site' }, context);
    expect([response.status, response.headers.get('link')]).toEqual([500, null]);
  });
});

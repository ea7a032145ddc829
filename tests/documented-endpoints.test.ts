/**
 * Every endpoint of docs/openapi.json, called as the document says on the stack of `npm start`,
 * whose providers are the mock: who tries one finds it, and gets what the document promises.
 */
import { on, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalStack } from '@farebox/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { waitForBill } from './support/bills.ts';
import { sharedStack } from './support/shared-stack.ts';

type Operation = Readonly<{
  responses: Readonly<Record<string, unknown>>;
  parameters?: readonly Readonly<{ name: string; example?: string }>[];
  requestBody?: Readonly<{
    content: Readonly<Record<string, Readonly<{ example?: Readonly<Record<string, unknown>> }>>>;
  }>;
}>;
const DOCUMENT: Readonly<{ paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }> =
  JSON.parse(readFileSync(join(import.meta.dirname, '../docs/openapi.json'), 'utf8'));

const MESSAGES = [{ role: 'user', content: 'Hello' }];
const CONTENTS = [{ role: 'user', parts: [{ text: 'Hello' }] }];

/** What is sent to an endpoint: the parameters of its path, and a body or a form. */
type Example = Readonly<{
  parameters?: Readonly<Record<string, string>>;
  body?: Readonly<Record<string, unknown>>;
  form?: Readonly<Record<string, string>>;
  /** The name of the form's file. */
  file?: string;
  /** Where it is not 200. */
  status?: number;
}>;

/** Of each endpoint, by its method and path; further ones stand beside them. */
const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  'POST /v1/chat/completions': [
    { body: { model: 'gpt-5.4', messages: MESSAGES } },
    { body: { model: 'gpt-5.4', messages: MESSAGES, stream: true } },
    { body: { model: 'deepseek-flash', messages: MESSAGES } },
    { body: { model: 'gemini-3.8-flash', messages: MESSAGES } },
    { body: { model: 'xai/grok-4.5', messages: MESSAGES } },
  ],
  'POST /v1/messages': [
    { body: { model: 'claude-opus-5-5', max_tokens: 100, messages: MESSAGES } },
    { body: { model: 'claude-opus-5-5', max_tokens: 100, messages: MESSAGES, stream: true } },
    { body: { model: 'deepseek-flash', max_tokens: 100, messages: MESSAGES } },
  ],
  'POST /v1/messages/count_tokens': [{ body: { model: 'claude-opus-5-5', messages: MESSAGES } }],
  'POST /v1/responses': [
    { body: { model: 'gpt-5.4', input: 'Hello' } },
    { body: { model: 'gpt-5.4', input: 'Hello', stream: true } },
  ],
  // Without an upgrade; the one with it is below.
  'GET /v1/responses': [{ status: 405 }],
  'POST /v1/responses/compact': [{ body: { model: 'gpt-5.4', input: 'Hello' } }],
  'POST /v1/responses/input_tokens': [{ body: { model: 'gpt-5.4', input: 'Hello' } }],
  'POST /v1/embeddings': [
    { body: { model: 'text-embedding-3-small', input: 'Hello' } },
    { body: { model: 'text-embedding-3-small', input: ['a', 'b'], encoding_format: 'base64' } },
    { body: { model: 'gemini-embedding-001', input: 'Hello' } },
  ],
  'POST /v1/images/generations': [
    { body: { model: 'gpt-image-2.6-flare', prompt: 'A cat' } },
    { body: { model: 'grok-imagine-image', prompt: 'A cat', n: 2 } },
  ],
  'POST /v1/images/edits': [
    { form: { model: 'gpt-image-2.6-flare', prompt: 'A cat' }, file: 'image' },
  ],
  'POST /v1/audio/speech': [{ body: { model: 'tts-1', voice: 'alloy', input: 'Hello' } }],
  'POST /v1/audio/transcriptions': [
    { form: { model: 'gpt-transcribe' }, file: 'file' },
    { form: { model: 'gpt-4o-mini-transcribe' }, file: 'file' },
  ],
  'POST /v1/audio/translations': [{ form: { model: 'whisper-1' }, file: 'file' }],
  'POST /v1/moderations': [{ body: { model: 'omni-moderation-latest', input: 'Hello' } }],
  'POST /v1/rerank': [
    { body: { model: 'cohere/rerank-v3.5', query: 'Hello', documents: ['a', 'b'] } },
  ],
  'POST /v1/estimate': [
    { body: { model: 'gpt-5.4', messages: MESSAGES } },
    { body: { model: 'text-embedding-3-small', input: 'Hello' } },
    { form: { model: 'gpt-transcribe' }, file: 'file' },
  ],
  'GET /v1/models': [{}],
  'GET /v1/models/{id}': [
    { parameters: { id: 'gpt-5.4' } },
    { parameters: { id: 'openai/gpt-5.4' } },
  ],
  'POST /v1/models/{modelAndMethod}': [
    {
      parameters: { modelAndMethod: 'gemini-3.8-flash:generateContent' },
      body: { contents: CONTENTS },
    },
    {
      parameters: { modelAndMethod: 'gemini-3.8-flash:streamGenerateContent?alt=sse' },
      body: { contents: CONTENTS },
    },
  ],
  'GET /v1beta/models': [{}],
  'GET /v1beta/models/{id}': [{ parameters: { id: 'gemini-3.8-flash' } }],
  'POST /v1beta/models/{modelAndMethod}': [
    ...['generateContent', 'streamGenerateContent', 'countTokens'].map((method) => ({
      parameters: { modelAndMethod: `gemini-3.8-flash:${method}` },
      body: { contents: CONTENTS },
    })),
    {
      parameters: { modelAndMethod: 'gemini-embedding-001:embedContent' },
      body: { content: { parts: [{ text: 'Hello' }] } },
    },
    {
      parameters: { modelAndMethod: 'gemini-embedding-001:batchEmbedContents' },
      body: {
        requests: [
          { model: 'models/gemini-embedding-001', content: { parts: [{ text: 'Hello' }] } },
        ],
      },
    },
  ],
  'GET /v1/generation/{id}': [{ parameters: { id: '0'.repeat(32) }, status: 404 }],
  'GET /.well-known/farebox-keys.json': [{}],
  'GET /v1/credits': [{}],
  'GET /v1/key': [{}],
};

/** Each documented endpoint with what the document says of it. */
const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries(DOCUMENT.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
    ),
  ),
);

const CALLS = Object.entries(EXAMPLES).flatMap(([endpoint, examples]) =>
  examples.map((example) => [endpoint, example] as const),
);

/** The examples of the document itself, of bodies that need no file. */
const DOCUMENTED = [...OPERATIONS].flatMap(([endpoint, { parameters = [], requestBody }]) => {
  const body = requestBody?.content['application/json']?.example;
  if (body === undefined || endpoint === 'POST /v1/images/edits') return [];
  const named = parameters.flatMap(({ name, example }) =>
    example === undefined ? [] : [[name, example] as const],
  );
  return [[endpoint, { body, parameters: Object.fromEntries(named) }] as const];
});

let stack: LocalStack;
let apiKey: string;

beforeAll(async () => {
  ({ stack } = await sharedStack('mock'));
  ({ apiKey } = await stack.createAccount({ creditUsd: '20' }));
});

function toBody({ body, form, file }: Example): FormData | string | undefined {
  if (form === undefined) return body === undefined ? undefined : JSON.stringify(body);
  const data = new FormData();
  for (const [name, value] of Object.entries(form)) data.set(name, value);
  if (file !== undefined) data.set(file, new Blob([new Uint8Array(8_000)]), 'a.mp3');
  return data;
}

async function call(endpoint: string, example: Example): Promise<Response> {
  const [method = '', template = ''] = endpoint.split(' ');
  const path = template.replace(/\{(\w+)\}/g, (_, name) => example.parameters?.[name] ?? '');
  const body = toBody(example);
  const isGoogle = path.startsWith('/v1beta') || path.includes(':');
  return fetch(`${stack.gatewayUrl}${path}`, {
    method,
    headers: {
      ...(isGoogle ? { 'x-goog-api-key': apiKey } : { authorization: `Bearer ${apiKey}` }),
      ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
    },
    ...(body === undefined ? {} : { body }),
  });
}

describe('docs/openapi.json on npm start', () => {
  it('has an example here for each endpoint', () => {
    expect(Object.keys(EXAMPLES).sort()).toEqual([...OPERATIONS.keys()].sort());
  });

  it.each(DOCUMENTED)('%s answers the example of the document: %j', async (endpoint, example) => {
    const response = await call(endpoint, example);
    expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
  });

  it.each(CALLS)('%s answers %j as documented', async (endpoint, example) => {
    const response = await call(endpoint, example);
    const text = await response.text();
    expect([response.status, text.slice(0, 500)]).toEqual([
      example.status ?? 200,
      expect.any(String),
    ]);
    expect(Object.keys(OPERATIONS.get(endpoint)?.responses ?? {})).toContain(
      String(response.status),
    );
    expect(text.length).toBeGreaterThan(0);
  });

  it('GET /v1/responses answers over a WebSocket, and bills each response', async () => {
    const socket = new WebSocket(`${stack.gatewayUrl.replace('http', 'ws')}/v1/responses`, {
      headers: { authorization: `Bearer ${apiKey}` },
    });
    let id: string | undefined;
    socket.once('upgrade', ({ headers }) => {
      id = headers['x-request-id']?.toString();
    });
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'response.create', model: 'gpt-5.4', input: 'Hello' }));
    let text = '';
    for await (const [data] of on(socket, 'message', { signal: AbortSignal.timeout(10_000) })) {
      text += String(data);
      if (text.includes('response.completed')) break;
    }
    socket.close();
    expect(text).toContain('Hello from the mock');
    expect(await waitForBill(stack.gatewayUrl, apiKey, id)).toMatchObject({
      dialect: 'responses',
      reason: 'provider_reported',
    });
  });

  it('has the bill of a call', async () => {
    const response = await call('POST /v1/chat/completions', {
      body: { model: 'gpt-5.4', messages: MESSAGES },
    });
    await response.text();
    const id = response.headers.get('x-request-id');
    expect(await waitForBill(stack.gatewayUrl, apiKey, id)).toMatchObject({
      status: 'settled',
      reason: 'provider_reported',
    });
  });
});

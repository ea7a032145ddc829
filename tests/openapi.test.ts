/**
 * Real answers of the API against docs/openapi.json in closed mode: every object of the document is
 * closed, so that a member that the document lacks is found, and not only one that it has wrongly. A
 * status or a media type that is not documented fails too.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalStack } from '@farebox/local';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { beforeAll, describe, expect, it } from 'vitest';
import { waitForBill } from './support/bills.ts';
import { sharedStack } from './support/shared-stack.ts';

type Json = Readonly<Record<string, unknown>>;

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Closes every object whose members are listed and whose other members have no schema. */
function close(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(close);
  if (!isJson(schema)) return schema;
  const closed = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, close(value)]),
  );
  const isOpen = isJson(schema.properties) && schema.additionalProperties === undefined;
  return isOpen ? { ...closed, additionalProperties: false } : closed;
}

const document: Json = JSON.parse(
  readFileSync(join(import.meta.dirname, '../docs/openapi.json'), 'utf8'),
);
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema({ $id: 'openapi', ...(isJson(close(document)) ? Object(close(document)) : {}) });

/** A part of the document by its path; undefined if there is none. */
function find(...path: readonly string[]): unknown {
  return path.reduce<unknown>((part, name) => (isJson(part) ? part[name] : undefined), document);
}

function escapePointer(text: string): string {
  return encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** Headers that HTTP, the runtime or CORS gives every answer. */
const TRANSPORT_HEADER =
  /^(access-control-.+|cache-control|connection|content-(encoding|length|type)|date|keep-alive|transfer-encoding|vary)$/;

/** Returns what the document does not say of an answer's headers, or says otherwise. */
function findUndocumentedHeaders(place: readonly string[], headers: Headers): string[] {
  const documented = find(...place, 'headers');
  const names = isJson(documented) ? Object.keys(documented) : [];
  return [...headers]
    .filter(([name]) => !TRANSPORT_HEADER.test(name))
    .flatMap(([name, value]) => {
      if (!names.includes(name)) return [`header ${name}`];
      const schema = find('components', 'headers', name, 'schema');
      const validate = ajv.getSchema(`openapi#/components/headers/${name}/schema`);
      const isNumber = isJson(schema) && schema.type === 'integer';
      return validate?.(isNumber ? Number(value) : value) === true ? [] : [`${name}: ${value}`];
    });
}

type Call = Readonly<{ method: string; path: string; response: Response }>;

/** Returns what the document does not say of an answer. */
async function findUndocumented({ method, path, response }: Call): Promise<string[]> {
  const place = ['paths', path, method.toLowerCase(), 'responses', String(response.status)];
  if (find(...place) === undefined) return [`${method} ${path} answers ${response.status}`];
  const headers = findUndocumentedHeaders(place, response.headers);
  if (headers.length > 0) return headers.map((header) => `${method} ${path}: ${header}`);
  const mediaType = response.headers.get('content-type')?.split(';')[0] ?? '';
  const pointer = [...place, 'content', mediaType, 'schema'];
  if (find(...pointer) === undefined) return [`${method} ${path} answers ${mediaType}`];
  const validate = ajv.getSchema(`openapi#/${pointer.map(escapePointer).join('/')}`);
  const body: unknown = await response.json();
  if (validate === undefined) return [`no schema at ${pointer.join('/')}`];
  validate(body);
  if (response.status >= 400 && response.headers.get('link') === null) return ['no link'];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) =>
      `${method} ${path} ${response.status}${instancePath}: ${message} ${JSON.stringify(params)}`,
  );
}

describe('docs/openapi.json', () => {
  let stack: LocalStack;
  let apiKey: string;
  let callId: string;

  beforeAll(async () => {
    ({ stack } = await sharedStack('mock'));
    ({ apiKey } = await stack.createAccount({ creditUsd: '5' }));
    const answer = await send('POST', '/v1/chat/completions', {
      model: 'openai/gpt-5.4',
      max_tokens: 16,
      messages: [{ role: 'user', content: 'Hello' }],
    });
    callId = answer.headers.get('x-request-id') ?? '';
    await answer.arrayBuffer();
    await waitForBill(stack.gatewayUrl, apiKey, callId);
  }, 120_000);

  function send(method: string, path: string, body?: unknown, key = apiKey): Promise<Response> {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    return fetch(stack.gatewayUrl + path, { ...init, headers });
  }

  it.each([
    ['GET', '/v1/models', '/v1/models'],
    ['GET', '/v1/models/{id}', '/v1/models/openai%2Fgpt-5.4'],
    ['GET', '/v1/models/{id}', '/v1/models/deepseek%2Fdeepseek-flash'],
    ['GET', '/v1/credits', '/v1/credits'],
    ['GET', '/v1/key', '/v1/key'],
  ])('describes the answer of %s %s in full (%s)', async (method, path, url) => {
    const response = await send(method, url);
    expect(response.status).toBe(200);
    expect(await findUndocumented({ method, path, response })).toEqual([]);
  });

  it('describes a bill in full', async () => {
    const response = await send('GET', `/v1/generation/${callId}`);
    const path = '/v1/generation/{id}';
    expect(await findUndocumented({ method: 'GET', path, response })).toEqual([]);
  });

  it('describes an estimate in full', async () => {
    const response = await send('POST', '/v1/estimate', {
      model: 'openai/gpt-5.4',
      messages: [{ role: 'user', content: 'Hello' }],
    });
    expect(response.status).toBe(200);
    expect(await findUndocumented({ method: 'POST', path: '/v1/estimate', response })).toEqual([]);
  });

  it.each([
    ['POST', '/v1/chat/completions', { model: 'openai/gpt-5.4', messages: 7 }],
    ['POST', '/v1/chat/completions', { model: 'nothing/at-all', messages: [] }],
    ['POST', '/v1/messages', { model: 'anthropic/claude-opus-5-5', max_tokens: 'many' }],
    ['POST', '/v1/responses', { input: 'Hello' }],
    ['POST', '/v1/embeddings', { model: 'openai/gpt-5.4', input: 'Hello' }],
    ['POST', '/v1/estimate', {}],
  ])('describes the error of %s %s with %j in full', async (method, path, body) => {
    const response = await send(method, path, body);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(await findUndocumented({ method, path, response })).toEqual([]);
  });

  it.each([
    [
      'POST',
      '/v1beta/models/{modelAndMethod}',
      'gemini-3.8-flash:generateContent',
      { contents: 7 },
    ],
    ['POST', '/v1beta/models/{modelAndMethod}', 'none-at-all:generateContent', { contents: [] }],
    ['GET', '/v1beta/models/{id}', 'none-at-all', undefined],
    ['GET', '/v1beta/models/{id}', 'gemini-3.8-flash', undefined],
  ])('describes what %s %s answers about %s with %j', async (method, path, name, body) => {
    const response = await send(method, `/v1beta/models/${name}`, body);
    expect(await findUndocumented({ method, path, response })).toEqual([]);
  });

  it.each(['/v1/chat/completions', '/v1/messages', '/v1/responses'])(
    'describes the headers of an answer of %s',
    async (path) => {
      const place = ['paths', path, 'post', 'requestBody', 'content', 'application/json'];
      const example = find(...place, 'example');
      const response = await send('POST', path, example);
      await response.arrayBuffer();
      expect(response.status).toBe(200);
      const answer = ['paths', path, 'post', 'responses', '200'];
      expect(findUndocumentedHeaders(answer, response.headers)).toEqual([]);
    },
  );

  it.each([
    ['GET', '/v1/credits'],
    ['GET', '/v1/key'],
    ['GET', '/v1beta/models'],
    ['POST', '/v1/chat/completions'],
    ['POST', '/v1/messages'],
  ])('describes what %s %s answers to an unknown key', async (method, path) => {
    const response = await send(method, path, method === 'POST' ? {} : undefined, 'fbx_nothing');
    expect(response.status).toBe(401);
    expect(await findUndocumented({ method, path, response })).toEqual([]);
  });

  it('describes in full what a call without funds is told', async () => {
    const poor = await stack.createAccount({ creditUsd: '0.000001' });
    const path = '/v1/chat/completions';
    const body = {
      model: 'openai/gpt-5.4',
      max_tokens: 1_000,
      messages: [{ role: 'user', content: 'Hello' }],
    };
    const response = await send('POST', path, body, poor.apiKey);
    expect(response.status).toBe(402);
    expect(await findUndocumented({ method: 'POST', path, response })).toEqual([]);
  });
});

/**
 * Calls of an isolate that is new, or slept, through the gateway: what operators changed meanwhile
 * holds for every endpoint, whatever kind of answer it has.
 */
import { type CatalogRead, findModelById, RELEASED } from '@farebox/catalog';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RequestContext } from './context.ts';
import { createTestGateway, createUnreadCatalog, TEST_API_KEY } from './gateway-context.testing.ts';
import { serveOperation } from './operation-call.ts';
import { relay } from './relay.ts';

const HOUR = 3_600_000;
const USD = 1_000_000_000;

type Models = Readonly<Record<string, number | null>>;

/** A version that took effect an hour ago: a price in USD per million tokens, null to withdraw. */
function toRead(models: Models): CatalogRead {
  const effectiveAt = Date.now() - HOUR;
  const toRow = ([id, usd]: readonly [string, number | null]) => {
    const price = (usd ?? 0) * USD;
    const listed = findModelById(RELEASED, { provider: 'openai', id });
    const prices = [{ id: 'standard', when: {}, prices: { input_uncached: price, output: price } }];
    const definition = usd === null ? null : { ...listed, prices };
    const status = usd === null ? 'withdrawn' : 'defined';
    return { version: 1, effectiveAt, provider: 'openai', id, status, definition };
  };
  const rows = Object.entries(models).map(toRow);
  const versions = [{ version: 1, effectiveAt }];
  return {
    changed: true,
    overlay: { latestVersion: 1, versions, models: rows, margins: [] },
  };
}

const CHAT = 'gpt-5.4';
const EMBEDDING = 'text-embedding-3-small';
const usage = { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 };
const message = { role: 'assistant', content: 'secret of the withdrawn' };
const DOCUMENT = {
  object: 'chat.completion',
  choices: [{ index: 0, message, finish_reason: 'stop' }],
  usage,
};
const EVENTS = [
  { object: 'chat.completion.chunk', choices: [{ index: 0, delta: message }] },
  {
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
    usage,
  },
];
const EMBEDDINGS = {
  object: 'list',
  data: [{ object: 'embedding', index: 0, embedding: [0.5] }],
  usage: { prompt_tokens: 10, total_tokens: 10 },
};

function toStream(): Response {
  const text = [...EVENTS.map((event) => JSON.stringify(event)), '[DONE]'];
  const body = text.map((data) => `data: ${data}\n\n`).join('');
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

type Kind = Readonly<{
  name: string;
  model: string;
  fields: object;
  answer: () => Response;
  handle: (ctx: RequestContext) => Promise<Response>;
}>;

const messages = [{ role: 'user', content: 'Hello.' }];
const callChat = (ctx: RequestContext) => relay(ctx, 'chat', null);
const KINDS: readonly Kind[] = [
  {
    name: 'a document',
    model: CHAT,
    fields: { messages, max_tokens: 100 },
    answer: () => Response.json(DOCUMENT),
    handle: callChat,
  },
  {
    name: 'a stream',
    model: CHAT,
    fields: { messages, max_tokens: 100, stream: true },
    answer: toStream,
    handle: callChat,
  },
  {
    name: 'a document where a stream was asked for',
    model: CHAT,
    fields: { messages, max_tokens: 100, stream: true },
    answer: () => Response.json(DOCUMENT),
    handle: callChat,
  },
  {
    name: 'an operation',
    model: EMBEDDING,
    fields: { input: 'Hello.' },
    answer: () => Response.json(EMBEDDINGS),
    handle: serveOperation('embeddings'),
  },
];

let isAborted: boolean;

beforeEach(() => {
  isAborted = false;
  vi.stubGlobal('IdentityTransformStream', TransformStream);
});

afterEach(() => void vi.unstubAllGlobals());

/** Makes a call in a new isolate, whose catalog is read `readMs` after the provider's answer. */
async function callInNewIsolate(kind: Kind, models: Models, readMs: number) {
  const { catalog, answerRead } = createUnreadCatalog();
  const gateway = createTestGateway();
  vi.stubGlobal('fetch', async (_: string, { signal }: RequestInit) => {
    signal?.addEventListener('abort', () => {
      isAborted = true;
    });
    setTimeout(() => answerRead(toRead(models)), readMs);
    return kind.answer();
  });
  const request = new Request('https://api.example/', {
    method: 'POST',
    headers: { authorization: `Bearer ${TEST_API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: kind.model, ...kind.fields }),
  });
  const ctx = { ...gateway.createContext(request), deps: { ...gateway.deps, catalog } };
  void catalog.refreshIfDue(Date.now());
  const response = await kind.handle(ctx);
  const text = await response.text();
  await expect.poll(() => gateway.settled.length, { timeout: 5_000 }).toBe(1);
  return { response, text, settled: gateway.settled[0] };
}

describe('the first call of an isolate', () => {
  it.each(KINDS)('to $name is billed by the prices in effect', async (kind) => {
    const { response, settled } = await callInNewIsolate(kind, { [kind.model]: 0.002 }, 20);
    expect(response.status).toBe(200);
    expect(settled).toMatchObject({
      reason: 'provider_reported',
      priceRule: `${RELEASED.version}+1/standard`,
    });
  });

  it.each(KINDS.filter(({ name }) => name.includes('stream')))(
    'to $name waits with its bill, not with its answer, where the read takes long',
    async (kind) => {
      const { settled } = await callInNewIsolate(kind, { [kind.model]: 0.002 }, 400);
      expect(settled?.priceRule).toBe(`${RELEASED.version}+1/standard`);
    },
  );

  it.each(KINDS)('to $name is refused where the model was withdrawn', async (kind) => {
    const { response, text, settled } = await callInNewIsolate(kind, { [kind.model]: null }, 20);
    expect(response.status).toBe(404);
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'model_not_found' } });
    expect(text).not.toContain('secret');
    expect(settled).toMatchObject({ reason: 'not_sent', cost: 0n, httpStatus: 404 });
    expect(isAborted).toBe(true);
  });
});

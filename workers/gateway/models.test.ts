/** The list of models: paging, names, lifecycle and prices, without a key. */
import { describe, expect, it } from 'vitest';
import { app } from './app.ts';

const unreachableBinding = new Proxy(
  {},
  { get: () => () => Promise.reject(new Error('not here')) },
);
const bindings = {
  LEDGER: unreachableBinding,
  SETTLEMENTS: unreachableBinding,
  CATALOG: unreachableBinding,
  KEY_MAC_SECRETS: `1:${'00'.repeat(32)}`,
  OPENAI_API_KEY: 'k',
  ANTHROPIC_API_KEY: 'k',
  GEMINI_API_KEY: 'k',
  DEEPSEEK_API_KEY: 'k',
};
const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} };
const ANTHROPIC = { 'anthropic-version': '2023-06-01' };

type Entry = Readonly<{ id: string; created: number; endpoints: string[]; lifecycle: string }>;
type List = Readonly<{ data: Entry[]; has_more?: boolean; first_id?: string; last_id?: string }>;

async function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return app.request(`https://api.example${path}`, { headers }, bindings, context);
}

async function list(query: string, headers: Record<string, string>): Promise<List> {
  const response = await get(`/v1/models${query}`, headers);
  expect(response.status).toBe(200);
  return (await response.json()) as List;
}

function ids({ data }: List): string[] {
  return data.map(({ id }) => id);
}

describe('GET /v1/models for Anthropic’s clients', () => {
  it('lists only models that can be called at /v1/messages, the newest first', async () => {
    const { data } = await list('?limit=1000', ANTHROPIC);
    expect(data.length).toBeGreaterThan(5);
    for (const { id, endpoints } of data) expect(endpoints, id).toContain('/v1/messages');
    const created = data.map((entry) => entry.created);
    expect(created).toEqual([...created].sort((a, b) => b - a));
  });

  it('pages by after_id until has_more is false, without a gap or a repeat', async () => {
    const all = ids(await list('?limit=1000', ANTHROPIC));
    const seen: string[] = [];
    let cursor = '';
    for (let more = true; more; ) {
      const page = await list(`?limit=3${cursor}`, ANTHROPIC);
      expect(page).toMatchObject({ first_id: page.data[0]?.id, last_id: page.data.at(-1)?.id });
      seen.push(...ids(page));
      more = page.has_more === true;
      cursor = `&after_id=${page.last_id}`;
    }
    expect(seen).toEqual(all);
  });

  it('pages backwards by before_id', async () => {
    const all = ids(await list('?limit=1000', ANTHROPIC));
    const page = await list(`?limit=2&before_id=${all[3]}`, ANTHROPIC);
    expect(ids(page)).toEqual(all.slice(1, 3));
    expect(page.has_more).toBe(true);
    expect((await list(`?limit=9&before_id=${all[3]}`, ANTHROPIC)).has_more).toBe(false);
  });

  it('has pages of 20', async () => {
    const all = ids(await list('?limit=1000', ANTHROPIC));
    expect(ids(await list('', ANTHROPIC))).toEqual(all.slice(0, 20));
  });

  it.each(['?after_id=zzz', '?before_id=zzz', '?limit=0', '?limit=1001', '?limit=x', '?limit=-1'])(
    'answers %s with an error in Anthropic’s shape',
    async (query) => {
      const response = await get(`/v1/models${query}`, ANTHROPIC);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        type: 'error',
        error: { type: 'invalid_request_error' },
      });
    },
  );
});

describe('GET /v1/models for OpenAI’s clients', () => {
  it('lists every model on one page, whatever the query', async () => {
    const whole = await list('', {});
    expect(ids(await list('?limit=1', {}))).toEqual(ids(whole));
    expect(new Set(whole.data.flatMap(({ endpoints }) => endpoints))).toContain(
      '/v1/chat/completions',
    );
  });
});

describe('every listed model', () => {
  it('states prices, limits, lifecycle and the source of its price', async () => {
    const { data } = await list('', {});
    for (const entry of data) {
      expect(entry, entry.id).toMatchObject({
        pricing: { prompt: expect.stringMatching(/^\d+(\.\d+)?$/), overrides: expect.any(Array) },
        lifecycle: expect.stringMatching(/^(active|deprecated)$/),
        max_input_tokens: expect.any(Number),
        name: expect.stringMatching(/^[^a-z]|^(o\d|grok|text-|omni-|gpt-image)/),
        price_source: expect.any(String),
        price_source_date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
        price_rule: expect.stringContaining('/'),
      });
      // A day of this century.
      expect(entry.created, entry.id).toBeGreaterThan(Date.parse('2020-01-01') / 1000);
      const isConversational = entry.endpoints.includes('/v1/chat/completions');
      if (isConversational)
        expect(entry, entry.id).toMatchObject({ max_tokens: expect.any(Number) });
    }
  });
});

describe('GET /v1/models/{id}', () => {
  it.each([
    'claude-sonnet-4-5',
    'anthropic/claude-sonnet-4-5',
    'claude-sonnet-4-5-20250929',
    'claude-sonnet-4-5[1m]',
    'gpt-4o-mini-2024-07-18',
    'models/gemini-2.5-flash',
    'google/models/gemini-2.5-flash',
  ])('knows %s, a name that calls accept', async (name) => {
    const response = await get(`/v1/models/${name}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ object: 'model', type: 'model' });
  });

  it('knows a retired model, which the list leaves out', async () => {
    const response = await get('/v1/models/deepseek-chat');
    expect(await response.json()).toMatchObject({ lifecycle: 'retired' });
    expect(ids(await list('', {}))).not.toContain('deepseek/deepseek-chat');
  });

  it.each([
    ['/v1beta/models/gpt-4o-mini', {}],
    ['/v1beta/models/tts-1', {}],
    ['/v1/models/gpt-4o-mini', { 'x-goog-api-key': '' }],
    ['/v1/models/gpt-4o-mini', ANTHROPIC],
    ['/v1/models/text-embedding-3-small', ANTHROPIC],
  ])('finds at %s with %o no model that its dialect can’t call', async (path, headers) => {
    const response = await get(path, headers);
    expect(response.status).toBe(404);
    expect(JSON.stringify(await response.json())).toMatch(/model_not_found/i);
  });

  it('tells Google’s clients of an embedding model its methods, and no limit of output', async () => {
    const model = await (await get('/v1beta/models/gemini-embedding-001')).json();
    expect(model).toMatchObject({
      supportedGenerationMethods: ['embedContent', 'batchEmbedContents'],
    });
    expect(model).not.toHaveProperty('outputTokenLimit');
    expect(await (await get('/v1beta/models/gemini-3.8-flash')).json()).toMatchObject({
      supportedGenerationMethods: ['generateContent', 'countTokens'],
      outputTokenLimit: expect.any(Number),
    });
  });

  it.each([
    ['text-embedding-3-small', ['prompt', 'completion']],
    ['tts-1', ['prompt', 'completion', 'character']],
    ['omni-moderation-latest', ['prompt', 'completion']],
  ])('lists of %s the prices that it has, and no limit of output', async (name, keys) => {
    const model = (await (await get(`/v1/models/${name}`)).json()) as {
      pricing: Record<string, unknown>;
    };
    const { overrides, service_tiers, speeds, regions, upcoming, ...amounts } = model.pricing;
    expect(Object.keys(amounts)).toEqual(keys);
    expect(model).toMatchObject({
      max_output_tokens: null,
      max_tokens: null,
      top_provider: { max_completion_tokens: null },
    });
  });

  it('lists the endpoint of Google’s SDK for an embedding model', async () => {
    expect(await (await get('/v1/models/gemini-embedding-001')).json()).toMatchObject({
      endpoints: ['/v1/embeddings', '/v1beta/models/{model}:embedContent'],
    });
  });

  it('suggests names for an unknown one', async () => {
    const response = await get('/v1/models/claude-opus-5-6');
    expect(response.status).toBe(404);
    expect(JSON.stringify(await response.json())).toContain('claude-opus-5-5');
  });
});

/** Parsing a request: facts for billing, errors that name the field, and no valid body rejected. */
import { describe, expect, it } from 'vitest';
import {
  type Dialect,
  type ParseResult,
  parseCountTokens,
  parseRequest,
  type RequestFacts,
} from './index.ts';

const encoder = new TextEncoder();
const HELLO = [{ role: 'user', content: 'Hello' }];
const CHAT = { model: 'gpt-5', messages: HELLO };
const MESSAGES = { model: 'claude-opus-5', max_tokens: 100, messages: HELLO };

function parse(dialect: Dialect, body: unknown): ParseResult {
  return parseRequest(
    dialect,
    encoder.encode(typeof body === 'string' ? body : JSON.stringify(body)),
  );
}

function facts(dialect: Dialect, body: unknown): RequestFacts {
  const result = parse(dialect, body);
  if (!result.ok) throw new Error(`rejected: ${JSON.stringify(result)}`);
  return result.facts;
}

const chat = (more: object) => parse('chat', { ...CHAT, ...more });
const messages = (more: object) => parse('messages', { ...MESSAGES, ...more });
const userMessage = (content: unknown[]) => ({ messages: [{ role: 'user', content }] });

describe('facts of a chat body', () => {
  it('are the defaults when fields are absent', () => {
    expect(facts('chat', CHAT)).toMatchObject({
      model: 'gpt-5',
      stream: false,
      usageRequested: false,
      maxOutput: null,
      choices: 1,
      cacheWrites: 'automatic',
      surchargeBounds: [],
      unknownFields: 0,
    });
  });

  it('treat null as absent', () => {
    const nothing = { n: null, stream: null, max_tokens: null, stream_options: null, store: null };
    expect(facts('chat', { ...CHAT, ...nothing })).toMatchObject({
      stream: false,
      maxOutput: null,
      choices: 1,
    });
  });

  it('recognize a field with an escaped name', () => {
    const body = '{"m\\u006fdel":"gpt-5","messages":[],"strea\\u006D":true,"\\u006e":3}';
    expect(facts('chat', body)).toMatchObject({ model: 'gpt-5', stream: true, choices: 3 });
  });

  it('hold the larger of two output limits and the position of both', () => {
    const result = facts('chat', { ...CHAT, max_tokens: 5, max_completion_tokens: 50 });
    expect(result.maxOutput).toBe(50);
    expect(result.positions.outputLimits.map((limit) => [limit.field, limit.tokens])).toEqual([
      ['max_tokens', 5],
      ['max_completion_tokens', 50],
    ]);
  });

  it.each([
    ['1e3', 1000],
    ['1000.0', 1000],
    ['7', 7],
  ])('accept %s as a whole number', (written, tokens) => {
    const body = `{"model":"m","messages":[],"max_tokens":${written}}`;
    expect(facts('chat', body).maxOutput).toBe(tokens);
  });

  it('count an unknown field and let it pass', () => {
    expect(facts('chat', { ...CHAT, next_months_field: { deep: [1, 2, 3] } }).unknownFields).toBe(
      1,
    );
  });

  it('bound the searches of a request that asks for them and of a search model', () => {
    const bound = {
      surchargeBounds: [{ kind: 'web_search', maxCount: 5 }],
      maxInputTokens: 'context_window',
    };
    expect(facts('chat', { ...CHAT, web_search_options: {} })).toMatchObject(bound);
    expect(facts('chat', { ...CHAT, model: 'gpt-4o-search-preview' })).toMatchObject(bound);
  });
});

describe('facts of a Messages body', () => {
  it('hold the longest cache write, at any depth', () => {
    const cacheControl = (ttl?: string) => ({
      type: 'ephemeral',
      ...(ttl === undefined ? {} : { ttl }),
    });
    const places = [
      (cacheControlValue: object) => ({ cache_control: cacheControlValue }),
      (cacheControlValue: object) => ({
        system: [{ type: 'text', text: 'x', cache_control: cacheControlValue }],
      }),
      (cacheControlValue: object) => ({
        tools: [{ name: 'f', input_schema: {}, cache_control: cacheControlValue }],
      }),
      (cacheControlValue: object) =>
        userMessage([{ type: 'text', text: 'x', cache_control: cacheControlValue }]),
      (cacheControlValue: object) =>
        userMessage([
          {
            type: 'tool_result',
            tool_use_id: 'i',
            content: [{ type: 'text', text: 'x', cache_control: cacheControlValue }],
          },
        ]),
      (cacheControlValue: object) => ({
        next_months_field: [{ deeper: { cache_control: cacheControlValue } }],
      }),
    ];
    for (const place of places) {
      expect(facts('messages', { ...MESSAGES, ...place(cacheControl()) }).cacheWrites).toBe('5m');
      expect(facts('messages', { ...MESSAGES, ...place(cacheControl('1h')) }).cacheWrites).toBe(
        '1h',
      );
    }
    expect(facts('messages', MESSAGES).cacheWrites).toBe('automatic');
  });

  it('bound server tools by the context window and their surcharges', () => {
    const search = { type: 'web_search_20260318', name: 'web_search' };
    expect(facts('messages', { ...MESSAGES, tools: [{ ...search, max_uses: 3 }] })).toMatchObject({
      maxInputTokens: 'context_window',
      surchargeBounds: [{ kind: 'web_search', maxCount: 3 }],
    });
    const unbounded = facts('messages', { ...MESSAGES, tools: [{ ...search, max_uses: null }] });
    expect(unbounded.surchargeBounds).toEqual([{ kind: 'web_search', maxCount: 20 }]);
    for (const type of ['web_fetch_20250910', 'next_month_20270101']) {
      const result = facts('messages', { ...MESSAGES, tools: [{ type, name: 't' }] });
      expect(result.maxInputTokens).toBe('context_window');
    }
  });

  it.each([
    ['web_search_20260209', true],
    ['web_fetch_20260318', true],
    ['web_search_20250305', false],
    ['web_fetch_20250910', false],
    ['bash_20250124', false],
  ])('allow code execution beside %s: %s', (other, isAllowed) => {
    const names = ['code_execution_20250825', other];
    for (const types of [names, names.toReversed()]) {
      const tools = types.map((type) => ({ type, name: type.replace(/_\d+$/, '') }));
      const result = parse('messages', { ...MESSAGES, tools });
      if (isAllowed) expect(result.ok).toBe(true);
      else expect(result).toMatchObject({ ok: false, reason: 'unsupported_feature' });
    }
  });

  it('reject code execution alone, unless the request costs nothing', () => {
    const tools = [{ type: 'code_execution_20260521', name: 'code_execution' }];
    expect(parse('messages', { ...MESSAGES, tools })).toMatchObject({
      reason: 'unsupported_feature',
      field: 'tools[0]',
      explanation: expect.stringContaining('web_fetch_20260209'),
    });
    const body = new TextEncoder().encode(JSON.stringify({ ...MESSAGES, tools }));
    expect(parseCountTokens('count_tokens', body).ok).toBe(true);
  });

  it('bound the passes of a compaction', () => {
    const edits = [{ type: 'compact_20260112' }];
    expect(facts('messages', { ...MESSAGES, context_management: { edits } })).toMatchObject({
      maxInputTokens: 'context_window',
      surchargeBounds: [{ kind: 'compaction', maxCount: 1 }],
    });
    const clearing = { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] };
    const result = facts('messages', { ...MESSAGES, context_management: clearing });
    expect([result.surchargeBounds, result.unknownFields]).toEqual([[], 0]);
  });

  it('hold the thinking budget', () => {
    const thinking = { type: 'enabled', budget_tokens: 31_999 };
    expect(facts('messages', { ...MESSAGES, thinking }).thinkingBudget).toBe(31_999);
  });

  it('bound an inline image by its own limit and remote media by the context window', () => {
    const data = 'iVBORw0K'.repeat(10_000);
    const image = (source: object) => ({
      ...MESSAGES,
      ...userMessage([{ type: 'image', source }]),
    });
    const inline = facts('messages', image({ type: 'base64', media_type: 'image/png', data }));
    expect(inline.maxInputTokens).toBeGreaterThan(5_000);
    expect(inline.maxInputTokens).toBeLessThan(10_000);
    const dataFirst = facts('messages', image({ data, media_type: 'image/png', type: 'base64' }));
    expect(dataFirst.maxInputTokens).toBe(inline.maxInputTokens);
    const remote = facts('messages', image({ type: 'url', url: 'https://example.com/a.png' }));
    expect(remote.maxInputTokens).toBe('context_window');
  });

  it('count a text document by its text and bound a PDF by the context window', () => {
    const text = 'word '.repeat(1_000);
    const document = (source: object) => ({
      ...MESSAGES,
      ...userMessage([{ source, type: 'document' }]),
    });
    const plain = facts(
      'messages',
      document({ type: 'text', media_type: 'text/plain', data: text }),
    );
    expect(plain.maxInputTokens).toBeGreaterThan(5_000);
    expect(plain.estimatedInput.textTokens + plain.estimatedInput.mediaTokens).toBeGreaterThan(950);
    const pdf = facts('messages', document({ type: 'base64', data: 'JVBERi0x' }));
    expect(pdf.maxInputTokens).toBe('context_window');
  });
});

describe('a feature that cannot be priced or reaches stored data', () => {
  const STORED: readonly (readonly [Dialect, string, object])[] = [
    ['chat', 'store', { store: true }],
    ['chat', 'service_tier', { service_tier: 'scale' }],
    ['chat', 'service_tier', { service_tier: 'batch' }],
    ['chat', 'prompt_cache_options.ttl', { prompt_cache_options: { ttl: '48h' } }],
    ['chat', 'prediction', { prediction: { type: 'content', content: 'x' } }],
    ['chat', 'audio.voice', { audio: { voice: { id: 'voice_1' } } }],
    ['chat', 'search_parameters', { search_parameters: { mode: 'auto' } }],
    ['chat', 'previous_response_id', { previous_response_id: 'r' }],
    ['chat', 'google.cached_content', { extra_body: { google: { cached_content: 'c' } } }],
    ['chat', 'models', { models: ['a', 'b'] }],
    [
      'chat',
      'messages[0].content[0].file_id',
      userMessage([{ type: 'file', file: { file_id: 'f' } }]),
    ],
    ['chat', 'messages[0].audio', { messages: [{ role: 'assistant', audio: { id: 'a' } }] }],
    ['messages', 'service_tier', { service_tier: 'priority' }],
    ['messages', 'speed', { speed: 'faster' }],
    ['messages', 'inference_geo', { inference_geo: 'moon' }],
    ['messages', 'container', { container: 'c' }],
    ['messages', 'fallbacks', { fallbacks: 'default' }],
    ['messages', 'thread', { thread: { type: 'create' } }],
    ['messages', 'billing_policy', { billing_policy: { bill_to: 'user_profile' } }],
    ['messages', 'tools[0]', { tools: [{ type: 'advisor_20260301', model: 'm' }] }],
    [
      'messages',
      'messages[0].content[0].source.file_id',
      userMessage([{ type: 'image', source: { type: 'file', file_id: 'f' } }]),
    ],
    [
      'messages',
      'messages[0].content[0].file_id',
      userMessage([{ type: 'container_upload', file_id: 'f' }]),
    ],
    [
      'messages',
      'messages[0].content[0].content[0].source.file_id',
      userMessage([
        {
          type: 'tool_result',
          content: [{ type: 'document', source: { type: 'file', file_id: 'f' } }],
        },
      ]),
    ],
  ];

  it.each(STORED)('is rejected in %s with its field %s', (dialect, field, more) => {
    const result = dialect === 'chat' ? chat(more) : messages(more);
    expect(result).toMatchObject({ ok: false, reason: 'unsupported_feature', field });
  });

  it.each([
    { store: false },
    { service_tier: 'auto' },
    { service_tier: 'default' },
    { modalities: ['text'] },
    { search_parameters: { mode: 'off' } },
    { metadata: { a: 'b' } },
  ])('is accepted where it changes nothing: %j', (more) => {
    expect(chat(more).ok).toBe(true);
  });
});

describe('the terms of service that a request asks for', () => {
  it.each([
    [{}, 'standard'],
    [{ service_tier: null }, 'standard'],
    [{ service_tier: 'auto' }, 'standard'],
    [{ service_tier: 'default' }, 'standard'],
    [{ service_tier: 'flex' }, 'flex'],
    [{ service_tier: 'priority' }, 'priority'],
    [{ service_tier: 'fast' }, 'priority'],
    [{ service_tier: 'ultrafast' }, 'ultrafast'],
  ])('are in chat, with %j, the tier %s', (more, tier) => {
    const terms = { tier, speed: 'standard', region: 'global' };
    expect(chat(more)).toMatchObject({ ok: true, facts: { terms } });
  });

  it('are in messages a speed and a region', () => {
    const more = { speed: 'fast', inference_geo: 'us', service_tier: 'standard_only' };
    const terms = { tier: 'standard', speed: 'fast', region: 'us' };
    expect(messages(more)).toMatchObject({ ok: true, facts: { terms } });
  });

  it.each([
    [{}, 'automatic'],
    [{ prompt_cache_options: {} }, 'automatic'],
    [{ prompt_cache_options: { mode: 'explicit', ttl: '30m' } }, '30m'],
    [{ prompt_cache_options: { ttl: '12h' } }, '12h'],
    [{ prompt_cache_retention: 'in_memory' }, 'automatic'],
    [{ prompt_cache_retention: '24h' }, '12h'],
  ])('are in chat, with %j, cache writes of %s', (more, cacheWrites) => {
    expect(chat(more)).toMatchObject({ ok: true, facts: { cacheWrites } });
  });
});

describe('a body of another dialect', () => {
  const WRONG: readonly (readonly [Dialect, string, object])[] = [
    ['chat', '/v1/messages', { ...MESSAGES, system: 'Be brief' }],
    ['chat', '/v1/messages', { ...CHAT, tools: [{ name: 'f', input_schema: {} }] }],
    [
      'chat',
      '/v1/messages',
      { ...CHAT, ...userMessage([{ type: 'tool_result', tool_use_id: 'i' }]) },
    ],
    ['chat', '/v1/responses', { model: 'gpt-5', input: 'Hello' }],
    ['chat', '/v1beta/models/{model}:generateContent', { contents: [{ parts: [] }] }],
    [
      'messages',
      '/v1/chat/completions',
      { ...MESSAGES, tools: [{ type: 'function', function: {} }] },
    ],
    ['messages', '/v1/chat/completions', { ...CHAT, max_completion_tokens: 5 }],
    ['messages', '/v1/chat/completions', { ...CHAT, messages: [{ role: 'tool', content: 'x' }] }],
    ['messages', '/v1/responses', { model: 'gpt-5', input: [], instructions: 'x' }],
    ['messages', '/v1beta/models/{model}:generateContent', { contents: [] }],
  ];

  it.each(WRONG)('at the %s endpoint is directed to %s', (dialect, correctEndpoint, body) => {
    expect(parse(dialect, body)).toMatchObject({
      ok: false,
      reason: 'wrong_dialect',
      correctEndpoint,
    });
  });

  it('is not presumed when a field could belong to this one', () => {
    expect(chat({ input: 'x', instructions: 'y' }).ok).toBe(true);
    const midway = [...HELLO, { role: 'system', content: 'Now be brief' }];
    expect(messages({ messages: midway }).ok).toBe(true);
  });
});

describe('a body that two parsers would read differently', () => {
  it.each(['model', 'stream', 'max_tokens', 'n', 'messages', 'tools', 'stream_options'])(
    'is rejected for a second %s',
    (field) => {
      const twice = `{"model":"m","messages":[],"stream":true,"max_tokens":5,"n":1,"tools":[],"stream_options":{},"\\u00${field.charCodeAt(0).toString(16)}${field.slice(1)}":null}`;
      expect(parse('chat', twice)).toMatchObject({ ok: false, reason: 'duplicate_field', field });
    },
  );

  it('is rejected for a second include_usage, type or source', () => {
    const bodies = [
      '{"model":"m","messages":[],"stream_options":{"include_usage":true,"include_usage":false}}',
      '{"model":"m","messages":[{"role":"user","content":[{"type":"text","type":"file"}]}]}',
    ];
    for (const body of bodies) {
      expect(parse('chat', body)).toMatchObject({ ok: false, reason: 'duplicate_field' });
    }
  });

  it('is rejected for a name that some parsers take for a priced field', () => {
    expect(chat({ N: 5 })).toMatchObject({ ok: false, reason: 'invalid_field', field: 'n' });
    expect(chat({ serviceTier: 'x' })).toMatchObject({ ok: false, field: 'service_tier' });
  });

  it.each(['0', '-1', '1.5', '"10"', 'true', '1e400', '9007199254740993'])(
    'is rejected for an output limit of %s',
    (written) => {
      const body = `{"model":"m","messages":[],"max_tokens":${written}}`;
      expect(parse('chat', body)).toMatchObject({ reason: 'invalid_field', field: 'max_tokens' });
    },
  );

  it('is rejected for an n outside 1 to 128', () => {
    for (const n of [0, 129, 1.5, '2']) {
      expect(chat({ n })).toMatchObject({ ok: false, reason: 'invalid_field', field: 'n' });
    }
    expect(chat({ n: 128 })).toMatchObject({ ok: true, facts: { choices: 128 } });
  });

  it('is rejected with the name of a missing field', () => {
    expect(parse('chat', { messages: [] })).toMatchObject({
      reason: 'missing_field',
      field: 'model',
    });
    expect(parse('chat', { model: 'm' })).toMatchObject({
      reason: 'missing_field',
      field: 'messages',
    });
    expect(parse('messages', CHAT)).toMatchObject({ reason: 'missing_field', field: 'max_tokens' });
  });

  it('is rejected without a word of it in the error', () => {
    const secret = 'canary-7f3a';
    const bodies = [
      { ...CHAT, service_tier: secret, models: [secret] },
      { ...CHAT, n: secret },
      { ...CHAT, stream: secret },
      { ...CHAT, ...userMessage([{ type: secret, file_id: secret }]) },
      `{"${secret}": ${secret}}`,
    ];
    for (const body of bodies) expect(JSON.stringify(parse('chat', body))).not.toContain(secret);
  });
});

describe('parseCountTokens', () => {
  it('requires a model and the right dialect, and ignores fields that only affect the price', () => {
    const body = { ...MESSAGES, max_tokens: undefined, speed: 'fast' };
    const bytes = encoder.encode(JSON.stringify(body));
    const result = parseCountTokens('count_tokens', bytes);
    expect(result).toMatchObject({ ok: true, model: 'claude-opus-5' });
    if (!result.ok) return;
    const { start = 0, end = 0 } = result.modelSpan ?? {};
    expect(new TextDecoder().decode(bytes.subarray(start, end))).toBe('"claude-opus-5"');
    const chatBody = encoder.encode(JSON.stringify({ ...CHAT, max_completion_tokens: 1 }));
    expect(parseCountTokens('count_tokens', chatBody)).toMatchObject({
      ok: false,
      reason: 'wrong_dialect',
    });
  });
});

describe('a large body', () => {
  it('is parsed at 20 MB with almost no further memory', () => {
    const data = 'iVBORw0K'.repeat(2_500_000);
    const source = { type: 'base64', media_type: 'image/png', data };
    const bytes = encoder.encode(
      JSON.stringify({ ...MESSAGES, ...userMessage([{ type: 'image', source }]) }),
    );
    const before = process.memoryUsage();
    expect(parseRequest('messages', bytes).ok).toBe(true);
    const after = process.memoryUsage();
    const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    expect(grown).toBeLessThan(2_000_000);
  });

  it('is rejected, not walked, with more parts than a provider accepts', () => {
    const body = `{"model":"m","messages":[${'{},'.repeat(100_000)}{}]}`;
    expect(parse('chat', body)).toMatchObject({ reason: 'invalid_field', field: 'messages' });
  });
});

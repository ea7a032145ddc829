/**
 * What billing reads is what a provider reads: each body here is read in another way by some JSON
 * reader or server, and is either rejected or held for at its worst reading.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkHeaders, DIALECTS, type Dialect, parseCountTokens, parseRequest } from './index.ts';
import { DIALECT_SPECS } from './specs.ts';

const encoder = new TextEncoder();
const HELLO = [{ role: 'user', content: 'Hello' }];
const BODIES = {
  chat: { model: 'gpt-5', messages: HELLO },
  messages: { model: 'claude-opus-5', max_tokens: 100, messages: HELLO },
  responses: { model: 'gpt-5', input: HELLO },
  gemini: { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] },
} as const;

/** What the URL says where the body does not name the model. */
const URL_TARGET = {
  version: 'v1beta',
  model: 'gemini-4-argon',
  method: 'generateContent',
  streamFormat: null,
};

function parse(dialect: Dialect, more: object) {
  const bytes = encoder.encode(JSON.stringify({ ...BODIES[dialect], ...more }));
  return parseRequest(dialect, bytes, URL_TARGET);
}

const userMessage = (...content: unknown[]) => ({ messages: [{ role: 'user', content }] });

/** Spellings of a name that some reader takes for it: case, Unicode's folding, camel case, NUL. */
const RESPELLINGS: readonly ((name: string) => string)[] = [
  (name) => name.toUpperCase(),
  (name) => name.replace(/^./, (letter) => letter.toUpperCase()),
  (name) => name.replace('s', '\u017f'),
  (name) => name.replace('k', '\u212a'),
  (name) => name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
  (name) => name.replaceAll('_', ''),
  (name) => name.replaceAll('_', '-'),
  (name) => String.fromCharCode(...[...name].map((letter) => toFullWidth(letter))),
  (name) => `${name}\u0000x`,
  (name) => name.replaceAll('i', '\u0130'),
];

function toFullWidth(letter: string): number {
  const code = letter.charCodeAt(0);
  return letter === '_' ? code : code - 0x20 + 0xff00;
}

function respell(name: string): string[] {
  return [...new Set(RESPELLINGS.map((spell) => spell(name)))].filter((other) => other !== name);
}

function pricedFields(dialect: Dialect): string[] {
  const { rules } = DIALECT_SPECS[dialect].request;
  return Object.keys(rules).filter((name) => rules[name]?.effect !== 'no_effect');
}

describe('a top-level name that some reader takes for a priced field', () => {
  const cases = DIALECTS.flatMap((dialect) =>
    pricedFields(dialect).map((name) => ({ dialect, name })),
  );
  it.each(cases)('is rejected in $dialect for $name', ({ dialect, name }) => {
    for (const other of respell(name)) {
      const result = parse(dialect, { [other]: 9_999 });
      expect([other, result]).toMatchObject([other, { ok: false }]);
    }
  });
});

describe('a nested name that some reader takes for a decisive one', () => {
  const NESTED: readonly (readonly [Dialect, string, (name: string) => object])[] = [
    ['chat', 'type', (name) => userMessage({ type: 'text', text: 'x', [name]: 'image_url' })],
    ['chat', 'image_url', (name) => userMessage({ type: 'text', text: 'x', [name]: {} })],
    ['chat', 'input_audio', (name) => userMessage({ type: 'text', text: 'x', [name]: {} })],
    ['chat', 'content', (name) => ({ messages: [{ role: 'user', content: 'x', [name]: [] }] })],
    ['chat', 'type', (name) => ({ tools: [{ type: 'function', [name]: 'web_search' }] })],
    ['chat', 'include_usage', (name) => ({ stream_options: { [name]: false } })],
    ['chat', 'budget_tokens', (name) => ({ thinking: { type: 'enabled', [name]: 9_999 } })],
    ['messages', 'source', (name) => userMessage({ type: 'text', text: 'x', [name]: {} })],
    [
      'messages',
      'file_id',
      (name) => userMessage({ type: 'image', source: { type: 'base64', data: '', [name]: 'f' } }),
    ],
    ['messages', 'max_uses', (name) => ({ tools: [{ type: 'web_search_20260318', [name]: 99 }] })],
    ['messages', 'edits', (name) => ({ context_management: { [name]: [] } })],
  ];
  it.each(NESTED)('is rejected in %s for %s', (dialect, name, build) => {
    for (const other of respell(name)) {
      const result = parse(dialect, build(other));
      expect([other, result]).toMatchObject([other, { ok: false, reason: 'invalid_field' }]);
    }
  });

  it('counts as a mark where it is a cache mark, at any depth', () => {
    for (const name of ['cacheControl', 'Cache_Control', 'cache-control']) {
      const mark = { [name]: { type: 'ephemeral', ttl: '1h' } };
      const places = [
        userMessage({ type: 'text', text: 'x', ...mark }),
        { tools: [{ name: 'f', input_schema: {}, ...mark }] },
        { tools: [{ name: 'f', input_schema: { properties: { deep: mark } } }] },
      ];
      for (const more of places) {
        expect(parse('messages', more)).toMatchObject({ ok: true, facts: { cacheWrites: '1h' } });
      }
    }
  });
});

describe('a part of a message', () => {
  const REMOTE = { url: 'https://media.example/a.mp4' };
  const WITHOUT_TYPE: readonly object[] = [
    { image_url: REMOTE },
    { text: 'x' },
    { type: null, text: 'x' },
    { type: ['image_url'], image_url: REMOTE },
    { type: { image: true } },
  ];
  it.each(WITHOUT_TYPE)('is rejected without a type that is a string: %j', (part) => {
    for (const dialect of ['chat', 'messages'] as const) {
      expect(parse(dialect, userMessage(part))).toMatchObject({
        ok: false,
        reason: 'invalid_field',
        field: 'messages[0].content[0].type',
      });
    }
  });

  const MEDIA: readonly (readonly [Dialect, object])[] = [
    ['chat', { image_url: REMOTE }],
    ['chat', { file: { file_data: 'x' } }],
    ['chat', { video_url: REMOTE }],
    ['chat', { inlineData: { mimeType: 'video/mp4' } }],
    ['chat', { images: ['aGk='] }],
    ['messages', { source: { type: 'url', ...REMOTE } }],
    ['messages', { source: { type: 'text', data: 'x', ...REMOTE } }],
    ['messages', { image_url: REMOTE }],
  ];
  it.each(MEDIA)(
    'in %s is bounded by the context window where media stand beside its text: %j',
    (dialect, member) => {
      expect(parse(dialect, userMessage({ type: 'text', text: 'x', ...member }))).toMatchObject({
        ok: true,
        facts: { maxInputTokens: 'context_window' },
      });
    },
  );

  it('is bounded by the context window where media stand beside its message’s content', () => {
    const messages = [{ role: 'user', content: 'x', images: ['aGk='] }];
    expect(parse('chat', { messages })).toMatchObject({
      facts: { maxInputTokens: 'context_window' },
    });
  });

  it('is spoken input by its member, whatever its type says', () => {
    const part = { type: 'text', text: 'x', input_audio: { data: 'x' } };
    expect(parse('chat', userMessage(part))).toMatchObject({
      facts: { mayHaveAudioInput: true, maxInputTokens: 'context_window' },
    });
  });

  it('is rejected for stored files, whatever its type says', () => {
    for (const part of [
      { type: 'text', text: 'x', file_id: 'f' },
      { type: 'text', text: 'x', file: { file_id: 'f' } },
    ]) {
      expect(parse('chat', userMessage(part))).toMatchObject({ reason: 'unsupported_feature' });
    }
  });
});

describe('a field that no table has', () => {
  const hello = [{ role: 'user', content: 'Hi.' }];
  const bound = (more: object) => {
    const body = JSON.stringify({ model: 'm', messages: hello, ...more });
    const read = parseRequest('chat', new TextEncoder().encode(body));
    if (!read.ok) throw new Error(read.reason);
    return [read.facts.maxInputTokens, read.facts.serverPasses];
  };

  it.each([
    [{ file_urls: ['https://a.example/a.pdf'] }],
    [{ imageUrl: 'https://a.example/a.png' }],
    [{ documents: [{ id: 'd' }] }],
  ])('is bounded by the context window where it names media: %j', (more) => {
    expect(bound(more)).toEqual(['context_window', 1]);
  });

  it.each([[{ enable_search: true }], [{ webSearch: {} }], [{ use_browser: true }], [{ mcp: [] }]])(
    'is bounded by the passes of a loop where it names a tool: %j',
    (more) => {
      expect(bound(more)).toEqual(['context_window', 6]);
    },
  );

  it.each([[{ profile: 'x' }], [{ enable_search: null }], [{ research: 1 }], [{ top_a: 0.1 }]])(
    'is bounded by its bytes otherwise: %j',
    (more) => {
      expect(bound(more)).toEqual([expect.any(Number), 1]);
    },
  );
});

describe('a flag or setting of another kind than documented', () => {
  const WRONG: readonly (readonly [Dialect, string, object])[] = [
    ['chat', 'modalities', { modalities: 'audio' }],
    ['chat', 'modalities', { modalities: {} }],
    ['chat', 'modalities', { modalities: 'text' }],
    ['chat', 'store', { store: 'false' }],
    ['chat', 'store', { store: 0 }],
    ['chat', 'deferred', { deferred: 'false' }],
    ['chat', 'service_tier', { service_tier: ['default'] }],
    ['chat', 'search_parameters', { search_parameters: { mode: false } }],
    ['messages', 'context_management.edits', { context_management: { edits: {} } }],
    ['messages', 'betas', { betas: { beta: 'context-1m' } }],
    ['messages', 'service_tier', { service_tier: true }],
  ];
  it.each(WRONG)('is rejected in %s for %s: %j', (dialect, field, more) => {
    expect(parse(dialect, more)).toMatchObject({ ok: false, field });
  });
});

describe('a tool', () => {
  it('of chat without a type is accepted only with a function', () => {
    const hasFunction = { function: { name: 'f', parameters: {} } };
    expect(parse('chat', { tools: [hasFunction] })).toMatchObject({ ok: true });
    expect(parse('chat', { functions: [{ name: 'f', parameters: {} }] })).toMatchObject({
      ok: true,
    });
    for (const tool of [{ google_search: {} }, { type: null, google_search: {} }, {}]) {
      expect(parse('chat', { tools: [tool] })).toMatchObject({ ok: false, field: 'tools[0].type' });
    }
  });

  it.each(['google_search', 'googleSearch', 'url_context', 'codeExecution', 'google_maps', 'mcp'])(
    'of chat is held for as a tool of the provider where it has a member %s',
    (name) => {
      const tools = [{ type: 'function', function: { name: 'f' }, [name]: {} }];
      expect(parse('chat', { tools })).toMatchObject({
        facts: {
          maxInputTokens: 'context_window',
          surchargeBounds: [{ kind: 'web_search', maxCount: 5 }],
        },
      });
    },
  );

  it('of Messages without a type is accepted only with a schema', () => {
    expect(parse('messages', { tools: [{ name: 'f', input_schema: {} }] })).toMatchObject({
      ok: true,
    });
    expect(parse('messages', { tools: [{ name: 'web_search' }] })).toMatchObject({
      ok: false,
      field: 'tools[0].type',
    });
  });
});

describe('a number', () => {
  it('is whole only if it is whole as written', () => {
    const limit = (written: string) =>
      parseRequest('chat', encoder.encode(`{"model":"m","messages":[],"max_tokens":${written}}`));
    for (const written of ['0.99999999999999999999', '1.00000000000000000001', '15e-1', '1e-1']) {
      expect(limit(written)).toMatchObject({ ok: false, field: 'max_tokens' });
    }
    for (const written of ['1.0', '10e-1', '0.1e1', '1000000e-6', '1E+0']) {
      expect(limit(written)).toMatchObject({ ok: true, facts: { maxOutput: 1 } });
    }
  });

  it('of any decimal form is read as its exact value', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.integer({ min: 0, max: 6 }),
      (value, shift) => {
        const written = `${value}${'0'.repeat(shift)}e-${shift}`;
        const body = `{"model":"m","messages":[],"max_tokens":${written}}`;
        const result = parseRequest('chat', encoder.encode(body));
        expect(result).toMatchObject({ ok: true, facts: { maxOutput: value } });
      },
    );
    fc.assert(property, { numRuns: 200 });
  });
});

describe('the beta of the long context window', () => {
  it.each([
    [{ betas: ['context-1m-2025-08-07'] }, true],
    [{ betas: 'Context-1M-2025-08-07' }, true],
    [{ betas: ['files-api-2025-04-14'] }, false],
    [{}, false],
  ])('is read in the body: %j', (more, longContext) => {
    expect(parse('messages', more)).toMatchObject({ ok: true, facts: { longContext } });
  });
});

describe('checkHeaders', () => {
  it.each([
    ['2023-06-01', true],
    ['2026-10-21', true],
    ['2023-06-01, 2023-06-01', true],
    ['', true],
    ['2023-01-01', false],
    ['2099-01-01', false],
    ['2023-06-01, 2023-01-01', false],
  ])('for anthropic-version "%s" accepts: %s', (version, accepted) => {
    const error = checkHeaders('messages', new Headers({ 'anthropic-version': version }));
    expect(error === null).toBe(accepted);
    expect(checkHeaders('chat', new Headers({ 'anthropic-version': version }))).toBeNull();
  });
});

describe('parseCountTokens', () => {
  const count = (more: object) =>
    parseCountTokens(
      'count_tokens',
      encoder.encode(JSON.stringify({ speed: 'fast', ...BODIES.messages, ...more })),
    );
  const file = { type: 'file', file_id: 'file_1' };

  it('passes features that only cost more', () => {
    const free = { service_tier: 'priority', inference_geo: 'us', fallbacks: 'default' };
    expect(count(free)).toMatchObject({ ok: true });
  });

  it.each([
    ['a stored file', userMessage({ type: 'image', source: file }), 'unsupported_feature'],
    ['a container', { container: 'c' }, 'unsupported_feature'],
    ['a thread', { thread: { type: 'create' } }, 'unsupported_feature'],
    ['a model of another spelling', { Model: 'claude-opus-4' }, 'invalid_field'],
  ])('rejects %s after a feature that only costs more', (_, more, reason) => {
    expect(count(more)).toMatchObject({ ok: false, reason });
  });

  it('rejects a second model after a feature that only costs more', () => {
    const body = '{"speed":"fast","model":"a","model":"b","messages":[]}';
    expect(parseCountTokens('count_tokens', encoder.encode(body))).toMatchObject({
      reason: 'duplicate_field',
    });
  });
});

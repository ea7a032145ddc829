/** The scanner accepts exactly what JSON.parse accepts, and reads the same values. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRequest } from './index.ts';
import { createSeededRandom, renderJson } from './json-renderer.testing.ts';

const SEED = 20_261_123;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(decoder.decode(bytes));
    return true;
  } catch {
    return false;
  }
}

function isAccepted(bytes: Uint8Array): boolean {
  const result = parseRequest('chat', bytes);
  return result.ok || result.reason !== 'invalid_json';
}

function expectSameVerdict(bytes: Uint8Array): void {
  expect(isAccepted(bytes), `bytes ${bytes}`).toBe(isJson(bytes));
}

describe('validity of a body', () => {
  it('agrees with JSON.parse on any value, oddly spaced and escaped', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(), (value, seed) => {
        expectSameVerdict(encoder.encode(renderJson(value, createSeededRandom(seed))));
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('agrees with JSON.parse on bodies that were cut or changed in a byte', () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(value, fc.nat(), fc.nat(), fc.nat(255), (json, seed, place, byte) => {
        const bytes = encoder.encode(renderJson(json, createSeededRandom(seed)));
        expectSameVerdict(bytes.slice(0, place % (bytes.length + 1)));
        const changed = bytes.slice();
        changed[place % bytes.length] = byte;
        expectSameVerdict(changed);
      }),
      { seed: SEED, numRuns: 1_000 },
    );
  });

  it('agrees with JSON.parse on any bytes inside a string', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (inside) => {
        expectSameVerdict(Uint8Array.from([0x22, ...inside, 0x22]));
      }),
      { seed: SEED, numRuns: 2_000 },
    );
  });

  it.each([
    '',
    ' ',
    '\ufeff{}',
    '{} {}',
    '[1,]',
    '{"a":1,}',
    '01',
    '-',
    '-0',
    '1.',
    '.5',
    '1e',
    '1E+5',
    '+1',
    'nul',
    'NaN',
    "{'a':1}",
    '"\\u12g4"',
    '"\\x41"',
    '"\t"',
    '"\\ud800"',
    '{"a" 1}',
    '{1:2}',
    '\u00a0{}',
    '[1]]',
  ])('agrees with JSON.parse on %j', (text) => {
    expectSameVerdict(encoder.encode(text));
  });

  it('rejects malformed UTF-8 (RFC 3629)', () => {
    for (const bad of [
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0x80],
      [0xe2, 0x82],
    ]) {
      const bytes = Uint8Array.from([0x22, ...bad, 0x22]);
      expect(parseRequest('chat', bytes)).toEqual({ ok: false, reason: 'invalid_json' });
    }
  });

  it('rejects deep nesting without exhausting the stack', () => {
    const deep = encoder.encode('['.repeat(1_000_000));
    expect(parseRequest('chat', deep)).toEqual({ ok: false, reason: 'nesting_too_deep' });
  });

  it('rejects JSON that is not an object', () => {
    expect(parseRequest('chat', encoder.encode(' [1] '))).toEqual({
      ok: false,
      reason: 'not_an_object',
    });
  });
});

describe('facts of any body', () => {
  it('equal those that JSON.parse shows, for any formatting', () => {
    const body = fc.record(
      {
        stream: fc.option(fc.boolean()),
        n: fc.option(fc.integer({ min: 1, max: 128 })),
        max_tokens: fc.option(fc.integer({ min: 1, max: 1_000_000 })),
        temperature: fc.double({ min: 0, max: 2, noNaN: true }),
        user: fc.string({ unit: 'binary' }),
        stream_options: fc.option(fc.record({ include_usage: fc.boolean() }, { requiredKeys: [] })),
        x_next: fc.jsonValue({ maxDepth: 3 }),
      },
      { requiredKeys: [] },
    );
    const model = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        body,
        model,
        fc.string({ unit: 'binary' }),
        fc.nat(),
        (more, name, text, seed) => {
          const all = { model: name, messages: [{ role: 'user', content: text }], ...more };
          const result = parseRequest(
            'chat',
            encoder.encode(renderJson(all, createSeededRandom(seed))),
          );
          expect(result).toMatchObject({
            ok: true,
            facts: {
              model: name,
              stream: more.stream ?? false,
              choices: more.n ?? 1,
              maxOutput: more.max_tokens ?? null,
              usageRequested: more.stream_options?.include_usage ?? false,
              unknownFields: 'x_next' in more ? 1 : 0,
            },
          });
        },
      ),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('bound the input tokens by at least the bytes of the prompt', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), (text, seed) => {
        const all = { model: 'm', messages: [{ role: 'user', content: text }] };
        const result = parseRequest(
          'chat',
          encoder.encode(renderJson(all, createSeededRandom(seed))),
        );
        const maxTokens = result.ok ? result.facts.maxInputTokens : 0;
        expect(maxTokens).toBeGreaterThanOrEqual(encoder.encode(text).length);
      }),
      { seed: SEED },
    );
  });
});

/** An edit changes the fields that billing needs, and no other byte. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Edits, editModel, editRequest, parseRequest, type RequestFacts } from './index.ts';
import { createSeededRandom, renderJson } from './json-renderer.testing.ts';

const SEED = 20_261_123;
const encoder = new TextEncoder();
const NO_EDITS: Edits = {
  model: 'm',
  maxOutput: null,
  renameMaxTokens: false,
  includeUsage: false,
  defaults: [],
};

function parseFacts(bytes: Uint8Array): RequestFacts {
  const result = parseRequest('chat', bytes);
  if (!result.ok) throw new Error(`rejected: ${JSON.stringify(result)}`);
  return result.facts;
}

function concatText(pieces: readonly Uint8Array[]): string {
  return Buffer.concat(pieces).toString('utf8');
}

function applyEdits(body: string, edits: Partial<Edits>): string {
  const bytes = encoder.encode(body);
  return concatText(editRequest(bytes, parseFacts(bytes), { ...NO_EDITS, ...edits }));
}

describe('editRequest and editModel', () => {
  it('returns the body itself when nothing changes', () => {
    const bytes = encoder.encode(' {"model":"m", "messages":[]} ');
    expect(editRequest(bytes, parseFacts(bytes), NO_EDITS)).toEqual([bytes]);
  });

  it.each([
    [
      'absent',
      '{"model":"m","messages":[]}',
      '{"stream_options":{"include_usage":true},"model":"m","messages":[]}',
    ],
    [
      'null',
      '{"model":"m","messages":[],"stream_options": null }',
      '{"model":"m","messages":[],"stream_options": {"include_usage":true} }',
    ],
    [
      'empty',
      '{"model":"m","messages":[],"stream_options":{ }}',
      '{"model":"m","messages":[],"stream_options":{"include_usage":true }}',
    ],
    [
      'without it',
      '{"model":"m","messages":[],"stream_options":{"include_obfuscation":false}}',
      '{"model":"m","messages":[],"stream_options":{"include_usage":true,"include_obfuscation":false}}',
    ],
    [
      'false',
      '{"model":"m","messages":[],"stream_options":{"include_usage":false}}',
      '{"model":"m","messages":[],"stream_options":{"include_usage":true}}',
    ],
    [
      'true',
      '{"model":"m","messages":[],"stream_options":{"include_usage":true}}',
      '{"model":"m","messages":[],"stream_options":{"include_usage":true}}',
    ],
  ])('switches the usage chunk on when stream_options is %s', (_name, body, expected) => {
    expect(applyEdits(body, { includeUsage: true })).toBe(expected);
  });

  it('fills an output limit that is null and never writes a field twice', () => {
    const maxOutput = { field: 'max_tokens', tokens: 9 };
    expect(applyEdits('{"max_tokens":null,"model":"m","messages":[]}', { maxOutput })).toBe(
      '{"max_tokens":9,"model":"m","messages":[]}',
    );
    expect(applyEdits('{"max_completion_tokens":9,"model":"m","messages":[]}', { maxOutput })).toBe(
      '{"max_tokens":9,"max_completion_tokens":9,"model":"m","messages":[]}',
    );
  });

  it('produces the expected object and keeps every other byte of any body', () => {
    const body = fc.record(
      {
        stream: fc.boolean(),
        stream_options: fc.option(
          fc.record({ include_usage: fc.boolean(), x: fc.string() }, { requiredKeys: [] }),
        ),
        max_tokens: fc.constant(null),
        x_next: fc.jsonValue({ maxDepth: 3 }),
      },
      { requiredKeys: [] },
    );
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        body,
        name,
        name,
        fc.boolean(),
        fc.boolean(),
        fc.nat(),
        (more, from, to, limit, usage, seed) => {
          const all = { ...more, model: from, messages: [] };
          const text = renderJson(all, createSeededRandom(seed));
          const edits: Edits = {
            model: to,
            maxOutput: limit ? { field: 'max_tokens', tokens: 77 } : null,
            renameMaxTokens: false,
            includeUsage: usage,
            defaults: [],
          };
          const bytes = encoder.encode(text);
          const pieces = editRequest(bytes, parseFacts(bytes), edits);
          expect(JSON.parse(concatText(pieces))).toEqual({
            ...JSON.parse(text),
            model: to,
            ...(limit ? { max_tokens: 77 } : {}),
            ...(usage ? { stream_options: { ...more.stream_options, include_usage: true } } : {}),
          });
          const unchanged = pieces.filter((piece) => piece.buffer === bytes.buffer);
          const replaced = bytes.length - unchanged.reduce((sum, piece) => sum + piece.length, 0);
          const positions = parseFacts(bytes).positions;
          const maxReplaced = [
            positions.model,
            positions.includeUsage,
            positions.nonObjectStreamOptions,
          ]
            .map((span) => (span === null ? 0 : span.end - span.start))
            .reduce((sum, length) => sum + length, 4);
          expect(replaced).toBeLessThanOrEqual(maxReplaced);
        },
      ),
      { seed: SEED, numRuns: 300 },
    );
  });

  it.each([
    [
      '{"max_tokens" : 7,"model":"m","messages":[]}',
      '{"max_completion_tokens" : 7,"model":"m","messages":[]}',
    ],
    [
      '{"max_tok\\u0065ns":1e1,"model":"m","messages":[]}',
      '{"max_completion_tokens":1e1,"model":"m","messages":[]}',
    ],
    [
      '{"max_completion_tokens":null,"model":"m","messages":[],"max_tokens":7}',
      '{"max_completion_tokens":7,"model":"m","messages":[],"max_tokens":null}',
    ],
    [
      '{"max_tokens":null,"model":"m","messages":[]}',
      '{"max_tokens":null,"model":"m","messages":[]}',
    ],
    [
      '{"max_tokens":7,"max_completion_tokens":8,"model":"m","messages":[]}',
      '{"max_tokens":7,"max_completion_tokens":8,"model":"m","messages":[]}',
    ],
    [
      '{"max_completion_tokens":7,"model":"m","messages":[]}',
      '{"max_completion_tokens":7,"model":"m","messages":[]}',
    ],
  ])('renames the output limit of %s where the model refuses max_tokens', (body, expected) => {
    expect(applyEdits(body, { renameMaxTokens: true })).toBe(expected);
  });

  it('changes only the model of a count_tokens body', () => {
    const bytes = encoder.encode('{"messages":[], "model" : "anthropic/claude" }');
    const span = parseFacts(bytes).positions.model;
    expect(concatText(editModel(bytes, span, 'claude'))).toBe(
      '{"messages":[], "model" : "claude" }',
    );
  });
});

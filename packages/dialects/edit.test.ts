/** A splice changes what billing needs and not one byte more. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Edits, editModel, editRequest, type RequestFacts, readRequest } from './index.ts';
import { render, seeded } from './rendering.testing.ts';

const SEED = 20_261_123;
const encoder = new TextEncoder();
const NONE: Edits = { model: 'm', maxOutput: null, includeUsage: false };

function factsOf(bytes: Uint8Array): RequestFacts {
  const result = readRequest('chat', bytes);
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result)}`);
  return result.facts;
}

function joined(pieces: readonly Uint8Array[]): string {
  return Buffer.concat(pieces).toString('utf8');
}

function edited(body: string, edits: Partial<Edits>): string {
  const bytes = encoder.encode(body);
  return joined(editRequest(bytes, factsOf(bytes), { ...NONE, ...edits }));
}

describe('editing', () => {
  it('gives the body itself where nothing changes', () => {
    const bytes = encoder.encode(' {"model":"m", "messages":[]} ');
    expect(editRequest(bytes, factsOf(bytes), NONE)).toEqual([bytes]);
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
  ])('switches usage on where stream_options is %s', (_name, body, expected) => {
    expect(edited(body, { includeUsage: true })).toBe(expected);
  });

  it('fills an output limit that is there as null, and never writes one twice', () => {
    const maxOutput = { field: 'max_tokens', tokens: 9 };
    expect(edited('{"max_tokens":null,"model":"m","messages":[]}', { maxOutput })).toBe(
      '{"max_tokens":9,"model":"m","messages":[]}',
    );
    expect(edited('{"max_completion_tokens":9,"model":"m","messages":[]}', { maxOutput })).toBe(
      '{"max_tokens":9,"max_completion_tokens":9,"model":"m","messages":[]}',
    );
  });

  it('parses to the expected object and keeps every other byte, for any body', () => {
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
          const text = render(all, seeded(seed));
          const edits: Edits = {
            model: to,
            maxOutput: limit ? { field: 'max_tokens', tokens: 77 } : null,
            includeUsage: usage,
          };
          const bytes = encoder.encode(text);
          const pieces = editRequest(bytes, factsOf(bytes), edits);
          expect(JSON.parse(joined(pieces))).toEqual({
            ...JSON.parse(text),
            model: to,
            ...(limit ? { max_tokens: 77 } : {}),
            ...(usage ? { stream_options: { ...more.stream_options, include_usage: true } } : {}),
          });
          const kept = pieces.filter((piece) => piece.buffer === bytes.buffer);
          const replaced = bytes.length - kept.reduce((sum, piece) => sum + piece.length, 0);
          const places = factsOf(bytes).places;
          const most = [places.model, places.includeUsage, places.streamOptionsOther]
            .map((span) => (span === null ? 0 : span.end - span.start))
            .reduce((sum, length) => sum + length, 4);
          expect(replaced).toBeLessThanOrEqual(most);
        },
      ),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('renames the model of a count alone', () => {
    const bytes = encoder.encode('{"messages":[], "model" : "anthropic/claude" }');
    const span = factsOf(bytes).places.model;
    expect(joined(editModel(bytes, span, 'claude'))).toBe('{"messages":[], "model" : "claude" }');
  });
});

/** Answers to operations: their bytes pass unchanged, and their use is read however they are cut. */
import { type Operation, parseOperation } from '@farebox/dialects';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../concat-bytes.ts';
import { configureProviders } from '../registry.ts';
import { createOperationMeter, type OperationMeter } from './operation-meter.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const provider = configureProviders({ apiKeys: { openai: 'k' }, baseUrls: {}, extra: [] }).get(
  'openai',
);

function createMeter(
  operation: Operation,
  body: object,
  contentType: string | null,
  replaceError: (event: object) => Uint8Array | null = () => null,
): OperationMeter {
  const bytes = encoder.encode(JSON.stringify({ model: 'm', ...body }));
  const parsed = parseOperation(operation, bytes, 'application/json');
  if (!parsed.ok || provider === undefined) throw new Error('refused');
  const { facts } = parsed;
  return createOperationMeter({
    provider,
    facts,
    contentType,
    replaceError,
    beforeLastEvent: null,
  });
}

/** Feeds the bytes in pieces of these sizes, from one memory that is used again, and returns all. */
function feed(meter: OperationMeter, bytes: Uint8Array, sizes: readonly number[]): Uint8Array {
  const passed: Uint8Array[] = [];
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? bytes.length;
    const chunk = bytes.slice(at, at + size);
    passed.push(...meter.feed(chunk).map((piece) => piece.slice()));
    chunk.fill(0);
    at += size;
  }
  return concatBytes([...passed, ...meter.end()]);
}

function toEvents(events: readonly object[], newline = '\n'): Uint8Array {
  const text = events.map(
    (event) => `event: x${newline}data: ${JSON.stringify(event)}${newline}${newline}`,
  );
  return encoder.encode(text.join(''));
}

const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 });
const EMBEDDED = {
  object: 'list',
  data: [{ embedding: [0.5, -1e-3], index: 0, usage: { prompt_tokens: 999 } }],
  usage: { prompt_tokens: 8, total_tokens: 8 },
};
const IMAGE_USE = {
  input_tokens: 50,
  input_tokens_details: { text_tokens: 10, image_tokens: 40 },
  output_tokens: 4160,
};

describe('a document', () => {
  it('passes unchanged and is read however it is cut', () => {
    const bytes = encoder.encode(JSON.stringify(EMBEDDED));
    fc.assert(
      fc.property(sizes, (cuts) => {
        const meter = createMeter('embeddings', { input: 'x' }, 'application/json');
        expect(feed(meter, bytes, cuts)).toEqual(bytes);
        expect(meter.use()).toMatchObject({ reported: { input_uncached: 8 }, unpriceable: 0 });
        expect(meter.verdict().kind).toBe('answer');
      }),
    );
  });

  it('larger than what is kept passes in pieces, and its own usage counts', () => {
    const embedding = Array.from({ length: 60_000 }, (_, index) => index + 0.5);
    const bytes = encoder.encode(JSON.stringify({ ...EMBEDDED, data: [{ embedding }] }));
    const meter = createMeter('embeddings', { input: 'x' }, 'application/json');
    expect(feed(meter, bytes, [65_536])).toEqual(bytes);
    expect(meter.use().reported).toEqual({ input_uncached: 8 });
  });

  it('has the images that it holds, and what xAI states that it charges', () => {
    const document = {
      data: [{ url: 'a' }, { url: 'b' }],
      usage: { cost_in_usd_ticks: 400_000_000 },
    };
    const meter = createMeter('images', { prompt: 'A cat' }, 'application/json');
    feed(meter, encoder.encode(JSON.stringify(document)), [50]);
    expect(meter.use()).toMatchObject({ observed: { image: 2 }, statedCost: 40_000_000n });
  });

  it.each([
    ['an error', '{"error":{"message":"no"}}', 'error'],
    ['cut off', '{"data":[', 'truncated'],
    ['no document', 'Bad gateway', 'truncated'],
    ['a number', '42 ', 'unreadable'],
  ])('that is %s is no answer, and nothing of it passes', (_, text, verdict) => {
    const meter = createMeter('embeddings', { input: 'x' }, 'application/json');
    expect(feed(meter, encoder.encode(text), [7])).toHaveLength(0);
    expect(meter.verdict().kind).toBe(verdict);
  });

  it.each([
    [{ prompt_tokens: -1 }, 1],
    [{ prompt_tokens: 1.5 }, 1],
    [{ prompt_tokens: '8' }, 0],
    [{ prompt_tokens: null, total_tokens: 8 }, 0],
    ['none', 0],
  ])('with the usage %j has %i numbers that are no counts', (usage, unpriceable) => {
    const meter = createMeter('embeddings', { input: 'x' }, 'application/json');
    feed(meter, encoder.encode(JSON.stringify({ ...EMBEDDED, usage })), [64]);
    expect(meter.use().unpriceable).toBe(unpriceable);
  });
});

describe('a stream', () => {
  const partial = { type: 'image_generation.partial_image', b64_json: 'A'.repeat(3_000) };
  const completed = {
    type: 'image_generation.completed',
    b64_json: 'B'.repeat(3_000),
    usage: IMAGE_USE,
  };
  const used = { input_uncached: 10, image_input: 40, image_output: 4160 };

  it('passes unchanged, in whole events, however it is cut', () => {
    fc.assert(
      fc.property(sizes, fc.constantFrom('\n', '\r\n', '\r'), (cuts, newline) => {
        const bytes = toEvents([partial, completed], newline);
        const meter = createMeter('images', { prompt: 'x', stream: true }, 'text/event-stream');
        expect(feed(meter, bytes, cuts)).toEqual(bytes);
        expect(meter.use().reported).toMatchObject(used);
        expect(meter.hasEnded).toBe(true);
      }),
    );
  });

  it('passes an event of megabytes in parts, and reads its usage', () => {
    const large = { ...completed, b64_json: 'C'.repeat(5_000_000) };
    const bytes = toEvents([large]);
    const meter = createMeter('images', { prompt: 'x', stream: true }, 'text/event-stream');
    const first = meter.feed(bytes.subarray(0, 2_000_000));
    expect(first.length).toBeGreaterThan(0);
    const rest = [...meter.feed(bytes.subarray(2_000_000)), ...meter.end()];
    expect(concatBytes([...first, ...rest])).toEqual(bytes);
    expect(meter.use().reported).toMatchObject(used);
  });

  it('ends with the last of several images, whose use adds up', () => {
    const meter = createMeter('images', { prompt: 'x', stream: true, n: 2 }, 'text/event-stream');
    meter.feed(toEvents([completed]));
    expect(meter.hasEnded).toBe(false);
    meter.feed(toEvents([completed]));
    expect(meter.hasEnded).toBe(true);
    expect(meter.use().reported).toMatchObject({ image_output: 8320 });
  });

  it('that was not asked for is read as what it is', () => {
    const meter = createMeter('images', { prompt: 'x' }, 'text/event-stream; charset=utf-8');
    expect(meter.form).toBe('events');
  });

  it('has its error event replaced, and fails', () => {
    const replacement = encoder.encode('data: {"error":{}}\n\n');
    const body = { prompt: 'x', stream: true };
    const meter = createMeter('images', body, 'text/event-stream', () => replacement);
    const bytes = toEvents([partial, { type: 'error', error: { message: 'our account' } }]);
    expect(decoder.decode(feed(meter, bytes, [500]))).not.toContain('our account');
    expect(meter.reading()).toMatchObject({ failed: true });
  });

  it('that is cut off has no use, and is known to be cut', () => {
    const meter = createMeter('images', { prompt: 'x', stream: true }, 'text/event-stream');
    feed(meter, toEvents([partial]), [100]);
    expect(meter.use()).toMatchObject({ reported: null, hasOutput: true });
    expect(meter.verdict().kind).toBe('truncated');
  });
});

describe('a recording', () => {
  it('passes as it comes, and its length is counted', () => {
    const bytes = new Uint8Array(480_000).fill(7);
    const body = { input: 'x', voice: 'alloy', response_format: 'pcm' };
    const meter = createMeter('speech', body, 'audio/pcm');
    expect(meter.feed(bytes)).toEqual([bytes]);
    // Ten seconds of 24,000 samples of 16 bits.
    expect(meter.use().observed).toEqual({ audio_output: Math.ceil((10 * 1250) / 60) });
  });
});

describe('an answer that is none', () => {
  const page = encoder.encode('<!DOCTYPE html><html><body>Sign in</body></html>');
  const calls: readonly (readonly [Operation, object])[] = [
    ['embeddings', { input: 'x' }],
    ['images', { prompt: 'x' }],
    ['speech', { input: 'x', voice: 'nova' }],
    ['moderations', { input: 'x' }],
    ['rerank', { query: 'x', documents: ['a'] }],
  ];
  const types = ['text/html; charset=utf-8', 'application/xhtml+xml', 'TEXT/XML'];

  it.each(calls)('to %s is told by its media type', (operation, body) => {
    for (const type of types) {
      const meter = createMeter(operation, body, type);
      expect(feed(meter, page, [20])).toHaveLength(0);
      expect(meter.verdict().kind).not.toBe('answer');
    }
  });

  it.each(calls.filter(([operation]) => operation !== 'speech'))(
    'to %s is told by its bytes, whatever its media type says',
    (operation, body) => {
      for (const type of [null, 'text/plain', 'application/octet-stream', 'audio/mpeg']) {
        const meter = createMeter(operation, body, type);
        feed(meter, page, [20]);
        expect(meter.verdict().kind).not.toBe('answer');
      }
    },
  );

  it.each(['text/plain', 'application/octet-stream', null])(
    'is not a document that is called %s',
    (type) => {
      const meter = createMeter('embeddings', { input: 'x' }, type);
      const bytes = encoder.encode(JSON.stringify(EMBEDDED));
      expect(feed(meter, bytes, [9])).toEqual(bytes);
      expect(meter.verdict()).toEqual({ kind: 'answer' });
      expect(meter.use().reported).toEqual({ input_uncached: 8 });
    },
  );
});

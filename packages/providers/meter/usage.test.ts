/**
 * Usage that a provider spreads over the events of an answer: fragments yield the usage that they
 * merge to, and it is final only once nothing more can come.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configureProviders, createMeter, type MeterOptions, type Reading } from '../index.ts';

const SEED = 20261126;
const encoder = new TextEncoder();
const providers = configureProviders({
  apiKeys: { openai: 'k', anthropic: 'k', google: 'k', xai: 'k' },
  baseUrls: {},
  extra: [{ id: 'other', baseUrl: 'https://other.example/v1', apiKey: 'k' }],
});

function createTestMeter(id: string, rest: Partial<MeterOptions> = {}) {
  const provider = providers.get(id);
  if (provider === undefined) throw new Error(id);
  return createMeter({
    provider,
    dialect: id === 'anthropic' ? 'messages' : 'chat',
    stream: true,
    contentType: null,
    model: 'm',
    choices: 1,
    hideUsage: false,
    replaceError: null,
    ...rest,
  });
}

type Part = object | string;

function readStream(
  parts: readonly Part[],
  id = 'other',
  rest: Partial<MeterOptions> = {},
): Reading {
  const meter = createTestMeter(id, rest);
  for (const part of parts) {
    const data = typeof part === 'string' ? part : JSON.stringify(part);
    meter.feed(encoder.encode(`data: ${data}\n\n`));
  }
  meter.end();
  return meter.reading();
}

function readDocument(document: object, id = 'other'): Reading {
  const meter = createTestMeter(id, { stream: false });
  meter.feed(encoder.encode(JSON.stringify(document)));
  meter.end();
  return meter.reading();
}

const TEXT = { choices: [{ index: 0, delta: { content: 'The Nile.' }, finish_reason: null }] };
const STOP = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
const FULL = { prompt_tokens: 1000, completion_tokens: 4, total_tokens: 1004 };
const withUsage = (usage: object, event: object = { choices: [] }) => ({ ...event, usage });

type Count = Readonly<{ key: string; parent: string | null; value: number }>;

/** Splits a usage object into fragments: each count at least once, with noise before and after. */
function toFragments(counts: readonly Count[], noise: readonly number[]): object[] {
  const wrap = ({ key, parent }: Count, value: unknown) =>
    parent === null ? { [key]: value } : { [parent]: { [key]: value } };
  return counts.flatMap((count, index) => {
    const blank = [null, 0, '0', undefined][(noise[index] ?? 0) % 4];
    const earlier = Math.floor(count.value / 2);
    const value = (noise[index] ?? 0) % 3 === 0 ? String(count.value) : count.value;
    return [wrap(count, blank), wrap(count, earlier), wrap(count, value), wrap(count, blank)];
  });
}

const count = fc.integer({ min: 1, max: 1_000_000 });
const noise = fc.array(fc.nat(11), { minLength: 6, maxLength: 6 });

describe('usage of a stream', () => {
  it('is the merge of its fragments, in any of the places that providers use', () => {
    fc.assert(
      fc.property(count, count, count, noise, (prompt, cached, completion, variants) => {
        const counts: Count[] = [
          { key: 'prompt_tokens', parent: null, value: prompt + cached },
          { key: 'completion_tokens', parent: null, value: completion },
          { key: 'cached_tokens', parent: 'prompt_tokens_details', value: cached },
        ];
        const places = [
          (usage: object) => withUsage(usage),
          (usage: object) => ({ choices: null, usage }),
          (usage: object) => ({ x_groq: { usage } }),
          (usage: object) => ({ choices: [{ index: 0, delta: {}, usage }] }),
          (usage: object) => withUsage(usage, { choices: [{ index: 0, delta: {} }] }),
        ];
        const events = toFragments(counts, variants).map((usage, index) =>
          (places[(variants[index % 6] ?? 0) % places.length] ?? withUsage)(usage),
        );
        const { usage, usageFinal } = readStream([TEXT, STOP, ...events, '[DONE]']);
        expect(usage).toMatchObject({
          input_uncached: prompt,
          cache_read: cached,
          output: completion,
        });
        expect(usageFinal).toBe(true);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('is the merge of its fragments in Messages, from message_start to message_delta', () => {
    fc.assert(
      fc.property(count, count, count, noise, (input, cached, output, variants) => {
        const counts: Count[] = [
          { key: 'input_tokens', parent: null, value: input },
          { key: 'cache_read_input_tokens', parent: null, value: cached },
          { key: 'output_tokens', parent: null, value: output },
        ];
        const [first, ...others] = toFragments(counts, variants);
        const events = [
          { type: 'message_start', message: { content: [], usage: first } },
          { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Nile' } },
          ...others.map((usage) => ({ type: 'message_delta', delta: {}, usage })),
          { type: 'message_delta', delta: { stop_reason: 'end_turn' } },
          { type: 'message_stop' },
        ];
        const { usage, usageFinal } = readStream(events, 'anthropic');
        expect(usage).toMatchObject({ input_uncached: input, cache_read: cached, output });
        expect(usageFinal).toBe(true);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it.each([
    ['completion', { prompt_tokens: 1000, total_tokens: 1004 }],
    ['prompt', { completion_tokens: 4, total_tokens: 1004 }],
    [
      'prompt, an empty text,',
      { prompt_tokens: '', completion_tokens: '4', total_tokens: ' 1004 ' },
    ],
    ['total', { prompt_tokens: 1000, completion_tokens: 4 }],
    ['no count, by other names', { input_tokens: 1000, output_tokens: 4 }],
  ])('is known where the %s is left out', (_, usage) => {
    for (const reading of [
      readStream([TEXT, STOP, withUsage(usage), '[DONE]']),
      readDocument({ choices: [{ message: { content: 'x' }, finish_reason: 'stop' }], usage }),
    ])
      expect(reading).toMatchObject({
        usage: { input_uncached: 1000, output: 4 },
        usageFinal: true,
      });
  });

  it.each([
    [
      'zeros alone',
      [TEXT, STOP, withUsage({ prompt_tokens: 0, completion_tokens: 0 }), '[DONE]'],
      null,
    ],
    [
      'no output where output was seen',
      [TEXT, STOP, withUsage({ ...FULL, completion_tokens: 0, total_tokens: 1000 }), '[DONE]'],
      { input_uncached: 1000 },
    ],
    [
      'a count before the output',
      [withUsage(FULL), TEXT, STOP, '[DONE]'],
      { input_uncached: 1000 },
    ],
    [
      'an empty finish',
      [TEXT, withUsage(FULL, { choices: [{ index: 0, delta: {}, finish_reason: '' }] })],
      {},
    ],
    ['no finish at all', [TEXT, withUsage(FULL)], {}],
  ])('is not final with %s', (_, parts, usage) => {
    const reading = readStream(parts);
    expect(reading.usageFinal).toBe(false);
    if (usage === null) expect(reading.usage).toBeNull();
    else expect(reading.usage).toMatchObject(usage);
  });

  it.each([
    ['the end marker', [TEXT, withUsage(FULL), '[DONE]']],
    ['the end of the body after a finish', [TEXT, withUsage(FULL), STOP]],
    ['usage with the finish', [TEXT, withUsage(FULL, STOP)]],
  ])('is final with %s', (_, parts) => {
    expect(readStream(parts)).toMatchObject({ usageFinal: true, usage: { output: 4 } });
  });

  it.each([
    ['a delta', { choices: [{ index: 0, delta: { usage: FULL }, finish_reason: 'stop' }] }],
    ['a choice', { choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage: FULL }] }],
    ['x_groq', { ...STOP, x_groq: { usage: FULL } }],
    ['a list', withUsage([FULL], STOP)],
    ['no object of its own', { choices: [], ...FULL }],
  ])('is found in %s of a stream', (_, event) => {
    const reading = readStream([TEXT, event, '[DONE]']);
    expect(reading).toMatchObject({ usageFinal: true, usage: { input_uncached: 1000, output: 4 } });
  });

  it.each([
    ['its message', { message: { content: 'x', usage: FULL } }, {}],
    ['a list', { message: { content: 'x' } }, { usage: [FULL] }],
    ['no object of its own', { message: { content: 'x' } }, FULL],
  ])('is found in %s of a document', (_, choice, members) => {
    const choices = [{ ...choice, index: 0, finish_reason: 'stop' }];
    expect(readDocument({ choices, ...members })).toMatchObject({
      usageFinal: true,
      usage: { input_uncached: 1000, output: 4 },
    });
  });

  it('is read in the last event of Messages, too', () => {
    const reading = readStream(
      [
        { type: 'message_start', message: { content: [] } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x' } },
        { type: 'message_delta', delta: { stop_reason: 'end_turn' } },
        { type: 'message_stop', usage: { input_tokens: 1000, output_tokens: 4 } },
      ],
      'anthropic',
    );
    expect(reading).toMatchObject({ usageFinal: true, usage: { input_uncached: 1000, output: 4 } });
  });

  it('is no finish before every requested choice has one', () => {
    const second = { choices: [{ index: 1, delta: {}, finish_reason: 'stop' }] };
    const readChoices = (parts: readonly Part[]) => readStream(parts, 'other', { choices: 2 });
    expect(readChoices([TEXT, STOP]).finished).toBe(false);
    expect(readChoices([TEXT, STOP, STOP]).finished).toBe(false);
    expect(readChoices([TEXT, STOP, second]).finished).toBe(true);
    const byText = { choices: [{ index: '1', delta: {}, finish_reason: 'stop' }] };
    expect(readChoices([TEXT, STOP, byText]).finished).toBe(true);
  });
});

describe('a document that is too large to be kept', () => {
  const padding = 'x'.repeat(300_000);
  const anyJson = fc.jsonValue({ maxDepth: 4 });

  it('is read as one that is kept, wherever its members stand', () => {
    fc.assert(
      fc.property(count, count, anyJson, fc.boolean(), (prompt, completion, value, isFirst) => {
        const usage = { prompt_tokens: prompt, completion_tokens: completion };
        const choices = [
          {
            index: 0,
            logprobs: value,
            message: { content: 'a "b" \\ \u4e2d' },
            finish_reason: 'stop',
          },
        ];
        const build = (pad: string) =>
          isFirst ? { usage, pad, value, choices } : { choices, value, pad, usage };
        const kept = readDocument(build('x'));
        expect(readDocument(build(padding))).toEqual(kept);
        expect(kept).toMatchObject({ usageFinal: true, usage: { output: completion } });
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('is passed on unchanged as it comes, and is truncated where it breaks off', () => {
    const meter = createTestMeter('other', { stream: false });
    const document = JSON.stringify({ choices: [{ message: { content: padding } }], usage: FULL });
    const bytes = encoder.encode(document);
    const pieces = [bytes.subarray(0, 1000), bytes.subarray(1000, 290_000)];
    expect(pieces.map((piece) => meter.feed(piece).length)).toEqual([0, 2]);
    expect(meter.hasEnded).toBe(false);
    expect(meter.verdict()).toEqual({ kind: 'truncated' });
    const last = bytes.subarray(290_000);
    expect(meter.feed(last)).toEqual([last]);
    expect(meter.hasEnded).toBe(true);
    expect(meter.end()).toEqual([]);
    expect(meter.verdict()).toEqual({ kind: 'answer' });
  });
});

describe('the verdict on a document', () => {
  it('is that of JSON.parse, for any text', () => {
    const text = fc.oneof(
      fc.json(),
      fc.string({ unit: fc.constantFrom(...'{}[]":,0-1.eE+tfn\\u \n', 'true', 'null', '"a"') }),
      fc.json().chain((json) => fc.nat(json.length).map((at) => json.slice(0, at))),
    );
    fc.assert(
      fc.property(text, (message) => {
        const document = `{"choices":[{"message":${message}}]}`;
        const meter = createTestMeter('other', { stream: false });
        meter.feed(encoder.encode(document));
        // What comes as a stream is read event by event; both readers agree with the parser.
        const stream = createTestMeter('other');
        const out = [...stream.feed(encoder.encode(`data: ${document.replaceAll('\n', ' ')}\n\n`))];
        let isValid = true;
        try {
          JSON.parse(document);
        } catch {
          isValid = false;
        }
        expect(meter.hasEnded).toBe(isValid);
        expect(out.length > 0).toBe(isValid);
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });
});

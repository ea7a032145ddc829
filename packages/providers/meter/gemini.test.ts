/**
 * Gemini's answers through the meter: as server-sent events, as one JSON array and as a document,
 * in any chunks, whole, cut and malformed.
 */
import type { StreamFormat } from '@farebox/dialects';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configureProviders, createMeter, type Meter, type MeterOptions } from '../index.ts';

const provider = configureProviders({ apiKeys: { google: 'k' }, baseUrls: {}, extra: [] }).get(
  'google',
);
if (provider === undefined) throw new Error('no provider');
const OPTIONS: MeterOptions = {
  provider,
  dialect: 'gemini',
  stream: true,
  contentType: null,
  model: 'gemini-4-argon',
  choices: 1,
  hideUsage: false,
  replaceError: null,
};

function create(streamFormat: StreamFormat, more: Partial<MeterOptions> = {}): Meter {
  return createMeter({ ...OPTIONS, streamFormat, ...more });
}

function usage(output: number, thoughts: number) {
  return {
    promptTokenCount: 9,
    candidatesTokenCount: output,
    thoughtsTokenCount: thoughts,
    totalTokenCount: 9 + output + thoughts,
  };
}

type Event = Readonly<Record<string, unknown>>;

/** A stream of texts with brackets, quotes and escapes in them; its last event finishes. */
const events = fc
  .array(fc.string({ unit: fc.constantFrom('a', '"', '\\', ']', '}', '{', '\n', 'é', '😀') }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((texts) =>
    texts.map((text, index): Event => {
      const finish = index === texts.length - 1 ? { finishReason: 'STOP' } : {};
      const content = { role: 'model', parts: [{ text }] };
      return {
        candidates: [{ content, ...finish, index: 0 }],
        usageMetadata: usage(index + 1, 2),
      };
    }),
  );

const FORMATS = {
  events: (list: readonly Event[]) =>
    list.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join(''),
  array: (list: readonly Event[]) =>
    `[${list.map((event) => JSON.stringify(event, null, 2)).join('\n,\r\n')}\n]\n`,
} as const;

function feed(meter: Meter, bytes: Uint8Array, sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const end = at + (sizes[index % sizes.length] ?? 1);
    for (const piece of meter.feed(bytes.subarray(at, end)))
      pieces.push(Buffer.from(piece).toString('latin1'));
    at = end;
  }
  return pieces;
}

function endPieces(meter: Meter): string {
  return Buffer.concat(meter.end()).toString('latin1');
}

const chunkSizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });

describe.each(['events', 'array'] as const)('a stream of Gemini as %s', (format) => {
  const toBytes = (list: readonly Event[]) => Buffer.from(FORMATS[format](list));

  it('passes byte for byte in any chunks, and its last event counts', () => {
    fc.assert(
      fc.property(events, chunkSizes, (list, sizes) => {
        const meter = create(format);
        const bytes = toBytes(list);
        const out = feed(meter, bytes, sizes).join('') + endPieces(meter);
        expect(out).toBe(bytes.toString('latin1'));
        const reading = meter.reading();
        expect(reading).toMatchObject({ usageFinal: true, finished: true, failed: false });
        expect(reading.usage).toMatchObject({ input_uncached: 9, output: list.length + 2 });
        expect(reading.eventCount).toBe(list.length);
        expect(meter.verdict()).toEqual({ kind: 'answer' });
      }),
    );
  });

  it('cut anywhere is not final, and is estimated no higher than its bytes show', () => {
    fc.assert(
      fc.property(events, fc.nat({ max: 999 }), chunkSizes, (list, share, sizes) => {
        const bytes = toBytes(list);
        const whole = create(format);
        feed(whole, bytes, [bytes.length]);
        const meter = create(format);
        const length = Math.floor((share * bytes.length) / 1000);
        feed(meter, bytes.subarray(0, length), sizes);
        const reading = meter.reading();
        if (!reading.finished) expect(reading.usageFinal).toBe(false);
        expect(reading.estimatedOutputTokens).toBeLessThanOrEqual(
          whole.reading().estimatedOutputTokens,
        );
      }),
    );
  });

  it('never throws on bytes that were changed, and passes on no more than came', () => {
    fc.assert(
      fc.property(events, fc.nat(), fc.nat({ max: 255 }), chunkSizes, (list, at, byte, sizes) => {
        const bytes = toBytes(list);
        bytes[at % bytes.length] = byte;
        const meter = create(format);
        const out = feed(meter, bytes, sizes).join('') + endPieces(meter);
        expect(out.length).toBeLessThanOrEqual(bytes.length + 4);
        expect(Number.isSafeInteger(meter.reading().estimatedOutputTokens)).toBe(true);
      }),
    );
  });
});

describe('an array of Gemini', () => {
  const texts = ['Hel', 'lo'].map((text, index) => ({
    candidates: [
      { content: { parts: [{ text }] }, ...(index === 1 ? { finishReason: 'STOP' } : {}) },
    ],
    usageMetadata: usage(index + 1, 0),
  }));

  it('is returned in pieces that end with an element, so that white space fits behind each', () => {
    const meter = create('array');
    const pieces = feed(meter, Buffer.from(FORMATS.array(texts)), [7]);
    const out = pieces.join('\n \n');
    expect(JSON.parse(out)).toEqual(texts);
    expect(JSON.parse(`${pieces[0]}]`)).toEqual(texts.slice(0, 1));
  });

  it('is closed where the provider leaves it open after its last event', () => {
    const open = FORMATS.array(texts).replace(/\n\]\n$/, '');
    const meter = create('array');
    const out = feed(meter, Buffer.from(open), [11]).join('') + endPieces(meter);
    expect(JSON.parse(out)).toEqual(texts);
    expect(meter.reading()).toMatchObject({ ended: true, usageFinal: true });
  });

  it('ends with our error in place of one that may not pass, whatever follows', () => {
    const error = { error: { code: 403, message: 'Your project is suspended.', status: 'X' } };
    const replacement = ',{"error":{"code":502}}\n]';
    const meter = create('array', { replaceError: () => Buffer.from(replacement) });
    const bytes = Buffer.from(FORMATS.array([...texts.slice(0, 1), error, error]));
    const out = feed(meter, bytes, [13]).join('') + endPieces(meter);
    expect(JSON.parse(out)).toEqual([texts[0], { error: { code: 502 } }]);
    expect(meter.reading()).toMatchObject({ failed: true, usageFinal: false });
    expect(meter.hasEnded).toBe(true);
  });

  it('passes on an element larger than what is withheld, and counts it', () => {
    const data = 'A'.repeat(3_000_000);
    const part = { inlineData: { mimeType: 'image/png', data } };
    const image = { candidates: [{ content: { parts: [part] }, finishReason: 'STOP' }] };
    const counted = { ...image, usageMetadata: usage(1290, 0) };
    const meter = create('array');
    const out = feed(meter, Buffer.from(FORMATS.array([counted])), [65_536]).join('');
    expect(JSON.parse(out + endPieces(meter))).toEqual([counted]);
    expect(meter.reading()).toMatchObject({ usageFinal: true, usage: { output: 1290 } });
  });

  it.each([
    ['a document', JSON.stringify(texts[1])],
    ['server-sent events', FORMATS.events(texts)],
  ])('is made of %s where the provider answers so', (_, answer) => {
    const meter = create('array');
    const out = feed(meter, Buffer.from(answer), [50]).join('') + endPieces(meter);
    const [event] = JSON.parse(out);
    expect(event.candidates[0].finishReason).toBe('STOP');
    // The array is closed: the relay must not close it again.
    expect(meter.reading()).toMatchObject({ ended: true, usage: { output: 2 } });
  });

  it('counts no event of server-sent ones that were not passed on, so an error opens the array', () => {
    const meter = create('array');
    expect(feed(meter, Buffer.from(FORMATS.events(texts.slice(0, 1))), [50]).join('')).toBe('');
    expect(meter.reading()).toMatchObject({ ended: false, eventCount: 0 });
    expect(endPieces(meter)).toBe('');
    expect(meter.reading()).toMatchObject({ ended: false, eventCount: 0 });
  });
});

describe('a document of Gemini', () => {
  function read(document: unknown) {
    const meter = createMeter({ ...OPTIONS, stream: false });
    const bytes = Buffer.from(JSON.stringify(document));
    const out = feed(meter, bytes, [97]).join('') + endPieces(meter);
    return { meter, isSame: out === bytes.toString('latin1'), reading: meter.reading() };
  }

  const content = { parts: [{ text: 'x' }] };
  const usageMetadata = usage(5, 0);

  it.each([
    ['an unknown finish', { finishReason: 'NEW_REASON', content }],
    ['no content, where all of it was thought', { finishReason: 'MAX_TOKENS' }],
    ['a call of a function', { finishReason: 'STOP', content: { parts: [{ functionCall: {} }] } }],
  ])('with %s is an answer', (_, candidate) => {
    const { isSame, reading, meter } = read({ candidates: [candidate], usageMetadata });
    expect([isSame, meter.verdict().kind]).toEqual([true, 'answer']);
    expect(reading).toMatchObject({ usageFinal: true, usage: { output: 5 } });
  });

  it('with a blocked prompt is an answer that costs what it counts', () => {
    const promptFeedback = { blockReason: 'SAFETY' };
    const counted = read({
      promptFeedback,
      usageMetadata: { promptTokenCount: 8, totalTokenCount: 8 },
    });
    expect(counted.reading).toMatchObject({
      usageFinal: true,
      usage: { input_uncached: 8, output: 0 },
    });
    const uncounted = read({ promptFeedback, usageMetadata: { trafficType: 'ON_DEMAND' } });
    expect(uncounted.isSame).toBe(true);
    expect(uncounted.reading).toMatchObject({
      usageFinal: true,
      usage: { input_uncached: 0, output: 0 },
    });
  });

  it.each([
    [['a', 'b', 'a', ''], 2],
    [[], 0],
    [['', ' '], 1],
  ])('that lists the queries %j ran %i searches', (webSearchQueries, count) => {
    const groundingMetadata = { webSearchQueries };
    const candidates = [{ content, finishReason: 'STOP', groundingMetadata }];
    const { surcharges } = read({ candidates, usageMetadata }).reading;
    expect(surcharges).toEqual(count === 0 ? [] : [{ kind: 'web_search', count }]);
  });

  it('with places of Google Maps is one grounded prompt, however many they are', () => {
    const groundingMetadata = { groundingChunks: [{ maps: { uri: 'x' } }, { maps: {} }] };
    const candidates = [{ content, finishReason: 'STOP', groundingMetadata }];
    const { surcharges } = read({ candidates, usageMetadata }).reading;
    expect(surcharges).toEqual([{ kind: 'maps_grounded_prompt', count: 1 }]);
  });

  it('that is too large to be kept is counted by the members that billing reads', () => {
    const text = 'word '.repeat(80_000);
    const groundingMetadata = {
      webSearchQueries: ['a', 'b'],
      groundingChunks: [{ maps: { uri: text } }],
    };
    const candidates = [
      { content: { parts: [{ text }] }, finishReason: 'STOP', groundingMetadata },
    ];
    const { isSame, reading } = read({ candidates, usageMetadata: usage(80_000, 0) });
    expect(isSame).toBe(true);
    expect(reading).toMatchObject({ usageFinal: true, usage: { output: 80_000 } });
    expect(reading.surcharges).toEqual([
      { kind: 'web_search', count: 2 },
      { kind: 'maps_grounded_prompt', count: 1 },
    ]);
  });

  it('counts the results of Google’s own tools as no output of the model', () => {
    const noise = 'result '.repeat(500);
    const parts = [
      { executableCode: { code: 'print(1)' } },
      { codeExecutionResult: { output: noise, text: noise } },
      { toolResponse: { response: { text: noise, name: noise } } },
      { text: 'One.' },
    ];
    const { reading } = read({ candidates: [{ content: { parts }, finishReason: 'STOP' }] });
    expect(reading.estimatedOutputTokens).toBeLessThan(20);
  });
});

describe('the final usage of a stream', () => {
  const toChunk = (event: Event) => Buffer.from(FORMATS.events([event]));
  const event = (text: string, isFinish: boolean, output: number): Event => ({
    candidates: [
      { content: { parts: [{ text }] }, ...(isFinish ? { finishReason: 'STOP' } : {}), index: 0 },
    ],
    usageMetadata: usage(output, 0),
  });

  it('is there with the event that finishes', () => {
    const meter = create('events');
    meter.feed(toChunk(event('One two', false, 2)));
    expect(meter.hasFinalUsage).toBe(false);
    meter.feed(toChunk(event(' three.', true, 4)));
    expect(meter.hasFinalUsage).toBe(true);
  });

  it('is not known where output follows a finish, which then stands in every event', () => {
    const meter = create('events');
    meter.feed(toChunk(event('One two', true, 2)));
    meter.feed(toChunk(event(' three four', true, 4)));
    expect(meter.hasFinalUsage).toBe(false);
  });
});

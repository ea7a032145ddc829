/**
 * The meter through createMeter: framing of events, robustness against any bytes, and normalization
 * of usage. The fixtures are synthetic, one per feature.
 */
import { NO_USAGE } from '@farebox/money';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configureProviders, createMeter, type MeterOptions, type Reading } from '../index.ts';

const SEED = 20261124;
const MIB = 1_048_576;
const encoder = new TextEncoder();
const bytes = (text: string) => encoder.encode(text);
const decode = (pieces: readonly Uint8Array[]) => Buffer.concat(pieces).toString();

const providers = configureProviders({
  apiKeys: { openai: 'k', anthropic: 'k', google: 'k', xai: 'k' },
  baseUrls: {},
  extra: [{ id: 'other', baseUrl: 'https://other.example/v1', apiKey: 'k' }],
});

function createTestMeter(id: string, rest: Partial<MeterOptions> = {}) {
  const provider = providers.get(id);
  if (provider === undefined) throw new Error(id);
  const dialect = id === 'anthropic' ? 'messages' : 'chat';
  return createMeter({
    provider,
    dialect,
    stream: true,
    contentType: null,
    model: 'm',
    choices: 1,
    hideUsage: false,
    replaceError: null,
    ...rest,
  });
}

/** Feeds `pieces` and ends; what came out of each call, and what was understood. */
function run(pieces: readonly Uint8Array[], id = 'openai', rest: Partial<MeterOptions> = {}) {
  const meter = createTestMeter(id, rest);
  const fed = pieces.map((piece) => meter.feed(piece));
  const remaining = meter.end();
  return {
    fed,
    out: decode([...fed.flat(), ...remaining]),
    left: remaining,
    reading: meter.reading(),
    verdict: meter.verdict(),
  };
}

const DELTA =
  '{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}],"usage":null}';
const STOP = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}';
const USAGE = '{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}';
const sseEvents = (end: string, events: readonly string[]) =>
  events.map((event) => `data: ${event}${end}${end}`).join('');
const CHAT = sseEvents('\n', [DELTA, STOP, USAGE, '[DONE]']);

function expectCompleteReading(reading: Reading) {
  expect(reading).toMatchObject({
    usage: { input_uncached: 9, output: 4 },
    usageFinal: true,
    finished: true,
    ended: true,
    failed: false,
    unpriceable: 0,
  });
}

describe('framing of events', () => {
  it.each([
    ['LF', CHAT],
    ['CRLF', sseEvents('\r\n', [DELTA, STOP, USAGE, '[DONE]'])],
    ['CR', sseEvents('\r', [DELTA, STOP, USAGE, '[DONE]'])],
    ['a byte order mark', `\ufeff${sseEvents('\n', [USAGE, STOP, '[DONE]'])}`],
    ['comments and other fields', `: hi\n\nid: 1\nevent: x\n: c\n${CHAT}`],
    ['no space after the colon', CHAT.replaceAll('data: ', 'data:')],
    ['white space in the JSON', CHAT.replaceAll('":', '" :  ')],
    ['data in several lines', CHAT.replaceAll('":', '":\ndata: ').replaceAll(',', ',\ndata:')],
  ])('reads %s, whole and byte by byte', (_name, body) => {
    const whole = bytes(body);
    const single = Array.from(whole, (byte) => Uint8Array.of(byte));
    for (const pieces of [[whole], single]) {
      const { out, reading } = run(pieces);
      expect(out).toBe(body);
      expectCompleteReading(reading);
    }
  });

  it('returns a chunk that ends with an event as the same object', () => {
    const chunk = bytes(`${sseEvents('\n', [DELTA, DELTA])}`);
    const meter = createTestMeter('openai', { hideUsage: true });
    expect(meter.feed(chunk)[0]).toBe(chunk);
    expect(meter.feed(chunk)).toHaveLength(1);
  });

  it('ends the last event with a blank line where the provider does not', () => {
    const { out, reading } = run([bytes(CHAT.trimEnd())]);
    expect(out).toBe(CHAT);
    expectCompleteReading(reading);
  });

  it('withholds an event until its last byte, also the LF of its last CRLF', () => {
    const meter = createTestMeter('openai');
    const event = `data: ${DELTA}\r\n\r\n`;
    expect(meter.feed(bytes(event.slice(0, 30)))).toEqual([]);
    expect(meter.feed(bytes(event.slice(30, -1)))).toEqual([]);
    expect(decode(meter.feed(bytes(`\n${event.slice(0, 5)}`)))).toBe(event);
    expect(decode(meter.end())).toBe('');
  });

  it('passes on an event larger than 1 MiB in pieces and still reads it', () => {
    const big = `data: ${DELTA.replace('Hi', 'a '.repeat(MIB))}\n\n`;
    const body = bytes(big + sseEvents('\n', [USAGE, STOP, '[DONE]']));
    const cuts = [
      body.subarray(0, MIB - 1),
      body.subarray(MIB - 1, 2 * MIB),
      body.subarray(2 * MIB),
    ];
    const { fed, out, reading } = run(cuts, 'openai', { hideUsage: true });
    expect(fed.map((pieces) => pieces.length > 0)).toEqual([false, true, true]);
    expect(out).toBe(new TextDecoder().decode(body).replace(`data: ${USAGE}\n\n`, ''));
    expect(reading.estimatedOutputTokens).toBeGreaterThan(MIB / 2);
    expectCompleteReading(reading);
  });

  it('neither loses nor keeps an event that never ends', () => {
    const chunk = new Uint8Array(3 * MIB).fill(0x61);
    const pieces = [bytes('data: "'), ...Array.from({ length: 7 }, () => chunk)];
    const { out } = run(pieces);
    expect(out.length).toBe(7 + 7 * 3 * MIB);
  });
});

describe('a meter fed any bytes', () => {
  const fragment = fc.constantFrom(
    ...[
      'data: ',
      'data:',
      '\n',
      '\n\n',
      '\r',
      '\r\n',
      '\r\n\r\n',
      ': c',
      '"',
      '\\',
      '\\u12',
      '{',
      '}',
    ],
    ...[
      '"usage":',
      '"usage":{',
      '"content":"',
      '"error":',
      '"finish_reason":"',
      '[',
      ']',
      '\ufeff',
    ],
    ...[
      '"type":"message_start"',
      '"prompt_tokens":-1',
      '"choices":[]',
      DELTA,
      STOP,
      USAGE,
      '[DONE]',
    ],
  );
  const randomInput = fc.oneof(
    fc.array(fragment, { maxLength: 40 }).map((parts) => bytes(parts.join(''))),
    fc.uint8Array({ maxLength: 200 }),
  );

  function cut(body: Uint8Array, sizes: readonly number[]): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    for (let at = 0, turn = 0; at < body.length; turn++) {
      const size = sizes[turn % sizes.length] ?? 1;
      pieces.push(body.subarray(at, at + size));
      at += size;
    }
    return pieces;
  }
  const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 });

  /** The events of `text` that a client can read: comments, the end marker, and JSON objects. */
  function isReadable(event: string): boolean {
    const lines = event.replaceAll('\ufeff', '').split(/\r\n|\r|\n/);
    const data = lines.filter((line) => /^data(:|$)/.test(line)).map((line) => line.slice(5));
    if (data.length === 0) return !lines.some((line) => line.startsWith('event'));
    const text = data.join('\n').trim();
    if (text.startsWith('[DONE]')) return true;
    try {
      const value: unknown = JSON.parse(text);
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    } catch {
      return false;
    }
  }

  it.each(['openai', 'anthropic'])(
    'returns the same readable events for any chunk boundaries: %s',
    (id) => {
      process.stdout.write(`seed ${SEED}\n`);
      fc.assert(
        fc.property(randomInput, sizes, fc.boolean(), (body, chunkSizes, hideUsage) => {
          const whole = run([body], id, { hideUsage });
          const cutUp = run(cut(body, chunkSizes), id, { hideUsage });
          expect(cutUp.out).toBe(whole.out);
          expect(cutUp.reading).toEqual(whole.reading);
          if (id === 'anthropic') return;
          for (const event of whole.out.split(/(?<=\n\n|\r\n\r\n|\r\r(?!\n))/))
            expect(isReadable(event), event).toBe(true);
        }),
        { seed: SEED, numRuns: 1500 },
      );
    },
  );

  it('returns documents the same for any chunk boundaries', () => {
    const document = fc.oneof(
      fc.json().map((text) => bytes(text)),
      fc.json().map((text) => bytes(`{"choices":[{"message":${text}}],"usage":{}}`)),
      randomInput,
    );
    fc.assert(
      fc.property(document, sizes, fc.boolean(), (body, chunkSizes, stream) => {
        const whole = run([body], 'openai', { stream });
        const cutUp = run(cut(body, chunkSizes), 'openai', { stream });
        expect(cutUp.out).toBe(whole.out);
        expect(cutUp.reading).toEqual(whole.reading);
        expect(cutUp.verdict).toEqual(whole.verdict);
      }),
      { seed: SEED, numRuns: 1500 },
    );
  });

  it('returns whole events, the same ones for any chunk boundaries', () => {
    const event = fc.constantFrom(DELTA, STOP, USAGE, '[DONE]', 'no json', '{"usage":{}}');
    const end = fc.constantFrom('\n', '\r\n');
    const kept: Readonly<Record<string, string>> = {
      [DELTA]: DELTA,
      [STOP]: STOP,
      '[DONE]': '[DONE]',
    };
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), end, sizes, (events, lineEnd, chunkSizes) => {
        const body = bytes(sseEvents(lineEnd, events));
        const hidden = { hideUsage: true };
        const { fed, out, reading, left } = run(cut(body, chunkSizes), 'openai', hidden);
        const blank = lineEnd + lineEnd;
        for (const piece of fed.flat()) expect(decode([piece]).endsWith(blank)).toBe(true);
        for (const piece of fed.flat()) expect(decode([piece]).startsWith('data: ')).toBe(true);
        const endMarker = events.indexOf('[DONE]');
        const read = endMarker < 0 ? events : events.slice(0, endMarker + 1);
        const hasData = read.some((one) => one !== '[DONE]' && one !== 'no json');
        const passed = hasData ? read.filter((one) => one in kept) : [];
        expect(out).toBe(sseEvents(lineEnd, passed));
        expect(left).toEqual([]);
        expect(reading).toEqual(run([body], 'openai', hidden).reading);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('never lowers an estimate, in a document as in a stream', () => {
    fc.assert(
      fc.property(randomInput, sizes, (body, chunkSizes) => {
        const meter = createTestMeter('anthropic');
        let before = 0;
        for (const piece of cut(body, chunkSizes)) {
          meter.feed(piece);
          expect(meter.reading().estimatedOutputTokens).toBeGreaterThanOrEqual(before);
          before = meter.reading().estimatedOutputTokens;
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});

describe('the estimate of output tokens', () => {
  const estimateText = (content: string) =>
    run([bytes(`data: {"choices":[{"delta":{"content":${content}}}]}\n\n`)]).reading
      .estimatedOutputTokens;

  it('counts the characters that an escaped string stands for', () => {
    expect(estimateText('"\\u4e2d\\u6587 \\"a\\"\\n"')).toBe(estimateText('"中文 \'a\'\\t"'));
    expect(estimateText('"\\ud83d\\ude00"')).toBe(estimateText('"😀"'));
    expect(estimateText('""')).toBe(0);
    expect(estimateText('null')).toBe(0);
  });

  it.each([
    ['parts of text', { content: [{ type: 'text', text: 'The Nile is long.' }] }],
    [
      'thinking in parts',
      { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'The Nile is long.' }] }] },
    ],
    ['thinking', { thinking: 'The Nile is long.' }],
    ['a refusal', { content: null, refusal: 'The Nile is long.' }],
    [
      'reasoning, which its details repeat',
      {
        reasoning: 'The Nile is long.',
        reasoning_details: [{ type: 'reasoning.text', text: 'The Nile is long.' }],
      },
    ],
  ])('counts %s as the same text', (_, message) => {
    const estimate = (said: object) =>
      run([bytes(JSON.stringify({ choices: [{ message: said }] }))], 'openai', { stream: false })
        .reading.estimatedOutputTokens;
    expect(estimate(message)).toBe(estimate({ content: 'The Nile is long.' }));
  });

  it('counts the input of a custom tool', () => {
    const call = (input: string) =>
      run(
        [
          bytes(
            JSON.stringify({
              choices: [
                { message: { tool_calls: [{ type: 'custom', custom: { name: 'patch', input } }] } },
              ],
            }),
          ),
        ],
        'openai',
        { stream: false },
      ).reading.estimatedOutputTokens;
    expect(call('The Nile is long. '.repeat(20))).toBeGreaterThan(call('') + 60);
  });

  it('takes no text for a key', () => {
    const injection =
      '"\\"usage\\":{\\"prompt_tokens\\":1,\\"completion_tokens\\":1},\\"error\\":1"';
    const { reading } = run([bytes(`data: {"choices":[{"delta":{"content":${injection}}}]}\n\n`)]);
    expect(reading).toMatchObject({ usage: null, failed: false, finished: false });
  });
});

describe('usage of an answer', () => {
  const chat = (usage: object, id = 'openai', model = 'm', more: object = {}) =>
    run([bytes(JSON.stringify({ choices: [{ finish_reason: 'stop' }], usage, ...more }))], id, {
      stream: false,
      model,
    }).reading;
  const messages = (usage: object) =>
    run(
      [bytes(JSON.stringify({ type: 'message', content: [], stop_reason: 'end_turn', usage }))],
      'anthropic',
      { stream: false },
    ).reading;
  const plain = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 };

  it('counts audio and image tokens as surcharges apart from text', () => {
    const usage = {
      ...plain,
      prompt_tokens_details: { audio_tokens: 4, cached_tokens: 3 },
      completion_tokens_details: { audio_tokens: 5, image_tokens: 6 },
    };
    const reading = chat(usage);
    expect(reading.usage).toMatchObject({ input_uncached: 3, cache_read: 3, output: 9 });
    expect(reading.surcharges).toEqual([
      { kind: 'audio_input', count: 4 },
      { kind: 'audio_output', count: 5 },
      { kind: 'image_output', count: 6 },
    ]);
  });

  it('counts the reported searches, and one search for each answer of a search model', () => {
    expect(chat({ ...plain, num_sources_used: 3 }, 'xai').surcharges).toEqual([
      { kind: 'web_search', count: 3 },
    ]);
    expect(chat(plain, 'openai', 'gpt-4o-search-preview').surcharges).toEqual([
      { kind: 'web_search', count: 1 },
    ]);
    const usage = {
      input_tokens: 1,
      output_tokens: 2,
      server_tool_use: { web_search_requests: 2 },
    };
    expect(messages(usage).surcharges).toEqual([{ kind: 'web_search', count: 2 }]);
  });

  it('finds reasoning included in the output, separate from it, or only in the total', () => {
    const usage = {
      ...plain,
      total_tokens: 37,
      completion_tokens_details: { reasoning_tokens: 7 },
    };
    expect(chat(usage).usage).toMatchObject({ output: 20, output_reasoning: 7 });
    expect(chat(usage, 'xai').usage).toMatchObject({ output: 27, output_reasoning: 7 });
    const gap = { ...plain, total_tokens: 37 };
    expect(chat(gap, 'google').usage).toMatchObject({ output: 27, output_reasoning: 7 });
  });

  it('counts the tokens of a compaction as a pass of its own', () => {
    const pass = {
      type: 'compaction',
      input_tokens: 100,
      output_tokens: 30,
      cache_read_input_tokens: 5,
      cache_creation: { ephemeral_1h_input_tokens: 7 },
    };
    const reading = messages({
      input_tokens: 1,
      output_tokens: 2,
      iterations: [pass, { type: 'message', input_tokens: 1, output_tokens: 2 }],
    });
    expect(reading.usage).toMatchObject({ input_uncached: 1, output: 2 });
    const expected = { input_uncached: 100, cache_read: 5, cache_write_1h: 7, output: 30 };
    expect(reading.passes).toEqual([{ ...NO_USAGE, ...expected }]);
    expect(reading.surcharges).toEqual([]);
    expect(reading.unpriceable).toBe(0);
  });

  it.each([-1, 1.5, 2 ** 53, 'seven', '-7', '1.5', true, {}])(
    'rejects %j as a count and reports it as unpriceable',
    (count) => {
      const chatReading = chat({ ...plain, prompt_tokens_details: { cached_tokens: count } });
      expect(chatReading).toMatchObject({ unpriceable: 1, usage: { cache_read: 0 } });
      expect(chat({ ...plain, prompt_tokens: count })).toMatchObject({
        unpriceable: 1,
        usage: null,
      });
      expect(messages({ input_tokens: count, output_tokens: 1 }).usage).toBeNull();
    },
  );

  it.each([
    ['priority', { tier: 'priority' }, 0],
    ['flex', { tier: 'flex' }, 0],
    ['ultrafast', { tier: 'ultrafast' }, 0],
    ['default', { tier: 'standard' }, 0],
    ['auto', {}, 0],
    ['batch', {}, 1],
  ])('reads a service tier of %s as %j, with %i unpriceable', (tier, served, unpriceable) => {
    const reading = chat(plain, 'openai', 'm', { service_tier: tier });
    expect(reading).toMatchObject({ served, unpriceable });
  });

  it('reads the tier of the headers where the body has none', () => {
    const serve = (servedTier: string, body: object) =>
      run([bytes(JSON.stringify({ choices: [], usage: plain, ...body }))], 'google', {
        stream: false,
        servedTier,
      }).reading.served;
    expect(serve('standard', {})).toEqual({ tier: 'standard' });
    expect(serve('SERVICE_TIER_PRIORITY', {})).toEqual({ tier: 'priority' });
    expect(serve('standard', { service_tier: 'flex' })).toEqual({ tier: 'flex' });
  });

  it('counts the searches that grounding lists, once for each choice', () => {
    const grounded = (queries: readonly string[], index = 0) =>
      JSON.stringify({
        choices: [{ index, delta: {}, groundingMetadata: { webSearchQueries: queries } }],
      });
    const snake = JSON.stringify({
      choices: [{ index: 1, delta: { grounding_metadata: { web_search_queries: ['c'] } } }],
    });
    const events = [grounded(['a']), grounded(['a', 'b']), snake, STOP, USAGE, '[DONE]'];
    const { reading } = run([bytes(sseEvents('\n', events))], 'google');
    expect(reading.surcharges).toEqual([{ kind: 'web_search', count: 3 }]);
    const message = { content: 'x', grounding_metadata: { web_search_queries: ['a', 'b'] } };
    const document = { choices: [{ index: 0, message, finish_reason: 'stop' }], usage: plain };
    const whole = run([bytes(JSON.stringify(document))], 'google', { stream: false });
    expect(whole.reading.surcharges).toEqual([{ kind: 'web_search', count: 2 }]);
  });

  it.each([
    [{ num_server_side_tools_used: 2 }, { web_search: 2 }],
    [{ num_sources_used: 3 }, { web_search: 3 }],
    [{ num_sources_used: 3, num_server_side_tools_used: 1 }, { web_search: 1 }],
    [
      {
        num_server_side_tools_used: 9,
        server_side_tool_usage_details: {
          web_search_calls: 1,
          x_search_calls: 2,
          code_interpreter_calls: 3,
          file_search_calls: 1,
          document_search_calls: 1,
          mcp_calls: 1,
        },
      },
      { web_search: 1, x_search: 2, code_execution: 3, file_search: 1, document_search: 1 },
    ],
    [{ server_side_tool_usage_details: { mcp_calls: 2 }, num_server_side_tools_used: 2 }, {}],
  ])('counts the provider’s tools of %j as %j', (more, expected) => {
    const { surcharges } = chat({ ...plain, ...more }, 'xai');
    const counts = Object.fromEntries(surcharges.map(({ kind, count }) => [kind, count]));
    expect(counts).toEqual(expected);
  });

  it('reports calls of provider’s tools that no detail names', () => {
    const details = { server_side_tool_usage_details: { web_search_calls: 1, other_calls: 2 } };
    const reading = chat({ ...plain, ...details, num_server_side_tools_used: 3 }, 'xai');
    expect(reading.surcharges).toEqual([{ kind: 'web_search', count: 1 }]);
    expect(reading.unpriceable).toBe(1);
  });

  it.each([
    [{ service_tier: 'priority' }, { tier: 'priority' }, 0],
    [{ speed: 'fast' }, { speed: 'fast' }, 0],
    [{ inference_geo: 'us' }, { region: 'us' }, 0],
    [{ inference_geo: 'moon', speed: 7 }, {}, 2],
    [{ iterations: [{ type: 'advisor_message' }] }, {}, 1],
    [{ iterations: [{ type: 'compaction', output_tokens: 5 }] }, {}, 1],
    [{ iterations: [null, {}, { type: 'message' }] }, {}, 1],
    [
      { inference_geo: 'not_available', service_tier: 'standard' },
      { region: 'global', tier: 'standard' },
      0,
    ],
  ])('reads the terms of %j as %j, with %i unpriceable', (more, served, unpriceable) => {
    const reading = messages({ input_tokens: 1, output_tokens: 2, ...more });
    expect(reading).toMatchObject({ served, unpriceable });
  });

  it.each([
    [300, 0, 200, { cache_write_5m: 100, cache_write_1h: 200 }],
    [0, 50, 200, { cache_write_5m: 50, cache_write_1h: 200 }],
    [null, 50, 200, { cache_write_5m: 50, cache_write_1h: 200 }],
    [100, 0, 150, { cache_write_5m: 0, cache_write_1h: 100 }],
  ])(
    'reads %j cache writes, of them %i and %i by lifetime, as %j',
    (total, short, long, expected) => {
      const reading = messages({
        input_tokens: 1,
        output_tokens: 2,
        cache_creation_input_tokens: total,
        cache_creation: { ephemeral_5m_input_tokens: short, ephemeral_1h_input_tokens: long },
      });
      expect(reading.usage).toMatchObject(expected);
    },
  );

  it('never shrinks during a stream and is final only at its end', () => {
    const events = [
      '{"type":"message_start","message":{"usage":{"input_tokens":5,"output_tokens":1}}}',
      '{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hello there"}}',
      '{"type":"message_delta","delta":{},"usage":{"output_tokens":3}}',
      '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}',
      '{"type":"message_stop"}',
    ];
    const meter = createTestMeter('anthropic');
    const readings = events.map((event) => {
      meter.feed(bytes(`event: x\ndata: ${event}\n\n`));
      const { usage, usageFinal, ended } = meter.reading();
      return [usage?.input_uncached, usage?.output, usageFinal, ended];
    });
    expect(readings).toEqual([
      [5, 1, false, false],
      [5, 1, false, false],
      [5, 3, false, false],
      [5, 9, true, false],
      [5, 9, true, true],
    ]);
  });

  it('reports an error inside a 200 as a failure', () => {
    expect(run([bytes('data: {"error":{"code":"x"}}\n\n')]).reading.failed).toBe(true);
    const event = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n';
    expect(run([bytes(event)], 'anthropic').reading.failed).toBe(true);
  });
});

/** Errors inside a stream, each with the sentence in it. */
const STREAM_ERRORS: readonly (readonly [string, string, string])[] = [
  [
    'an object that says so (vLLM)',
    '{"object":"error","message":"It broke","code":500}',
    'It broke',
  ],
  ['a detail (FastAPI)', '{"detail":"It broke"}', 'It broke'],
  [
    'a list of details (FastAPI)',
    '{"detail":[{"loc":["body","x"],"msg":"It broke"}]}',
    'x: It broke',
  ],
  ['a message alone', '{"message":"It broke","status":503}', 'It broke'],
  ['text', '{"error":"It broke"}', 'It broke'],
  ['a list', '{"error":[{"message":"It broke"}]}', 'It broke'],
  [
    'a state beside choices (MiniMax)',
    '{"choices":null,"base_resp":{"status_code":1000,"status_msg":"It broke"}}',
    'It broke',
  ],
  [
    'a member of a choice (OpenRouter)',
    '{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"It broke"}}]}',
    'It broke',
  ],
];

describe('an error inside a stream', () => {
  const replaceError: MeterOptions['replaceError'] = (_event, { message }) =>
    bytes(`data: ${JSON.stringify({ error: { message } })}\n\n`);
  const replaced = (message: string) => `data: ${JSON.stringify({ error: { message } })}\n\n`;
  const begun = sseEvents('\n', [DELTA]);

  it.each(STREAM_ERRORS)('is known whatever its shape: %s', (_, event, message) => {
    const body = bytes(`${begun}${sseEvents('\n', [event, '[DONE]'])}`);
    const streamed = run([body], 'other', { replaceError });
    expect(streamed.reading.failed).toBe(true);
    expect(streamed.out).toBe(`${begun}${replaced(message)}data: [DONE]\n\n`);
    const whole = run([body], 'other', { stream: false });
    expect(whole.verdict).toMatchObject({ kind: 'error', error: { message } });
    expect(whole.out).toBe('');
  });

  it.each([
    ['a sentence', 'It broke'],
    ['an object', '{"message":"It broke"}'],
    ['an object of another shape', '{"msg":"It broke","status":500}'],
  ])('is known by the name of its event: %s', (_, data) => {
    for (const id of ['other', 'anthropic']) {
      const body = bytes(`event: error\ndata: ${data}\n\n`);
      expect(run([body], id, { replaceError }).out).toBe(replaced('It broke'));
      expect(run([body], id, { stream: false }).verdict).toMatchObject({
        kind: 'error',
        error: { message: 'It broke' },
      });
    }
  });

  it('is no text of the model, no null and no state of success', () => {
    const quiet = [
      '{"choices":[{"index":0,"delta":{"content":"{\\"detail\\":\\"x\\"}"}}],"error":null}',
      '{"choices":[{"index":0,"delta":{}}],"base_resp":{"status_code":0,"status_msg":"success"}}',
      '{"choices":[],"prompt_filter_results":[{"detail":"x"}]}',
    ];
    expect(run([bytes(sseEvents('\n', quiet))], 'other').reading.failed).toBe(false);
  });
});

describe('a whole answer in one event of a stream', () => {
  const completion = JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 9, completion_tokens: 4 },
  });
  const message = JSON.stringify({
    type: 'message',
    role: 'assistant',
    content: [{ type: 'text', text: 'Hi' }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 9, output_tokens: 4 },
  });

  it('becomes the events that clients read', () => {
    const chat = run([bytes(sseEvents('\n', [completion, '[DONE]']))], 'openai', {
      hideUsage: true,
    });
    expectCompleteReading(chat.reading);
    expect(chat.out).toContain('"delta":{"role":"assistant","content":"Hi"}');
    expect(chat.out).not.toMatch(/"usage"|"message"/);
    const messages = run([bytes(sseEvents('\n', [message]))], 'anthropic');
    expect(messages.reading).toMatchObject({ usage: { output: 4 }, usageFinal: true });
    expect(messages.out).toContain('event: content_block_delta\n');
  });

  it('is the document where one was asked for', () => {
    for (const [id, event] of [
      ['openai', completion],
      ['anthropic', message],
    ] as const) {
      const { out, verdict } = run([bytes(sseEvents('\n', [event]))], id, { stream: false });
      expect(verdict).toEqual({ kind: 'answer' });
      expect(JSON.parse(out)).toEqual(JSON.parse(event));
    }
  });
});

describe('the end marker of a stream', () => {
  it('may have white space around it', () => {
    const body = CHAT.replace('data: [DONE]', 'data:   [DONE]  ');
    const { out, reading } = run([bytes(body)]);
    expect(out).toBe(body);
    expectCompleteReading(reading);
  });

  it('is followed by nothing but usage', () => {
    const late = DELTA.replace('Hi', 'This comes too late for any client that stopped reading');
    const { out, reading } = run([
      bytes(sseEvents('\n', [DELTA, STOP, '[DONE]', late, USAGE, '[DONE]'])),
    ]);
    expect(out).toBe(sseEvents('\n', [DELTA, STOP, '[DONE]']));
    expectCompleteReading(reading);
    expect(reading.estimatedOutputTokens).toBe(run([bytes(CHAT)]).reading.estimatedOutputTokens);
  });

  it.each([
    ['nothing', '[DONE]'],
    ['malformed events', '{bad'],
    ['another', '[DONE]\n\nevent: error\ndata: late'],
  ])('is left out after %s, so that clients see the error that follows', (_, event) => {
    const { out, verdict } = run([bytes(sseEvents('\n', [event, '[DONE]']))]);
    expect(out).toBe('');
    expect(verdict).toEqual({ kind: 'unreadable' });
  });
});

describe('usage that the client did not ask for', () => {
  const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };

  it.each([
    ['no choices', {}],
    ['null', { choices: null }],
    ['an empty list', { choices: [] }],
    ['an object', { choices: {} }],
    ['a choice of null', { choices: [null] }],
    ['an empty choice', { choices: [{}] }],
    ['an index alone', { choices: [{ index: 0 }] }],
    ['an empty delta', { choices: [{ index: 0, delta: {}, finish_reason: null, logprobs: null }] }],
  ])('goes with its chunk where that says nothing: %s', (_, chunk) => {
    const last = JSON.stringify({ ...chunk, usage });
    const { out, reading } = run(
      [bytes(sseEvents('\n', [DELTA, STOP, last, '[DONE]']))],
      'openai',
      {
        hideUsage: true,
      },
    );
    expect(out).toBe(sseEvents('\n', [DELTA, STOP, '[DONE]']));
    expectCompleteReading(reading);
  });
});

describe('an event that the SDKs cannot read', () => {
  const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };

  it.each([
    ['an empty object', {}],
    ['no choices', { id: 'c', object: 'chat.completion.chunk' }],
    ['choices that are null', { id: 'c', choices: null }],
    ['a choice of null', { choices: [null] }],
    ['a ping', { type: 'ping' }],
  ])('is left out where it says nothing: %s', (_, event) => {
    const events = [JSON.stringify(event), DELTA, STOP, USAGE, '[DONE]'];
    const { out, reading } = run([bytes(sseEvents('\n', events))]);
    expect(out).toBe(CHAT);
    expectCompleteReading(reading);
  });

  it.each([
    ['no choices', { id: 'c', citations: ['u'] }, { id: 'c', citations: ['u'], choices: [] }],
    ['choices that are null', { choices: null, usage }, { choices: [], usage }],
    [
      'a choice of null beside another',
      { choices: [null, { index: 0, delta: {} }] },
      { choices: [{ index: 0, delta: {} }] },
    ],
  ])('gets a list of choices where it says something: %s', (_, event, readable) => {
    const { out } = run([
      bytes(sseEvents('\n', [DELTA, JSON.stringify(event), STOP, USAGE, '[DONE]'])),
    ]);
    expect(out).toBe(sseEvents('\n', [DELTA, JSON.stringify(readable), STOP, USAGE, '[DONE]']));
  });

  const START = { type: 'message_start', message: { content: [], usage: { input_tokens: 9 } } };
  const TEXT = {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: 'Hi' },
  };
  const FAILURE = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
  const toNamed = (events: readonly { type: string }[]) =>
    events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');

  it.each([
    ['no name', ''],
    ['an empty name', 'event:\n'],
    ['the name of events without one', 'event: message\n'],
  ])('gets its name in Messages, where it has %s', (_, name) => {
    const events = [START, TEXT, FAILURE];
    const unnamed = events.map((event) => `${name}data: ${JSON.stringify(event)}\n\n`).join('');
    expect(run([bytes(unnamed)], 'anthropic').out).toBe(toNamed(events));
  });

  it('is no answer in Messages where it has neither name nor type', () => {
    const { out, reading, verdict } = run([bytes(CHAT)], 'anthropic');
    expect(out).toBe('');
    expect(reading.estimatedOutputTokens).toBe(0);
    expect(verdict).toEqual({ kind: 'unreadable' });
  });
});

describe('a document that is not alone', () => {
  const document =
    '{"choices":[{"index":0,"message":{"content":"The Nile."},"finish_reason":"stop"}]}';

  it.each([
    ['\ufeff', ''],
    [' \n\n', ' \n\n'],
    [' \n\ufeff \n', ''],
  ])('is read after %j, of which clients receive %j', (opening, passed) => {
    const plain = run([bytes(document)], 'openai', { stream: false });
    const single = Array.from(bytes(opening + document), (byte) => Uint8Array.of(byte));
    for (const pieces of [[bytes(opening + document)], single])
      expect(run(pieces, 'openai', { stream: false })).toMatchObject({
        out: passed + document,
        reading: plain.reading,
        verdict: { kind: 'answer' },
      });
  });

  it.each([
    ['openai', DELTA],
    ['anthropic', '{"type":"message_start","message":{"content":[],"usage":{"input_tokens":9}}}'],
  ])('has not ended after the first of several events: %s', (id, event) => {
    const meter = createTestMeter(id);
    meter.feed(bytes(`${event}\n`));
    expect(meter.hasEnded).toBe(false);
  });

  it.each([
    ['openai', document],
    [
      'anthropic',
      '{"type":"message","content":[{"type":"text","text":"The Nile."}],"stop_reason":"end_turn"}',
    ],
  ])('reaches clients without the list around it: %s', (id, one) => {
    expect(run([bytes(`[${one}]`)], id, { stream: false })).toMatchObject({
      out: one,
      verdict: { kind: 'answer' },
    });
  });

  it('is no answer if its choices hold none', () => {
    const body = bytes('{"choices":[{}],"usage":{"prompt_tokens":9,"completion_tokens":4}}');
    expect(run([body], 'openai', { stream: false }).verdict.kind).not.toBe('answer');
  });
});

describe('the estimate of tool calls in a message', () => {
  const input = { text: 'a', name: 'b', usage: { content: 'c' }, list: ['d "e"', 5] };
  const toolUse = (rest: object) => ({ type: 'tool_use', id: 't', name: 'get', ...rest });

  function estimateDocument(content: readonly object[], size?: number): number {
    const body = bytes(JSON.stringify({ type: 'message', content, stop_reason: 'tool_use' }));
    const pieces = size === undefined ? [body] : Array.from(body, (byte) => Uint8Array.of(byte));
    return run(pieces, 'anthropic', { stream: false }).reading.estimatedOutputTokens;
  }

  function estimateStream(json: string, isFinished = true): number {
    const events = [
      { type: 'content_block_start', index: 0, content_block: toolUse({ input: {} }) },
      ...[json.slice(0, 9), json.slice(9)].map((partial_json) => ({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'input_json_delta', partial_json },
      })),
      ...(isFinished ? [{ type: 'message_delta', delta: { stop_reason: 'tool_use' } }] : []),
    ];
    const texts = events.map((event) => JSON.stringify(event));
    return run([bytes(sseEvents('\n', texts))], 'anthropic').reading.estimatedOutputTokens;
  }

  it('is the same for arguments that are an object and for those that come as text', () => {
    const streamed = estimateStream(JSON.stringify(input));
    const whole = estimateDocument([toolUse({ input })]);
    expect(Math.abs(whole - streamed)).toBeLessThanOrEqual(3);
  });

  it('has a quarter of the frame of a call that has not ended', () => {
    const json = JSON.stringify(input);
    const difference = estimateStream(json) - estimateStream(json, false);
    // Anthropic's frame of a first call has 31 tokens.
    expect(difference).toBeGreaterThanOrEqual(23);
    expect(difference).toBeLessThanOrEqual(24);
  });

  it('is the same for any pieces of a document', () => {
    const content = [toolUse({ input }), { type: 'text', text: 'Done.' }];
    expect(estimateDocument(content, 1)).toBe(estimateDocument(content));
  });

  it('takes no key of the arguments for a part of the answer', () => {
    const one = estimateDocument([toolUse({ input: { x: { nom: 'b', nyme: 'text' } } })]);
    const other = estimateDocument([toolUse({ input: { x: { name: 'b', type: 'text' } } })]);
    expect(Math.abs(one - other)).toBeLessThanOrEqual(2);
  });

  it('leaves the results of the provider’s own tools out', () => {
    const text = { type: 'text', text: 'word '.repeat(500) };
    const answer = { type: 'text', text: 'Done.' };
    const type = 'mcp_tool_result';
    expect(estimateDocument([{ type, content: [text] }, answer])).toBe(estimateDocument([answer]));
    expect(estimateDocument([{ type, content: text.text }, answer])).toBe(
      estimateDocument([answer]),
    );
    expect(estimateDocument([text, answer])).toBeGreaterThan(400);
  });
});

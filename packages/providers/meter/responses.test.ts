/** What the meter reads in answers of Responses, and what it passes on. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configureProviders, createMeter, type Meter, type MeterOptions } from '../index.ts';
import { PROVIDER_IDS } from '../list.ts';

const SEED = 20_261_126;
const providers = configureProviders({
  apiKeys: Object.fromEntries(PROVIDER_IDS.map((id) => [id, 'k'])),
  baseUrls: {},
  extra: [{ id: 'other', baseUrl: 'https://other.example/v1', apiKey: 'k' }],
});

function createTestMeter(options: Partial<MeterOptions> & { id?: string } = {}): Meter {
  const { id = 'openai', ...rest } = options;
  const provider = providers.get(id);
  if (provider === undefined) throw new Error(id);
  const { stream = true } = rest;
  return createMeter({
    provider,
    dialect: 'responses',
    stream,
    contentType: null,
    model: 'gpt-5',
    choices: 1,
    hideUsage: false,
    replaceError: null,
    ...rest,
  });
}

const encode = (text: string) => new TextEncoder().encode(text);

type Event = Readonly<{ type: string; [name: string]: unknown }>;

function frame(events: readonly Event[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

function read(text: string, options: Partial<MeterOptions> & { id?: string } = {}) {
  const meter = createTestMeter(options);
  const pieces = [...meter.feed(encode(text)), ...meter.end()];
  return {
    out: Buffer.concat(pieces).toString(),
    reading: meter.reading(),
    verdict: meter.verdict(),
  };
}

const USAGE = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 40, cache_write_tokens: 10 },
  output_tokens: 30,
  output_tokens_details: { reasoning_tokens: 20 },
  total_tokens: 130,
};
const TOOLS = [{ type: 'function', name: 'echoed', description: 'x', parameters: {} }];
const OPENING = {
  id: 'resp_1',
  object: 'response',
  status: 'in_progress',
  output: [],
  tools: TOOLS,
  usage: null,
};
const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'Hello there', annotations: [] }],
};
const CALL = {
  id: 'fc_1',
  type: 'function_call',
  call_id: 'c',
  name: 'f',
  arguments: '{"a":1}',
  status: 'completed',
};
const SEARCH = {
  id: 'ws_1',
  type: 'web_search_call',
  status: 'completed',
  action: { type: 'search', query: 'x' },
};
const OPEN_PAGE = {
  ...SEARCH,
  id: 'ws_2',
  action: { type: 'open_page', url: 'https://example.com' },
};

function respond(output: readonly object[], more: object = {}) {
  return {
    ...OPENING,
    status: 'completed',
    output,
    service_tier: 'default',
    usage: USAGE,
    ...more,
  };
}

/** The start of a stream with one text, up to its end. */
const TEXT: readonly Event[] = [
  { type: 'response.created', response: OPENING },
  { type: 'response.output_item.added', output_index: 0, item: { ...MESSAGE, content: [] } },
  { type: 'response.output_text.delta', output_index: 0, delta: 'Hello' },
  { type: 'response.output_text.delta', output_index: 0, delta: ' there' },
  { type: 'response.output_text.done', output_index: 0, text: 'Hello there' },
  { type: 'response.output_item.done', output_index: 0, item: MESSAGE },
];

const BUCKETS = {
  input_uncached: 50,
  cache_read: 40,
  cache_write_5m: 10,
  output: 30,
  output_reasoning: 20,
};

describe('a stream of Responses', () => {
  it.each(['completed', 'incomplete', 'failed'])(
    'is billed by the usage of response.%s',
    (status) => {
      const error = status === 'failed' ? { error: { code: 'server_error', message: 'm' } } : {};
      const last = {
        type: `response.${status}`,
        response: respond([MESSAGE], { status, ...error }),
      };
      const text = frame([...TEXT, last]);
      const { out, reading } = read(text);
      expect(out).toBe(text);
      expect(reading).toMatchObject({
        usage: BUCKETS,
        usageFinal: true,
        ended: true,
        failed: status === 'failed',
        eventCount: 7,
      });
    },
  );

  it('counts each text once, though later events repeat it', () => {
    const { reading } = read(frame(TEXT));
    expect(reading).toMatchObject({ usage: null, usageFinal: false, ended: false });
    expect(reading.estimatedOutputTokens).toBe(2);
  });

  it('counts a tool call once, and nothing that the request said', () => {
    const { reading } = read(
      frame([
        { type: 'response.created', response: OPENING },
        { type: 'response.output_item.added', output_index: 0, item: { ...CALL, arguments: '' } },
        { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"a":1}' },
        { type: 'response.function_call_arguments.done', output_index: 0, arguments: '{"a":1}' },
        { type: 'response.output_item.done', output_index: 0, item: CALL },
      ]),
    );
    expect(reading.estimatedOutputTokens).toBeGreaterThan(2);
    expect(reading.estimatedOutputTokens).toBeLessThan(20);
  });

  it('counts searches, not the pages that are opened, whether it is whole or cut', () => {
    const items: readonly Event[] = [
      { type: 'response.output_item.done', output_index: 0, item: SEARCH },
      { type: 'response.output_item.done', output_index: 1, item: OPEN_PAGE },
      { type: 'response.output_item.done', output_index: 2, item: SEARCH },
    ];
    const searches = [{ kind: 'web_search', count: 2 }];
    expect(read(frame([...TEXT, ...items])).reading.surcharges).toEqual(searches);
    const last = { type: 'response.completed', response: respond([SEARCH, OPEN_PAGE, SEARCH]) };
    expect(read(frame([...TEXT, ...items, last])).reading.surcharges).toEqual(searches);
    expect(read(frame([...TEXT, last])).reading.surcharges).toEqual(searches);
  });

  it('of xAI is billed by the calls of tools that its usage counts', () => {
    const usage = {
      ...USAGE,
      num_server_side_tools_used: 3,
      server_side_tool_usage_details: { web_search_calls: 1, x_search_calls: 2 },
      cost_in_usd_ticks: 123_456,
    };
    const last = { type: 'response.completed', response: respond([SEARCH, SEARCH], { usage }) };
    expect(read(frame([...TEXT, last]), { id: 'xai' }).reading).toMatchObject({
      surcharges: [
        { kind: 'web_search', count: 1 },
        { kind: 'x_search', count: 2 },
      ],
      statedCost: 12_346n,
      unpriceable: 0,
    });
  });

  it('passes an end marker on, once and behind the last event only', () => {
    const last = { type: 'response.completed', response: respond([MESSAGE]) };
    const whole = frame([...TEXT, last]);
    const done = 'data: [DONE]\n\n';
    expect(read(whole + done).out).toBe(whole + done);
    expect(read(whole + done + done).out).toBe(whole + done);
    const cut = read(frame(TEXT) + done);
    expect(cut.out).toBe(frame(TEXT));
    expect(cut.reading).toMatchObject({ ended: false, usageFinal: false });
  });

  it.each([
    ['nested', { type: 'error', error: { code: 'server_error', message: 'm' } }],
    ['flat', { type: 'error', code: 'server_error', message: 'm', param: null }],
  ])('has failed after an error that is %s', (_, error) => {
    expect(read(frame([...TEXT, error])).reading).toMatchObject({ failed: true });
  });

  it.each([
    ['request', { status: 400, error: { code: 'context_length_exceeded', message: 'm' } }],
    ['request', { status: 404, error: { code: 'previous_response_not_found', message: 'm' } }],
    ['request', { error: { type: 'invalid_request_error', code: null, message: 'm' } }],
    ['request', { code: 'invalid_prompt', message: 'm', param: null }],
    ['request', { code: 'unsupported_image_media_type', message: 'm', param: null }],
    ['content', { status: 403, error: { message: 'Content violates usage guidelines.' } }],
    ['content', { error: { message: 'Failed check: SAFETY_CHECK_TYPE_BIO' } }],
    [null, { status: 429, error: { code: 'rate_limit_exceeded', message: 'm' } }],
    [null, { status: 400, error: { code: 'insufficient_quota', message: 'm' } }],
    [null, { status: 401, error: { code: 'invalid_api_key', message: 'm' } }],
    [null, { code: 'rate_limit_exceeded', message: 'm', param: null }],
    [null, { code: 'server_error', message: 'm', param: null }],
    [null, { status: 503, error: { code: 'invalid_state', message: 'm' } }],
  ])('tells the rejection %s of an error %j', (rejection, error) => {
    const { reading } = read(frame([{ type: 'error', ...error }]));
    expect(reading).toMatchObject({ failed: true, rejection });
  });

  it('tells the rejection of a failed response', () => {
    const error = { code: 'invalid_image', message: 'm' };
    const event = { type: 'response.failed', response: { ...OPENING, status: 'failed', error } };
    expect(read(frame([event])).reading).toMatchObject({ failed: true, rejection: 'request' });
  });

  it('has an error replaced once, with all that repeats it', () => {
    const error = { code: 'insufficient_quota', message: 'You exceeded your current quota' };
    const text = frame([
      ...TEXT,
      { type: 'error', error },
      { type: 'response.failed', response: { ...OPENING, status: 'failed', error } },
    ]);
    const { out } = read(text, {
      replaceError: (_event, told) => encode(told.isAccountError ? 'data: {"ours":1}\n\n' : ''),
    });
    expect(out).toBe(`${frame(TEXT)}data: {"ours":1}\n\n`);
  });

  it('is billed zero where OpenAI says so, and by an estimate where another provider does', () => {
    const usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 };
    const text = frame([
      ...TEXT,
      { type: 'response.completed', response: respond([MESSAGE], { usage }) },
    ]);
    expect(read(text).reading).toMatchObject({ usageFinal: true, usage: { output: 0 } });
    expect(read(text, { id: 'other' }).reading).toMatchObject({ usageFinal: false, usage: null });
  });

  it('becomes the document that its last event has, where one was asked for', () => {
    const response = respond([MESSAGE]);
    const text = frame([...TEXT, { type: 'response.completed', response }]);
    const { out, verdict } = read(text, { stream: false });
    expect(verdict).toEqual({ kind: 'answer' });
    expect(JSON.parse(out)).toEqual(response);
    expect(read(frame(TEXT), { stream: false }).verdict).toEqual({ kind: 'truncated' });
  });

  it('is read alike in any pieces', () => {
    const last = { type: 'response.completed', response: respond([MESSAGE, SEARCH]) };
    const bytes = encode(`${frame([...TEXT, last])}data: [DONE]\n\n`);
    const whole = createTestMeter();
    whole.feed(bytes);
    whole.end();
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 })), (sizes) => {
        const meter = createTestMeter();
        const out: Uint8Array[] = [];
        let at = 0;
        for (const size of [...sizes, bytes.length]) {
          out.push(...meter.feed(bytes.subarray(at, at + size)));
          at = Math.min(bytes.length, at + size);
        }
        out.push(...meter.end());
        expect(Buffer.concat(out).equals(bytes)).toBe(true);
        expect(meter.reading()).toEqual(whole.reading());
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  it('never throws, nor lowers its estimate, on events of any content', () => {
    const types = fc.constantFrom(
      ...['response.created', 'response.completed', 'response.failed', 'error', 'x', ''],
      ...['response.output_item.added', 'response.output_item.done', 'response.output_text.delta'],
    );
    const event = fc.record({
      type: types,
      response: fc.oneof(
        fc.jsonValue(),
        fc.record({ usage: fc.jsonValue(), output: fc.jsonValue() }),
      ),
      item: fc.jsonValue(),
      delta: fc.jsonValue(),
      error: fc.jsonValue(),
      output_index: fc.jsonValue(),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 6 }), (events) => {
        const meter = createTestMeter();
        let estimate = 0;
        for (const one of events) {
          meter.feed(encode(frame([one])));
          const { estimatedOutputTokens, usage } = meter.reading();
          expect(estimatedOutputTokens).toBeGreaterThanOrEqual(estimate);
          estimate = estimatedOutputTokens;
          for (const count of Object.values(usage ?? {})) expect(count).toBeGreaterThanOrEqual(0);
        }
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe('a document of Responses', () => {
  it('is billed by its usage and passed on as it is', () => {
    const text = JSON.stringify(respond([SEARCH, MESSAGE, CALL]));
    const { out, reading, verdict } = read(text, { stream: false });
    expect(verdict).toEqual({ kind: 'answer' });
    expect(out).toBe(text);
    expect(reading).toMatchObject({
      usage: BUCKETS,
      usageFinal: true,
      surcharges: [{ kind: 'web_search', count: 1 }],
    });
  });

  it('is billed alike where it is too large to be kept', () => {
    const padded = { ...MESSAGE, content: [{ type: 'output_text', text: 'x'.repeat(400_000) }] };
    const text = JSON.stringify(respond([SEARCH, padded]));
    const { out, reading } = read(text, { stream: false });
    expect(out).toBe(text);
    expect(reading).toMatchObject({
      usage: BUCKETS,
      usageFinal: true,
      surcharges: [{ kind: 'web_search', count: 1 }],
    });
  });

  it('that is the result of a compaction is an answer', () => {
    const output = [{ type: 'compaction', encrypted_content: 'x' }];
    const document = { id: 'resp_1', object: 'response.compaction', output, usage: USAGE };
    const { verdict, reading } = read(JSON.stringify(document), { stream: false });
    expect(verdict).toEqual({ kind: 'answer' });
    expect(reading.usage).toMatchObject(BUCKETS);
  });

  it('that failed and cost nothing is an error', () => {
    const error = { code: 'server_error', message: 'm' };
    const document = respond([], { status: 'failed', error, usage: null });
    expect(read(JSON.stringify(document), { stream: false }).verdict).toEqual({
      kind: 'error',
      error: { rejection: null, message: 'm', isRetryable: true, isAccountError: false },
    });
  });

  it('becomes the events of a stream where one was asked for', () => {
    const reasoning = {
      type: 'reasoning',
      id: 'rs_1',
      summary: [{ type: 'summary_text', text: 'Hm' }],
    };
    const { out, reading } = read(JSON.stringify(respond([reasoning, MESSAGE, CALL])), {});
    const frames: string[] = out.split('\n\n').filter((text: string) => text !== '');
    const events: Event[] = frames.map((text) =>
      JSON.parse(text.slice(text.indexOf('data: ') + 6)),
    );
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(
      events.map((_, index) => index),
    );
    const deltas = (type: string) =>
      events.filter((event) => event.type === type).map(({ delta }) => delta);
    expect(deltas('response.output_text.delta')).toEqual(['Hello there']);
    expect(deltas('response.function_call_arguments.delta')).toEqual(['{"a":1}']);
    expect(deltas('response.reasoning_summary_text.delta')).toEqual(['Hm']);
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { usage: USAGE } });
    expect(reading.usageFinal).toBe(true);
  });
});

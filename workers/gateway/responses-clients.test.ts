/** Clients of Responses through the gateway: the official OpenAI SDK and the AI SDK's default. */
import { zstdCompressSync } from 'node:zlib';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, jsonSchema, stepCountIs, tool } from 'ai';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestGateway, TEST_API_KEY, type TestGateway } from './gateway-context.testing.ts';
import { relay } from './relay.ts';

const USAGE = {
  input_tokens: 11,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 3,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 14,
};

function respondWith(output: string | readonly object[]): object {
  const content = [{ type: 'output_text', text: output, annotations: [], logprobs: [] }];
  const message = { id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content };
  const items = typeof output === 'string' ? [message] : output;
  return {
    ...{ id: 'resp_1', object: 'response', created_at: 1_700_000_000, status: 'completed' },
    ...{ error: null, incomplete_details: null, model: 'gpt-5.4', output: items, usage: USAGE },
  };
}

let gateway: TestGateway;
/** The bodies and paths that the provider got, and its answers, one each. */
let received: { path: string; body: Record<string, unknown> }[];
let answers: Response[];

beforeEach(() => {
  gateway = createTestGateway();
  received = [];
  answers = [];
  vi.stubGlobal('IdentityTransformStream', TransformStream);
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const body = await new Response(init.body ?? null).text();
    received.push({ path: new URL(url).pathname, body: JSON.parse(body) });
    return answers.shift() ?? Response.json({ error: { message: 'no answer' } }, { status: 500 });
  });
});

afterEach(() => void vi.unstubAllGlobals());

/** As the SDKs call fetch; `responses/compact` is the only other path here. */
async function callGateway(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  const { pathname } = new URL(request.url);
  const endpoint = pathname.endsWith('/compact') ? 'responses_compact' : 'responses';
  return relay(gateway.createContext(request), endpoint, null);
}

const options = { apiKey: TEST_API_KEY, baseURL: 'https://api.example/v1', fetch: callGateway };
const openai = new OpenAI({ ...options, maxRetries: 0 });
const model = 'openai/gpt-5.4';

function lastBody(): Record<string, unknown> | undefined {
  return received.at(-1)?.body;
}

function toStream(output: string): Response {
  const document = respondWith(output);
  const part = { type: 'output_text', text: '', annotations: [] };
  const item = { id: 'msg_1', type: 'message', role: 'assistant', status: 'in_progress' };
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  const events = [
    { type: 'response.created', response: { ...document, output: [], status: 'in_progress' } },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
    { type: 'response.content_part.added', ...place, part },
    { type: 'response.output_text.delta', ...place, delta: output, logprobs: [] },
    { type: 'response.output_text.done', ...place, text: output, logprobs: [] },
    { type: 'response.completed', response: document },
  ];
  const text = events.map((event, index) => {
    const data = JSON.stringify({ ...event, sequence_number: index });
    return `event: ${event.type}\ndata: ${data}\n\n`;
  });
  return new Response(text.join(''), { headers: { 'content-type': 'text/event-stream' } });
}

describe('the OpenAI SDK', () => {
  it('gets a response unchanged, with its cost in a header, which is not stored', async () => {
    answers = [Response.json(respondWith('Hello.'))];
    const { data, response } = await openai.responses
      .create({ model, instructions: 'Be brief.', input: 'Say hello.' })
      .withResponse();
    expect(data.output_text).toBe('Hello.');
    expect(data).toMatchObject(respondWith('Hello.'));
    expect(Number(response.headers.get('x-farebox-cost-usd'))).toBeGreaterThan(0);
    expect(response.headers.get('x-farebox-store')).toBe('false');
    expect(lastBody()).toMatchObject({ model: 'gpt-5.4', store: false, max_output_tokens: 500 });
    expect(gateway.settled).toMatchObject([
      { reason: 'provider_reported', usage: { input_uncached: 11, output: 3 } },
    ]);
  });

  it('streams a response, and states the calls that are limited', async () => {
    answers = [toStream('Hello.')];
    const tools = [{ type: 'web_search' as const }];
    const { data, response } = await openai.responses
      .create({ model, input: 'x', tools, stream: true })
      .withResponse();
    const types: string[] = [];
    for await (const event of data) types.push(event.type);
    expect(types.at(-1)).toBe('response.completed');
    expect(response.headers.get('x-farebox-max-tool-calls')).toBe('10');
    expect(lastBody()).toMatchObject({ tools, max_tool_calls: 10 });
  });

  it('parses structured output', async () => {
    answers = [Response.json(respondWith('{"answer":42}'))];
    const schema = { type: 'object', properties: { answer: { type: 'number' } } };
    const format = { type: 'json_schema', name: 'reply', schema, strict: false } as const;
    const parsed = await openai.responses.parse({ model, input: 'x', text: { format } });
    expect(JSON.parse(parsed.output_text)).toEqual({ answer: 42 });
    expect(lastBody()).toMatchObject({ text: { format } });
  });

  it('compacts a conversation, with no field that it did not send', async () => {
    const output = [{ id: 'cmp_1', type: 'compaction', encrypted_content: 'x' }];
    const compacted = {
      id: 'r',
      object: 'response.compaction',
      created_at: 1,
      output,
      usage: USAGE,
    };
    answers = [Response.json(compacted)];
    expect(await openai.responses.compact({ model, input: 'x' })).toMatchObject(compacted);
    expect(received).toEqual([
      { path: '/v1/responses/compact', body: { model: 'gpt-5.4', input: 'x' } },
    ]);
    expect(gateway.settled).toMatchObject([{ usage: { input_uncached: 11, output: 3 } }]);
  });

  it.each([
    ['previous_response_not_found', { previous_response_id: 'resp_0' }],
    ['unsupported_feature', { store: true }],
    ['unsupported_feature', { background: true }],
    ['unsupported_feature', { conversation: 'conv_1' }],
  ])('throws an error with the code %s for %j', async (code, more) => {
    const call = openai.responses.create({ model, input: 'x', ...more });
    await expect(call).rejects.toMatchObject({ status: 400, code, param: Object.keys(more)[0] });
    expect(received).toEqual([]);
  });
});

describe('a coding agent', () => {
  it('may send its 42 KB with zstd', async () => {
    answers = [Response.json(respondWith('ok'))];
    const text = 'The quick brown fox. '.repeat(2_000);
    const body = zstdCompressSync(
      JSON.stringify({ model, input: [{ role: 'user', content: text }] }),
    );
    const headers = { authorization: `Bearer ${TEST_API_KEY}`, 'content-encoding': 'zstd' };
    const init = { method: 'POST', headers, body };
    const response = await callGateway('https://api.example/v1/responses', init);
    expect(response.status).toBe(200);
    expect(lastBody()?.input).toEqual([{ role: 'user', content: text }]);
  });
});

describe('the AI SDK’s default for OpenAI', () => {
  const weather = tool({
    description: 'The weather.',
    inputSchema: jsonSchema<{ city: string }>({
      type: 'object',
      properties: { city: { type: 'string' } },
    }),
    execute: async ({ city }) => `Sunny in ${city}.`,
  });
  const call = {
    ...{ id: 'fc_1', type: 'function_call', call_id: 'c', name: 'weather', status: 'completed' },
    arguments: '{"city":"Oslo"}',
  };
  const reasoning = { id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: 'gAAAA' };

  function callTool(name: string, items: readonly object[], more: object = {}) {
    answers = [Response.json(respondWith(items)), Response.json(respondWith('It is sunny.'))];
    return generateText({
      model: createOpenAI(options)(name),
      prompt: 'Weather in Oslo?',
      tools: { weather },
      stopWhen: stepCountIs(3),
      maxRetries: 0,
      ...more,
    });
  }

  it('makes a round trip over a tool', async () => {
    const { text } = await callTool('openai/gpt-4o', [call]);
    expect(text).toBe('It is sunny.');
    expect(received).toHaveLength(2);
    expect(JSON.stringify(lastBody()?.input)).toContain('Sunny in Oslo.');
  });

  it('makes one with reasoning if it is told that nothing is stored', async () => {
    const providerOptions = { openai: { store: false } };
    const { text } = await callTool('openai/gpt-5.4', [reasoning, call], { providerOptions });
    expect(text).toBe('It is sunny.');
    expect(JSON.stringify(lastBody()?.input)).toContain('gAAAA');
  });
});

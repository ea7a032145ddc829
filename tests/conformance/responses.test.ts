/**
 * Responses through its clients: the official OpenAI SDK and the AI SDK's default, over HTTP, against
 * the gateway in real workerd.
 */
import { zstdCompressSync } from 'node:zlib';
import { createOpenAI } from '@ai-sdk/openai';
import type { LocalStack } from '@farebox/local';
import { generateText, jsonSchema, stepCountIs, tool } from 'ai';
import OpenAI from 'openai';
import { beforeAll, describe, expect, it } from 'vitest';
import { waitForBill } from '../support/bills.ts';
import {
  responseDocument,
  responseEvents,
  type ScriptedUpstream,
  sendJson,
  sendStream,
} from '../support/scripted-upstream.ts';
import { sharedStack } from '../support/shared-stack.ts';

const COUNTS = { input: 11, output: 3 };
// gpt-4o-mini: 0.15 USD in, 0.60 USD out per million tokens (OpenAI price list).
const COST = String(11 * 150 + 3 * 600);
const model = 'openai/gpt-4o-mini';

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;
let client: OpenAI;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  ({ apiKey } = await stack.createAccount({ creditUsd: '50' }));
  client = new OpenAI({ apiKey, baseURL: `${stack.gatewayUrl}/v1`, maxRetries: 0 });
});

function lastBody(): Record<string, unknown> {
  return JSON.parse(upstream.received.at(-1)?.body ?? '');
}

function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${stack.gatewayUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
    body: body instanceof Uint8Array ? body : JSON.stringify(body),
  });
}

describe('the OpenAI SDK’s response', () => {
  it('arrives unchanged, with its cost in a header, and is not stored', async () => {
    const reply = responseDocument('Hello.', COUNTS);
    upstream.handler = (_, response) => sendJson(response, reply);
    const { data, response } = await client.responses
      .create({ model, instructions: 'Be brief.', input: 'Say hello.' })
      .withResponse();
    expect(data.output_text).toBe('Hello.');
    expect(data).toMatchObject(reply);
    expect(response.headers.get('x-farebox-cost-usd')).toBe('0.00000345');
    expect(response.headers.get('x-farebox-store')).toBe('false');
    expect(upstream.received.at(-1)?.path).toBe('/v1/responses');
    expect(lastBody()).toMatchObject({
      model: 'gpt-4o-mini',
      store: false,
      max_output_tokens: expect.any(Number),
    });
    const bill = await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
    expect(bill).toMatchObject({ reason: 'provider_reported', cost_nano_usd: COST });
  });

  it('streams event by event, and is billed by its last', async () => {
    const events = responseEvents(['Hel', 'lo', '.'], COUNTS);
    upstream.handler = (_, response) => sendStream(response, events, 5);
    const stream = client.responses.stream({ model, input: 'Say hello.' });
    const types: string[] = [];
    for await (const event of stream) types.push(event.type);
    expect(types).toEqual(events.map((event) => /event: (\S+)/.exec(event)?.[1]));
    expect((await stream.finalResponse()).output_text).toBe('Hello.');
    const { data, response } = await client.responses
      .create({ model, input: 'Say hello.', stream: true })
      .withResponse();
    for await (const event of data) types.push(event.type);
    expect(types.at(-1)).toBe('response.completed');
    const bill = await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
    expect(bill).toMatchObject({ reason: 'provider_reported', cost_nano_usd: COST });
  });

  it('states the limit of calls of the provider’s own tools that was set', async () => {
    upstream.handler = (_, response) => sendJson(response, responseDocument('Hello.', COUNTS));
    const tools = [{ type: 'web_search' as const }];
    const { response } = await client.responses.create({ model, input: 'x', tools }).withResponse();
    expect(response.headers.get('x-farebox-max-tool-calls')).toBe('10');
    expect(lastBody()).toMatchObject({ tools, max_tool_calls: 10 });
  });

  it('parses structured output', async () => {
    const reply = responseDocument('{"answer":42}', COUNTS);
    upstream.handler = (_, response) => sendJson(response, reply);
    const schema = { type: 'object', properties: { answer: { type: 'number' } } };
    const format = { type: 'json_schema', name: 'reply', schema, strict: false } as const;
    const parsed = await client.responses.parse({ model, input: 'x', text: { format } });
    expect(JSON.parse(parsed.output_text)).toEqual({ answer: 42 });
    expect(lastBody()).toMatchObject({ text: { format } });
  });

  it('carries a tool call and its output, reasoning and custom tools, byte for byte', async () => {
    const items = [
      { id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: 'gAAAA' },
      {
        id: 'fc_1',
        type: 'function_call',
        call_id: 'c',
        name: 'f',
        arguments: '{}',
        status: 'completed',
      },
    ];
    upstream.handler = (_, response) => sendJson(response, responseDocument(items, COUNTS));
    const tools = [
      { type: 'function' as const, name: 'f', parameters: { type: 'object' }, strict: false },
      {
        type: 'custom' as const,
        name: 'apply_patch',
        format: { type: 'grammar' as const, syntax: 'lark' as const, definition: 'start: "x"' },
      },
      { type: 'tool_search' as const, execution: 'client' as const },
    ];
    const include = ['reasoning.encrypted_content' as const];
    const first = await client.responses.create({
      model,
      input: 'x',
      tools,
      include,
      store: false,
    });
    const input = [
      { role: 'user' as const, content: 'x' },
      {
        type: 'reasoning' as const,
        id: 'rs_1',
        summary: [],
        encrypted_content: 'gAAAA',
      },
      { type: 'function_call' as const, call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'function_call_output' as const, call_id: 'c', output: 'ok' },
    ];
    expect(first.output).toEqual(items);
    upstream.handler = (_, response) => sendJson(response, responseDocument('Done.', COUNTS));
    const second = await client.responses.create({ model, input, tools, include, store: false });
    expect(second.output_text).toBe('Done.');
    expect(lastBody()).toMatchObject({ tools, include, store: false });
    expect(lastBody().input).toEqual(JSON.parse(JSON.stringify(input)));
  });

  it('is compacted by a call, and counted for nothing', async () => {
    const compacted = {
      id: 'resp_2',
      object: 'response.compaction',
      created_at: 1,
      output: [{ id: 'cmp_1', type: 'compaction', encrypted_content: 'x' }],
      usage: { input_tokens: 11, output_tokens: 3, total_tokens: 14 },
    };
    upstream.handler = (_, response) => sendJson(response, compacted);
    const { data, response } = await client.responses
      .compact({ model: 'openai/gpt-4o-mini' as 'gpt-4o-mini', input: 'x' })
      .withResponse();
    expect(data).toMatchObject(compacted);
    expect(upstream.received.at(-1)?.path).toBe('/v1/responses/compact');
    expect(lastBody()).toEqual({ model: 'gpt-4o-mini', input: 'x' });
    const bill = await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
    expect(bill).toMatchObject({ cost_nano_usd: COST });
    const count = { object: 'response.input_tokens', input_tokens: 7 };
    upstream.handler = (_, answer) => sendJson(answer, count);
    expect(await client.responses.inputTokens.count({ model, input: 'x' })).toEqual(count);
    expect(upstream.received.at(-1)?.path).toBe('/v1/responses/input_tokens');
  });

  it('can be a compressed body of 400 KB, as coding agents send them', async () => {
    upstream.handler = (_, response) => sendJson(response, responseDocument('ok', COUNTS));
    const text = 'The quick brown fox. '.repeat(20_000);
    const body = zstdCompressSync(
      JSON.stringify({ model, input: [{ role: 'user', content: text }] }),
    );
    const response = await post('/v1/responses', body, { 'content-encoding': 'zstd' });
    expect(response.status).toBe(200);
    expect(upstream.received.at(-1)?.body).toContain(text);
  });

  it.each([
    ['previous_response_not_found', { previous_response_id: 'resp_0' }],
    ['unsupported_feature', { store: true }],
    ['unsupported_feature', { background: true }],
    ['unsupported_feature', { conversation: 'conv_1' }],
  ])('is an error with the code %s for %j', async (code, more) => {
    const call = client.responses.create({ model, input: 'x', ...more });
    await expect(call).rejects.toMatchObject({ status: 400, code, param: Object.keys(more)[0] });
  });

  it('ends in an error that the SDK throws where the provider breaks off', async () => {
    const events = responseEvents(['one', 'two'], COUNTS).slice(0, 5);
    upstream.handler = (_, response) => sendStream(response, events, 5, 'cut');
    const stream = await client.responses.create({ model, input: 'x', stream: true });
    const read = async () => {
      for await (const _ of stream) {
        // Reads to the end.
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'upstream_disconnected' });
  });

  it('states its cost where it is asked to, in a document and in a stream', async () => {
    upstream.handler = (_, response) => sendJson(response, responseDocument('ok', COUNTS));
    const headers = { 'x-farebox-include-cost': 'event' };
    const document = await (await post('/v1/responses', { model, input: 'x' }, headers)).json();
    expect(document).toMatchObject({ cost: { nano_usd: COST } });
    upstream.handler = (_, response) => sendStream(response, responseEvents(['ok'], COUNTS));
    const stream = await post('/v1/responses', { model, input: 'x', stream: true }, headers);
    const text = await stream.text();
    expect(text).toContain('event: farebox:cost');
    expect(text.indexOf('farebox:cost')).toBeLessThan(text.indexOf('response.completed'));
  });

  it('is estimated by the same body', async () => {
    const response = await post('/v1/estimate', { model, input: 'Hello', max_output_tokens: 100 });
    expect(await response.json()).toMatchObject({
      data: { dialect: 'responses', max_output: 100, model },
    });
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

  async function callTool(name: string, items: readonly object[], options: object = {}) {
    const before = upstream.received.length;
    upstream.handler = (_, response) => {
      const isFirst = upstream.received.length === before + 1;
      sendJson(response, responseDocument(isFirst ? items : 'It is sunny.', COUNTS));
    };
    const provider = createOpenAI({ apiKey, baseURL: `${stack.gatewayUrl}/v1` });
    return generateText({
      model: provider(name),
      prompt: 'Weather in Oslo?',
      tools: { weather },
      stopWhen: stepCountIs(3),
      maxRetries: 0,
      ...options,
    });
  }

  const call = {
    id: 'fc_1',
    type: 'function_call',
    call_id: 'c',
    name: 'weather',
    arguments: '{"city":"Oslo"}',
    status: 'completed',
  };
  const reasoning = { id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: 'gAAAA' };

  it('makes a round trip over a tool', async () => {
    const { text, steps } = await callTool('openai/gpt-4o-mini', [call]);
    expect(text).toBe('It is sunny.');
    expect(steps).toHaveLength(2);
    expect(JSON.stringify(lastBody().input)).toContain('Sunny in Oslo.');
  });

  it('makes one with reasoning if it is told that nothing is stored', async () => {
    const providerOptions = { openai: { store: false } };
    const { text } = await callTool('openai/gpt-5-mini', [reasoning, call], { providerOptions });
    expect(text).toBe('It is sunny.');
    expect(JSON.stringify(lastBody().input)).toContain('gAAAA');
  });
});

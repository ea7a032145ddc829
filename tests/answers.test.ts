/**
 * Answers as providers really give them: in another form than was asked for, with an error in place
 * of an answer, malformed in part, without a last word. Through the official SDKs, which are what
 * reads them. The inputs follow public reports (docs/decisions/0020-answers-by-what-came.md).
 */
import type { ServerResponse } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import type { LocalStack } from '@farebox/local';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { beforeAll, describe, expect, it } from 'vitest';
import { type BillJson, fetchSettledBalance, waitForBill } from './support/bills.ts';
import {
  CALL_DIALECTS,
  type CallDialect,
  callDialect,
  DIALECT_CALLS,
  readErrorCode,
} from './support/dialect-calls.ts';
import { geminiEvents, geminiResponse } from './support/gemini-upstream.ts';
import {
  chatCompletion,
  chatEvents,
  messageEvents,
  messageResponse,
  openStream,
  responseDocument,
  responseEvents,
  type ScriptedUpstream,
  sleep,
} from './support/scripted-upstream.ts';
import { sharedStack } from './support/shared-stack.ts';

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;
let openai: OpenAI;
let anthropic: Anthropic;
let google: GoogleGenAI;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  ({ apiKey } = await stack.createAccount({ creditUsd: '100' }));
  openai = new OpenAI({ apiKey, baseURL: `${stack.gatewayUrl}/v1`, maxRetries: 0 });
  anthropic = new Anthropic({ apiKey, baseURL: stack.gatewayUrl, maxRetries: 0 });
  google = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: stack.gatewayUrl } });
});

const COUNTS = { input: 12, output: 21 };
const messages = [{ role: 'user' as const, content: 'Name a river.' }];
const CHAT = { model: 'openai/gpt-4o-mini', max_tokens: 4000, messages };
const CLAUDE = { model: 'claude-sonnet-4-5', max_tokens: 4000, messages };
const RESPONSE = { model: 'openai/gpt-4o-mini', max_output_tokens: 4000, input: 'Name a river.' };
const GEMINI = { model: 'gemini-3.5-flash', contents: 'Name a river.' };

/** Answers with these bytes under this content type. */
function answer(
  contentType: string | null,
  body: string | readonly string[],
  keepOpenMs = 0,
): void {
  upstream.handler = async (_, response: ServerResponse) => {
    response.writeHead(200, contentType === null ? {} : { 'content-type': contentType });
    for (const piece of typeof body === 'string' ? [body] : body) response.write(piece);
    await sleep(keepOpenMs);
    response.end();
  };
}

type Extra = Readonly<{ stream?: boolean; [field: string]: unknown }>;

function post(dialect: CallDialect, { stream = false, ...fields }: Extra = {}): Promise<Response> {
  return callDialect(stack.gatewayUrl, apiKey, dialect, { stream, fields });
}

function getBill(response: Response): Promise<BillJson> {
  return waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
}

const REPORTED = {
  reason: 'provider_reported',
  usage: { input_uncached: COUNTS.input, output: COUNTS.output },
};
const JSON_TYPE = 'application/json';
const STREAM_TYPE = 'text/event-stream';
const COMPLETION = JSON.stringify(chatCompletion('The Nile.', COUNTS));
const CHAT_STREAM = chatEvents(['The ', 'Nile.'], COUNTS);
const MESSAGE = JSON.stringify(messageResponse('The Nile.', COUNTS));
const MESSAGE_STREAM = messageEvents(['The ', 'Nile.'], COUNTS);
const RESPONSE_DOCUMENT = JSON.stringify(responseDocument('The Nile.', COUNTS));
const RESPONSE_STREAM = responseEvents(['The ', 'Nile.'], COUNTS);
const GEMINI_DOCUMENT = JSON.stringify(geminiResponse([{ text: 'The Nile.' }], COUNTS));
const GEMINI_PARTS = geminiEvents(['The ', 'Nile.'], COUNTS).map((event) => JSON.stringify(event));
const GEMINI_STREAM = GEMINI_PARTS.map((json) => `data: ${json}\r\n\r\n`);
const GEMINI_ARRAY = `[${GEMINI_PARTS.join('\n,\r\n')}\n]`;
/** A stream without the events' framing, one document a line, as Ollama's own interface has it. */
const CHAT_LINES = CHAT_STREAM.slice(0, -1).map((event) => `${event.slice(6).trim()}\n`);

describe('an answer in another form than was asked for', () => {
  it.each([
    ['a document', JSON_TYPE, COMPLETION],
    ['a document that says it is a stream', STREAM_TYPE, COMPLETION],
    ['a document without a content type', null, COMPLETION],
    ['a stream that says it is a document', JSON_TYPE, CHAT_STREAM],
    ['a stream without a content type', null, CHAT_STREAM],
    ['one document per line', 'application/x-ndjson', CHAT_LINES],
    ['a stream', STREAM_TYPE, CHAT_STREAM],
  ])('reaches the OpenAI SDK as the stream that it asked for: %s', async (_, type, body) => {
    answer(type, body);
    const { data, response } = await openai.chat.completions
      .create({ ...CHAT, stream: true, stream_options: { include_usage: true } })
      .withResponse();
    const chunks = [];
    for await (const chunk of data) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('The Nile.');
    expect(chunks.map((chunk) => chunk.choices[0]?.finish_reason)).toContain('stop');
    expect(chunks.at(-1)?.usage).toMatchObject({ completion_tokens: COUNTS.output });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(await getBill(response)).toMatchObject(REPORTED);
  });

  it.each([
    ['a stream', STREAM_TYPE, CHAT_STREAM],
    ['a stream that says it is a document', JSON_TYPE, CHAT_STREAM],
    ['a document that says it is a stream', STREAM_TYPE, COMPLETION],
    ['a document without a content type', null, COMPLETION],
    ['one document per line', JSON_TYPE, CHAT_LINES],
  ])('reaches the OpenAI SDK as the document that it asked for: %s', async (_, type, body) => {
    answer(type, body);
    const { data, response } = await openai.chat.completions.create(CHAT).withResponse();
    expect(data.choices[0]?.message).toMatchObject({ role: 'assistant', content: 'The Nile.' });
    expect(data.choices[0]?.finish_reason).toBe('stop');
    expect(data.usage?.completion_tokens).toBe(COUNTS.output);
    expect(response.headers.get('x-farebox-cost-usd')).toBe('0.0000144');
    expect(await getBill(response)).toMatchObject(REPORTED);
  });

  it.each([
    ['a document', JSON_TYPE, MESSAGE],
    ['a document that says it is a stream', STREAM_TYPE, MESSAGE],
    ['a stream that says it is a document', JSON_TYPE, MESSAGE_STREAM],
  ])('reaches the Anthropic SDK as the stream that it asked for: %s', async (_, type, body) => {
    answer(type, body);
    const stream = anthropic.messages.stream(CLAUDE);
    const message = await stream.finalMessage();
    expect(message.content).toMatchObject([{ type: 'text', text: 'The Nile.' }]);
    expect(message).toMatchObject({ stop_reason: 'end_turn', usage: { output_tokens: 21 } });
    const bill = await waitForBill(stack.gatewayUrl, apiKey, stream.request_id);
    expect(bill).toMatchObject(REPORTED);
  });

  it('reaches the Anthropic SDK as the document that it asked for', async () => {
    answer(STREAM_TYPE, MESSAGE_STREAM);
    const { data, response } = await anthropic.messages.create(CLAUDE).withResponse();
    expect(data.content).toMatchObject([{ type: 'text', text: 'The Nile.' }]);
    expect(data).toMatchObject({ stop_reason: 'end_turn', usage: { output_tokens: 21 } });
    expect(await getBill(response)).toMatchObject(REPORTED);
  });
});

describe('an answer of Responses in another form than was asked for', () => {
  it.each([
    ['a document', JSON_TYPE, RESPONSE_DOCUMENT],
    ['a document that says it is a stream', STREAM_TYPE, RESPONSE_DOCUMENT],
    ['a document without a content type', null, RESPONSE_DOCUMENT],
    ['a stream that says it is a document', JSON_TYPE, RESPONSE_STREAM],
  ])('reaches the OpenAI SDK as the stream that it asked for: %s', async (_, type, body) => {
    answer(type, body);
    const stream = openai.responses.stream(RESPONSE);
    const deltas: string[] = [];
    stream.on('response.output_text.delta', ({ delta }) => deltas.push(delta));
    const final = await stream.finalResponse();
    expect(final.output_text).toBe('The Nile.');
    expect(deltas.join('')).toBe('The Nile.');
    expect(final).toMatchObject({ status: 'completed', usage: { output_tokens: 21 } });
    const response = await post('responses', { stream: true });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    await response.text();
    expect(await getBill(response)).toMatchObject(REPORTED);
  });

  it.each([
    ['a stream', STREAM_TYPE, RESPONSE_STREAM],
    ['a stream that says it is a document', JSON_TYPE, RESPONSE_STREAM],
    ['a document that says it is a stream', STREAM_TYPE, RESPONSE_DOCUMENT],
    ['a document without a content type', null, RESPONSE_DOCUMENT],
  ])('reaches the OpenAI SDK as the document that it asked for: %s', async (_, type, body) => {
    answer(type, body);
    const { data, response } = await openai.responses.create(RESPONSE).withResponse();
    expect(data.output_text).toBe('The Nile.');
    expect(data).toMatchObject({ status: 'completed', usage: { output_tokens: 21 } });
    expect(await getBill(response)).toMatchObject(REPORTED);
  });
});

describe('an answer of Gemini in another form than was asked for', () => {
  const forms = [
    ['a document', JSON_TYPE, GEMINI_DOCUMENT],
    ['a document that says it is a stream', STREAM_TYPE, GEMINI_DOCUMENT],
    ['a document without a content type', null, GEMINI_DOCUMENT],
    ['a stream', STREAM_TYPE, GEMINI_STREAM],
    ['a stream that says it is a document', JSON_TYPE, GEMINI_STREAM],
    ['an array of its events', JSON_TYPE, GEMINI_ARRAY],
  ] as const;

  it.each(forms)(
    'reaches Google’s SDK as a stream that it asked for: %s',
    async (_, type, body) => {
      answer(type, body);
      let text = '';
      let usage: unknown;
      for await (const chunk of await google.models.generateContentStream(GEMINI)) {
        text += chunk.text ?? '';
        usage = chunk.usageMetadata;
      }
      expect(text).toBe('The Nile.');
      expect(usage).toMatchObject({ candidatesTokenCount: 21 });
      const response = await post('gemini', { stream: true });
      await response.text();
      expect(await getBill(response)).toMatchObject(REPORTED);
    },
  );

  it.each(forms)(
    'reaches Google’s SDK as a document that it asked for: %s',
    async (_, type, body) => {
      answer(type, body);
      const { text, usageMetadata } = await google.models.generateContent(GEMINI);
      expect(text).toBe('The Nile.');
      expect(usageMetadata).toMatchObject({ candidatesTokenCount: 21 });
      expect(await getBill(await post('gemini'))).toMatchObject(REPORTED);
    },
  );
});

const NO_ANSWERS: readonly (readonly [string, string, string, RegExp | null, boolean])[] = [
  ['an empty body', '', 'upstream_invalid_response', null, true],
  ['white space', ' \n\n ', 'upstream_invalid_response', null, true],
  ['a page', '<html><body>Bad gateway</body></html>', 'upstream_invalid_response', null, true],
  ['plain text', 'Internal Server Error', 'upstream_invalid_response', null, true],
  ['a literal', 'null', 'upstream_invalid_response', null, true],
  ['an empty object', '{}', 'upstream_error', null, true],
  ['two documents', '{"id":"a"}\n{"id":"b"}', 'upstream_error', null, true],
  ['choices that are null', '{"choices":null}', 'upstream_error', null, true],
  ['a document that is cut off', COMPLETION.slice(0, 120), 'upstream_disconnected', null, true],
  [
    'an error',
    '{"error":{"message":"No capacity for this model","code":503}}',
    'upstream_error',
    /^No capacity for this model$/,
    true,
  ],
  ['an error of text', '{"error":"No capacity"}', 'upstream_error', /^No capacity$/, true],
  [
    'a list of errors',
    '[{"error":{"message":"No capacity","code":503}}]',
    'upstream_error',
    /^No capacity$/,
    true,
  ],
  [
    'an error about the request',
    '{"error":{"message":"Unknown voice","type":"invalid_request_error"}}',
    'upstream_error',
    /^Unknown voice$/,
    false,
  ],
  ['an error in details', '{"detail":"Model is loading"}', 'upstream_error', /loading$/, true],
  [
    'an error about our account',
    '{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}',
    'upstream_account_error',
    /^(?!.*quota)/,
    false,
  ],
  [
    'an error about our balance, in a shape of its own',
    '{"choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}',
    'upstream_error',
    /^(?!.*balance)/,
    false,
  ],
];

describe.each(CALL_DIALECTS)('an answer that is none (%s)', (dialect) => {
  it.each(NO_ANSWERS)(
    'is a typed error that costs nothing: %s',
    async (_, body, code, message, mayRetry) => {
      answer(JSON_TYPE, body);
      const before = await fetchSettledBalance(stack.gatewayUrl, apiKey);
      for (const stream of [false, true]) {
        const response = await post(dialect, { stream });
        const body = (await response.json()) as { error: Record<string, string> };
        const { error } = body;
        expect(response.status).toBe(502);
        expect(readErrorCode(dialect, body)).toBe(code);
        if (message !== null) expect(error.message).toMatch(message);
        expect(response.headers.get('x-should-retry')).toBe(String(mayRetry));
        expect(await getBill(response)).toMatchObject({ http_status: 502, cost_nano_usd: '0' });
      }
      expect(await fetchSettledBalance(stack.gatewayUrl, apiKey)).toEqual(before);
    },
  );

  it('ends a stream that has begun with an error event, and costs nothing', async () => {
    answer(STREAM_TYPE, '{"error":{"message":"No capacity","code":503}}');
    const response = await post(dialect, { stream: true });
    const text = await response.text();
    expect(text).toContain('"No capacity"');
    expect(text.toLowerCase()).toContain('"upstream_error"');
    expect(await getBill(response)).toMatchObject({ cost_nano_usd: '0' });
  });

  it('hides what a provider says about our account inside a stream', async () => {
    const error = { message: 'Your credit balance is too low.', type: 'billing_error' };
    answer(STREAM_TYPE, `data: ${JSON.stringify({ type: 'error', error })}\n\n`);
    const response = await post(dialect, { stream: true });
    const text = await response.text();
    expect(text).not.toContain('balance');
    expect(text.toLowerCase()).toContain('"upstream_account_error"');
    expect(await getBill(response)).toMatchObject({ cost_nano_usd: '0' });
  });
});

describe('a stream after its last word', () => {
  // Gemini's streams have no last word: silence after a finish with its usage ends them.
  it.each(CALL_DIALECTS)(
    'ends and is settled within a second though the provider’s connection stays: %s',
    async (dialect) => {
      const events = DIALECT_CALLS[dialect].events(['The ', 'Nile.'], COUNTS);
      answer(STREAM_TYPE, events, 8000);
      const started = Date.now();
      const response = await post(dialect, { stream: true });
      const text = await response.text();
      const bill = await getBill(response);
      expect(Date.now() - started).toBeLessThan(3000);
      expect(text).toContain('Nile.');
      expect(bill).toMatchObject({ ...REPORTED, status: 'settled' });
    },
  );

  it('ends within a second where Chat Completions come without [DONE], and the connection stays', async () => {
    answer(STREAM_TYPE, CHAT_STREAM.slice(0, -1), 8000);
    const started = Date.now();
    const response = await post('chat', { stream: true, stream_options: { include_usage: true } });
    expect(await response.text()).toContain('[DONE]');
    expect(await getBill(response)).toMatchObject({ ...REPORTED, status: 'settled' });
    expect(Date.now() - started).toBeLessThan(3000);
  });

  it.each(CALL_DIALECTS)('ends a document within a second, too: %s', async (dialect) => {
    const document = JSON.stringify(DIALECT_CALLS[dialect].document('The Nile.', COUNTS));
    answer(JSON_TYPE, document, 8000);
    const started = Date.now();
    const response = await post(dialect);
    expect(await response.text()).toBe(document);
    expect(await getBill(response)).toMatchObject(REPORTED);
    expect(Date.now() - started).toBeLessThan(3000);
  });
});

describe('a stream that is whole but for its form', () => {
  const malformed = ['data: {"choices":[{"ind\n\n', 'data: oops\n\n', 'event: x\n\n'];

  it('reaches the OpenAI SDK without its malformed events and without [DONE]', async () => {
    const events = [
      ...malformed,
      ...CHAT_STREAM.slice(0, 2),
      ...malformed,
      ...CHAT_STREAM.slice(2),
    ];
    answer(STREAM_TYPE, events.slice(0, -1));
    const stream = openai.chat.completions.stream(CHAT);
    expect(await stream.finalContent()).toBe('The Nile.');
    const response = await post('chat', { stream: true });
    expect((await response.text()).endsWith('data: [DONE]\n\n')).toBe(true);
    expect(await getBill(response)).toMatchObject(REPORTED);
  });

  it('reaches the Anthropic SDK without its malformed events and without message_stop', async () => {
    const events = [...MESSAGE_STREAM.slice(0, 2), ...malformed, ...MESSAGE_STREAM.slice(2)];
    answer(STREAM_TYPE, events.slice(0, -1));
    const stream = anthropic.messages.stream(CLAUDE);
    expect((await stream.finalMessage()).content).toMatchObject([{ text: 'The Nile.' }]);
    const bill = await waitForBill(stack.gatewayUrl, apiKey, stream.request_id);
    expect(bill).toMatchObject(REPORTED);
  });
});

function chunk(delta: object, finish: string | null, more: object = {}): string {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices, ...more })}\n\n`;
}

const TEXT = chunk({ role: 'assistant', content: 'The Nile.' }, null);
const STOP = chunk({}, 'stop');
const DONE = 'data: [DONE]\n\n';
const usageChunk = (usage: object, more: object = { choices: [] }) =>
  `data: ${JSON.stringify({ id: 'c', usage, ...more })}\n\n`;
const FULL = { prompt_tokens: 1000, completion_tokens: 4, total_tokens: 1004 };
const ZERO = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
const CACHED = { ...FULL, prompt_tokens_details: { cached_tokens: 900 } };

type UsageCase = readonly [string, string, readonly string[], Record<string, number>];
const USAGE_CASES: readonly UsageCase[] = [
  [
    'followed by zeros',
    'openai/gpt-4o-mini',
    [TEXT, chunk({}, 'stop', { usage: FULL }), usageChunk(ZERO), DONE],
    { input_uncached: 1000, output: 4 },
  ],
  [
    'followed by a part of it',
    'openai/gpt-4o-mini',
    [
      TEXT,
      chunk({}, 'stop', { usage: FULL }),
      usageChunk({ prompt_tokens_details: { cached_tokens: 900 } }),
      DONE,
    ],
    { input_uncached: 100, cache_read: 900, output: 4 },
  ],
  [
    'in the choice that finishes (Moonshot)',
    'moonshotai/kimi-k2.6',
    [
      TEXT,
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage: { ...FULL, cached_tokens: 900 } }] })}\n\n`,
      DONE,
    ],
    { input_uncached: 100, cache_read: 900, output: 4 },
  ],
  [
    'in x_groq (Groq)',
    'groq/llama-3.3-70b-versatile',
    [TEXT, chunk({}, 'stop', { x_groq: { id: 'r', usage: FULL } }), DONE],
    { input_uncached: 1000, output: 4 },
  ],
  [
    'as text',
    'openai/gpt-4o-mini',
    [TEXT, STOP, usageChunk({ prompt_tokens: '1000', completion_tokens: '4' }), DONE],
    { input_uncached: 1000, output: 4 },
  ],
  [
    'without the count that the total tells (Gemini)',
    'google/gemini-2.5-flash',
    [chunk({}, 'length', { usage: { prompt_tokens: 21, total_tokens: 3021 } }), DONE],
    { input_uncached: 21, output: 3000, output_reasoning: 3000 },
  ],
];

describe('reported usage', () => {
  it.each(USAGE_CASES)('is billed: %s', async (_, model, events, usage) => {
    answer(STREAM_TYPE, events);
    const response = await post('chat', { model, stream: true });
    await response.text();
    expect(await getBill(response)).toMatchObject({ reason: 'provider_reported', usage });
  });

  it.each([
    ['choices that are null', { choices: null }],
    ['no choices', {}],
    ['empty choices', { choices: [] }],
  ])('is hidden from a caller who did not ask for it: %s', async (_, more) => {
    answer(STREAM_TYPE, [TEXT, STOP, usageChunk(CACHED, more), DONE]);
    const { data, response } = await openai.chat.completions
      .create({ ...CHAT, stream: true })
      .withResponse();
    let text = '';
    for await (const part of data) text += part.choices[0]?.delta.content ?? '';
    expect(text).toBe('The Nile.');
    expect(await getBill(response)).toMatchObject({ usage: { cache_read: 900 } });
  });

  it('alone is taken out of an event that says more', async () => {
    const citations = ['https://example.com'];
    answer(STREAM_TYPE, [TEXT, STOP, usageChunk(FULL, { choices: [], citations }), DONE]);
    const text = await (await post('chat', { stream: true })).text();
    expect(text).not.toContain('prompt_tokens');
    expect(text).toContain(`data: ${JSON.stringify({ id: 'c', choices: [], citations })}\n\n`);
  });
});

describe('an answer without usage', () => {
  it.each(CALL_DIALECTS)(
    'that is whole is billed by what was seen, not by the clock: %s',
    async (dialect) => {
      const whole = DIALECT_CALLS[dialect].document('The Nile.', COUNTS);
      const { usage: _usage, usageMetadata: _metadata, ...document } = Object(whole);
      upstream.handler = async (_, response) => {
        await sleep(3000);
        response.writeHead(200, { 'content-type': JSON_TYPE });
        response.end(JSON.stringify(document));
      };
      const bill = await getBill(await post(dialect));
      expect(bill.reason).toBe('estimated_usage_missing');
      expect(bill.usage?.output).toBeGreaterThan(0);
      expect(bill.usage?.output).toBeLessThan(12);
    },
  );

  it.each([
    [
      'an empty finish_reason',
      [chunk({ content: 'The Nile is' }, ''), chunk({ content: ' a' }, '')],
    ],
    [
      'an empty finish_reason and a running count',
      [
        chunk({ content: 'The Nile is' }, '', { usage: FULL }),
        chunk({ content: ' a' }, '', { usage: FULL }),
      ],
    ],
    ['a count at its start', [usageChunk({ ...FULL, completion_tokens: 0 }), TEXT]],
  ])('that breaks off after %s is an error and estimated', async (_, events) => {
    answer(STREAM_TYPE, events);
    const response = await post('chat', { stream: true });
    expect(await response.text()).toContain('upstream_disconnected');
    const bill = await getBill(response);
    expect(bill.reason).toBe('estimated_after_upstream_cut');
    expect(bill.usage?.output).toBeGreaterThan(0);
  });

  it('breaks off where only one of two choices finished', async () => {
    const second = {
      id: 'c',
      choices: [{ index: 1, delta: { content: 'b' }, finish_reason: null }],
    };
    answer(STREAM_TYPE, [TEXT, STOP, `data: ${JSON.stringify(second)}\n\n`]);
    const response = await post('chat', { stream: true, n: 2 });
    expect(await response.text()).toContain('upstream_disconnected');
    expect((await getBill(response)).reason).toBe('estimated_after_upstream_cut');
  });

  it('lets the provider go at once when the caller leaves amid empty finish reasons', async () => {
    upstream.handler = async (_, response) => {
      openStream(response);
      while (!response.destroyed) {
        response.write(chunk({ content: 'The Nile is long. ' }, ''));
        await sleep(100);
      }
    };
    const controller = new AbortController();
    const { signal } = controller;
    const response = await callDialect(stack.gatewayUrl, apiKey, 'chat', { stream: true, signal });
    await response.body?.getReader().read();
    controller.abort();
    await upstream.received.at(-1)?.aborted;
    const bill = await getBill(response);
    expect(bill.reason).toBe('estimated_after_disconnect');
    expect(bill.usage?.output).toBeLessThan(200);
  });
});

/**
 * The cost of a call in its answer, for clients that send `x-farebox-include-cost`: equal to the
 * bill, in documents and streams of each dialect, and readable by the official SDKs.
 */
import Anthropic from '@anthropic-ai/sdk';
import type { LocalStack } from '@farebox/local';
import OpenAI from 'openai';
import { beforeAll, describe, expect, it } from 'vitest';
import { waitForBill } from './support/bills.ts';
import {
  CALL_DIALECTS,
  type CallDialect,
  callDialect,
  DIALECT_CALLS,
} from './support/dialect-calls.ts';
import { type ScriptedUpstream, sendJson, sendStream } from './support/scripted-upstream.ts';
import { sharedStack } from './support/shared-stack.ts';

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  ({ apiKey } = await stack.createAccount({ creditUsd: '5' }));
});

const COUNTS = { input: 1000, output: 20 };
/** The end of a stream, before which its cost stands; Gemini's streams have none of their own. */
const LAST_WORDS = {
  chat: /data: \[DONE\]\n\n$/,
  messages: /event: message_stop\ndata: {"type":"message_stop"}\n\n$/,
  responses: /event: response\.completed\ndata: {[^\n]*}\n\n$/,
  gemini: /$/,
} as const;

const toEvents = (dialect: CallDialect) => DIALECT_CALLS[dialect].events(['Hel', 'lo'], COUNTS);

type Ask = Readonly<{ stream: boolean; cost?: string }>;

function post(dialect: CallDialect, { stream, cost }: Ask): Promise<Response> {
  const headers = cost === undefined ? {} : { 'x-farebox-include-cost': cost };
  return callDialect(stack.gatewayUrl, apiKey, dialect, { stream, headers, maxOutput: 50 });
}

async function expectBilled(response: Response, cost: unknown): Promise<void> {
  const bill = await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
  expect(cost).toMatchObject({
    nano_usd: bill.cost_nano_usd,
    reason: 'provider_reported',
    price_rule: bill.price_rule,
  });
  expect(BigInt(bill.cost_nano_usd)).toBeGreaterThan(0n);
}

/** Answers with a document, in pieces of `size` bytes. */
function respondInPieces(document: unknown, size: number, indent: number): void {
  upstream.handler = async (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const bytes = Buffer.from(`${JSON.stringify(document, null, indent)}\n`);
    for (let at = 0; at < bytes.length; at += size) response.write(bytes.subarray(at, at + size));
    response.end();
  };
}

describe.each(CALL_DIALECTS)('the cost in an answer of %s', (dialect) => {
  const document = DIALECT_CALLS[dialect].document('Hello}', COUNTS);
  const events = toEvents(dialect);
  const lastWord = LAST_WORDS[dialect];

  it('is absent unless asked for, and the bytes are the provider’s', async () => {
    upstream.handler = (_, response) => sendJson(response, document);
    expect(await (await post(dialect, { stream: false })).text()).toBe(JSON.stringify(document));
    upstream.handler = (_, response) => sendStream(response, events);
    expect(await (await post(dialect, { stream: true, cost: 'false' })).text()).not.toContain(
      'cost',
    );
  });

  it.each([7, 1_000_000])(
    'stands beside usage in a document of pieces of %i bytes',
    async (size) => {
      respondInPieces(document, size, 2);
      const response = await post(dialect, { stream: false, cost: 'true' });
      const { cost, ...rest } = (await response.json()) as { cost: unknown };
      expect(rest).toEqual(document);
      await expectBilled(response, cost);
    },
  );

  it('stands in a document that is too large to be kept', async () => {
    const large = { ...document, padding: '{}'.repeat(400_000) };
    respondInPieces(large, 65_536, 0);
    const response = await post(dialect, { stream: false, cost: 'true' });
    const { cost, ...rest } = (await response.json()) as { cost: unknown };
    expect(rest).toEqual(large);
    await expectBilled(response, cost);
  });

  it('is a comment before the last word of a stream, which is else unchanged', async () => {
    upstream.handler = (_, response) => sendStream(response, events, 2);
    const plain = await (await post(dialect, { stream: true })).text();
    const response = await post(dialect, { stream: true, cost: 'comment' });
    const text = await response.text();
    const comment = /: cost (.*)\n\n/.exec(text);
    const [end = ''] = lastWord.exec(text) ?? [];
    expect(text.endsWith(`${comment?.[0]}${end}`)).toBe(true);
    expect(text.replace(comment?.[0] ?? '', '')).toBe(plain);
    await expectBilled(response, JSON.parse(comment?.[1] ?? '{}'));
  });

  it('is absent from a truncated stream', async () => {
    const truncated = events.slice(0, Math.min(3, events.length - 1));
    upstream.handler = (_, response) => sendStream(response, truncated, 2, 'cut');
    const text = await (await post(dialect, { stream: true, cost: 'true' })).text();
    expect(text).not.toMatch(/: cost|"cost"/);
  });

  it('is absent where a waiver that may be used up decides on it', async () => {
    const { usage: _usage, usageMetadata: _metadata, ...rest } = Object(document);
    const empty = JSON.parse(JSON.stringify(rest).replaceAll('Hello}', ''));
    upstream.handler = (_request, response) => sendJson(response, empty);
    const response = await post(dialect, { stream: false, cost: 'true' });
    expect(await response.json()).toEqual(empty);
    expect(response.headers.get('x-farebox-cost-usd')).toBeNull();
    const bill = await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
    expect(bill.reason).toBe('waived_empty');
  });

  it('is asked for by known words only', async () => {
    const response = await post(dialect, { stream: true, cost: 'yes' });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('x-farebox-include-cost');
  });
});

describe.each(CALL_DIALECTS)('the cost in a stream of %s that we complete', (dialect) => {
  const lastWord = LAST_WORDS[dialect];

  it('is written once where the provider sends a document', async () => {
    const document = DIALECT_CALLS[dialect].document('Hello}', COUNTS);
    upstream.handler = (_, response) => sendJson(response, document);
    const converted = await (await post(dialect, { stream: true, cost: 'comment' })).text();
    expect(converted.match(/: cost /g)).toHaveLength(1);
    expect(converted).toMatch(lastWord);
  });
});

describe.each(['chat', 'messages'] as const)('a stream of %s without its last word', (dialect) => {
  it('has its cost all the same', async () => {
    upstream.handler = (_, response) => sendStream(response, toEvents(dialect).slice(0, -1));
    const response = await post(dialect, { stream: true, cost: 'comment' });
    expect((await response.text()).match(/: cost /g)).toHaveLength(1);
  });
});

describe('the cost as its caller left it to us', () => {
  it.each(CALL_DIALECTS)(
    'has the form that clients of the dialect read past: %s',
    async (dialect) => {
      upstream.handler = (_, response) => sendStream(response, toEvents(dialect));
      const text = await (await post(dialect, { stream: true, cost: 'true' })).text();
      // Google's SDK for Python parses a comment as if it were data.
      if (dialect === 'gemini') expect(text).toMatch(/^data: \{"cost":\{.*\}\}\r\n\r\n$/m);
      else expect(text).toMatch(/^: cost \{.*\}$/m);
    },
  );
});

describe('the cost as an event', () => {
  const defaultHeaders = { 'x-farebox-include-cost': 'event' };

  it('reaches a caller of the openai SDK as a chunk', async () => {
    upstream.handler = (_, response) => sendStream(response, toEvents('chat'));
    const client = new OpenAI({ baseURL: `${stack.gatewayUrl}/v1`, apiKey, defaultHeaders });
    const stream = client.chat.completions.stream({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'Hello.' }],
    });
    const chunks: unknown[] = [];
    stream.on('chunk', (chunk) => chunks.push(chunk));
    expect((await stream.finalChatCompletion()).choices[0]?.message.content).toBe('Hello');
    expect(chunks.at(-1)).toMatchObject({ cost: { reason: 'provider_reported' } });
  });

  it('does not disturb a caller of the Anthropic SDK', async () => {
    upstream.handler = (_, response) => sendStream(response, toEvents('messages'));
    const client = new Anthropic({ baseURL: stack.gatewayUrl, apiKey, defaultHeaders });
    const stream = client.messages.stream({
      model: 'claude-sonnet-4-5',
      max_tokens: 50,
      messages: [{ role: 'user', content: 'Hello.' }],
    });
    expect(await stream.finalText()).toBe('Hello');
    const text = await (await post('messages', { stream: true, cost: 'event' })).text();
    expect(text).toContain('event: farebox_cost\ndata: {"type":"farebox_cost"');
  });
});

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
  chatCompletion,
  chatEvents,
  messageEvents,
  messageResponse,
  type ScriptedUpstream,
  sendJson,
  sendStream,
} from './support/scripted-upstream.ts';
import { sharedStack } from './support/shared-stack.ts';

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  ({ apiKey } = await stack.createAccount({ creditUsd: '5' }));
});

const COUNTS = { input: 1000, output: 20 };
const CALLS = {
  chat: {
    path: '/v1/chat/completions',
    model: 'gpt-4o-mini',
    document: chatCompletion('Hello}', COUNTS),
    events: chatEvents(['Hel', 'lo'], COUNTS),
    lastWord: 'data: [DONE]\n\n',
  },
  messages: {
    path: '/v1/messages',
    model: 'claude-sonnet-4-5',
    document: messageResponse('Hello}', COUNTS),
    events: messageEvents(['Hel', 'lo'], COUNTS),
    lastWord: 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  },
} as const;
type Dialect = keyof typeof CALLS;
const DIALECTS: readonly Dialect[] = ['chat', 'messages'];

type Ask = Readonly<{ stream: boolean; cost?: string }>;

function post(dialect: Dialect, { stream, cost }: Ask): Promise<Response> {
  const { path, model } = CALLS[dialect];
  return fetch(stack.gatewayUrl + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${apiKey}`,
      ...(cost === undefined ? {} : { 'x-farebox-include-cost': cost }),
    },
    body: JSON.stringify({
      model,
      max_tokens: 50,
      stream,
      messages: [{ role: 'user', content: 'Hello.' }],
    }),
  });
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

describe.each(DIALECTS)('the cost in an answer of %s', (dialect) => {
  const { document, events, lastWord } = CALLS[dialect];

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
    const large = { ...(document as object), padding: '{}'.repeat(400_000) };
    respondInPieces(large, 65_536, 0);
    const response = await post(dialect, { stream: false, cost: 'true' });
    const { cost, ...rest } = (await response.json()) as { cost: unknown };
    expect(rest).toEqual(large);
    await expectBilled(response, cost);
  });

  it('is a comment before the last word of a stream, which is else unchanged', async () => {
    upstream.handler = (_, response) => sendStream(response, events, 2);
    const plain = await (await post(dialect, { stream: true })).text();
    const response = await post(dialect, { stream: true, cost: 'true' });
    const text = await response.text();
    const comment = /: cost (.*)\n\n/.exec(text);
    expect(text.endsWith(`${comment?.[0]}${lastWord}`)).toBe(true);
    expect(text.replace(comment?.[0] ?? '', '')).toBe(plain);
    await expectBilled(response, JSON.parse(comment?.[1] ?? '{}'));
  });

  it('is written when the provider sends no last word, or a document', async () => {
    upstream.handler = (_, response) => sendStream(response, events.slice(0, -1));
    const response = await post(dialect, { stream: true, cost: 'comment' });
    expect((await response.text()).match(/: cost /g)).toHaveLength(1);
    upstream.handler = (_, response) => sendJson(response, document);
    const converted = await (await post(dialect, { stream: true, cost: 'comment' })).text();
    expect(converted.match(/: cost /g)).toHaveLength(1);
    expect(converted.endsWith(lastWord)).toBe(true);
  });

  it('is absent from a truncated stream', async () => {
    upstream.handler = (_, response) => sendStream(response, events.slice(0, 3), 2, 'cut');
    expect(await (await post(dialect, { stream: true, cost: 'true' })).text()).not.toContain(
      ': cost',
    );
  });

  it('is absent where a waiver that may be used up decides on it', async () => {
    const { usage: _, ...rest } = document as { usage: unknown };
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

describe('the cost as an event', () => {
  const defaultHeaders = { 'x-farebox-include-cost': 'event' };

  it('reaches a caller of the openai SDK as a chunk', async () => {
    upstream.handler = (_, response) => sendStream(response, CALLS.chat.events);
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
    upstream.handler = (_, response) => sendStream(response, CALLS.messages.events);
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

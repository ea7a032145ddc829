/**
 * What providers document that they bill, or do not bill, beside the tokens of an answer: refusals,
 * answers without usage, and tools. Each case has the provider's answer and the bill.
 */
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BillJson, waitForBill } from './support/bills.ts';
import { CALL_DIALECTS, callDialect, DIALECT_CALLS } from './support/dialect-calls.ts';
import {
  openStream,
  ScriptedUpstream,
  sendJson,
  sleep,
  type UpstreamHandler,
} from './support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  stack = await startStack({
    database: 'pglite-memory',
    providers: {
      openai: { baseUrl: `${upstream.url}/v1`, apiKey: 'k' },
      anthropic: { baseUrl: upstream.url, apiKey: 'k' },
      google: { baseUrl: upstream.url, apiKey: 'k' },
      xai: { baseUrl: `${upstream.url}/v1`, apiKey: 'k' },
    },
    quiet: true,
  });
  ({ apiKey } = await stack.createAccount({ creditUsd: '100' }));
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

const messages = [{ role: 'user', content: 'Name a river.' }];

async function callAndBill(
  path: string,
  body: Readonly<Record<string, unknown>>,
  handler: UpstreamHandler,
): Promise<Readonly<{ status: number; text: string; bill: BillJson }>> {
  upstream.handler = handler;
  const response = await fetch(stack.gatewayUrl + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ messages, max_tokens: 4000, ...body }),
  });
  const text = await response.text();
  const id = response.headers.get('x-request-id');
  return { status: response.status, text, bill: await waitForBill(stack.gatewayUrl, apiKey, id) };
}

describe('a prompt that xAI refuses with an error', () => {
  const refusal = 'Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO';
  const refuse =
    (body: object): UpstreamHandler =>
    (_, response) =>
      sendJson(response, { code: 'permission-denied', error: refusal, ...body }, 403);
  const call = (body: object) =>
    callAndBill('/v1/chat/completions', { model: 'grok-4-fast' }, refuse(body));

  it('is charged the usage that the error reports', async () => {
    const usage = { prompt_tokens: 900, completion_tokens: 20, total_tokens: 920 };
    const { status, text, bill } = await call({ usage });
    expect(status).toBe(403);
    expect(text).toContain(refusal);
    expect(bill).toMatchObject({ reason: 'provider_reported', http_status: 403 });
    expect(bill.usage).toMatchObject({ input_uncached: 900, output: 20 });
  });

  it('is charged its estimated input where the error reports no usage', async () => {
    const { text, bill } = await call({});
    expect(text).not.toContain('charged');
    expect(bill).toMatchObject({ reason: 'estimated_usage_missing', http_status: 403 });
    expect(bill.usage?.output).toBe(0);
    expect(bill.usage?.input_uncached).toBeGreaterThan(0);
    const price = BigInt(bill.prices?.input_uncached ?? '0');
    const cost = (BigInt(bill.usage?.input_uncached ?? 0) * price + 999_999n) / 1_000_000n;
    expect(bill.cost_nano_usd).toBe(cost.toString());
  });

  it('costs nothing with any other error of the request', async () => {
    const error = { code: 'invalid-argument', error: 'The model does not take this.' };
    const { bill } = await callAndBill(
      '/v1/chat/completions',
      { model: 'grok-4-fast' },
      (_, response) => sendJson(response, error, 400),
    );
    expect(bill).toMatchObject({ reason: 'upstream_refused', cost_nano_usd: '0' });
  });
});

describe('a whole answer without usage', () => {
  const text = 'The river Nile flows through eleven countries and ends by the sea. '.repeat(12);
  const tokens = 12 * 14;

  it.each(CALL_DIALECTS)('is charged what was seen, however long it took: %s', async (dialect) => {
    const whole = DIALECT_CALLS[dialect].document(text, { input: 1, output: 1 });
    const { usage: _usage, usageMetadata: _metadata, ...document } = Object(whole);
    upstream.handler = async (_, response) => {
      await sleep(2500);
      sendJson(response, document);
    };
    const response = await callDialect(stack.gatewayUrl, apiKey, dialect);
    await response.text();
    const id = response.headers.get('x-request-id');
    const bill = await waitForBill(stack.gatewayUrl, apiKey, id);
    expect(bill.reason).toBe('estimated_usage_missing');
    expect(bill.usage?.output).toBeGreaterThan(0.9 * tokens);
    expect(bill.usage?.output).toBeLessThan(1.4 * tokens);
    expect(bill.usage?.output_reasoning).toBe(0);
  });
});

describe('an answer that fails', () => {
  const chunk = (delta: object) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`;
  const error = (code: string) => `data: ${JSON.stringify({ error: { code, message: code } })}\n\n`;
  const words = Array.from({ length: 40 }, () => chunk({ content: 'river ' })).join('');

  const failWith =
    (text: string, ending: 'end' | 'cut'): UpstreamHandler =>
    async (_, response) => {
      openStream(response);
      response.write(text);
      await sleep(50);
      if (ending === 'end') response.end();
      else response.destroy();
    };
  const callStream = (handler: UpstreamHandler) =>
    callAndBill('/v1/chat/completions', { model: 'gpt-4o-mini', stream: true }, handler);

  it.each([
    ['an error event', error('server_error'), 'end'],
    ['an error of our account', error('insufficient_quota'), 'end'],
    ['a broken connection', chunk({ role: 'assistant', content: '' }), 'cut'],
  ] as const)('before any content costs nothing: %s', async (_case, text, ending) => {
    const { bill } = await callStream(failWith(text, ending));
    expect(bill).toMatchObject({ reason: 'waived_upstream_error', cost_nano_usd: '0' });
  });

  it.each([
    ['an error event', words + error('server_error'), 'end'],
    ['an error of our account', words + error('insufficient_quota'), 'end'],
    ['a broken connection', words, 'cut'],
  ] as const)(
    'after content is charged what was seen, and no text denies it: %s',
    async (_case, body, ending) => {
      const { text, bill } = await callStream(failWith(body, ending));
      expect(text).toContain('error');
      expect(text.toLowerCase()).not.toContain('nothing was charged');
      expect(bill.usage?.output).toBe(40);
      expect(BigInt(bill.cost_nano_usd)).toBeGreaterThan(0n);
    },
  );
});

describe('a refusal of Anthropic', () => {
  const usage = { input_tokens: 18, output_tokens: 5 };
  type Details = Readonly<{ category: string | null }> | null;

  function refusalDocument(details: Details, content: readonly object[]): object {
    const stop_details = details === null ? null : { type: 'refusal', ...details };
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-fable-5' };
    return {
      ...message,
      content,
      stop_reason: 'refusal',
      stop_sequence: null,
      stop_details,
      usage,
    };
  }

  function refusalEvents(details: Details, content: readonly object[]): string {
    const { stop_reason, stop_sequence, stop_details, ...message } = JSON.parse(
      JSON.stringify(refusalDocument(details, [])),
    );
    const events: { type: string; [name: string]: unknown }[] = [
      { type: 'message_start', message: { ...message, stop_reason: null } },
      ...content.flatMap((block, index) => [
        { type: 'content_block_start', index, content_block: { type: 'text', text: '' } },
        { type: 'content_block_delta', index, delta: { ...block, type: 'text_delta' } },
        { type: 'content_block_stop', index },
      ]),
      { type: 'message_delta', delta: { stop_reason, stop_sequence, stop_details }, usage },
      { type: 'message_stop' },
    ];
    return events
      .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
      .join('');
  }

  async function refuse(stream: boolean, details: Details, content: readonly object[]) {
    const { bill } = await callAndBill(
      '/v1/messages',
      { model: 'claude-fable-5', stream },
      (_, response) => {
        if (!stream) return sendJson(response, refusalDocument(details, content));
        openStream(response);
        response.end(refusalEvents(details, content));
      },
    );
    return bill;
  }

  const FREE = { reason: 'refused_without_output', cost_nano_usd: '0', status: 'settled' };
  // 18 tokens at 10 USD and 5 at 50 USD per million.
  const BILLED = { reason: 'provider_reported', cost_nano_usd: '430000' };
  const text = [{ type: 'text', text: 'First,' }];

  describe.each([
    ['streamed', true],
    ['not streamed', false],
  ] as const)('%s', (_name, stream) => {
    it.each([
      ['cyber', { category: 'cyber' }, [], FREE],
      ['general_harms', { category: 'general_harms' }, [], FREE],
      ['no category', { category: null }, [], FREE],
      ['no details', null, [], FREE],
      ['bio', { category: 'bio' }, [], BILLED],
      ['reasoning_extraction', { category: 'reasoning_extraction' }, [], BILLED],
      ['cyber after some output', { category: 'cyber' }, text, BILLED],
    ] as const)(
      'is charged as Anthropic bills it: %s',
      async (_case, details, content, expected) => {
        expect(await refuse(stream, details, content)).toMatchObject(expected);
      },
    );
  });
});

/** The official Anthropic package against the gateway in real workerd. */
import Anthropic from '@anthropic-ai/sdk';
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { balanceOf, billOf } from './bills.ts';
import { json, message, messageEvents, ScriptedUpstream, stream } from './scripted-upstream.ts';

// claude-sonnet-4-5: 3 USD in, 15 USD out per million tokens (Anthropic price list).
const INPUT = 3000n;
const OUTPUT = 15_000n;
const MODEL = 'claude-sonnet-4-5';

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;
let client: Anthropic;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  stack = await startStack({
    database: 'pglite-memory',
    providers: { anthropic: { baseUrl: upstream.url, apiKey: 'sk-ant-upstream' } },
    gatewayBindings: { PING_SECONDS: '0.3', SILENCE_SECONDS: '2', CHECKPOINT_SECONDS: '0.5' },
    quiet: true,
  });
  ({ apiKey } = await stack.createAccount({ creditUsd: '5' }));
  client = new Anthropic({ apiKey, baseURL: stack.gatewayUrl, maxRetries: 0 });
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

const ask = {
  model: MODEL,
  max_tokens: 1000,
  messages: [{ role: 'user' as const, content: 'Say hello.' }],
};

describe('messages', () => {
  it('come back unchanged, and are billed exactly', async () => {
    const reply = message('Hello.', { input: 12, output: 4 });
    upstream.answer = (_, response) => json(response, reply);
    const { data, response } = await client.messages.create(ask).withResponse();
    expect(data).toMatchObject(reply as object);
    const bill = await billOf(stack.gatewayUrl, apiKey, response.headers.get('request-id'));
    expect(bill).toMatchObject({
      reason: 'provider_reported',
      model: 'anthropic/claude-sonnet-4-5',
      cost_nano_usd: String(12n * INPUT + 4n * OUTPUT),
    });
  });

  it('forward the version, the betas and the query byte for byte', async () => {
    upstream.answer = (_, response) => json(response, message('x', { input: 1, output: 1 }));
    const beta = 'claude-code-20250219,interleaved-thinking-2025-05-14,of-next-month-2027-01-01';
    await fetch(`${stack.gatewayUrl}/v1/messages?beta=true`, {
      method: 'POST',
      headers: {
        'x-api-key': apiKey,
        'anthropic-version': '2023-06-01',
        'anthropic-beta': beta,
        'content-type': 'application/json',
      },
      body: JSON.stringify(ask),
    });
    const sent = upstream.received.at(-1);
    expect(sent?.path).toBe('/v1/messages?beta=true');
    expect(sent?.headers['anthropic-version']).toBe('2023-06-01');
    expect(sent?.headers['anthropic-beta']).toBe(beta);
    expect(sent?.headers['x-api-key']).toBe('sk-ant-upstream');
  });

  it('stream, and the last cumulative count is the one that counts', async () => {
    const events = messageEvents(['Hel', 'lo', '.'], { input: 25, output: 7 });
    upstream.answer = (_, response) => stream(response, events, 5);
    const streamed = client.messages.stream(ask);
    const final = await streamed.finalMessage();
    expect(final.content).toMatchObject([{ type: 'text', text: 'Hello.' }]);
    const bill = await billOf(stack.gatewayUrl, apiKey, streamed.request_id);
    expect(bill).toMatchObject({
      reason: 'provider_reported',
      usage: { input_uncached: 25, output: 7 },
      cost_nano_usd: String(25n * INPUT + 7n * OUTPUT),
    });
  });

  it('count tokens for nothing', async () => {
    upstream.answer = (_, response) => json(response, { input_tokens: 14 });
    const before = await balanceOf(stack.gatewayUrl, apiKey);
    const { max_tokens: _, ...counted } = ask;
    expect(await client.messages.countTokens(counted)).toMatchObject({ input_tokens: 14 });
    expect(upstream.received.at(-1)?.path).toBe('/v1/messages/count_tokens');
    expect(await balanceOf(stack.gatewayUrl, apiKey)).toEqual(before);
  });

  it('list models in the shape the SDK pages through', async () => {
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    expect(ids).toContain('anthropic/claude-sonnet-4-5');
  });
});

describe('silence', () => {
  it('is bridged by pings while the provider lives, and becomes an error when it stays', async () => {
    const events = messageEvents(['Hel'], { input: 25, output: 7 }).slice(0, 3);
    upstream.answer = (_, response) => stream(response, events, 5, 'hang');
    const response = await fetch(`${stack.gatewayUrl}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ ...ask, stream: true }),
    });
    const text = await response.text();
    expect(text.match(/event: ping/g)?.length).toBeGreaterThanOrEqual(2);
    expect(text).toContain('event: error');
    expect(text).toContain('"timeout_error"');
    expect(text).not.toContain('message_stop');
    const bill = await billOf(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
    expect(bill.reason).toBe('estimated_after_upstream_cut');
    expect(bill.usage?.input_uncached).toBe(25);
  });

  it('ends a stream whose key was revoked meanwhile, at the next checkpoint', async () => {
    const words = Array.from({ length: 100 }, () => 'word ');
    const events = messageEvents(words, { input: 25, output: 100 });
    upstream.answer = (_, response) => stream(response, events, 50);
    const doomed = await stack.createAccount({ creditUsd: '1' });
    const other = new Anthropic({
      apiKey: doomed.apiKey,
      baseURL: stack.gatewayUrl,
      maxRetries: 0,
    });
    const standing = await fetch(`${stack.gatewayUrl}/v1/key`, {
      headers: { authorization: `Bearer ${doomed.apiKey}` },
    });
    const { data } = (await standing.json()) as { data: { key_id: number } };
    const streamed = other.messages.stream(ask);
    streamed.once('text', () => stack.doors.accounts.revokeKey(doomed.accountId, data.key_id));
    await expect(streamed.finalMessage()).rejects.toThrow(/revoked/);
    await expect(other.messages.create(ask)).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
  });
});

describe('errors', () => {
  it('are the typed ones of the SDK', async () => {
    const stranger = new Anthropic({
      apiKey: 'fbx_nonsense',
      baseURL: stack.gatewayUrl,
      maxRetries: 0,
    });
    await expect(stranger.messages.create(ask)).rejects.toBeInstanceOf(
      Anthropic.AuthenticationError,
    );
    const unknown = client.messages.create({ ...ask, model: 'claude-sonet-4-5' });
    await expect(unknown).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    const poor = await stack.createAccount({ creditUsd: '0' });
    const broke = new Anthropic({ apiKey: poor.apiKey, baseURL: stack.gatewayUrl, maxRetries: 2 });
    await expect(broke.messages.create(ask)).rejects.toMatchObject({ status: 402 });
  });

  it('tell a body of another dialect where it belongs', async () => {
    const response = await fetch(`${stack.gatewayUrl}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': apiKey },
      body: JSON.stringify({
        model: MODEL,
        max_tokens: 10,
        messages: [{ role: 'user', content: 'hi' }],
        tools: [{ type: 'function', function: { name: 'f', parameters: {} } }],
      }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      type: 'error',
      error: {
        type: 'invalid_request_error',
        code: 'wrong_dialect',
        message: expect.stringContaining('/v1/chat/completions'),
      },
    });
  });
});

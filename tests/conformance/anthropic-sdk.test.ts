/** The official Anthropic SDK against the gateway in real workerd. */
import Anthropic from '@anthropic-ai/sdk';
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchSettledBalance, waitForBill } from '../support/bills.ts';
import {
  messageEvents,
  messageResponse,
  ScriptedUpstream,
  sendJson,
  sendStream,
} from '../support/scripted-upstream.ts';

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
    gatewayBindings: {
      KEEPALIVE_SECONDS: '0.3',
      IDLE_TIMEOUT_SECONDS: '2',
      CHECKPOINT_SECONDS: '0.5',
    },
    quiet: true,
  });
  ({ apiKey } = await stack.createAccount({ creditUsd: '5' }));
  client = new Anthropic({ apiKey, baseURL: stack.gatewayUrl, maxRetries: 0 });
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

const REQUEST = {
  model: MODEL,
  max_tokens: 1000,
  messages: [{ role: 'user' as const, content: 'Say hello.' }],
};

describe('the Anthropic SDK’s messages', () => {
  it('arrive unchanged and are billed exactly', async () => {
    const reply = messageResponse('Hello.', { input: 12, output: 4 });
    upstream.handler = (_, response) => sendJson(response, reply);
    const { data, response } = await client.messages.create(REQUEST).withResponse();
    expect(data).toMatchObject(reply as object);
    const bill = await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('request-id'));
    expect(bill).toMatchObject({
      reason: 'provider_reported',
      model: 'anthropic/claude-sonnet-4-5',
      cost_nano_usd: String(12n * INPUT + 4n * OUTPUT),
    });
  });

  it('forward the version, the betas and the query unchanged', async () => {
    upstream.handler = (_, response) =>
      sendJson(response, messageResponse('x', { input: 1, output: 1 }));
    const beta = 'claude-code-20250219,interleaved-thinking-2025-05-14,of-next-month-2027-01-01';
    await fetch(`${stack.gatewayUrl}/v1/messages?beta=true`, {
      method: 'POST',
      headers: {
        'x-api-key': apiKey,
        'anthropic-version': '2023-06-01',
        'anthropic-beta': beta,
        'content-type': 'application/json',
      },
      body: JSON.stringify(REQUEST),
    });
    const receivedRequest = upstream.received.at(-1);
    expect(receivedRequest?.path).toBe('/v1/messages?beta=true');
    expect(receivedRequest?.headers['anthropic-version']).toBe('2023-06-01');
    expect(receivedRequest?.headers['anthropic-beta']).toBe(beta);
    expect(receivedRequest?.headers['x-api-key']).toBe('sk-ant-upstream');
  });

  it('stream, and the last cumulative count is billed', async () => {
    const events = messageEvents(['Hel', 'lo', '.'], { input: 25, output: 7 });
    upstream.handler = (_, response) => sendStream(response, events, 5);
    const streamed = client.messages.stream(REQUEST);
    const final = await streamed.finalMessage();
    expect(final.content).toMatchObject([{ type: 'text', text: 'Hello.' }]);
    const bill = await waitForBill(stack.gatewayUrl, apiKey, streamed.request_id);
    expect(bill).toMatchObject({
      reason: 'provider_reported',
      usage: { input_uncached: 25, output: 7 },
      cost_nano_usd: String(25n * INPUT + 7n * OUTPUT),
    });
  });

  it('count tokens free of charge', async () => {
    upstream.handler = (_, response) => sendJson(response, { input_tokens: 14 });
    const before = await fetchSettledBalance(stack.gatewayUrl, apiKey);
    const { max_tokens: _, ...counted } = REQUEST;
    expect(await client.messages.countTokens(counted)).toMatchObject({ input_tokens: 14 });
    expect(upstream.received.at(-1)?.path).toBe('/v1/messages/count_tokens');
    expect(await fetchSettledBalance(stack.gatewayUrl, apiKey)).toEqual(before);
  });

  it('list models in the shape the SDK pages through', async () => {
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    expect(ids).toContain('anthropic/claude-opus-5-5');
  });
});

describe('a stalled provider', () => {
  it('is bridged by pings while it is alive and becomes an error after the idle timeout', async () => {
    const events = messageEvents(['Hel'], { input: 25, output: 7 }).slice(0, 3);
    upstream.handler = (_, response) => sendStream(response, events, 5, 'hang');
    const response = await fetch(`${stack.gatewayUrl}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ ...REQUEST, stream: true }),
    });
    const text = await response.text();
    expect(text.match(/event: ping/g)?.length).toBeGreaterThanOrEqual(2);
    expect(text).toContain('event: error');
    expect(text).toContain('"timeout_error"');
    expect(text).not.toContain('message_stop');
    const bill = await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
    expect(bill.reason).toBe('estimated_after_upstream_cut');
    expect(bill.usage?.input_uncached).toBe(25);
  });

  it('loses its stream at the next checkpoint when the key was revoked', async () => {
    const words = Array.from({ length: 100 }, () => 'word ');
    const events = messageEvents(words, { input: 25, output: 100 });
    upstream.handler = (_, response) => sendStream(response, events, 50);
    const revokedAccount = await stack.createAccount({ creditUsd: '1' });
    const revokedClient = new Anthropic({
      apiKey: revokedAccount.apiKey,
      baseURL: stack.gatewayUrl,
      maxRetries: 0,
    });
    const keyStatus = await fetch(`${stack.gatewayUrl}/v1/key`, {
      headers: { authorization: `Bearer ${revokedAccount.apiKey}` },
    });
    const { data } = (await keyStatus.json()) as { data: { key_id: number } };
    const streamed = revokedClient.messages.stream(REQUEST);
    streamed.once('text', () =>
      stack.ledger.accounts.revokeKey(revokedAccount.accountId, data.key_id),
    );
    await expect(streamed.finalMessage()).rejects.toThrow(/revoked/);
    await expect(revokedClient.messages.create(REQUEST)).rejects.toBeInstanceOf(
      Anthropic.AuthenticationError,
    );
  });
});

describe('errors in the Anthropic SDK', () => {
  it('have the SDK’s own types', async () => {
    const unknownKeyClient = new Anthropic({
      apiKey: 'fbx_nonsense',
      baseURL: stack.gatewayUrl,
      maxRetries: 0,
    });
    await expect(unknownKeyClient.messages.create(REQUEST)).rejects.toBeInstanceOf(
      Anthropic.AuthenticationError,
    );
    const unknownModelCall = client.messages.create({ ...REQUEST, model: 'claude-sonet-4-5' });
    await expect(unknownModelCall).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    const emptyAccount = await stack.createAccount({ creditUsd: '0' });
    const emptyAccountClient = new Anthropic({
      apiKey: emptyAccount.apiKey,
      baseURL: stack.gatewayUrl,
      maxRetries: 2,
    });
    await expect(emptyAccountClient.messages.create(REQUEST)).rejects.toMatchObject({
      status: 402,
    });
  });

  it('name the right endpoint for a body of another dialect', async () => {
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

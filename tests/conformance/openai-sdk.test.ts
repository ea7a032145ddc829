/** The official OpenAI SDK against the gateway in real workerd. */
import type { LocalStack } from '@farebox/local';
import OpenAI from 'openai';
import { beforeAll, describe, expect, it } from 'vitest';
import { fetchBalance, fetchSettledBalance, waitForBill } from '../support/bills.ts';
import {
  chatCompletion,
  chatEvents,
  type ScriptedUpstream,
  sendJson,
  sendStream,
} from '../support/scripted-upstream.ts';
import { sharedStack } from '../support/shared-stack.ts';

// gpt-4o-mini: 0.15 USD in, 0.60 USD out per million tokens (OpenAI price list).
const INPUT = 150n;
const OUTPUT = 600n;

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;
let client: OpenAI;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  ({ apiKey } = await stack.createAccount({ creditUsd: '5' }));
  client = new OpenAI({ apiKey, baseURL: `${stack.gatewayUrl}/v1`, maxRetries: 2 });
});

const messages = [{ role: 'user' as const, content: 'Say hello.' }];

describe('the OpenAI SDK’s answer that is not streamed', () => {
  it('arrives unchanged, with its cost in a header and its bill by request id', async () => {
    const reply = chatCompletion('Hello.', { input: 11, output: 3 });
    upstream.handler = (_, response) => sendJson(response, reply);
    const { data, response } = await client.chat.completions
      .create({ model: 'openai/gpt-4o-mini', messages })
      .withResponse();
    expect(data).toMatchObject(reply as object);
    const cost = 11n * INPUT + 3n * OUTPUT;
    expect(response.headers.get('x-farebox-cost-usd')).toBe('0.00000345');
    const bill = await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
    expect(bill).toMatchObject({
      status: 'settled',
      reason: 'provider_reported',
      model: 'openai/gpt-4o-mini',
      cost_nano_usd: String(cost),
      usage: { input_uncached: 11, output: 3, cache_read: 0 },
    });
  });

  it('is requested with the platform’s key, the provider’s model name and an output limit, and nothing that identifies the caller', async () => {
    upstream.handler = (_, response) =>
      sendJson(response, chatCompletion('x', { input: 1, output: 1 }));
    await client.chat.completions.create(
      { model: 'openai/gpt-4o-mini', messages, user: 'someone' },
      { headers: { cookie: 'secret=1', 'x-forwarded-for': '203.0.113.9' } },
    );
    const receivedRequest = upstream.received.at(-1);
    expect(receivedRequest?.headers.authorization).toBe('Bearer sk-upstream');
    expect(receivedRequest?.headers.cookie).toBeUndefined();
    expect(receivedRequest?.headers['x-forwarded-for']).toBeUndefined();
    expect(JSON.stringify(receivedRequest?.headers)).not.toContain('fbx_');
    const body = JSON.parse(receivedRequest?.body ?? '');
    expect(body.model).toBe('gpt-4o-mini');
    expect(body.max_completion_tokens ?? body.max_tokens).toBeGreaterThan(0);
    expect(body.messages).toEqual(messages);
  });
});

describe('the OpenAI SDK’s stream', () => {
  it('arrives event by event, with the usage chunk only if it was requested', async () => {
    const events = chatEvents(['Hel', 'lo', '.'], { input: 20, output: 3 });
    upstream.handler = (_, response) => sendStream(response, events, 5);
    for (const wantsUsage of [false, true]) {
      const { data, response } = await client.chat.completions
        .create({
          model: 'gpt-4o-mini',
          messages,
          stream: true,
          ...(wantsUsage ? { stream_options: { include_usage: true } } : {}),
        })
        .withResponse();
      let text = '';
      let usages = 0;
      for await (const chunk of data) {
        text += chunk.choices[0]?.delta.content ?? '';
        if (chunk.usage) usages += 1;
      }
      expect(text).toBe('Hello.');
      expect(usages).toBe(wantsUsage ? 1 : 0);
      expect(JSON.parse(upstream.received.at(-1)?.body ?? '').stream_options).toEqual({
        include_usage: true,
      });
      const bill = await waitForBill(
        stack.gatewayUrl,
        apiKey,
        response.headers.get('x-request-id'),
      );
      expect(bill).toMatchObject({
        reason: 'provider_reported',
        cost_nano_usd: String(20n * INPUT + 3n * OUTPUT),
      });
    }
  });

  it('is aborted upstream when the client disconnects and is charged for what was produced', async () => {
    const words = Array.from({ length: 400 }, (_, index) => ` word${index}`);
    upstream.handler = (_, response) =>
      sendStream(response, chatEvents(words, { input: 20, output: 800 }), 10);
    const abort = new AbortController();
    const { data, response } = await client.chat.completions
      .create({ model: 'gpt-4o-mini', messages, stream: true }, { signal: abort.signal })
      .withResponse();
    let chunksSeen = 0;
    try {
      for await (const chunk of data) {
        if (chunk.choices[0]?.delta.content) chunksSeen += 1;
        if (chunksSeen === 20) abort.abort();
      }
    } catch {
      // The SDK may throw its abort error; either way the stream is over.
    }
    const before = Date.now();
    await upstream.received.at(-1)?.aborted;
    expect(Date.now() - before).toBeLessThan(3000);
    const bill = await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
    expect(bill.reason).toBe('estimated_after_disconnect');
    expect(bill.usage?.output).toBeGreaterThanOrEqual(20);
    expect(bill.usage?.output).toBeLessThan(400);
    expect((await fetchBalance(stack.gatewayUrl, apiKey)).held).toBe(0n);
  });

  it('ends with an error when the provider truncates it', async () => {
    const events = chatEvents(['Hel', 'lo'], { input: 20, output: 2 }).slice(0, 3);
    upstream.handler = (_, response) => sendStream(response, events, 5, 'cut');
    const { data, response } = await client.chat.completions
      .create({ model: 'gpt-4o-mini', messages, stream: true })
      .withResponse();
    await expect(async () => {
      for await (const _ of data);
    }).rejects.toBeInstanceOf(OpenAI.APIError);
    const bill = await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
    expect(bill.reason).toBe('estimated_after_upstream_cut');
  });
});

describe('the OpenAI SDK’s tools', () => {
  it('pass unchanged in both directions', async () => {
    const tools: OpenAI.Chat.ChatCompletionTool[] = [
      {
        type: 'function',
        function: {
          name: 'weather',
          parameters: { type: 'object', properties: { city: { type: 'string' } } },
        },
      },
    ];
    const call = {
      id: 'call_1',
      type: 'function',
      function: { name: 'weather', arguments: '{"city":"Oslo"}' },
    };
    upstream.handler = (_, response) =>
      sendJson(response, {
        ...(chatCompletion('', { input: 40, output: 9 }) as object),
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: null, tool_calls: [call] },
            finish_reason: 'tool_calls',
          },
        ],
      });
    const completion = await client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages,
      tools,
    });
    expect(completion.choices[0]?.message.tool_calls).toEqual([call]);
    expect(JSON.parse(upstream.received.at(-1)?.body ?? '').tools).toEqual(tools);
  });
});

describe('errors in the OpenAI SDK', () => {
  const call = (key: string, model = 'gpt-4o-mini') =>
    new OpenAI({
      apiKey: key,
      baseURL: `${stack.gatewayUrl}/v1`,
      maxRetries: 2,
    }).chat.completions.create({ model, messages });

  it('have the SDK’s own types', async () => {
    await expect(call('sk-nonsense')).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(call(apiKey, 'gpt-4o-minni')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(call(apiKey, 'anthropic/none')).rejects.toMatchObject({ code: 'model_not_found' });
  });

  it('are 402 without a retry when the balance is insufficient, with the missing amount', async () => {
    const emptyAccount = await stack.createAccount({ creditUsd: '0' });
    const receivedBefore = upstream.received.length;
    await expect(call(emptyAccount.apiKey)).rejects.toMatchObject({
      status: 402,
      code: 'insufficient_balance',
    });
    expect(upstream.received.length).toBe(receivedBefore);
  });

  it('forward the provider’s rejection of the request and charge nothing', async () => {
    upstream.handler = (_, response) =>
      sendJson(
        response,
        {
          error: { message: 'bad tool', type: 'invalid_request_error', param: 'tools', code: null },
        },
        400,
      );
    const before = await fetchSettledBalance(stack.gatewayUrl, apiKey);
    await expect(call(apiKey)).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    expect(await fetchSettledBalance(stack.gatewayUrl, apiKey)).toEqual(before);
  });

  it('hide problems of the platform’s own provider account', async () => {
    upstream.handler = (_, response) =>
      sendJson(
        response,
        { error: { message: 'Incorrect API key sk-upstream', code: 'invalid_api_key' } },
        401,
      );
    const error = await call(apiKey).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(String(error)).not.toContain('sk-upstream');
  });
});

/**
 * Google's own SDK against the gateway in real workerd: its third major release, which calls
 * version v1 of the API, and the second, which calls v1beta.
 */

import { createGoogleGenerativeAI } from '@ai-sdk/google';
import type { LocalStack } from '@farebox/local';
import { GoogleGenAI } from '@google/genai';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { GoogleGenAI as SecondGoogleGenAI } from 'google-genai-2';
import { beforeAll, describe, expect, it } from 'vitest';
import { fetchSettledBalance, waitForBill } from '../support/bills.ts';
import {
  geminiEvents,
  geminiResponse,
  sendGeminiArray,
  sendGeminiEvents,
} from '../support/gemini-upstream.ts';
import { type ScriptedUpstream, sendJson } from '../support/scripted-upstream.ts';
import { sharedStack } from '../support/shared-stack.ts';

// gemini-3.5-flash: 1.50 USD in, 9 USD out per million tokens (Google's price list).
const INPUT = 1500n;
const OUTPUT = 9000n;
const MODEL = 'gemini-3.5-flash';

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  ({ apiKey } = await stack.createAccount({ creditUsd: '5' }));
});

function createClients(key = apiKey) {
  const options = { apiKey: key, httpOptions: { baseUrl: stack.gatewayUrl } };
  return [
    { name: 'v1', models: new GoogleGenAI(options).models },
    { name: 'v1beta', models: new SecondGoogleGenAI(options).models },
  ] as const;
}

function lastRequest() {
  const received = upstream.received.at(-1);
  return { ...received, json: JSON.parse(received?.body ?? '{}') };
}

async function callRaw(path: string, body: unknown, headers: Record<string, string> = {}) {
  return fetch(`${stack.gatewayUrl}${path}`, {
    method: 'POST',
    headers: { 'x-goog-api-key': apiKey, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

const CONTENTS = [{ role: 'user', parts: [{ text: 'Say hello.' }] }];

describe('Google’s SDK', () => {
  it('gets an answer unchanged, in the version that it asks for, and pays by its usage', async () => {
    const reply = geminiResponse([{ text: 'Hello.' }], { input: 11, output: 3, thoughts: 20 });
    upstream.handler = (_, response) => sendJson(response, reply);
    for (const { name, models } of createClients()) {
      const answer = await models.generateContent({ model: MODEL, contents: 'Say hello.' });
      expect(answer.text).toBe('Hello.');
      expect(answer.usageMetadata).toEqual(reply.usageMetadata);
      const { path, headers, json } = lastRequest();
      expect(path).toBe(`/${name}/models/${MODEL}:generateContent`);
      expect(headers?.['x-goog-api-key']).toBe('sk-upstream');
      expect(headers?.authorization).toBeUndefined();
      expect(JSON.stringify(headers)).not.toContain('fbx_');
      expect(json.contents).toEqual(CONTENTS);
      expect(json.generationConfig.maxOutputTokens).toBeGreaterThan(0);
      const id = answer.sdkHttpResponse?.headers?.['x-request-id'];
      expect(await waitForBill(stack.gatewayUrl, apiKey, id)).toMatchObject({
        reason: 'provider_reported',
        model: `google/${MODEL}`,
        usage: { input_uncached: 11, output: 23, output_reasoning: 20 },
        cost_nano_usd: String(11n * INPUT + 23n * OUTPUT),
      });
    }
  });

  it('streams, and the last count is billed', async () => {
    const events = geminiEvents(['Hel', 'lo', '.'], { input: 25, output: 7, thoughts: 5 });
    upstream.handler = (_, response) => sendGeminiEvents(response, events, 5);
    for (const { models } of createClients()) {
      const stream = await models.generateContentStream({ model: MODEL, contents: 'Say hello.' });
      let text = '';
      let id: string | undefined;
      for await (const chunk of stream) {
        text += chunk.text ?? '';
        id ??= chunk.sdkHttpResponse?.headers?.['x-request-id'];
      }
      expect(text).toBe('Hello.');
      expect(lastRequest().path).toMatch(/:streamGenerateContent\?alt=sse$/);
      expect(await waitForBill(stack.gatewayUrl, apiKey, id)).toMatchObject({
        reason: 'provider_reported',
        cost_nano_usd: String(25n * INPUT + 12n * OUTPUT),
      });
    }
  });

  it('makes a round trip with a tool, its signature unchanged in both directions', async () => {
    const call = {
      functionCall: { name: 'weather', args: { city: 'Paris' } },
      thoughtSignature: 'c2ln',
    };
    const tools = [
      {
        functionDeclarations: [
          { name: 'weather', parametersJsonSchema: { type: 'object', properties: { city: {} } } },
        ],
      },
    ];
    for (const { models } of createClients()) {
      upstream.handler = (_, response) =>
        sendJson(response, geminiResponse([call], { input: 30, output: 9 }));
      const first = await models.generateContent({
        model: MODEL,
        contents: 'Weather?',
        config: { tools },
      });
      expect(first.functionCalls).toEqual([{ name: 'weather', args: { city: 'Paris' } }]);
      upstream.handler = (_, response) =>
        sendJson(response, geminiResponse([{ text: 'Sunny.' }], { input: 50, output: 3 }));
      const content = first.candidates?.[0]?.content ?? {};
      const result = { functionResponse: { name: 'weather', response: { output: 'sunny' } } };
      const second = await models.generateContent({
        model: MODEL,
        contents: [...CONTENTS, content, { role: 'user', parts: [result] }],
        config: { tools },
      });
      expect(second.text).toBe('Sunny.');
      const { json } = lastRequest();
      expect(json.contents[1].parts[0]).toEqual(call);
      expect(json.contents[2].parts[0]).toEqual(result);
    }
  });

  it('counts tokens by Google’s own count, free of charge', async () => {
    upstream.handler = (_, response) => sendJson(response, { totalTokens: 31 });
    const account = await stack.createAccount({ creditUsd: '1' });
    const before = await fetchSettledBalance(stack.gatewayUrl, account.apiKey);
    for (const { name, models } of createClients(account.apiKey)) {
      const { totalTokens } = await models.countTokens({ model: MODEL, contents: 'Say hello.' });
      expect(totalTokens).toBe(31);
      expect(lastRequest().path).toBe(`/${name}/models/${MODEL}:countTokens`);
    }
    expect(await fetchSettledBalance(stack.gatewayUrl, account.apiKey)).toEqual(before);
  });

  it('embeds texts, billed by the usage that is reported, else by an estimate', async () => {
    const embeddings = [{ values: [0.1, 0.2] }, { values: [0.3, 0.4] }];
    const model = 'gemini-embedding-001';
    for (const { models } of createClients()) {
      for (const usageMetadata of [{ promptTokenCount: 6 }, undefined]) {
        upstream.handler = (_, response) => sendJson(response, { embeddings, usageMetadata });
        const answer = await models.embedContent({ model, contents: ['Hello there', 'Bye'] });
        expect(answer.embeddings).toEqual(embeddings);
        const { path, headers, json } = lastRequest();
        expect(path).toMatch(/\/models\/gemini-embedding-001:batchEmbedContents$/);
        expect(headers?.['x-goog-api-key']).toBe('sk-upstream');
        expect(json.requests).toHaveLength(2);
        const id = answer.sdkHttpResponse?.headers?.['x-request-id'];
        const bill = await waitForBill(stack.gatewayUrl, apiKey, id);
        const tokens = bill.usage?.input_uncached ?? 0;
        if (usageMetadata !== undefined) expect(tokens).toBe(6);
        expect(tokens).toBeGreaterThan(1);
        expect(tokens).toBeLessThan(20);
        // gemini-embedding-001: 0.15 USD per million tokens.
        expect(bill.cost_nano_usd).toBe(String(150 * tokens));
      }
    }
  });

  it('lists models page by page, and retrieves one', async () => {
    for (const { models } of createClients()) {
      const names: string[] = [];
      for await (const { name } of await models.list({ config: { pageSize: 5 } }))
        names.push(name ?? '');
      expect(names.length).toBeGreaterThan(10);
      expect(new Set(names).size).toBe(names.length);
      expect(names).toContain(`models/${MODEL}`);
      expect(names).toContain('models/gemini-embedding-001');
      expect(names.every((name) => name.startsWith('models/gemini-'))).toBe(true);
      expect(await models.get({ model: MODEL })).toMatchObject({
        name: `models/${MODEL}`,
        inputTokenLimit: 1_048_576,
      });
    }
  });

  it('reads errors in Google’s shape: ours, the provider’s, and those inside a stream', async () => {
    const wrong = new GoogleGenAI({ apiKey: 'fbx_no', httpOptions: { baseUrl: stack.gatewayUrl } });
    await expect(
      wrong.models.generateContent({ model: MODEL, contents: 'x' }),
    ).rejects.toMatchObject({
      name: 'ApiError',
      status: 401,
      message: expect.stringContaining('UNAUTHENTICATED'),
    });
    const error = { code: 400, message: 'Invalid argument.', status: 'INVALID_ARGUMENT' };
    upstream.handler = (_, response) => sendJson(response, { error }, 400);
    for (const { models } of createClients()) {
      await expect(models.generateContent({ model: MODEL, contents: 'x' })).rejects.toMatchObject({
        status: 400,
        message: expect.stringContaining('Invalid argument.'),
      });
      await expect(
        models.generateContent({ model: 'gemini-none', contents: 'x' }),
      ).rejects.toMatchObject({ status: 404, message: expect.stringContaining('NOT_FOUND') });
    }
    const overloaded = { error: { code: 503, message: 'Overloaded.', status: 'UNAVAILABLE' } };
    const events = [
      ...geminiEvents(['Hel', 'lo'], { input: 5, output: 2 }).slice(0, 1),
      overloaded,
    ];
    upstream.handler = (_, response) => sendGeminiEvents(response, events, 30);
    for (const { models } of createClients()) {
      const stream = await models.generateContentStream({ model: MODEL, contents: 'x' });
      const read = async () => {
        for await (const _ of stream);
      };
      await expect(read()).rejects.toMatchObject({ status: 503 });
    }
  });
});

describe('a stream without alt=sse', () => {
  const events = geminiEvents(['Hel', 'lo', '.'], { input: 25, output: 7 });

  it('is one JSON array in pieces, byte for byte, and is billed by its last count', async () => {
    upstream.handler = (_, response) => sendGeminiArray(response, events, 5);
    const body = { contents: CONTENTS };
    const response = await callRaw(`/v1beta/models/${MODEL}:streamGenerateContent`, body);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(JSON.parse(await response.text())).toEqual(events);
    expect(lastRequest().path).toBe(`/v1beta/models/${MODEL}:streamGenerateContent`);
    const id = response.headers.get('x-request-id');
    expect(await waitForBill(stack.gatewayUrl, apiKey, id)).toMatchObject({
      reason: 'provider_reported',
      cost_nano_usd: String(25n * INPUT + 7n * OUTPUT),
    });
  });

  it('is one array too where the provider sends events, whole or broken off', async () => {
    const path = `/v1beta/models/${MODEL}:streamGenerateContent`;
    upstream.handler = (_, response) => sendGeminiEvents(response, events, 5);
    const whole = await callRaw(path, { contents: CONTENTS });
    const [element, ...rest] = JSON.parse(await whole.text());
    expect(element.candidates[0].content.parts[0].text).toBe('Hello.');
    expect(rest).toEqual([]);
    upstream.handler = (_, response) => sendGeminiEvents(response, events.slice(0, 1), 5);
    const broken = await callRaw(path, { contents: CONTENTS });
    expect(JSON.parse(await broken.text())).toMatchObject([{ error: { status: 'INTERNAL' } }]);
  });

  it('ends with an error as its last element where the provider breaks off', async () => {
    upstream.handler = async (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(`[${JSON.stringify(events[0])}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      response.write(`\n,\r\n{"candidates": [{"con`);
      setTimeout(() => response.destroy(), 50);
    };
    const body = { contents: CONTENTS };
    const response = await callRaw(`/v1beta/models/${MODEL}:streamGenerateContent`, body);
    const elements = JSON.parse(await response.text());
    expect(elements).toHaveLength(2);
    expect(elements[0]).toEqual(events[0]);
    expect(elements[1]).toMatchObject({ error: { code: 502, status: 'INTERNAL' } });
    const id = response.headers.get('x-request-id');
    expect(await waitForBill(stack.gatewayUrl, apiKey, id)).toMatchObject({
      reason: 'estimated_after_upstream_cut',
    });
  });
});

describe('a request to Gemini’s endpoint', () => {
  it.each(['?key=fbx_x', '?alt=sse&key=fbx_x'])(
    'with a key in the URL (%s) is refused, whatever the headers say',
    async (query) => {
      const path = `/v1beta/models/${MODEL}:streamGenerateContent${query}`;
      const response = await callRaw(path, { contents: CONTENTS });
      expect(response.status).toBe(401);
      const { error } = (await response.json()) as { error: { message: string; status: string } };
      expect(error.status).toBe('UNAUTHENTICATED');
      expect(error.message).toContain('x-goog-api-key');
    },
  );

  it.each([
    ['/v1beta/interactions', 'interactions'],
    ['/v1beta/cachedContents', 'cachedContents'],
    ['/upload/v1beta/files', 'files'],
    [`/v1beta/models/${MODEL}:batchGenerateContent`, 'batchGenerateContent'],
  ])('at %s is refused with the reason', async (path, field) => {
    const response = await callRaw(path, {});
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { message: string } };
    expect(error.message).toContain(`"${field}" is not supported here`);
  });

  it('for a model of another provider is told where to call it', async () => {
    const response = await callRaw('/v1beta/models/gpt-4o-mini:generateContent', {
      contents: CONTENTS,
    });
    expect(response.status).toBe(400);
    expect(JSON.stringify(await response.json())).toContain('/v1/chat/completions');
  });
});

describe('a count of tokens for a model whose provider has no counter for the endpoint', () => {
  it.each([
    ['/v1beta/models/anthropic/claude-opus-5-5:countTokens', { contents: CONTENTS }, 'totalTokens'],
    [
      '/v1/messages/count_tokens',
      { model: 'openai/gpt-5.4', messages: [{ role: 'user', content: 'Say hello.' }] },
      'input_tokens',
    ],
    [
      '/v1/messages/count_tokens',
      { model: `google/${MODEL}`, messages: [{ role: 'user', content: 'Say hello.' }] },
      'input_tokens',
    ],
  ])('at %s is our estimate and says so', async (path, body, member) => {
    const before = upstream.received.length;
    const response = await callRaw(path, body);
    expect(response.status).toBe(200);
    expect(response.headers.get('x-farebox-token-count')).toBe('estimated');
    const counted = (await response.json()) as Record<string, unknown>;
    expect(counted.estimated).toBe(true);
    expect(counted[member]).toBeGreaterThan(2);
    expect(counted[member]).toBeLessThan(40);
    expect(upstream.received.length).toBe(before);
  });
});

describe('GET /v1/models with a key in x-goog-api-key', () => {
  it('has Google’s shape', async () => {
    const headers = { 'x-goog-api-key': apiKey };
    const response = await fetch(`${stack.gatewayUrl}/v1/models?pageSize=2`, { headers });
    const list = (await response.json()) as { models: unknown[]; nextPageToken?: string };
    expect(list.models).toHaveLength(2);
    expect(typeof list.nextPageToken).toBe('string');
  });
});

describe('the AI SDK’s Google provider', () => {
  const weather = tool({
    description: 'The weather of a city.',
    inputSchema: jsonSchema<{ city: string }>({
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
    }),
    execute: async () => 'sunny',
  });

  function createModel() {
    return createGoogleGenerativeAI({ apiKey, baseURL: `${stack.gatewayUrl}/v1beta` })(MODEL);
  }

  it('runs a tool and streams the answer', async () => {
    const call = {
      functionCall: { name: 'weather', args: { city: 'Paris' } },
      thoughtSignature: 'c2ln',
    };
    upstream.handler = ({ body }, response) =>
      body.includes('functionResponse')
        ? sendJson(response, geminiResponse([{ text: 'Sunny.' }], { input: 50, output: 3 }))
        : sendJson(response, geminiResponse([call], { input: 30, output: 9 }));
    const result = await generateText({
      model: createModel(),
      prompt: 'Weather in Paris?',
      tools: { weather },
      stopWhen: stepCountIs(3),
    });
    expect(result.text).toBe('Sunny.');
    expect(result.steps).toHaveLength(2);
    const events = geminiEvents(['Hel', 'lo', '.'], { input: 25, output: 7 });
    upstream.handler = (_, response) => sendGeminiEvents(response, events, 5);
    const streamed = streamText({ model: createModel(), prompt: 'Say hello.' });
    expect(await streamed.text).toBe('Hello.');
  });
});

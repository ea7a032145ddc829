/** The mock serves every dialect at every provider's path, with token counts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MockProviders, startMock } from './mock.ts';

let mock: MockProviders;
beforeAll(async () => {
  mock = await startMock(0);
});
afterAll(async () => {
  await mock.stop();
});

const messages = [{ role: 'user', content: 'hi' }];
const chat = { model: 'm', messages };

async function post(path: string, body: unknown): Promise<string> {
  const response = await fetch(mock.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
    body: JSON.stringify(body),
  });
  expect([path, response.status]).toEqual([path, 200]);
  return response.text();
}

describe('the mock provider', () => {
  it.each([
    ['/v1/chat/completions', chat, /"completion_tokens":[1-9]/],
    [
      '/v1/chat/completions',
      { ...chat, stream: true, stream_options: { include_usage: true } },
      /"completion_tokens":[1-9]/,
    ],
    ['/v1beta/openai/chat/completions', chat, /"completion_tokens":[1-9]/],
    ['/v1/messages', { ...chat, max_tokens: 9 }, /"output_tokens":[1-9]/],
    [
      '/v1/messages',
      { ...chat, max_tokens: 9, stream: true },
      /message_delta.*"output_tokens":[1-9]/,
    ],
    ['/anthropic/v1/messages', { ...chat, max_tokens: 9 }, /"output_tokens":[1-9]/],
    ['/v1/messages/count_tokens', chat, /"input_tokens":[1-9]/],
    [
      '/v1beta/models/gemini-2.5-flash:generateContent',
      { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
      /"candidatesTokenCount":[1-9]/,
    ],
    [
      '/v1beta/models/gemini-2.5-flash:countTokens',
      { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
      /"totalTokens":[1-9]/,
    ],
    ['/v1/responses', { model: 'm', input: 'hi' }, /"output_tokens":[1-9]/],
    ['/v1/embeddings', { model: 'm', input: 'hi' }, /"embedding":\[/],
  ])('answers %s with token counts', async (path, body, counted) => {
    expect(await post(path, body)).toMatch(counted);
  });
});

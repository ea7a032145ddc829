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
    ['/v1/responses/input_tokens', { model: 'm', input: 'hi' }, /"input_tokens":[1-9]/],
    [
      '/v1/responses/compact',
      { model: 'm', input: 'hi' },
      /"type":"compaction".*"input_tokens":[1-9]/,
    ],
    ['/v1/embeddings', { model: 'm', input: 'hi' }, /"embedding":\[.*"prompt_tokens":[1-9]/],
    ['/v1beta/openai/embeddings', { model: 'm', input: ['hi'] }, /"prompt_tokens":[1-9]/],
    [
      '/v1/embeddings',
      { input: ['a', 'b'], encoding_format: 'base64' },
      /"index":1,"embedding":"A/,
    ],
    [
      '/v1beta/models/gemini-embedding-001:batchEmbedContents',
      { requests: [{ content: { parts: [{ text: 'hi' }] } }] },
      /"values":\[.*"promptTokenCount":[1-9]/,
    ],
    [
      '/v1beta/models/gemini-embedding-001:embedContent',
      { content: { parts: [{ text: 'hi' }] } },
      /"values":\[/,
    ],
    [
      '/v1/models/gemini-2.5-flash:generateContent',
      { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
      /"candidatesTokenCount":[1-9]/,
    ],
    [
      '/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
      { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
      /^data: /,
    ],
    [
      '/v1/models/gemini-2.5-flash:countTokens',
      { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
      /"totalTokens":[1-9]/,
    ],
    [
      '/v1/images/generations',
      { prompt: 'a cat', n: 2 },
      /"b64_json".*"b64_json".*"output_tokens":2112/,
    ],
    ['/v1/moderations', { input: 'hi' }, /"flagged":false/],
    [
      '/v2/rerank',
      { query: 'x', documents: ['a', 'b', 'c'], top_n: 2 },
      /"index":1.*"search_units":1/,
    ],
  ])('answers %s with token counts', async (path, body, counted) => {
    expect(await post(path, body)).toMatch(counted);
  });

  it('speaks in MP3', async () => {
    const body = JSON.stringify({ model: 'tts-1', voice: 'alloy', input: 'hi' });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${mock.url}/v1/audio/speech`, { method: 'POST', headers, body });
    expect(response.headers.get('content-type')).toBe('audio/mpeg');
    expect((await response.bytes()).slice(0, 2)).toEqual(new Uint8Array([0xff, 0xfb]));
  });

  it.each([
    ['/v1/audio/transcriptions', 'whisper-1', /"seconds":4/],
    ['/v1/audio/transcriptions', 'gpt-4o-transcribe', /"audio_tokens":40.*"output_tokens":[1-9]/],
    ['/v1/audio/translations', 'whisper-1', /"seconds":4/],
    ['/v1/images/edits', 'gpt-image-1', /"b64_json".*"output_tokens":1056/],
  ])('takes the form of %s with %s', async (path, model, counted) => {
    const body = new FormData();
    body.set('model', model);
    body.set('prompt', 'a cat');
    body.set('file', new Blob(['x']), 'a.mp3');
    const response = await fetch(mock.url + path, { method: 'POST', body });
    expect(await response.text()).toMatch(counted);
  });
});

/**
 * The official OpenAI SDK's calls that are no conversations, against the gateway in real workerd:
 * embeddings, images, speech, transcription, moderation, and a ranking as Cohere has it. Each unit's
 * bill is that of the provider's own price.
 */
import type { ServerResponse } from 'node:http';
import type { LocalStack } from '@farebox/local';
import OpenAI, { toFile } from 'openai';
import { beforeAll, describe, expect, it } from 'vitest';
import { type BillJson, fetchBalance, fetchSettledBalance, waitForBill } from '../support/bills.ts';
import {
  openStream,
  type ReceivedRequest,
  type ScriptedUpstream,
  sendJson,
  sleep,
} from '../support/scripted-upstream.ts';
import { sharedStack } from '../support/shared-stack.ts';

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;
let client: OpenAI;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  ({ apiKey } = await stack.createAccount({ creditUsd: '50' }));
  client = new OpenAI({ apiKey, baseURL: `${stack.gatewayUrl}/v1`, maxRetries: 0 });
}, 240_000);

function findBill(response: Response): Promise<BillJson> {
  return waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
}

function received(): ReceivedRequest {
  const last = upstream.received.at(-1);
  if (last === undefined) throw new Error('the provider got no request');
  return last;
}

function sendEvents(response: ServerResponse, events: readonly object[]): void {
  openStream(response);
  for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`);
  response.end();
}

/** Seconds of 16,000 samples of 16 bits. */
function buildWav(seconds: number): Uint8Array {
  const data = new Uint8Array(seconds * 32_000);
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + data.length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(16_000, 24);
  header.writeUInt32LE(32_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(data.length, 40);
  return Buffer.concat([header, data]);
}

describe('the OpenAI SDK’s embeddings', () => {
  const reply = {
    object: 'list',
    data: [{ object: 'embedding', index: 0, embedding: [0.25, -0.5] }],
    model: 'text-embedding-3-small',
    usage: { prompt_tokens: 8, total_tokens: 8 },
  };

  it('are billed by the tokens that the provider reports, at 0.02 USD a million', async () => {
    upstream.handler = (_, response) => sendJson(response, reply);
    const { data, response } = await client.embeddings
      .create({
        model: 'openai/text-embedding-3-small',
        input: ['The food was delicious', 'and the waiter'],
        dimensions: 2,
        encoding_format: 'float',
      })
      .withResponse();
    expect(data.data).toEqual(reply.data);
    expect(response.headers.get('x-farebox-cost-usd')).toBe('0.00000016');
    expect(received().path).toBe('/v1/embeddings');
    expect(JSON.parse(received().body)).toEqual({
      model: 'text-embedding-3-small',
      input: ['The food was delicious', 'and the waiter'],
      dimensions: 2,
      encoding_format: 'float',
    });
    expect(await findBill(response)).toMatchObject({
      reason: 'provider_reported',
      usage: { input_uncached: 8, output: 0 },
      cost_nano_usd: '160',
    });
  });

  it('of token arrays are billed by their number where the provider reports none', async () => {
    upstream.handler = (_, response) => sendJson(response, { ...reply, usage: undefined });
    const { response } = await client.embeddings
      .create({ model: 'text-embedding-3-large', input: [[1, 2, 3], [4]] })
      .withResponse();
    expect(await findBill(response)).toMatchObject({
      reason: 'estimated_usage_missing',
      usage: { input_uncached: 4 },
      cost_nano_usd: String(4 * 130),
    });
  });

  it('larger than what is kept pass unchanged and are billed as reported', async () => {
    const embedding = Array.from({ length: 40_000 }, (_, index) => index / 40_001);
    const large = { ...reply, data: [{ object: 'embedding', index: 0, embedding }] };
    upstream.handler = (_, response) => sendJson(response, large);
    const { data, response } = await client.embeddings
      .create({ model: 'text-embedding-3-small', input: 'x', encoding_format: 'float' })
      .withResponse();
    expect(data.data[0]?.embedding).toEqual(embedding);
    expect(await findBill(response)).toMatchObject({ cost_nano_usd: '160' });
  });

  it('of Google’s go to its compatible endpoint', async () => {
    upstream.handler = (_, response) =>
      sendJson(response, { ...reply, usage: { prompt_tokens: 0 } });
    const { response } = await client.embeddings
      .create({ model: 'google/gemini-embedding-001', input: 'Hello there' })
      .withResponse();
    expect(received().path).toBe('/v1beta/openai/embeddings');
    const bill = await findBill(response);
    expect(bill).toMatchObject({ reason: 'estimated_usage_missing' });
    expect(bill.usage?.input_uncached).toBeGreaterThan(0);
  });

  it('state their cost in the document if that is asked for', async () => {
    upstream.handler = (_, response) => sendJson(response, reply);
    const data = await client.embeddings.create(
      { model: 'text-embedding-3-small', input: 'x' },
      { headers: { 'x-farebox-include-cost': 'true' } },
    );
    expect(data).toMatchObject({ cost: { nano_usd: '160', reason: 'provider_reported' } });
  });

  it('are no conversation: a chat with the model is refused with its endpoint', async () => {
    await expect(
      client.chat.completions.create({
        model: 'text-embedding-3-small',
        messages: [{ role: 'user', content: 'Hi' }],
      }),
    ).rejects.toThrow('Use /v1/embeddings');
  });
});

describe('the OpenAI SDK’s images', () => {
  // gpt-image-2.6-sunburst: 5 USD in, 8 for images in, 30 out per million tokens.
  const usage = {
    input_tokens: 50,
    input_tokens_details: { text_tokens: 10, image_tokens: 40 },
    output_tokens: 4160,
    total_tokens: 4210,
  };

  it('are billed by the tokens of text and images that the provider reports', async () => {
    const reply = { created: 1, data: [{ b64_json: 'AAAA' }], usage };
    upstream.handler = (_, response) => sendJson(response, reply);
    const { data, response } = await client.images
      .generate({ model: 'gpt-image-2.6-sunburst', prompt: 'A cat', n: 1, quality: 'high' })
      .withResponse();
    expect(data.data).toEqual(reply.data);
    const cost = 10n * 5_000n + 40n * 8_000n + 4160n * 30_000n;
    expect(await findBill(response)).toMatchObject({
      reason: 'provider_reported',
      cost_nano_usd: String(cost),
      usage: { input_uncached: 10 },
    });
  });

  it('of 4,160 tokens cost what OpenAI’s page says of one in high quality', async () => {
    // developers.openai.com/api/docs/models/gpt-image-1 (2026-10-28): 40 USD a million tokens of
    // output, "1024x1024 $0.167" in high quality.
    upstream.handler = (_, response) =>
      sendJson(response, {
        created: 1,
        data: [{ b64_json: 'AAAA' }],
        usage: { ...usage, input_tokens: 0, input_tokens_details: {} },
      });
    const { response } = await client.images
      .generate({ model: 'openai/gpt-image-1', prompt: 'A cat', quality: 'high' })
      .withResponse();
    const bill = await findBill(response);
    expect(bill.cost_nano_usd).toBe('166400000');
  });

  it('of xAI are billed by the image, by resolution and quality', async () => {
    const image = { url: 'https://imgen.example/1.png' };
    upstream.handler = (_, response) => sendJson(response, { data: [image, image] });
    const { response } = await client.images
      .generate({
        model: 'xai/grok-imagine-image-2.0',
        prompt: 'A cat',
        n: 2,
        quality: 'medium',
        // xAI's own field.
        ...{ resolution: '2k' },
      })
      .withResponse();
    expect(await findBill(response)).toMatchObject({
      reason: 'counted',
      cost_nano_usd: '160000000',
      fees: [{ kind: 'image', count: 2 }],
    });
  });

  it('that are streamed state their usage in the last event', async () => {
    const events = [
      {
        type: 'image_generation.partial_image',
        b64_json: 'A'.repeat(2_000_000),
        partial_image_index: 0,
      },
      { type: 'image_generation.completed', b64_json: 'B'.repeat(3_000_000), usage },
    ];
    upstream.handler = (_, response) => sendEvents(response, events);
    const { data, response } = await client.images
      .generate({ model: 'gpt-image-2.6-flare', prompt: 'A cat', stream: true, partial_images: 1 })
      .withResponse();
    const seen: object[] = [];
    for await (const event of data) seen.push(event);
    expect(seen).toEqual(events);
    const cost = 10n * 5_000n + 40n * 8_000n + 4160n * 30_000n;
    expect(await findBill(response)).toMatchObject({ cost_nano_usd: String(cost) });
  });

  it('that are edited reach the provider as files, byte for byte, under the model’s own name', async () => {
    upstream.handler = (_, response) =>
      sendJson(response, { created: 1, data: [{ b64_json: 'A' }], usage });
    const picture = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
    const { response } = await client.images
      .edit({
        model: 'openai/gpt-image-2.6-sunburst',
        image: await toFile(picture, 'cat.png', { type: 'image/png' }),
        prompt: 'A hat on the cat',
      })
      .withResponse();
    const form = await new Response(received().bytes, {
      headers: { 'content-type': String(received().headers['content-type']) },
    }).formData();
    expect(form.get('model')).toBe('gpt-image-2.6-sunburst');
    const file = form.get('image');
    expect(file).toBeInstanceOf(File);
    if (file instanceof File) expect(new Uint8Array(await file.arrayBuffer())).toEqual(picture);
    expect(await findBill(response)).toMatchObject({ reason: 'provider_reported' });
  });
});

describe('the OpenAI SDK’s speech', () => {
  it('of tts-1 is billed by the character, at 15 USD a million, and passes unchanged', async () => {
    const sound = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256);
    upstream.handler = (_, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' });
      response.end(sound);
    };
    const { data, response } = await client.audio.speech
      .create({ model: 'tts-1', voice: 'alloy', input: 'Grüße, 世界 😀!' })
      .withResponse();
    expect(response.headers.get('content-type')).toBe('audio/mpeg');
    expect(new Uint8Array(await data.arrayBuffer())).toEqual(sound);
    const characters = Array.from('Grüße, 世界 😀!').length;
    expect(await findBill(response)).toMatchObject({
      reason: 'counted',
      cost_nano_usd: String(characters * 15_000),
      fees: [{ kind: 'speech_character', count: characters }],
    });
  });

  it('that its client leaves is charged, and its hold is gone', async () => {
    upstream.handler = async (_, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' });
      for (let count = 0; count < 100 && !response.destroyed; count += 1) {
        response.write(Buffer.alloc(10_000));
        await sleep(20);
      }
      response.end();
    };
    const abort = new AbortController();
    const { response } = await client.audio.speech
      .create({ model: 'tts-1', voice: 'alloy', input: 'Hello' }, { signal: abort.signal })
      .withResponse();
    await response.body?.getReader().read();
    abort.abort();
    const bill = await findBill(response);
    expect(bill.cost_nano_usd).toBe(String(5 * 15_000));
    expect(bill.reason).toMatch(/estimated_after_disconnect|counted/);
    expect((await fetchBalance(stack.gatewayUrl, apiKey)).held).toBe(0n);
  });

  it('as events is billed by the tokens that the last one reports', async () => {
    const events = [
      { type: 'speech.audio.delta', audio: 'AAAA' },
      {
        type: 'speech.audio.done',
        usage: { input_tokens: 14, output_tokens: 101, total_tokens: 115 },
      },
    ];
    upstream.handler = (_, response) => sendEvents(response, events);
    const { response } = await client.audio.speech
      .create({ model: 'gpt-4o-mini-tts', voice: 'coral', input: 'Hello', stream_format: 'sse' })
      .withResponse();
    expect(await response.text()).toBe(
      events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''),
    );
    expect(await findBill(response)).toMatchObject({
      reason: 'provider_reported',
      cost_nano_usd: String(14 * 600 + 101 * 12_000),
    });
  });

  it('of a model with tokens is billed by its length where none are reported', async () => {
    // A minute of PCM: "0.015 USD a minute" (OpenAI's page of gpt-4o-mini-tts, 2025-11).
    upstream.handler = (_, response) => {
      response.writeHead(200, { 'content-type': 'audio/pcm' });
      response.end(Buffer.alloc(60 * 48_000));
    };
    const { data, response } = await client.audio.speech
      .create({
        model: 'gpt-4o-mini-tts',
        voice: 'coral',
        input: 'Hello '.repeat(150),
        response_format: 'pcm',
      })
      .withResponse();
    await data.arrayBuffer();
    const bill = await findBill(response);
    expect(bill.reason).toBe('estimated_usage_missing');
    expect(bill.fees).toMatchObject([
      { kind: 'audio_output', count: 1250, cost_nano_usd: '15000000' },
    ]);
  });
});

describe('the OpenAI SDK’s transcription', () => {
  const transcribe = async (
    parameters: Partial<OpenAI.Audio.TranscriptionCreateParamsNonStreaming> & { model: string },
  ) =>
    client.audio.transcriptions
      .create({ file: await toFile(buildWav(90), 'speech.wav'), ...parameters })
      .withResponse();

  it('with whisper-1 is billed by the seconds that the provider reports, at 0.006 USD a minute', async () => {
    const reply = { text: 'Hello.', usage: { type: 'duration', seconds: 90 } };
    upstream.handler = (_, response) => sendJson(response, reply);
    const { data, response } = await transcribe({ model: 'openai/whisper-1' });
    expect(data).toEqual(reply);
    expect(await findBill(response)).toMatchObject({
      reason: 'provider_reported',
      cost_nano_usd: '9000000',
      fees: [{ kind: 'audio_second', count: 90 }],
    });
  });

  it('as subtitles is billed by the length of the recording', async () => {
    const subtitles = '1\n00:00:00,000 --> 00:00:02,000\nHello.\n';
    upstream.handler = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(subtitles);
    };
    const { data, response } = await transcribe({ model: 'whisper-1', response_format: 'srt' });
    expect(data).toBe(subtitles);
    expect(response.headers.get('x-farebox-cost-usd')).toBe('0.009');
    expect(await findBill(response)).toMatchObject({ reason: 'counted', cost_nano_usd: '9000000' });
  });

  it('with gpt-4o-transcribe is billed by the tokens that the provider reports', async () => {
    // developers.openai.com/api/docs/models/gpt-4o-transcribe: 2.50 USD in, 10 out.
    const usage = {
      type: 'tokens',
      input_tokens: 914,
      input_token_details: { text_tokens: 14, audio_tokens: 900 },
      output_tokens: 45,
      total_tokens: 959,
    };
    upstream.handler = (_, response) => sendJson(response, { text: 'Hello.', usage });
    const { response } = await transcribe({ model: 'gpt-4o-transcribe' });
    expect(await findBill(response)).toMatchObject({
      reason: 'provider_reported',
      cost_nano_usd: String(914 * 2_500 + 45 * 10_000),
    });
  });

  it('that is streamed ends with the event that reports the usage', async () => {
    const events = [
      { type: 'transcript.text.delta', delta: 'Hel' },
      { type: 'transcript.text.delta', delta: 'lo.' },
      {
        type: 'transcript.text.done',
        text: 'Hello.',
        usage: { type: 'tokens', input_tokens: 10, output_tokens: 2, total_tokens: 12 },
      },
    ];
    upstream.handler = (_, response) => sendEvents(response, events);
    const { data, response } = await client.audio.transcriptions
      .create({
        file: await toFile(buildWav(1), 'speech.wav'),
        model: 'gpt-4o-mini-transcribe',
        stream: true,
      })
      .withResponse();
    const seen: object[] = [];
    for await (const event of data) seen.push(event);
    expect(seen).toEqual(events);
    expect(await findBill(response)).toMatchObject({
      reason: 'provider_reported',
      cost_nano_usd: String(10 * 1_250 + 2 * 5_000),
    });
  });

  it('that is cut is estimated, and its hold is gone', async () => {
    upstream.handler = async (_, response) => {
      openStream(response);
      response.write('data: {"type":"transcript.text.delta","delta":"Hello there."}\n\n');
      await sleep(50);
      response.destroy();
    };
    const { data, response } = await client.audio.transcriptions
      .create({
        file: await toFile(buildWav(10), 'speech.wav'),
        model: 'gpt-4o-mini-transcribe',
        stream: true,
      })
      .withResponse();
    await expect(async () => {
      for await (const _ of data);
    }).rejects.toBeInstanceOf(OpenAI.APIError);
    expect(await findBill(response)).toMatchObject({ reason: 'estimated_after_upstream_cut' });
    expect((await fetchBalance(stack.gatewayUrl, apiKey)).held).toBe(0n);
  });

  it('into English is a call of its own', async () => {
    upstream.handler = (_, response) =>
      sendJson(response, { text: 'Hi.', usage: { type: 'duration', seconds: 2 } });
    const { response } = await client.audio.translations
      .create({ file: await toFile(buildWav(2), 'speech.wav'), model: 'whisper-1' })
      .withResponse();
    expect(received().path).toBe('/v1/audio/translations');
    expect(await findBill(response)).toMatchObject({ cost_nano_usd: '200000' });
  });
});

describe('the OpenAI SDK’s moderation', () => {
  it('costs nothing, and has its default model', async () => {
    const reply = { id: 'modr-1', model: 'omni-moderation-latest', results: [{ flagged: false }] };
    upstream.handler = (_, response) => sendJson(response, reply);
    const { data, response } = await client.moderations.create({ input: 'Hello' }).withResponse();
    expect(data).toEqual(reply);
    expect(JSON.parse(received().body)).toEqual({
      model: 'omni-moderation-latest',
      input: 'Hello',
    });
    expect(await findBill(response)).toMatchObject({ reason: 'free', cost_nano_usd: '0' });
  });
});

describe('moderation in a flood', () => {
  it('is slowed down for its account', async () => {
    const { apiKey: key } = await stack.createAccount({ creditUsd: '1' });
    upstream.handler = (_, response) => sendJson(response, { results: [{ flagged: false }] });
    const statuses = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const response = await fetch(`${stack.gatewayUrl}/v1/moderations`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: '{"input":"Hello"}',
        });
        await response.text();
        return response.status;
      }),
    );
    expect(statuses).toContain(429);
  });
});

describe('a ranking', () => {
  it('is billed by the search units that Cohere reports', async () => {
    upstream.handler = (_, response) =>
      sendJson(response, {
        results: [{ index: 0, relevance_score: 0.9 }],
        meta: { billed_units: { search_units: 2 } },
      });
    const response = await fetch(`${stack.gatewayUrl}/v1/rerank`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'cohere/rerank-v3.5',
        query: 'What is the capital?',
        documents: Array.from({ length: 150 }, (_, index) => `Document ${index}`),
      }),
    });
    expect(response.status).toBe(200);
    expect(received().path).toBe('/v2/rerank');
    // 2.00 USD a thousand searches.
    expect(await findBill(response)).toMatchObject({
      reason: 'provider_reported',
      cost_nano_usd: '4000000',
      fees: [{ kind: 'rerank', count: 2 }],
    });
  });
});

describe('the models endpoint', () => {
  it.each([
    ['openai/tts-1', ['/v1/audio/speech'], ['text'], ['audio']],
    [
      'openai/whisper-1',
      ['/v1/audio/transcriptions', '/v1/audio/translations'],
      ['audio'],
      ['text'],
    ],
    [
      'google/gemini-embedding-001',
      ['/v1/embeddings', '/v1beta/models/{model}:embedContent'],
      ['text'],
      ['embeddings'],
    ],
    ['cohere/rerank-v3.5', ['/v1/rerank'], ['text'], ['rerank']],
  ])(
    'says where %s can be called, and what goes in and out',
    async (model, endpoints, input, output) => {
      expect(await client.models.retrieve(model)).toMatchObject({
        endpoints,
        architecture: { input_modalities: input, output_modalities: output },
      });
    },
  );
});

describe('POST /v1/estimate', () => {
  const estimate = async (body: string | FormData) => {
    const headers = { authorization: `Bearer ${apiKey}` };
    const init = { method: 'POST', headers, body };
    const response = await fetch(`${stack.gatewayUrl}/v1/estimate`, init);
    const { data } = (await response.json()) as { data: Record<string, unknown> };
    return data;
  };

  it('takes the body of an operation', async () => {
    const speech = { model: 'tts-1', voice: 'alloy', input: 'Hello' };
    expect(await estimate(JSON.stringify(speech))).toMatchObject({
      dialect: 'speech',
      hold_nano_usd: '75000',
      estimated_fees: [{ kind: 'speech_character', count: 5 }],
    });
  });

  it('tells what the input costs from what the whole call does', async () => {
    const image = { model: 'gpt-image-1-mini', prompt: 'hello' };
    const { estimated_input_nano_usd: input, estimated_nano_usd: whole } = await estimate(
      JSON.stringify(image),
    );
    // 2 USD a million tokens of text, 8 of the picture.
    expect(Number(input)).toBeLessThan(10 * 2_000);
    expect(Number(whole)).toBeGreaterThan(100 * 8_000);
  });

  it('takes a form', async () => {
    const form = new FormData();
    form.set('model', 'whisper-1');
    form.set('file', new Blob([buildWav(60)]), 'speech.wav');
    expect(await estimate(form)).toMatchObject({
      dialect: 'transcriptions',
      estimated_fees: [{ kind: 'audio_second', count: 60 }],
    });
  });
});

describe('errors of these endpoints in the OpenAI SDK', () => {
  it('say what a body must be', async () => {
    const response = await fetch(`${stack.gatewayUrl}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: '{"model":"whisper-1"}',
    });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({
      error: { type: 'invalid_request_error', code: 'unsupported_media_type' },
    });
  });

  it('have its own types, and charge nothing', async () => {
    upstream.handler = (_, response) =>
      sendJson(
        response,
        {
          error: {
            message: 'bad dimensions',
            type: 'invalid_request_error',
            param: null,
            code: null,
          },
        },
        400,
      );
    const before = await fetchSettledBalance(stack.gatewayUrl, apiKey);
    await expect(
      client.embeddings.create({ model: 'text-embedding-3-small', input: 'x', dimensions: 9 }),
    ).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(client.embeddings.create({ model: 'gpt-5.4', input: 'x' })).rejects.toBeInstanceOf(
      OpenAI.APIError,
    );
    expect(await fetchSettledBalance(stack.gatewayUrl, apiKey)).toEqual(before);
  });
});

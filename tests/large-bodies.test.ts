/** Large request bodies: how large, how many at once, and their memory in the shared process. */
import { connect, type Socket } from 'node:net';
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { measureGrowth } from './support/process-memory.ts';
import {
  chatCompletion,
  chatEvents,
  ScriptedUpstream,
  sendJson,
  sendStream,
  sleep,
} from './support/scripted-upstream.ts';
import { startStreams } from './support/stream-gaps.ts';
import { uploadAtOnce } from './support/upload.ts';

const MB = 1024 * 1024;
const LIMIT = 20 * MB;

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  stack = await startStack({
    database: 'pglite-memory',
    providers: { openai: { baseUrl: `${upstream.url}/v1`, apiKey: 'k' } },
    quiet: true,
  });
  ({ apiKey } = await stack.createAccount({ creditUsd: '1000' }));
  upstream.handler = async (request, response) => {
    if (request.body.length < 10_000) {
      const words = Array.from({ length: 600 }, () => 'word ');
      await sendStream(response, chatEvents(words, { input: 10, output: 600 }), 100);
      return;
    }
    await sleep(500);
    sendJson(response, chatCompletion('ok', { input: 10, output: 1 }));
  };
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

/** A body of exactly `bytes` bytes: one image, inline, as agents send them. */
function buildBody(bytes: number): Buffer {
  const head =
    '{"model":"gpt-4o-mini","max_tokens":10,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,';
  const tail = '"}}]}]}';
  return Buffer.from(head + 'A'.repeat(bytes - head.length - tail.length) + tail);
}

function post(body: Buffer): Promise<Response> {
  return fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: new Uint8Array(body),
  });
}

type Answered = Readonly<{ status: number; retryAfter: string | null }>;

async function readStatus(answer: Promise<Response>): Promise<Answered> {
  const response = await answer;
  await response.arrayBuffer();
  return { status: response.status, retryAfter: response.headers.get('retry-after') };
}

describe('large request bodies', () => {
  it('of 20 MB reach the provider unchanged but for the edits of billing', async () => {
    const body = buildBody(LIMIT);
    const response = await post(body);
    expect(response.status).toBe(200);
    const received = upstream.received.at(-1)?.body ?? '';
    expect(received.length).toBe(LIMIT);
    expect(received === body.toString()).toBe(true);
  });

  it('above 20 MB are rejected with the limit', async () => {
    const response = await post(buildBody(LIMIT + 1));
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({
      error: { code: 'body_too_large', message: expect.stringContaining(String(LIMIT)) },
    });
  });

  it('of 20 MB, four at once, take less than 100 MB above idle', async () => {
    const body = buildBody(LIMIT);
    const { grownMb: aboveIdle, results } = await measureGrowth(stack.workerdPid(), () =>
      Promise.all([0, 1, 2, 3].map(() => readStatus(post(body)))),
    );
    process.stdout.write(`four bodies of 20 MB at once: ${aboveIdle.toFixed(0)} MB above idle\n`);
    expect(results.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(aboveIdle).toBeLessThan(100);
  });

  it('of 20 MB, 64 at once, take at most 100 MB above idle: at least four are served, the rest get 503 with Retry-After, and 50 streams beside them have no gap of a second', async () => {
    const body = buildBody(LIMIT);
    const url = `${stack.gatewayUrl}/v1/chat/completions`;
    const streams = startStreams({ url, apiKey, count: 50 });
    await sleep(1_000);
    const { grownMb: aboveIdle, results } = await measureGrowth(stack.workerdPid(), () =>
      uploadAtOnce({ url, apiKey, body, count: 64 }),
    );
    const gaps = await streams.stop();
    const served = results.filter(({ status }) => status === 200);
    const busy = results.filter(({ status }) => status === 503);
    process.stdout.write(
      `64 bodies of 20 MB at once: ${aboveIdle.toFixed(0)} MB above idle, ${served.length} served, ` +
        `longest gap of 50 streams ${Math.max(...gaps)} ms\n`,
    );
    expect(served.length).toBeGreaterThanOrEqual(4);
    expect(served.length + busy.length).toBe(64);
    expect(busy.every(({ retryAfter }) => retryAfter === '1')).toBe(true);
    expect(aboveIdle).toBeLessThanOrEqual(100);
    expect(gaps.length).toBe(50);
    expect(Math.max(...gaps)).toBeLessThan(1_000);
  });
});

/** Opens a request that announces 20 MB and sends one byte each 5 s; `head` is the rest of it. */
function openSlowSender(path: string, key: string, head: string): Promise<Socket> {
  const { hostname, port } = new URL(stack.gatewayUrl);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  const drip = setInterval(() => socket.write('1\r\n \r\n'), 5_000);
  socket.on('close', () => clearInterval(drip));
  socket.resume();
  return new Promise((resolve) => {
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${key}\r\n` +
        `Content-Type: application/json\r\n${head}\r\n\r\n`,
      () => resolve(socket),
    );
  });
}

/** The status of an ordinary call of an agent, 100 KB. */
async function callAsOther(): Promise<number> {
  return (await readStatus(post(buildBody(100_000)))).status;
}

describe('senders that announce much and send little', () => {
  const HEADS = [`Content-Length: ${LIMIT}`, 'Transfer-Encoding: chunked'];
  const PATHS = ['/v1/messages/count_tokens', '/v1/chat/completions', '/v1/estimate'];

  it.each(HEADS)('keep nobody from an ordinary call: a key without money, %s', async (head) => {
    const { apiKey: broke } = await stack.createAccount({ creditUsd: '0' });
    const senders = await Promise.all(
      PATHS.flatMap((path) => [1, 2, 3, 4].map(() => openSlowSender(path, broke, head))),
    );
    await sleep(500);
    expect(await callAsOther()).toBe(200);
    await sleep(6_000);
    expect(await callAsOther()).toBe(200);
    for (const sender of senders) sender.destroy();
  });

  it.each(HEADS)('keep nobody from a large call: accounts with money, %s', async (head) => {
    const keys = await Promise.all(
      [1, 2].map(async () => (await stack.createAccount({ creditUsd: '5' })).apiKey),
    );
    const senders = await Promise.all(
      [0, 1, 0, 1].map((at) => openSlowSender('/v1/chat/completions', keys[at] ?? '', head)),
    );
    for (const sender of senders) sender.write(head.startsWith('Content') ? ' ' : '1\r\n \r\n');
    await sleep(1_500);
    expect(await callAsOther()).toBe(200);
    expect((await readStatus(post(buildBody(LIMIT)))).status).toBe(200);
    for (const sender of senders) sender.destroy();
  });

  it('without money get 402 for a large body before it is read', async () => {
    const { apiKey: broke } = await stack.createAccount({ creditUsd: '0' });
    const response = await fetch(`${stack.gatewayUrl}/v1/messages/count_tokens`, {
      method: 'POST',
      headers: { 'x-api-key': broke },
      body: new Uint8Array(buildBody(200_000)),
    });
    expect(response.status).toBe(402);
    expect(await response.json()).toMatchObject({ error: { code: 'insufficient_balance' } });
  });
});

/** Large request bodies: how large, how many at once, and their memory in the shared process. */
import { readFileSync } from 'node:fs';
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatCompletion, ScriptedUpstream, sendJson, sleep } from './support/scripted-upstream.ts';

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
  upstream.handler = async (_, response) => {
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

/** Resident and peak resident memory of workerd, in bytes (proc(5), VmRSS and VmHWM). */
function readMemory(pid: number): { current: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const readField = (name: string) =>
    1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]);
  return { current: readField('VmRSS'), peak: readField('VmHWM') };
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

  it('of 20 MB, four at once, take less than 128 MB above idle, and a fifth gets Retry-After', async () => {
    const pid = stack.workerdPid();
    if (pid === null) throw new Error('workerd is not running');
    const body = buildBody(LIMIT);
    const { peak: before } = readMemory(pid);
    const idle = readMemory(pid).current;
    const statuses = await Promise.all(
      [0, 1, 2, 3, 4].map(() => post(body).then(({ status }) => status)),
    );
    const aboveIdle = (Math.max(readMemory(pid).peak, before) - idle) / MB;
    process.stdout.write(`four bodies of 20 MB at once: ${aboveIdle.toFixed(0)} MB above idle\n`);
    expect(statuses.filter((status) => status === 200).length).toBe(4);
    expect(statuses.filter((status) => status === 503).length).toBe(1);
    expect(aboveIdle).toBeLessThan(128);
  });
});

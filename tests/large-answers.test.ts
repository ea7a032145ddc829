/**
 * Answers that are not streamed and larger than an isolate's memory: passed on as they come, and
 * billed by the usage that a scanner finds in them.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchBalance, waitForBill } from './support/bills.ts';
import { ScriptedUpstream } from './support/scripted-upstream.ts';

const MB = 1024 * 1024;
/** Far above what is kept of an answer; more of it takes more time and no more memory. */
const ANSWER_BYTES = 16 * MB;
const CALLS = 64;
const SECONDS = 1000;

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
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

const alternatives = Array.from({ length: 20 }, (_, index) => ({
  token: `tok${index}`,
  logprob: -1.234_567_8,
  bytes: [116, 111, 107],
}));
/** One token with its alternatives, as `top_logprobs: 20` brings it: 1.2 KB. */
const TOKEN = `${JSON.stringify({ ...alternatives[0], top_logprobs: alternatives })},`;
const TOKENS = Buffer.from(TOKEN.repeat(Math.ceil(MB / TOKEN.length)));
const HEAD = '{"id":"c","object":"chat.completion","choices":[{"index":0,"logprobs":{"content":[';
const TAIL = `${TOKEN.slice(0, -1)}]},"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":16000,"total_tokens":16010}}`;

async function drained(response: ServerResponse): Promise<void> {
  const settled = new AbortController();
  const events = ['drain', 'close'].map((name) => once(response, name, settled));
  await Promise.race(events);
  settled.abort();
  await Promise.allSettled(events);
}

/** Writes a completion with log probabilities, as fast as the gateway takes it. */
async function sendLargeAnswer(response: ServerResponse, tail: string | null): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write(HEAD);
  for (let sent = 0; sent < ANSWER_BYTES && !response.destroyed; sent += TOKENS.length) {
    if (!response.write(TOKENS)) await drained(response);
  }
  if (tail === null) response.destroy();
  else response.end(tail);
}

function post(): Promise<Response> {
  return fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({
      model: 'gpt-4o-mini',
      max_tokens: 16_000,
      logprobs: true,
      top_logprobs: 20,
      messages: [{ role: 'user', content: 'Count.' }],
    }),
  });
}

/** Reads a body and keeps its end only. */
async function readLength(response: Response): Promise<{ length: number; end: string }> {
  let length = 0;
  let end = '';
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    end = (end + Buffer.from(chunk.subarray(-500)).toString()).slice(-TAIL.length);
  }
  return { length, end };
}

/** Resident memory of workerd, in bytes (proc(5), VmRSS). */
function readMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}

describe('answers of 16 MB that are not streamed', () => {
  it('pass 64 at once, are billed by their usage, and take 256 MB above idle at most', {
    timeout: 400 * SECONDS,
  }, async () => {
    const pid = stack.workerdPid();
    if (pid === null) throw new Error('workerd is not running');
    upstream.handler = (_, response) => sendLargeAnswer(response, TAIL);
    await readLength(await post());
    const idle = readMemory(pid);
    let peak = idle;
    const watch = setInterval(() => {
      peak = Math.max(peak, readMemory(pid));
    }, 100);
    const started = Date.now();
    const bills = await Promise.all(
      Array.from({ length: CALLS }, async () => {
        const response = await post();
        const { length, end } = await readLength(response);
        expect(length).toBeGreaterThan(ANSWER_BYTES);
        expect(end.endsWith(TAIL.slice(-400))).toBe(true);
        return waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
      }),
    );
    clearInterval(watch);
    const grown = (peak - idle) / MB;
    const seconds = (Date.now() - started) / SECONDS;
    process.stdout.write(
      `${CALLS} answers of 16 MB at once: ${grown.toFixed(0)} MB above idle, ${seconds.toFixed(0)} s\n`,
    );
    for (const bill of bills)
      expect(bill).toMatchObject({
        reason: 'provider_reported',
        usage: { input_uncached: 10, output: 16_000 },
      });
    expect(grown).toBeLessThanOrEqual((CALLS * ANSWER_BYTES) / MB / 4);
    expect((await fetchBalance(stack.gatewayUrl, apiKey)).held).toBe(0n);
  });

  it('break off where the provider does, so that no client takes them as whole', async () => {
    upstream.handler = (_, response) => sendLargeAnswer(response, null);
    const response = await post();
    await expect(readLength(response)).rejects.toThrow();
    const bill = await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
    expect(bill).toMatchObject({ status: 'settled' });
  });
});

/**
 * The snippets of README.md, run as they stand there against the stack of `npm start`, whose
 * providers are the mock: in the README's order, with one account.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LocalStack } from '@farebox/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { waitForBill } from './support/bills.ts';
import { sharedStack } from './support/shared-stack.ts';

const ROOT = join(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const ADDRESS = 'http://127.0.0.1:8787';
const SCRIPTS = [...README.matchAll(/```js\n(.+?)```/gs)].map(([, code]) => code ?? '');
const CALL = /```sh\n(curl http:\/\/127\.0\.0\.1:8787\/v1\/chat\/completions .+?)```/s;
const MOCK_ANSWER = 'Hello from the mock';

const run = promisify(execFile);

let stack: LocalStack;
let apiKey: string;

beforeAll(async () => {
  ({ stack } = await sharedStack('mock'));
  ({ apiKey } = await stack.createAccount({ creditUsd: '5' }));
});

async function callOperation(path: string, fields: Record<string, unknown>) {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(fields) };
  return fetch(`${stack.gatewayUrl}${path}`, init);
}

async function sendForm(path: string, fields: Record<string, string>, file: string) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  body.set(file, new Blob([new Uint8Array(8_000)], { type: 'image/png' }), 'a.png');
  const headers = { authorization: `Bearer ${apiKey}` };
  return fetch(`${stack.gatewayUrl}${path}`, { method: 'POST', headers, body });
}

describe('the README', () => {
  it.each(SCRIPTS.map((code) => [/from '(.+)'/.exec(code)?.[1] ?? '', code]))(
    'has a snippet for %s that gets an answer',
    async (_, code) => {
      expect(code).toContain(ADDRESS);
      const script = `${code.replace(ADDRESS, stack.gatewayUrl)}\nconsole.log(JSON.stringify(answer));`;
      const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
        cwd: ROOT,
        env: { ...process.env, FAREBOX_KEY: apiKey },
      });
      expect(stdout).toContain(MOCK_ANSWER);
    },
  );

  it('has a snippet for each SDK', () => {
    expect(SCRIPTS).toHaveLength(3);
  });

  it('has a body for curl that gets an answer and a bill', async () => {
    const [, command = ''] = CALL.exec(README) ?? [];
    const fields = JSON.parse(/-d '(.+?)'/s.exec(command)?.[1] ?? '');
    const response = await callOperation('/v1/chat/completions', fields);
    expect(await response.text()).toContain(MOCK_ANSWER);
    const id = response.headers.get('x-request-id');
    expect(await waitForBill(stack.gatewayUrl, apiKey, id)).toMatchObject({
      reason: 'provider_reported',
    });
  });

  it.each([
    ['/v1/embeddings', { model: 'text-embedding-3-small', input: 'Hello' }],
    ['/v1/moderations', { model: 'omni-moderation-latest', input: 'Hello' }],
    ['/v1/images/generations', { model: 'gpt-image-1-mini', prompt: 'A cat' }],
    ['/v1/images/generations', { model: 'grok-imagine-image', prompt: 'A cat' }],
    ['/v1/responses', { model: 'gpt-5.4', input: 'Hello' }],
    ['/v1/responses/compact', { model: 'gpt-5.4', input: 'Hello' }],
    ['/v1beta/models/gemini-embedding-001:embedContent', { content: { parts: [{ text: 'Hi' }] } }],
  ])('promises %s with %o, which the mock answers', async (path, fields) => {
    const response = await callOperation(path, fields);
    expect([response.status, await response.json()]).toEqual([200, expect.any(Object)]);
    const id = response.headers.get('x-request-id');
    const bill = await waitForBill(stack.gatewayUrl, apiKey, id);
    expect(bill.status).toBe('settled');
  });

  it('promises embeddings whose usage the provider reports', async () => {
    const fields = { model: 'text-embedding-3-small', input: 'Hello' };
    const response = await callOperation('/v1/embeddings', fields);
    const { usage } = (await response.json()) as { usage: { prompt_tokens: number } };
    const id = response.headers.get('x-request-id');
    expect(await waitForBill(stack.gatewayUrl, apiKey, id)).toMatchObject({
      reason: 'provider_reported',
      usage: { input_uncached: usage.prompt_tokens },
    });
  });

  it('promises a count of the tokens of a response', async () => {
    const fields = { model: 'gpt-5.4', input: 'Hello' };
    const response = await callOperation('/v1/responses/input_tokens', fields);
    expect(await response.json()).toMatchObject({ input_tokens: expect.any(Number) });
  });

  it('promises speech', async () => {
    const fields = { model: 'tts-1', voice: 'alloy', input: 'Hello' };
    const response = await callOperation('/v1/audio/speech', fields);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'audio/mpeg']);
    expect((await response.bytes()).length).toBeGreaterThan(1_000);
  });

  it.each([
    ['/v1/audio/transcriptions', { model: 'whisper-1' }, 'file'],
    ['/v1/audio/transcriptions', { model: 'gpt-4o-mini-transcribe' }, 'file'],
    ['/v1/audio/translations', { model: 'whisper-1' }, 'file'],
    ['/v1/images/edits', { model: 'gpt-image-1-mini', prompt: 'A cat' }, 'image'],
  ])('promises the form of %s with %o', async (path, fields, file) => {
    const response = await sendForm(path, fields, file);
    expect([response.status, await response.json()]).toEqual([200, expect.any(Object)]);
  });
});

/**
 * The snippets of README.md, run as they stand there against the stack of `npm start`, whose
 * providers are the mock: in the README's order, with one account.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DEFAULT_PORTS, type LocalStack } from '@farebox/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { waitForBill } from './support/bills.ts';
import { sharedStack } from './support/shared-stack.ts';

const ROOT = join(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const ADDRESS = 'http://127.0.0.1:8787';
const SCRIPTS = [...README.matchAll(/```js\n(.+?)```/gs)].map(([, code]) => code ?? '');
const COMMANDS = [...README.matchAll(/```sh\n(.+?)```/gs)].map(([, command]) => command ?? '');
const MOCK_ANSWER = 'Hello from the mock';

const run = promisify(execFile);

let stack: LocalStack;
let apiKey: string;

beforeAll(async () => {
  ({ stack } = await sharedStack('mock'));
  ({ apiKey } = await stack.createAccount({ creditUsd: '5' }));
});

/** Reads a command for curl as a shell does, and sends what curl would send. */
async function runCurl(command: string, env: Readonly<Record<string, string>>): Promise<Response> {
  const words = [...command.matchAll(/"([^"]*)"|'([^']*)'|([^\s\\'"]+)/g)].map(
    ([, double, single, bare]) =>
      single ?? (double ?? bare ?? '').replace(/\$(\w+)/g, (_, name) => env[name] ?? ''),
  );
  const listValues = (flag: string) =>
    words.flatMap((word, index) => (words[index - 1] === flag ? [word] : []));
  const headers = listValues('-H').map((header): [string, string] => {
    const colon = header.indexOf(':');
    return [header.slice(0, colon), header.slice(colon + 1).trim()];
  });
  const [body] = listValues('-d');
  const url = words.find((word) => word.startsWith(ADDRESS)) ?? '';
  expect(words.filter((word) => word.startsWith('-'))).toEqual(
    words.filter((word) => ['-i', '-H', '-d'].includes(word)),
  );
  return fetch(url.replace(ADDRESS, stack.gatewayUrl), {
    headers,
    ...(body === undefined ? {} : { method: 'POST', body }),
  });
}

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

  it('has a command for curl that gets an answer, and one that gets its bill', async () => {
    const [ask = '', getBill = '', ...others] = COMMANDS.filter((text) => text.includes('curl '));
    expect(others).toEqual([]);
    const response = await runCurl(ask, { FAREBOX_KEY: apiKey });
    expect(await response.text()).toContain(MOCK_ANSWER);
    const id = response.headers.get('x-request-id') ?? '';
    await waitForBill(stack.gatewayUrl, apiKey, id);
    const bill = await runCurl(getBill, { FAREBOX_KEY: apiKey, REQUEST_ID: id });
    expect(await bill.json()).toMatchObject({ data: { id, reason: 'provider_reported' } });
  });

  it('names every variable that its commands read, and how to set it', () => {
    const set = new Set([...README.matchAll(/export (\w+)=/g)].map(([, name]) => name));
    const read = COMMANDS.flatMap((text) => [...text.matchAll(/\$(\w+)/g)]).map(([, name]) => name);
    expect(read.filter((name) => !set.has(name))).toEqual([]);
  });

  it.each(['gateway', 'console', 'operators', 'site', 'mailbox'] as const)(
    'says at which address npm start serves the %s',
    (name) => {
      expect(README).toMatch(
        new RegExp(`http://(127\\.0\\.0\\.1|localhost):${DEFAULT_PORTS[name]}\\b`),
      );
    },
  );

  it('names commands of npm that there are', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    );
    const named = [...README.matchAll(/npm (?:run )?(?:--silent )?([a-z][a-z:-]*)/g)].map(
      ([, name = '']) => name,
    );
    expect(named).toContain('account');
    expect(named.filter((name) => scripts[name] === undefined && name !== 'run')).toEqual([]);
  });

  it.each([
    ['/v1/embeddings', { model: 'text-embedding-3-small', input: 'Hello' }],
    ['/v1/moderations', { model: 'omni-moderation-latest', input: 'Hello' }],
    ['/v1/images/generations', { model: 'gpt-image-2.6-flare', prompt: 'A cat' }],
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
    ['/v1/images/edits', { model: 'gpt-image-2.6-flare', prompt: 'A cat' }, 'image'],
  ])('promises the form of %s with %o', async (path, fields, file) => {
    const response = await sendForm(path, fields, file);
    expect([response.status, await response.json()]).toEqual([200, expect.any(Object)]);
  });
});

/**
 * Policy P1 and P2: nothing a caller sends or receives is stored or logged. Marked text goes in through
 * every opening, and comes back through every way a provider can say it, the failing ones above all;
 * then everything the stack printed and everything it keeps on disk is searched.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Answer,
  json,
  openStream,
  pause,
  ScriptedUpstream,
  stream,
} from './scripted-upstream.ts';

const MARK = `canary-${crypto.randomUUID()}`;

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;
let accountId: string;
const stateDir = mkdtempSync(join(tmpdir(), 'farebox-canary-'));

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  const chat = { baseUrl: `${upstream.url}/v1`, apiKey: 'k' };
  stack = await startStack({
    stateDir,
    database: 'pglite',
    providers: { openai: chat, anthropic: { baseUrl: upstream.url, apiKey: 'k' } },
    gatewayBindings: { SILENCE_SECONDS: '1', PING_SECONDS: '0.3', CHECKPOINT_SECONDS: '0.2' },
    quiet: true,
  });
  ({ apiKey, accountId } = await stack.createAccount({ creditUsd: '50' }));
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

const echo = { error: { message: `you said ${MARK}`, type: MARK, code: MARK, param: MARK } };
const chunk = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: MARK } }] })}\n\n`;

/** Every way a provider can say the marked text back. */
const ANSWERS: readonly (readonly [string, Answer])[] = [
  [
    'an answer',
    (_, response) =>
      json(response, {
        choices: [{ message: { content: MARK } }],
        usage: { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 },
        [MARK]: MARK,
      }),
  ],
  ['a refusal', (_, response) => json(response, echo, 400)],
  ['a refusal of our account', (_, response) => json(response, echo, 401)],
  ['a rate limit', (_, response) => json(response, echo, 429)],
  ['a failure', (_, response) => json(response, echo, 500)],
  [
    'not JSON at all',
    (_, response) =>
      response.writeHead(200, { 'content-type': MARK.replaceAll('-', '') }).end(MARK),
  ],
  [
    'broken JSON',
    (_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(`{"a": "${MARK}`),
  ],
  [
    'headers',
    (_, response) => response.writeHead(200, { 'x-echo': MARK, 'set-cookie': MARK }).end('{}'),
  ],
  [
    'an error inside a stream',
    (_, response) => stream(response, [chunk, `data: ${JSON.stringify(echo)}\n\n`]),
  ],
  [
    'an error event',
    (_, response) =>
      stream(response, [
        `event: error\ndata: {"type":"error","error":{"type":"${MARK}","message":"${MARK}"}}\n\n`,
      ]),
  ],
  ['a cut stream', (_, response) => stream(response, [chunk, chunk.slice(0, 40)], 5, 'cut')],
  ['a silent stream', (_, response) => stream(response, [chunk], 5, 'hang')],
  [
    'usage that makes no sense',
    (_, response) =>
      stream(response, [
        `data: {"choices":[],"usage":{"prompt_tokens":"${MARK}","completion_tokens":-1}}\n\n`,
      ]),
  ],
  [
    'a broken connection',
    (_, response) => {
      openStream(response);
      response.destroy();
    },
  ],
];

const text = `Remember ${MARK}, please.`;

const BODIES: readonly (readonly [string, unknown])[] = [
  [
    '/v1/chat/completions',
    {
      model: 'gpt-4o-mini',
      [MARK]: MARK,
      metadata: { [MARK]: MARK },
      user: MARK,
      messages: [
        { role: 'system', content: text },
        {
          role: 'user',
          name: 'someone',
          content: [
            { type: 'text', text },
            { type: 'image_url', image_url: { url: `https://example.com/${MARK}.png` } },
          ],
        },
        {
          role: 'assistant',
          tool_calls: [
            {
              id: 'c',
              type: 'function',
              function: { name: 'f', arguments: JSON.stringify({ a: MARK }) },
            },
          ],
        },
        { role: 'tool', tool_call_id: 'c', content: MARK },
      ],
      tools: [
        {
          type: 'function',
          function: {
            name: 'f',
            description: MARK,
            parameters: { type: 'object', properties: { [MARK]: {} } },
          },
        },
      ],
    },
  ],
  [
    '/v1/messages',
    {
      model: 'claude-sonnet-4-5',
      max_tokens: 50,
      system: text,
      metadata: { user_id: MARK },
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text },
            {
              type: 'document',
              title: MARK,
              source: { type: 'text', media_type: 'text/plain', data: text },
            },
          ],
        },
      ],
    },
  ],
];

/** Requests that never get past the door, each holding the mark somewhere else. */
const REFUSED: readonly (readonly [string, RequestInit])[] = [
  [
    '/v1/chat/completions',
    { method: 'POST', body: `{"model": "gpt-4o-mini", "messages": "${MARK}"` },
  ],
  ['/v1/chat/completions', { method: 'POST', body: JSON.stringify({ model: MARK, messages: [] }) }],
  [
    '/v1/chat/completions',
    {
      method: 'POST',
      body: JSON.stringify({ model: 'gpt-4o-mini', max_tokens: MARK, messages: [] }),
    },
  ],
  [
    '/v1/chat/completions',
    {
      method: 'POST',
      body: JSON.stringify({ model: 'gpt-4o-mini', service_tier: MARK, store: true, messages: [] }),
    },
  ],
  [
    '/v1/messages',
    {
      method: 'POST',
      body: JSON.stringify({ model: 'claude-sonnet-4-5', tools: [{ function: MARK }] }),
    },
  ],
  [`/v1/${MARK}`, { method: 'POST', body: MARK }],
  [`/v1/models/${MARK}`, {}],
  [`/v1/generation/${MARK}`, {}],
  [`/v1/chat/completions?q=${MARK}`, { method: 'PUT', body: MARK }],
];

async function call(path: string, init: RequestInit, key = apiKey): Promise<void> {
  const response = await fetch(`${stack.gatewayUrl}${path}`, {
    ...init,
    headers: {
      authorization: `Bearer ${key}`,
      'x-note': MARK,
      'anthropic-beta': MARK,
      cookie: MARK,
    },
  });
  await response.text().catch(() => '');
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

it('finds marked text nowhere, in anything printed or kept', async () => {
  for (const [, answer] of ANSWERS) {
    upstream.answer = answer;
    for (const [path, body] of BODIES) {
      for (const streamed of [false, true]) {
        const init = {
          method: 'POST',
          body: JSON.stringify({ ...(body as object), stream: streamed }),
        };
        await call(`${path}?note=${MARK}`, init);
      }
    }
  }
  for (const [path, init] of REFUSED) {
    await call(path, init);
    await call(path, init, `fbx_${MARK}`);
  }
  await pause(3000);
  await stack.tick();
  expect(upstream.received.length).toBeGreaterThan(ANSWERS.length);
  expect(upstream.received.some(({ body }) => body.includes(MARK))).toBe(true);
  const entries = await stack.doors.accounts.statement(accountId, 0, 1000);
  expect(entries.length).toBeGreaterThan(ANSWERS.length);
  expect(stack.output()).not.toContain(MARK);
  const searched = filesUnder(stateDir);
  expect(searched.length).toBeGreaterThan(5);
  expect(searched.filter((path) => readFileSync(path).includes(MARK))).toEqual([]);
}, 120_000);

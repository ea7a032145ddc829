/**
 * Policy P1 and P2: nothing that a caller sends or receives is stored or logged. Marked text enters
 * through every input and returns in every way a provider can answer, the failing ones above all.
 * Then everything that the stack printed and everything it keeps on disk is searched.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  openStream,
  ScriptedUpstream,
  sendJson,
  sendStream,
  sleep,
  type UpstreamHandler,
} from './support/scripted-upstream.ts';

const CANARY = `canary-${crypto.randomUUID()}`;

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;
let accountId: string;
const stateDir = mkdtempSync(join(tmpdir(), 'farebox-canary-'));

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  const chat = { baseUrl: `${upstream.url}/v1`, apiKey: 'k' };
  const root = { baseUrl: upstream.url, apiKey: 'k' };
  stack = await startStack({
    stateDir,
    database: 'pglite',
    providers: { openai: chat, anthropic: root, google: root },
    gatewayBindings: {
      IDLE_TIMEOUT_SECONDS: '1',
      KEEPALIVE_SECONDS: '0.3',
      CHECKPOINT_SECONDS: '0.2',
    },
    quiet: true,
  });
  ({ apiKey, accountId } = await stack.createAccount({ creditUsd: '50' }));
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

const echo = {
  error: { message: `you said ${CANARY}`, type: CANARY, code: CANARY, param: CANARY },
};
const chunk = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: CANARY } }] })}\n\n`;

const delta = `data: ${JSON.stringify({ type: 'response.output_text.delta', delta: CANARY })}\n\n`;

/** Every way in which a provider can return the marked text. */
const HANDLERS: readonly (readonly [string, UpstreamHandler])[] = [
  [
    'an answer',
    (_, response) =>
      sendJson(response, {
        choices: [{ message: { content: CANARY } }],
        usage: { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 },
        [CANARY]: CANARY,
      }),
  ],
  ['a refusal', (_, response) => sendJson(response, echo, 400)],
  ['a refusal of our account', (_, response) => sendJson(response, echo, 401)],
  ['a rate limit', (_, response) => sendJson(response, echo, 429)],
  ['a failure', (_, response) => sendJson(response, echo, 500)],
  [
    'not JSON at all',
    (_, response) =>
      response.writeHead(200, { 'content-type': CANARY.replaceAll('-', '') }).end(CANARY),
  ],
  [
    'broken JSON',
    (_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(`{"a": "${CANARY}`),
  ],
  [
    'headers',
    (_, response) => response.writeHead(200, { 'x-echo': CANARY, 'set-cookie': CANARY }).end('{}'),
  ],
  [
    'an error inside a stream',
    (_, response) => sendStream(response, [chunk, `data: ${JSON.stringify(echo)}\n\n`]),
  ],
  [
    'an answer of Responses',
    (_, response) =>
      sendJson(response, { object: 'response', status: 'completed', output: [{ type: CANARY }] }),
  ],
  [
    'a cut stream of Responses',
    (_, response) =>
      sendStream(response, [delta, 'data: {"type":"response.completed","response":{'], 5, 'cut'),
  ],
  [
    'an error event',
    (_, response) =>
      sendStream(response, [
        `event: error\ndata: {"type":"error","error":{"type":"${CANARY}","message":"${CANARY}"}}\n\n`,
      ]),
  ],
  ['a cut stream', (_, response) => sendStream(response, [chunk, chunk.slice(0, 40)], 5, 'cut')],
  ['a silent stream', (_, response) => sendStream(response, [chunk], 5, 'hang')],
  [
    'usage that makes no sense',
    (_, response) =>
      sendStream(response, [
        `data: {"choices":[],"usage":{"prompt_tokens":"${CANARY}","completion_tokens":-1}}\n\n`,
      ]),
  ],
  [
    'an answer of Gemini',
    (_, response) =>
      sendJson(response, {
        candidates: [{ content: { parts: [{ text: CANARY }] }, finishReason: CANARY }],
        promptFeedback: { blockReason: CANARY, blockReasonMessage: CANARY },
        usageMetadata: { promptTokenCount: 9, totalTokenCount: 18, serviceTier: CANARY },
      }),
  ],
  [
    'a cut array of Gemini',
    (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(`[{"candidates":[{"content":{"parts":[{"text":"${CANARY}"}]}}]}\n,`);
      response.write(
        `{"error":{"code":503,"message":"${CANARY}","status":"${CANARY}"}},{"${CANARY}`,
      );
      setTimeout(() => response.destroy(), 50);
    },
  ],
  [
    'a broken connection',
    (_, response) => {
      openStream(response);
      response.destroy();
    },
  ],
];

const text = `Remember ${CANARY}, please.`;

const BODIES: readonly (readonly [string, object])[] = [
  [
    '/v1/chat/completions',
    {
      model: 'gpt-4o-mini',
      [CANARY]: CANARY,
      metadata: { [CANARY]: CANARY },
      user: CANARY,
      messages: [
        { role: 'system', content: text },
        {
          role: 'user',
          name: 'someone',
          content: [
            { type: 'text', text },
            { type: 'image_url', image_url: { url: `https://example.com/${CANARY}.png` } },
          ],
        },
        {
          role: 'assistant',
          tool_calls: [
            {
              id: 'c',
              type: 'function',
              function: { name: 'f', arguments: JSON.stringify({ a: CANARY }) },
            },
          ],
        },
        { role: 'tool', tool_call_id: 'c', content: CANARY },
      ],
      tools: [
        {
          type: 'function',
          function: {
            name: 'f',
            description: CANARY,
            parameters: { type: 'object', properties: { [CANARY]: {} } },
          },
        },
      ],
    },
  ],
  [
    '/v1/responses',
    {
      model: 'gpt-4o-mini',
      instructions: text,
      metadata: { [CANARY]: CANARY },
      input: [
        { role: 'user', content: [{ type: 'input_text', text }] },
        { type: 'reasoning', summary: [], encrypted_content: CANARY },
        { type: 'function_call', call_id: CANARY, name: CANARY, arguments: CANARY },
        { type: 'function_call_output', call_id: CANARY, output: CANARY },
      ],
      tools: [{ type: 'function', name: CANARY, parameters: {} }],
    },
  ],
  [
    '/v1/messages',
    {
      model: 'claude-sonnet-4-5',
      max_tokens: 50,
      system: text,
      metadata: { user_id: CANARY },
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text },
            {
              type: 'document',
              title: CANARY,
              source: { type: 'text', media_type: 'text/plain', data: text },
            },
          ],
        },
      ],
    },
  ],
];

/** The bodies of operations, as JSON and as a form. */
const OPERATION_CALLS: readonly (readonly [string, () => string | FormData])[] = [
  [
    '/v1/embeddings',
    () => JSON.stringify({ model: 'text-embedding-3-small', input: [text], user: CANARY }),
  ],
  [
    '/v1/images/generations',
    () => JSON.stringify({ model: 'gpt-image-2.6-flare', prompt: text, [CANARY]: CANARY }),
  ],
  [
    '/v1/images/generations',
    () => JSON.stringify({ model: 'gpt-image-2.6-flare', prompt: text, stream: true }),
  ],
  [
    '/v1/audio/speech',
    () => JSON.stringify({ model: 'tts-1', voice: CANARY, input: text, instructions: text }),
  ],
  ['/v1/moderations', () => JSON.stringify({ input: [{ type: 'text', text }] })],
  ...['/v1/audio/transcriptions', '/v1/images/edits'].map(
    (path) => [path, () => buildForm(path)] as const,
  ),
];

function buildForm(path: string): FormData {
  const form = new FormData();
  const isAudio = path.includes('audio');
  form.set('model', isAudio ? 'gpt-4o-mini-transcribe' : 'gpt-image-2.6-flare');
  form.set(isAudio ? 'file' : 'image', new Blob([`${text} ${text}`]), `${CANARY}.mp3`);
  form.set('prompt', text);
  form.set(CANARY, CANARY);
  return form;
}

function buildRejectedForm(): FormData {
  const form = new FormData();
  form.set('model', CANARY);
  form.append('file', CANARY);
  form.append('response_format', CANARY);
  return form;
}

const GEMINI_BODY = {
  system_instruction: { parts: [{ text }] },
  contents: [
    {
      role: 'user',
      parts: [
        { text, [CANARY]: CANARY },
        { inlineData: { mimeType: 'text/plain', data: Buffer.from(text).toString('base64') } },
        { functionResponse: { name: CANARY, response: { output: text } } },
      ],
    },
  ],
  tools: [{ functionDeclarations: [{ name: 'f', description: text }] }],
  labels: { [CANARY]: CANARY },
};
const GEMINI = '/v1beta/models/gemini-3.5-flash';

/** Requests whose URLs name the model, and the form of the stream. */
const GEMINI_BODIES: readonly (readonly [string, unknown])[] = [
  [`${GEMINI}:generateContent?note=${CANARY}`, GEMINI_BODY],
  [`${GEMINI}:streamGenerateContent?alt=sse&note=${CANARY}`, GEMINI_BODY],
  [`${GEMINI}:streamGenerateContent?note=${CANARY}`, GEMINI_BODY],
  [`${GEMINI}:countTokens`, GEMINI_BODY],
  ['/v1beta/models/gpt-4o-mini:countTokens', GEMINI_BODY],
  [
    '/v1beta/models/gemini-embedding-001:batchEmbedContents',
    { requests: [{ content: { parts: [{ text }] }, title: CANARY }] },
  ],
];

/** Ways of a WebSocket's provider to return the marked text: an answer, an error, half of one. */
const SOCKET_ANSWERS: readonly (readonly object[])[] = [
  [
    { type: 'response.created', response: { id: CANARY, instructions: CANARY, output: [] } },
    { type: 'response.output_text.delta', delta: CANARY },
    { type: 'response.completed', response: { id: CANARY, output: [{ type: CANARY }], usage: {} } },
  ],
  [{ type: 'error', status: 400, error: { code: CANARY, message: CANARY } }],
  [{ type: 'response.output_text.delta', delta: CANARY }],
];

/** Makes a call over WebSocket with these messages, and waits for its end. */
async function callOverSocket(messages: readonly string[]): Promise<void> {
  const socket = new WebSocket(
    `${stack.gatewayUrl.replace('http', 'ws')}/v1/responses?q=${CANARY}`,
    {
      headers: { authorization: `Bearer ${apiKey}`, 'x-note': CANARY },
    },
  );
  await new Promise((resolve) => socket.once('open', resolve));
  for (const message of messages) socket.send(message);
  await sleep(700);
  socket.close();
}

/** Requests that the gateway rejects, each with the mark in another place. */
const REJECTED_REQUESTS: readonly (readonly [string, RequestInit])[] = [
  [
    '/v1/chat/completions',
    { method: 'POST', body: `{"model": "gpt-4o-mini", "messages": "${CANARY}"` },
  ],
  [
    '/v1/chat/completions',
    { method: 'POST', body: JSON.stringify({ model: CANARY, messages: [] }) },
  ],
  [
    '/v1/chat/completions',
    {
      method: 'POST',
      body: JSON.stringify({ model: 'gpt-4o-mini', max_tokens: CANARY, messages: [] }),
    },
  ],
  [
    '/v1/chat/completions',
    {
      method: 'POST',
      body: JSON.stringify({
        model: 'gpt-4o-mini',
        service_tier: CANARY,
        store: true,
        messages: [],
      }),
    },
  ],
  [
    '/v1/messages',
    {
      method: 'POST',
      body: JSON.stringify({ model: 'claude-sonnet-4-5', tools: [{ function: CANARY }] }),
    },
  ],
  ...[
    { previous_response_id: CANARY },
    { input: [{ type: 'item_reference', id: CANARY }] },
    { input: [{ type: 'message', role: 'user', content: [{ file_id: CANARY }] }] },
    { tools: [{ type: CANARY, name: CANARY }], store: CANARY },
  ].map((fields): readonly [string, RequestInit] => [
    '/v1/responses',
    { method: 'POST', body: JSON.stringify({ model: 'gpt-4o-mini', input: text, ...fields }) },
  ]),
  ['/v1/embeddings', { method: 'POST', body: `{"model":"${CANARY}","input":"${CANARY}"}` }],
  ['/v1/embeddings', { method: 'POST', body: `{"input":"${CANARY}` }],
  ['/v1/audio/transcriptions', { method: 'POST', body: CANARY }],
  ['/v1/audio/transcriptions', { method: 'POST', body: buildRejectedForm() }],
  [
    `/v1beta/models/${CANARY}:generateContent`,
    { method: 'POST', body: JSON.stringify(GEMINI_BODY) },
  ],
  [`${GEMINI}:${CANARY.replaceAll('-', '')}`, { method: 'POST', body: CANARY }],
  [`${GEMINI}:generateContent?key=${CANARY}`, { method: 'POST', body: CANARY }],
  [`${GEMINI}:generateContent`, { method: 'POST', body: `{"contents": [{"${CANARY}": "` }],
  [
    `${GEMINI}:generateContent`,
    { method: 'POST', body: JSON.stringify({ ...GEMINI_BODY, cachedContent: CANARY }) },
  ],
  [`/v1beta/interactions/${CANARY}`, {}],
  [`/v1beta/models/${CANARY}`, {}],
  [`/v1/${CANARY}`, { method: 'POST', body: CANARY }],
  [`/v1/models/${CANARY}`, {}],
  [`/v1/generation/${CANARY}`, {}],
  [`/v1/chat/completions?q=${CANARY}`, { method: 'PUT', body: CANARY }],
];

async function call(path: string, init: RequestInit, key = apiKey): Promise<void> {
  const response = await fetch(`${stack.gatewayUrl}${path}`, {
    ...init,
    headers: {
      authorization: `Bearer ${key}`,
      'x-note': CANARY,
      'anthropic-beta': CANARY,
      cookie: CANARY,
    },
  });
  await response.text().catch(() => '');
}

/** Calls every endpoint at the same time: some answers take a second until they time out. */
async function callEveryEndpoint(): Promise<void> {
  const streamable = BODIES.flatMap(([path, body]) =>
    [false, true].map((stream) => [path, { ...body, stream }] as const),
  );
  const calls = [
    ...[
      ...streamable.map(([path, body]) => [`${path}?note=${CANARY}`, body] as const),
      ...GEMINI_BODIES,
    ].map(([path, body]) => [path, JSON.stringify(body)] as const),
    ...OPERATION_CALLS.map(([path, build]) => [`${path}?note=${CANARY}`, build()] as const),
  ];
  await Promise.all(calls.map(([path, body]) => call(path, { method: 'POST', body })));
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

it('marked text of requests and answers is found in nothing that the stack prints or stores', async () => {
  const socketMessages: string[] = [];
  for (const [, handler] of HANDLERS) {
    upstream.handler = handler;
    await callEveryEndpoint();
  }
  for (const [path, init] of REJECTED_REQUESTS) {
    await call(path, init);
    await call(path, init, `fbx_${CANARY}`);
  }
  for (const answer of SOCKET_ANSWERS) {
    upstream.socketHandler = (socket) =>
      socket.on('message', (message) => {
        socketMessages.push(String(message));
        for (const event of answer) socket.send(JSON.stringify(event));
        if (answer.length === 1) setTimeout(() => socket.terminate(), 50);
      });
    const fields = { type: 'response.create', model: 'gpt-4o-mini', input: text };
    await callOverSocket([JSON.stringify(fields), JSON.stringify({ ...fields, type: CANARY })]);
    await callOverSocket([`{"type": "${CANARY}`, JSON.stringify({ ...fields, model: CANARY })]);
  }
  await sleep(3000);
  await stack.runCrons();
  expect(upstream.received.length).toBeGreaterThan(HANDLERS.length);
  expect(upstream.received.some(({ body }) => body.includes(CANARY))).toBe(true);
  expect(socketMessages).toHaveLength(SOCKET_ANSWERS.length);
  expect(socketMessages.every((message) => message.includes(CANARY))).toBe(true);
  const entries = await stack.ledger.accounts.listEntries(accountId, 0, 1000);
  expect(entries.length).toBeGreaterThan(HANDLERS.length);
  expect(stack.output()).not.toContain(CANARY);
  const files = listFiles(stateDir);
  expect(files.length).toBeGreaterThan(5);
  expect(files.filter((path) => readFileSync(path).includes(CANARY))).toEqual([]);
}, 240_000);

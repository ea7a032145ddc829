/**
 * A provider of large answers in a thread of its own: a completion with log probabilities, as large
 * as the request's `user` says in bytes, sent as fast as the gateway takes it; or a stream of a
 * token each 100 ms. A `user` that ends with `cut` gets an answer that breaks off.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { parentPort } from 'node:worker_threads';

const MB = 1024 * 1024;
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
const EVENT =
  'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"word "}}]}\n\n';
const SHORT_REQUEST_BYTES = 10_000;

/** Returns the beginning of a request's body, after all of it was read. */
async function readStart(request) {
  let start = '';
  for await (const chunk of request) {
    if (start.length < SHORT_REQUEST_BYTES) start += chunk;
  }
  return start;
}

async function drained(response) {
  const settled = new AbortController();
  const events = ['drain', 'close'].map((name) => once(response, name, settled));
  await Promise.race(events);
  settled.abort();
  await Promise.allSettled(events);
}

async function sendDocument(response, bytes, isCut) {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write(HEAD);
  for (let sent = 0; sent < bytes && !response.destroyed; sent += TOKENS.length) {
    if (!response.write(TOKENS)) await drained(response);
  }
  if (isCut) response.destroy();
  else response.end(TAIL);
}

function sendStream(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const timer = setInterval(() => response.write(EVENT), 100);
  response.on('close', () => clearInterval(timer));
}

const server = createServer(async (request, response) => {
  response.on('error', () => {});
  const start = await readStart(request).catch(() => '');
  if (start.includes('"stream":true')) sendStream(response);
  else {
    const [, bytes, cut] = /"user":"(\d+)(cut)?"/.exec(start) ?? [];
    await sendDocument(response, Number(bytes), cut !== undefined);
  }
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));

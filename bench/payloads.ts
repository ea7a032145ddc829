/**
 * The requests and the upstream's responses: the same bytes for every subject. The pace is a marker
 * in the prompt, because a gateway forwards the body but not the client's headers, and its catalog
 * restricts the model. Requests don't ask for the usage chunk and set no output limit: adding and
 * hiding them is part of a gateway's measured work.
 */
import { chunk, LAST_CHUNK } from './http-parser.ts';

export const PACES = ['unpaced', 'paced', 'json', 'long'] as const;
export type Pace = (typeof PACES)[number];

export const MODEL = 'gpt-4o-mini';
export const EVENTS = 20;
/** How many events the upstream flushes at once in a burst. */
export const EVENTS_PER_CHUNK = 5;

export type StreamTiming = Readonly<{ firstByteMs: number; intervalMs: number; chunks: number }>;
export const STREAM_TIMINGS: Readonly<Record<'paced' | 'long', StreamTiming>> = {
  paced: { firstByteMs: 20, intervalMs: 5, chunks: 30 },
  long: { firstByteMs: 20, intervalMs: 500, chunks: 120 },
};

export function durationMs(timing: StreamTiming): number {
  return timing.firstByteMs + timing.intervalMs * (timing.chunks - 1);
}

/**
 * Builds a request's body. `bytes` pads the prompt to about that size (a coding agent sends 115
 * KB).
 */
export function requestBody(pace: Pace, bytes: number): string {
  const sentence = 'The tram is late again and the machine at the stop takes coins only. ';
  const prompt = sentence.repeat(Math.max(1, Math.ceil(bytes / sentence.length)));
  return JSON.stringify({
    model: MODEL,
    messages: [
      { role: 'system', content: `You are a test. pace=${pace}.` },
      { role: 'user', content: prompt },
    ],
    temperature: 0.2,
    ...(pace === 'json' ? {} : { stream: true }),
  });
}

export type CallSpec = Readonly<{ pace: Pace; usage: boolean }>;

/** What the upstream reads from a request: its pace, and whether it asks for the usage chunk. */
export function parseCallSpec(body: Buffer): CallSpec {
  const pace = PACES.find((name) => body.includes(`pace=${name}.`)) ?? 'json';
  const usage = body.includes('"include_usage":true') || body.includes('"include_usage": true');
  return { pace, usage };
}

const RESPONSE_FIELDS = { id: 'chatcmpl-bench', created: 1_793_000_000, model: MODEL };
const USAGE = {
  prompt_tokens: 120,
  completion_tokens: EVENTS,
  total_tokens: 120 + EVENTS,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
};

function sseEvent(value: object): string {
  return `data: ${JSON.stringify({ ...RESPONSE_FIELDS, object: 'chat.completion.chunk', ...value })}\n\n`;
}

function contentEvent(index: number, usage: boolean): string {
  const delta = index === 0 ? { role: 'assistant', content: '' } : { content: ` word${index}` };
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: null }];
  return sseEvent({ choices, ...(usage ? { usage: null } : {}) });
}

/** The last content event, the usage chunk if requested, and the end of the stream. */
function finalEvents(usage: boolean): string {
  const stop = [{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }];
  const usageEvent = usage ? sseEvent({ choices: [], usage: USAGE }) : '';
  return `${sseEvent({ choices: stop, ...(usage ? { usage: null } : {}) })}${usageEvent}data: [DONE]\n\n`;
}

const SSE_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n' +
  'x-request-id: req_bench\r\nopenai-processing-ms: 1\r\ntransfer-encoding: chunked\r\n\r\n';

/** A complete unpaced stream including its head, as one write of a few HTTP chunks. */
export function burst(usage: boolean): Buffer {
  const words = Array.from({ length: EVENTS - 1 }, (_, index) => contentEvent(index, usage));
  const events = [...words, finalEvents(usage)];
  const chunks: string[] = [];
  for (let from = 0; from < events.length; from += EVENTS_PER_CHUNK) {
    chunks.push(chunk(events.slice(from, from + EVENTS_PER_CHUNK).join('')));
  }
  return Buffer.from(SSE_HEAD + chunks.join('') + LAST_CHUNK);
}

/** The writes of a paced stream, in order. The first one includes the head. */
export function streamChunks(timing: StreamTiming, usage: boolean): readonly Buffer[] {
  const last = timing.chunks - 1;
  return Array.from({ length: timing.chunks }, (_, index) => {
    if (index === last) return Buffer.from(chunk(finalEvents(usage)) + LAST_CHUNK);
    return Buffer.from((index === 0 ? SSE_HEAD : '') + chunk(contentEvent(index, usage)));
  });
}

export function completionResponse(): Buffer {
  const content = Array.from({ length: EVENTS }, (_, index) => `word${index}`).join(' ');
  const body = JSON.stringify({
    ...RESPONSE_FIELDS,
    object: 'chat.completion',
    choices: [
      { index: 0, message: { role: 'assistant', content }, logprobs: null, finish_reason: 'stop' },
    ],
    usage: USAGE,
  });
  return jsonResponse(body);
}

/** A complete 200 response with a JSON body. */
export function jsonResponse(body: string): Buffer {
  return Buffer.from(
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\n' +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** A complete request. `fields` differ by subject and account. */
export function renderRequest(fields: Readonly<Record<string, string>>, body: string): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return (
    'POST /v1/chat/completions HTTP/1.1\r\nhost: bench.local\r\ncontent-type: application/json\r\n' +
    `${lines.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

/**
 * The requests and the upstream's responses: the same bytes for every subject. The pace is a marker
 * in the prompt, because a gateway forwards the body but not the client's headers, and its catalog
 * restricts the model. Requests set no output limit where the dialect lets them, and most don't ask
 * for the usage chunk: adding and hiding them is part of a gateway's measured work.
 */
import { chunk, LAST_CHUNK } from './http-parser.ts';

export const PACES = ['unpaced', 'paced', 'json', 'frames', 'long'] as const;
export type Pace = (typeof PACES)[number];

export const BENCH_DIALECTS = ['chat', 'messages', 'responses', 'gemini'] as const;
export type BenchDialect = (typeof BENCH_DIALECTS)[number];

export const EVENTS = 20;
/** How many events the upstream flushes at once in a burst. */
export const EVENTS_PER_CHUNK = 5;

export type StreamPace = 'paced' | 'frames' | 'long';
export type StreamTiming = Readonly<{ firstByteMs: number; intervalMs: number; chunks: number }>;
export const STREAM_TIMINGS: Readonly<Record<StreamPace, StreamTiming>> = {
  paced: { firstByteMs: 20, intervalMs: 5, chunks: 30 },
  frames: { firstByteMs: 20, intervalMs: 20, chunks: 64 },
  long: { firstByteMs: 20, intervalMs: 500, chunks: 120 },
};

export function durationMs(timing: StreamTiming): number {
  return timing.firstByteMs + timing.intervalMs * (timing.chunks - 1);
}

/** What a request asks for. */
export type RequestSpec = Readonly<{
  pace: Pace;
  dialect: BenchDialect;
  /** Whether a stream of Chat Completions asks for its usage chunk. */
  usage: boolean;
  /** The prompt is padded to about this size (a coding agent sends 115 KB). */
  bytes: number;
}>;

/** One wire format: what is sent, and the parts of what is answered. */
type DialectPayloads = Readonly<{
  path: (model: string, pace: Pace) => string;
  model: string;
  /** What a request consists of, beside the model where the path does not name it. */
  toRequest: (system: string, prompt: string, spec: RequestSpec) => object;
  /** Whether the path names the model. */
  hasModelInPath?: true;
  /** The events before the first one with text; nothing where there are none. */
  openingEvents: () => string;
  textEvent: (text: string, usage: boolean) => string;
  /** The events after the last one with text. */
  finalEvents: (usage: boolean) => string;
  document: (text: string) => object;
  /** What a complete stream and a complete document end with. */
  streamEnding: string;
  documentEnding: string;
}>;

const CHAT_FIELDS = { id: 'chatcmpl-bench', created: 1_793_000_000, model: 'gpt-4o-mini' };
const CHAT_USAGE = {
  prompt_tokens: 120,
  completion_tokens: EVENTS,
  total_tokens: 120 + EVENTS,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
};

function chatEvent(value: object): string {
  return `data: ${JSON.stringify({ ...CHAT_FIELDS, object: 'chat.completion.chunk', ...value })}\n\n`;
}

function chatChoice(delta: object, finishReason: string | null, usage: boolean): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
  return chatEvent({ choices, ...(usage ? { usage: null } : {}) });
}

const CHAT: DialectPayloads = {
  path: () => '/v1/chat/completions',
  model: 'gpt-4o-mini',
  toRequest: (system, prompt, { pace, usage }) => ({
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: prompt },
    ],
    temperature: 0.2,
    ...(pace === 'json' ? {} : { stream: true }),
    ...(usage ? { stream_options: { include_usage: true } } : {}),
  }),
  openingEvents: () => '',
  textEvent: (text, usage) => chatChoice({ content: text }, null, usage),
  finalEvents: (usage) => {
    const usageEvent = usage ? chatEvent({ choices: [], usage: CHAT_USAGE }) : '';
    return `${chatChoice({}, 'stop', usage)}${usageEvent}data: [DONE]\n\n`;
  },
  document: (content) => ({
    ...CHAT_FIELDS,
    object: 'chat.completion',
    choices: [
      { index: 0, message: { role: 'assistant', content }, logprobs: null, finish_reason: 'stop' },
    ],
    usage: CHAT_USAGE,
  }),
  streamEnding: 'data: [DONE]',
  documentEnding: '"total_tokens":140',
};

const MESSAGE = { id: 'msg_bench', type: 'message', role: 'assistant', model: 'claude-opus-5-5' };
const MESSAGE_USAGE = {
  input_tokens: 120,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
};

function namedEvent(event: Readonly<{ type: string; [member: string]: unknown }>): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

const MESSAGES: DialectPayloads = {
  path: () => '/v1/messages',
  model: 'claude-opus-5-5',
  toRequest: (system, prompt, { pace }) => ({
    system,
    max_tokens: 1024,
    messages: [{ role: 'user', content: prompt }],
    ...(pace === 'json' ? {} : { stream: true }),
  }),
  openingEvents: () => {
    const usage = { ...MESSAGE_USAGE, output_tokens: 1 };
    const message = { ...MESSAGE, content: [], stop_reason: null, stop_sequence: null, usage };
    const block = {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'text', text: '' },
    };
    return `${namedEvent({ type: 'message_start', message })}${namedEvent(block)}`;
  },
  textEvent: (text) =>
    namedEvent({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
  finalEvents: () => {
    const delta = { stop_reason: 'end_turn', stop_sequence: null };
    const usage = { ...MESSAGE_USAGE, output_tokens: EVENTS };
    return [
      namedEvent({ type: 'content_block_stop', index: 0 }),
      namedEvent({ type: 'message_delta', delta, usage }),
      namedEvent({ type: 'message_stop' }),
    ].join('');
  },
  document: (text) => ({
    ...MESSAGE,
    content: [{ type: 'text', text }],
    ...{ stop_reason: 'end_turn', stop_sequence: null },
    usage: { ...MESSAGE_USAGE, output_tokens: EVENTS },
  }),
  streamEnding: '"type":"message_stop"',
  documentEnding: `"output_tokens":${EVENTS}`,
};

const RESPONSE = {
  ...{ id: 'resp_bench', object: 'response', created_at: 1_793_000_000, model: 'gpt-4o-mini' },
  ...{ status: 'in_progress', error: null, incomplete_details: null, output: [], usage: null },
  ...{ service_tier: 'default', store: false, tools: [], parallel_tool_calls: true },
};
const RESPONSE_MESSAGE = { id: 'msg_bench', type: 'message', role: 'assistant' };
const RESPONSE_PLACE = { item_id: 'msg_bench', output_index: 0, content_index: 0 };

function completedResponse(text: string): object {
  const part = { type: 'output_text', annotations: [], logprobs: [], text };
  return {
    ...RESPONSE,
    status: 'completed',
    output: [{ ...RESPONSE_MESSAGE, status: 'completed', content: [part] }],
    usage: {
      ...{ input_tokens: 120, input_tokens_details: { cached_tokens: 0 } },
      ...{ output_tokens: EVENTS, output_tokens_details: { reasoning_tokens: 0 } },
      total_tokens: 120 + EVENTS,
    },
  };
}

const RESPONSES: DialectPayloads = {
  path: () => '/v1/responses',
  model: 'gpt-4o-mini',
  toRequest: (instructions, prompt, { pace }) => ({
    instructions,
    store: false,
    input: [{ role: 'user', content: prompt }],
    ...(pace === 'json' ? {} : { stream: true }),
  }),
  openingEvents: () =>
    [
      namedEvent({ type: 'response.created', response: RESPONSE }),
      namedEvent({ type: 'response.in_progress', response: RESPONSE }),
      namedEvent({
        type: 'response.output_item.added',
        output_index: 0,
        item: { ...RESPONSE_MESSAGE, status: 'in_progress', content: [] },
      }),
    ].join(''),
  textEvent: (delta) =>
    namedEvent({ type: 'response.output_text.delta', ...RESPONSE_PLACE, delta, logprobs: [] }),
  finalEvents: () => {
    const text = Array.from({ length: EVENTS - 1 }, (_, index) => ` word${index}`).join('');
    return [
      namedEvent({ type: 'response.output_text.done', ...RESPONSE_PLACE, text, logprobs: [] }),
      namedEvent({ type: 'response.completed', response: completedResponse(text) }),
    ].join('');
  },
  document: completedResponse,
  streamEnding: '"total_tokens":140',
  documentEnding: '"total_tokens":140',
};

/** A GenerateContentResponse, which an event of a stream is too. */
function geminiResponse(text: string, output: number, finishReason?: 'STOP'): object {
  const finish = finishReason === undefined ? {} : { finishReason };
  const usageMetadata = {
    ...{ promptTokenCount: 120, candidatesTokenCount: output, totalTokenCount: 120 + output },
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: 120 }],
  };
  return {
    candidates: [{ content: { role: 'model', parts: [{ text }] }, ...finish, index: 0 }],
    ...{ modelVersion: 'gemini-3.5-flash', responseId: 'bench', usageMetadata },
  };
}

function geminiEvent(response: object): string {
  return `data: ${JSON.stringify(response)}\r\n\r\n`;
}

const GEMINI: DialectPayloads = {
  path: (model, pace) => {
    const method = pace === 'json' ? 'generateContent' : 'streamGenerateContent?alt=sse';
    return `/v1beta/models/${model}:${method}`;
  },
  model: 'gemini-3.5-flash',
  hasModelInPath: true,
  toRequest: (system, prompt) => ({
    systemInstruction: { parts: [{ text: system }] },
    contents: [{ role: 'user', parts: [{ text: prompt }] }],
  }),
  openingEvents: () => '',
  textEvent: (text) => geminiEvent(geminiResponse(text, 1)),
  finalEvents: () => geminiEvent(geminiResponse('', EVENTS, 'STOP')),
  document: (text) => geminiResponse(text, EVENTS, 'STOP'),
  streamEnding: '"totalTokenCount":140',
  documentEnding: '"totalTokenCount":140',
};

export const PAYLOADS: Readonly<Record<BenchDialect, DialectPayloads>> = {
  chat: CHAT,
  messages: MESSAGES,
  responses: RESPONSES,
  gemini: GEMINI,
};

/** Builds a request's body. `model` is what the subject calls the dialect's model. */
export function requestBody(spec: RequestSpec, model = PAYLOADS[spec.dialect].model): string {
  const sentence = 'The tram is late again and the machine at the stop takes coins only. ';
  const prompt = sentence.repeat(Math.max(1, Math.ceil(spec.bytes / sentence.length)));
  const system = `You are a test. pace=${spec.pace}.`;
  const { toRequest, hasModelInPath } = PAYLOADS[spec.dialect];
  const named = hasModelInPath === true ? {} : { model };
  return JSON.stringify({ ...named, ...toRequest(system, prompt, spec) });
}

/** What the requests to each dialect's endpoint have in common. */
const PATH_PARTS: Readonly<Record<BenchDialect, string>> = {
  chat: '/chat/completions',
  messages: '/messages',
  responses: '/responses',
  gemini: ':generateContent',
};

export type CallSpec = Readonly<{ pace: Pace; dialect: BenchDialect; usage: boolean }>;

/** What the upstream reads from a request; undefined if it is no call. */
export function parseCallSpec(target: string, body: Buffer): CallSpec | undefined {
  const path = target.replace(':streamGenerateContent', ':generateContent');
  const dialect = BENCH_DIALECTS.find((name) => path.includes(PATH_PARTS[name]));
  if (dialect === undefined) return undefined;
  const pace = PACES.find((name) => body.includes(`pace=${name}.`)) ?? 'json';
  const usage = body.includes('"include_usage":true') || body.includes('"include_usage": true');
  return { pace, dialect, usage };
}

const SSE_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n' +
  'x-request-id: req_bench\r\nopenai-processing-ms: 1\r\ntransfer-encoding: chunked\r\n\r\n';

/** A complete unpaced stream including its head, as one write of a few HTTP chunks. */
export function burst(dialect: BenchDialect, usage: boolean): Buffer {
  const { openingEvents, textEvent, finalEvents } = PAYLOADS[dialect];
  const words = Array.from({ length: EVENTS - 1 }, (_, index) => textEvent(` word${index}`, usage));
  const events = [openingEvents() + (words[0] ?? ''), ...words.slice(1), finalEvents(usage)];
  const chunks: string[] = [];
  for (let from = 0; from < events.length; from += EVENTS_PER_CHUNK) {
    chunks.push(chunk(events.slice(from, from + EVENTS_PER_CHUNK).join('')));
  }
  return Buffer.from(SSE_HEAD + chunks.join('') + LAST_CHUNK);
}

/**
 * One write of a paced stream. The first one includes the head; `text` is what its event says.
 */
export function streamChunk(
  { dialect, usage }: Omit<CallSpec, 'pace'>,
  index: number,
  timing: StreamTiming,
  text: string,
): Buffer {
  const { openingEvents, textEvent, finalEvents } = PAYLOADS[dialect];
  if (index === timing.chunks - 1) return Buffer.from(chunk(finalEvents(usage)) + LAST_CHUNK);
  if (index > 0) return Buffer.from(chunk(textEvent(text, usage)));
  return Buffer.from(SSE_HEAD + chunk(openingEvents() + textEvent(text, usage)));
}

/** The writes of a paced stream whose events say nothing of their own, in order. */
export function streamChunks(
  spec: Omit<CallSpec, 'pace'>,
  timing: StreamTiming,
): readonly Buffer[] {
  return Array.from({ length: timing.chunks }, (_, index) =>
    streamChunk(spec, index, timing, ` word${index}`),
  );
}

/** What a frame says: when it was sent, in milliseconds of the machine's monotonic clock. */
export function frameText(sentAtMs: number): string {
  return ` @${sentAtMs.toFixed(3)}@`;
}

/** Returns when each frame in `text` was sent, and what of it may be the start of another. */
export function parseFrames(text: string): Readonly<{ sentAtMs: number[]; rest: string }> {
  const found = [...text.matchAll(/@(\d+\.\d+)@/g)];
  const last = found.at(-1);
  const end = last === undefined ? 0 : last.index + last[0].length;
  return { sentAtMs: found.map(([, time]) => Number(time)), rest: text.slice(end).slice(-64) };
}

/** The time that both the upstream and the load generator read. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function completionResponse(dialect: BenchDialect): Buffer {
  const text = Array.from({ length: EVENTS }, (_, index) => `word${index}`).join(' ');
  return jsonResponse(JSON.stringify(PAYLOADS[dialect].document(text)));
}

/** A complete 200 response with a JSON body. */
export function jsonResponse(body: string): Buffer {
  return Buffer.from(
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\n' +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** A complete request. `fields` differ by subject and account. */
export function renderRequest(
  path: string,
  fields: Readonly<Record<string, string>>,
  body: string,
): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return (
    `POST ${path} HTTP/1.1\r\nhost: bench.local\r\ncontent-type: application/json\r\n` +
    `${lines.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

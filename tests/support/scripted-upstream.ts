/**
 * A provider that does exactly what a test tells it to: answers, waits, truncates, stalls. The code
 * under test is the gateway; the independent mock and the recordings stand in for real providers
 * elsewhere.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

export type ReceivedRequest = Readonly<{
  path: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
  /** The same as it came. */
  bytes: Buffer;
  /** Resolves when the gateway closes its side before the answer is complete. */
  aborted: Promise<void>;
}>;

export type UpstreamHandler = (
  request: ReceivedRequest,
  response: ServerResponse,
) => void | Promise<void>;

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Handles one WebSocket that the gateway has opened; `headers` are those of the handshake. */
export type SocketHandler = (socket: WebSocket, headers: IncomingMessage['headers']) => void;

export class ScriptedUpstream {
  readonly received: ReceivedRequest[] = [];
  handler: UpstreamHandler = (_, response) => {
    response.writeHead(500).end();
  };
  /** Null refuses every WebSocket with 426. */
  socketHandler: SocketHandler | null = null;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<ScriptedUpstream> {
    const server = createServer();
    const upstream = new ScriptedUpstream(server);
    server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
      const aborted = new Promise<void>((resolve) => {
        response.on('close', () => (response.writableFinished ? undefined : resolve()));
      });
      const bytes = await readBody(request).catch(() => Buffer.alloc(0));
      const { url: path = '', headers } = request;
      const received = { path, headers, body: bytes.toString('utf8'), bytes, aborted };
      upstream.received.push(received);
      await upstream.handler(received, response);
    });
    const sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, connection, head) => {
      const handler = upstream.socketHandler;
      if (handler === null) {
        connection.end('HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n\r\n');
        return;
      }
      sockets.handleUpgrade(request, connection, head, (socket) =>
        handler(socket, request.headers),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

export function openStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
}

export function chatChunk(delta: unknown, finish: string | null, usage?: unknown): string {
  const chunk = {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'gpt-4o-mini',
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...(usage === undefined ? {} : { usage }),
  };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

/** Tokens, of which `cached` (0 by default) are part of `input`. */
export type Counts = Readonly<{ input: number; output: number; cached?: number }>;

export function chatUsage({ input, output, cached }: Counts): unknown {
  const details = cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached } };
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    ...details,
  };
}

/** The end of a chat stream, with the usage chunk that OpenAI sends on request. */
export function endChatStream(finish: string, counts: Counts): string[] {
  const usageChunk = {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'gpt-4o-mini',
    choices: [],
    usage: chatUsage(counts),
  };
  return [chatChunk({}, finish), `data: ${JSON.stringify(usageChunk)}\n\n`, 'data: [DONE]\n\n'];
}

/** The events of a chat stream of `words`. */
export function chatEvents(texts: readonly string[], counts: Counts): string[] {
  return [
    chatChunk({ role: 'assistant', content: '' }, null),
    ...texts.map((word) => chatChunk({ content: word }, null)),
    ...endChatStream('stop', counts),
  ];
}

export function chatCompletion(content: string, counts: Counts): unknown {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'gpt-4o-mini',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: chatUsage(counts),
  };
}

function sseEvent(data: { type: string; [name: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

function messageUsage({ input, output, cached }: Counts): object {
  return {
    input_tokens: input - (cached ?? 0),
    ...(cached === undefined ? {} : { cache_read_input_tokens: cached }),
    output_tokens: output,
  };
}

/** The events of an Anthropic stream of one block, which these deltas fill. */
export function messageStream(
  block: object,
  deltas: readonly object[],
  stopReason: string,
  counts: Counts,
): string[] {
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: messageUsage({ ...counts, output: 1 }),
  };
  return [
    sseEvent({ type: 'message_start', message }),
    sseEvent({ type: 'content_block_start', index: 0, content_block: block }),
    ...deltas.map((delta) => sseEvent({ type: 'content_block_delta', index: 0, delta })),
    sseEvent({ type: 'content_block_stop', index: 0 }),
    sseEvent({
      type: 'message_delta',
      delta: { stop_reason: stopReason, stop_sequence: null },
      usage: { output_tokens: counts.output },
    }),
    sseEvent({ type: 'message_stop' }),
  ];
}

/** The events of an Anthropic stream of `words`. */
export function messageEvents(texts: readonly string[], counts: Counts): string[] {
  const deltas = texts.map((text) => ({ type: 'text_delta', text }));
  return messageStream({ type: 'text', text: '' }, deltas, 'end_turn', counts);
}

export function messageResponse(text: string, counts: Counts): unknown {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: messageUsage(counts),
  };
}

export function responseUsage({ input, output, cached = 0 }: Counts): unknown {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + output,
  };
}

const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  created_at: 1_700_000_000,
  status: 'in_progress',
  error: null,
  incomplete_details: null,
  model: 'gpt-4o-mini',
  output: [],
  service_tier: 'default',
  store: false,
  usage: null,
} as const;

/** A response of these items, or of one message. */
export function responseDocument(output: string | readonly object[], counts: Counts): object {
  const content = [{ type: 'output_text', text: output, annotations: [], logprobs: [] }];
  const message = { id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content };
  const items = typeof output === 'string' ? [message] : output;
  return { ...RESPONSE, status: 'completed', output: items, usage: responseUsage(counts) };
}

/** The events of a response that generates nothing and counts nothing. */
export function emptyResponseEvents(): string[] {
  const response = responseDocument([], { input: 0, output: 0 });
  return [
    sseEvent({ type: 'response.created', response: RESPONSE, sequence_number: 0 }),
    sseEvent({ type: 'response.completed', response, sequence_number: 1 }),
  ];
}

/** The events of a stream of Responses of one item, which these events fill. */
export function responseStream(
  added: object,
  filling: readonly Readonly<{ type: string }>[],
  done: object,
  counts: Counts,
): string[] {
  const events = [
    { type: 'response.created', response: RESPONSE },
    { type: 'response.in_progress', response: RESPONSE },
    { type: 'response.output_item.added', output_index: 0, item: added },
    ...filling,
    { type: 'response.output_item.done', output_index: 0, item: done },
    { type: 'response.completed', response: responseDocument([done], counts) },
  ];
  return events.map((event, index) => sseEvent({ ...event, sequence_number: index }));
}

/** The events of a stream of Responses of `texts`. */
export function responseEvents(texts: readonly string[], counts: Counts): string[] {
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  const item = {
    id: 'msg_1',
    type: 'message',
    status: 'in_progress',
    role: 'assistant',
    content: [],
  };
  const text = texts.join('');
  const part = { type: 'output_text', text, annotations: [], logprobs: [] };
  const done = { ...item, status: 'completed', content: [part] };
  const filling = [
    { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
    ...texts.map((delta) => ({
      type: 'response.output_text.delta',
      ...place,
      delta,
      logprobs: [],
    })),
    { type: 'response.output_text.done', ...place, text, logprobs: [] },
    { type: 'response.content_part.done', ...place, part },
  ];
  return responseStream(item, filling, done, counts);
}

/** How a scripted stream ends: completely, with a broken connection, or never. */
export type StreamEnd = 'end' | 'cut' | 'hang';

/** Writes `events` one by one, `gapMs` apart; stops early once the gateway has disconnected. */
export async function sendStream(
  response: ServerResponse,
  events: readonly string[],
  gapMs = 0,
  end: StreamEnd = 'end',
): Promise<void> {
  openStream(response);
  for (const chunk of events) {
    if (response.destroyed) return;
    response.write(chunk);
    if (gapMs > 0) await sleep(gapMs);
  }
  if (end === 'end') response.end();
  if (end === 'cut') response.destroy();
}

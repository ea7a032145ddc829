/** A small call in each dialect, and what a provider answers: for tests that hold in all of them. */
import { geminiEvents, geminiResponse } from './gemini-upstream.ts';
import {
  type Counts,
  chatCompletion,
  chatEvents,
  messageEvents,
  messageResponse,
  responseDocument,
  responseEvents,
} from './scripted-upstream.ts';

type DialectCall = Readonly<{
  model: string;
  path: (stream: boolean) => string;
  body: (prompt: string, stream: boolean, maxOutput: number) => object;
  document: (text: string, counts: Counts) => object;
  /** The pieces of a stream of these texts, as the provider writes them. */
  events: (texts: readonly string[], counts: Counts) => readonly string[];
  /** In nano-USD a token, by the provider's price list. */
  prices: Readonly<{ input: bigint; output: bigint }>;
}>;

const MODELS = {
  openai: 'gpt-4o-mini',
  anthropic: 'claude-sonnet-4-5',
  google: 'gemini-3.5-flash',
};
const DEFAULT_MAX_OUTPUT = 4000;

function toMessages(prompt: string) {
  return [{ role: 'user', content: prompt }];
}

export const DIALECT_CALLS = {
  chat: {
    model: MODELS.openai,
    path: () => '/v1/chat/completions',
    body: (prompt, stream, maxOutput) => ({
      ...{ model: MODELS.openai, messages: toMessages(prompt), max_tokens: maxOutput, stream },
    }),
    document: (text, counts) => Object(chatCompletion(text, counts)),
    events: chatEvents,
    prices: { input: 150n, output: 600n },
  },
  messages: {
    model: MODELS.anthropic,
    path: () => '/v1/messages',
    body: (prompt, stream, maxOutput) => ({
      ...{ model: MODELS.anthropic, messages: toMessages(prompt), max_tokens: maxOutput, stream },
    }),
    document: (text, counts) => Object(messageResponse(text, counts)),
    events: messageEvents,
    prices: { input: 3000n, output: 15_000n },
  },
  responses: {
    model: MODELS.openai,
    path: () => '/v1/responses',
    body: (prompt, stream, maxOutput) => ({
      ...{ model: MODELS.openai, input: prompt, max_output_tokens: maxOutput, stream },
    }),
    document: responseDocument,
    events: responseEvents,
    prices: { input: 150n, output: 600n },
  },
  gemini: {
    model: MODELS.google,
    path: (stream) =>
      `/v1beta/models/${MODELS.google}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: (prompt, _stream, maxOutput) => ({
      contents: [{ role: 'user', parts: [{ text: prompt }] }],
      generationConfig: { maxOutputTokens: maxOutput },
    }),
    document: (text, counts) => geminiResponse([{ text }], counts),
    events: (texts, counts) =>
      geminiEvents(texts, counts).map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`),
    prices: { input: 1500n, output: 9000n },
  },
} as const satisfies Record<string, DialectCall>;

export type CallDialect = keyof typeof DIALECT_CALLS;
export const CALL_DIALECTS: readonly CallDialect[] = ['chat', 'messages', 'responses', 'gemini'];

export type CallOptions = Readonly<{
  prompt?: string;
  stream?: boolean;
  /** 4,000 tokens by default. */
  maxOutput?: number;
  headers?: Readonly<Record<string, string>>;
  /** Members of the body beside those of every call. */
  fields?: object;
  signal?: AbortSignal;
}>;

/** Makes the call of a dialect with this key. */
export function callDialect(
  gatewayUrl: string,
  apiKey: string,
  dialect: CallDialect,
  options: CallOptions = {},
): Promise<Response> {
  const { prompt = 'Name a river.', stream = false, headers, fields, signal } = options;
  const { path, body } = DIALECT_CALLS[dialect];
  const call = body(prompt, stream, options.maxOutput ?? DEFAULT_MAX_OUTPUT);
  return fetch(gatewayUrl + path(stream), {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, ...headers },
    body: JSON.stringify({ ...call, ...fields }),
    ...(signal === undefined ? {} : { signal }),
  });
}

type GeminiError = Readonly<{ details: readonly Readonly<{ reason?: string }>[] }>;

/** Returns our code in an error of a dialect. */
export function readErrorCode(dialect: CallDialect, body: unknown): string | undefined {
  const { error } = Object(body) as { error: { code?: string } & GeminiError };
  if (dialect !== 'gemini') return error.code;
  return error.details.find(({ reason }) => reason !== undefined)?.reason?.toLowerCase();
}

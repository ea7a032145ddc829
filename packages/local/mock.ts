/**
 * The mock of all providers: @copilotkit/aimock on a loopback port answers every request with one
 * sentence and a token count. It is independent software, so that our reading of a dialect isn't
 * tested against itself. What it lacks is added here (count_tokens, DeepSeek's second address).
 */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { LLMock, type Mountable } from '@copilotkit/aimock';
import { requireFreePort } from './ports.ts';

export type MockProviders = Readonly<{ url: string; stop(): Promise<void> }>;

const SENTENCE = 'Hello from the mock: no model was called, but the tokens are counted.';

/** Four characters per token: close enough for a mock, and deterministic. */
function estimateTokens(value: unknown): number {
  return Math.max(1, Math.ceil(JSON.stringify(value ?? '').length / 4));
}

function buildUsage(input: number, output: number) {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    input_tokens: input,
    output_tokens: output,
    promptTokenCount: input,
    candidatesTokenCount: output,
    totalTokenCount: input + output,
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Anthropic's token counting, which aimock lacks. */
const COUNT_TOKENS: Mountable = {
  handleRequest: async (request: IncomingMessage, response: ServerResponse) => {
    const text = await readBody(request);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ input_tokens: Math.ceil(text.length / 4) }));
    return true;
  },
};

/** Gemini's token counting, which aimock lacks; other methods of a model are its own. */
const GEMINI_COUNT_TOKENS: Mountable = {
  handleRequest: async (request: IncomingMessage, response: ServerResponse, pathname: string) => {
    if (!pathname.endsWith(':countTokens')) return false;
    const text = await readBody(request);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ totalTokens: Math.ceil(text.length / 4) }));
    return true;
  },
};

/** Forwards a path prefix to the mock: DeepSeek serves Messages under /anthropic. */
function forwardTo(origin: () => string): Mountable {
  return {
    handleRequest: async (request, response, pathname) => {
      const { method, headers } = request;
      const target = new URL(pathname === '' ? '/' : pathname, origin());
      const upstreamRequest = httpRequest(target.href, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      upstreamRequest.on('error', () => response.destroy());
      response.on('close', () => upstreamRequest.destroy());
      request.pipe(upstreamRequest);
      return true;
    },
  };
}

export async function startMock(port: number): Promise<MockProviders> {
  await requireFreePort(port, 'mock');
  const mock = new LLMock({ port, host: '127.0.0.1', logLevel: 'silent', journalMaxEntries: 1 });
  mock.onEmbedding(/[\s\S]*/, { embedding: Array.from({ length: 16 }, (_, index) => index / 16) });
  mock.on({ predicate: () => true }, (request) => ({
    content: SENTENCE,
    usage: buildUsage(estimateTokens(request.messages), estimateTokens(SENTENCE)),
  }));
  mock.mount('/v1/messages/count_tokens', COUNT_TOKENS);
  mock.mount('/v1beta/models', GEMINI_COUNT_TOKENS);
  mock.mount(
    '/anthropic',
    forwardTo(() => mock.url),
  );
  await mock.start();
  return { url: mock.url, stop: () => mock.stop() };
}

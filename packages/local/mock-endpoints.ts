/**
 * What @copilotkit/aimock lacks: counting of tokens, version v1 and batches of Gemini's API,
 * compaction of Responses, and embeddings, images and rankings that report what they used.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { LLMock, Mountable } from '@copilotkit/aimock';

type Fields = Readonly<Record<string, unknown>>;

/** Four characters per token: close enough for a mock, and deterministic. */
export function estimateTokens(value: unknown): number {
  return Math.max(1, Math.ceil(JSON.stringify(value ?? '').length / 4));
}

/** Models make some 1,000 tokens of an image (OpenAI, guide "Image generation", medium quality). */
const TOKENS_PER_IMAGE = 1056;
/** One transparent pixel. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const VECTOR = Array.from({ length: 16 }, (_, index) => index / 16);

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The members of a JSON body; none of a form. */
function readFields(text: string): Fields {
  try {
    const body: unknown = JSON.parse(text);
    return isFields(body) ? body : {};
  } catch {
    return {};
  }
}

/** Answers a request whose path ends so; others of the same prefix are aimock's. */
function answerTo(suffix: string, answer: (fields: Fields, text: string) => Fields): Mountable {
  return {
    handleRequest: async (request, response, pathname) => {
      if (request.method !== 'POST' || !pathname.endsWith(suffix)) return false;
      const text = await readBody(request);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer(readFields(text), text)));
      return true;
    },
  };
}

/** Forwards calls below a path prefix to the mock, to a path of its own. */
function forwardTo(mock: LLMock, prefix = ''): Mountable {
  return {
    handleRequest: async (request, response, pathname) => {
      const { method, headers } = request;
      if (method !== 'POST') return false;
      const { search } = new URL(request.url ?? '/', mock.url);
      const target = new URL(prefix + pathname + search, mock.url);
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

/** SDKs ask for base64 of little-endian floats unless the caller wants numbers. */
function encodeVector(format: unknown): string | readonly number[] {
  if (format !== 'base64') return VECTOR;
  return Buffer.from(new Float32Array(VECTOR).buffer).toString('base64');
}

/** An input is a text, a list of texts, the tokens of one text, or a list of such. */
function answerEmbeddings({ model, input, encoding_format: format }: Fields): Fields {
  const isList = Array.isArray(input) && typeof input[0] !== 'number';
  const inputs: readonly unknown[] = isList ? input : [input];
  const tokens = inputs.reduce<number>((sum, text) => sum + estimateTokens(text), 0);
  const data = inputs.map((_, index) => ({
    object: 'embedding',
    index,
    embedding: encodeVector(format),
  }));
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return { object: 'list', data, model, usage };
}

function answerBatch({ requests }: Fields): Fields {
  const texts: readonly unknown[] = Array.isArray(requests) ? requests : [];
  const promptTokenCount = estimateTokens(texts);
  return { embeddings: texts.map(() => ({ values: VECTOR })), usageMetadata: { promptTokenCount } };
}

/** Forms are answered with one image. */
function answerImages({ n, prompt }: Fields): Fields {
  const count = typeof n === 'number' ? n : 1;
  const input = estimateTokens(prompt);
  const output = count * TOKENS_PER_IMAGE;
  return {
    created: Math.floor(Date.now() / 1000),
    data: Array.from({ length: count }, () => ({ b64_json: PNG })),
    usage: {
      input_tokens: input,
      input_tokens_details: { text_tokens: input, image_tokens: 0 },
      output_tokens: output,
      total_tokens: input + output,
    },
  };
}

function answerCompaction({ input }: Fields): Fields {
  const read = estimateTokens(input);
  return {
    id: 'resp_mock',
    object: 'response.compaction',
    created_at: Math.floor(Date.now() / 1000),
    output: [{ id: 'cmp_mock', type: 'compaction', encrypted_content: 'bW9jaw==' }],
    usage: { input_tokens: read, output_tokens: 8, total_tokens: read + 8 },
  };
}

/** Cohere bills a search for each hundred documents ("How does Cohere's pricing work?"). */
const DOCUMENTS_PER_SEARCH = 100;

/** The first document is the best one. */
function answerRanking({ documents, top_n: limit }: Fields): Fields {
  const count = Array.isArray(documents) ? documents.length : 0;
  const ranked = Math.min(count, typeof limit === 'number' ? limit : count);
  const results = Array.from({ length: ranked }, (_, index) => ({
    index,
    relevance_score: 1 / (index + 1),
  }));
  const searches = Math.max(1, Math.ceil(count / DOCUMENTS_PER_SEARCH));
  return { id: 'rank_mock', results, meta: { billed_units: { search_units: searches } } };
}

/** In the order in which aimock tries them. */
export function mountEndpoints(mock: LLMock): void {
  const countText = (text: string) => Math.ceil(text.length / 4);
  const toInputTokens = (_: Fields, text: string) => ({ input_tokens: countText(text) });
  const toTotalTokens = (_: Fields, text: string) => ({ totalTokens: countText(text) });
  const endpoints: readonly (readonly [path: string, endpoint: Mountable])[] = [
    ['/v1/messages/count_tokens', answerTo('', toInputTokens)],
    ['/v1/responses/input_tokens', answerTo('', toInputTokens)],
    ['/v1/responses/compact', answerTo('', answerCompaction)],
    ['/v1/embeddings', answerTo('', answerEmbeddings)],
    ['/v1beta/openai/embeddings', answerTo('', answerEmbeddings)],
    ['/v1/images/generations', answerTo('', answerImages)],
    ['/v1/images/edits', answerTo('', answerImages)],
    ['/v2/rerank', answerTo('', answerRanking)],
    ['/v1beta/models', answerTo(':countTokens', toTotalTokens)],
    ['/v1beta/models', answerTo(':batchEmbedContents', answerBatch)],
    // Google's SDK calls v1 since its third major release; aimock knows v1beta.
    ['/v1/models', forwardTo(mock, '/v1beta/models')],
    // DeepSeek serves Messages there.
    ['/anthropic', forwardTo(mock)],
  ];
  for (const [path, endpoint] of endpoints) mock.mount(path, endpoint);
}

/**
 * What the document says of each endpoint. Paths, dialects and kinds of bodies come from the specs by
 * which the gateway routes; the types ask for a new endpoint or operation.
 */
import {
  DIALECT_SPECS,
  type Dialect,
  ENDPOINT_SPECS,
  OPERATION_SPECS,
  type Operation,
  type UpstreamEndpoint,
} from '@farebox/dialects';
import { MAX_BODY_BYTES, MAX_FILE_BODY_BYTES } from '../body-reader.ts';
import { COST_FORMS, COST_HEADER } from '../cost-report.ts';
import type { Step } from './error-steps.ts';
import { ID_HEADERS, QUOTA_HEADERS } from './headers.ts';
import type { Content, OperationObject, Parameter, ResponseObject, Schema } from './json-schema.ts';
import {
  errorResponses,
  RELAYED,
  RELAYED_OPERATION,
  RELAYED_RESPONSES,
  TOKEN_COUNT,
} from './responses.ts';

export type Endpoint = Readonly<{
  method: 'get' | 'post';
  path: string;
  operation: OperationObject;
}>;

const BODY: Schema = {
  type: 'object',
  additionalProperties: true,
  description: 'The request body as the provider documents it.',
};
const FORM: Schema = {
  type: 'object',
  additionalProperties: true,
  description: 'The form as the provider documents it. Each field once; the file has a file name.',
};

const INCLUDE_COST: Parameter = {
  name: COST_HEADER,
  in: 'header',
  description:
    'States the cost in the answer too: as the member cost beside usage in a document; in a stream as a comment (true, comment) or an event (event) before the last word. It has usd, nano_usd, reason and price_rule and, where the platform has a margin, margin_percent and nano_usd_at_provider_prices. Without it the answer is the provider’s, byte for byte.',
  schema: { enum: [...COST_FORMS.keys()].filter((form) => form !== null), default: 'false' },
};

export const BODY_STEPS = ['request', 'key', 'body', 'model'] as const satisfies readonly Step[];
const COUNT_STEPS: readonly Step[] = [...BODY_STEPS, 'provider'];
const CALL_STEPS: readonly Step[] = [...COUNT_STEPS, 'hold'];

type Words = Readonly<{
  operationId: string;
  summary: string;
  description: string;
  /** A body that the endpoint takes; of a form, its text fields. */
  example: unknown;
}>;

const HELLO = [{ role: 'user', content: 'Hello' }];
const GOOGLE_HELLO = { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] };

/** The endpoints whose requests have a body that names the model; `gemini` and its kin are below. */
const ENDPOINT_WORDS: Readonly<
  Record<Exclude<UpstreamEndpoint, 'responses_socket' | 'gemini' | 'gemini_count_tokens'>, Words>
> = {
  chat: {
    operationId: 'createChatCompletion',
    summary: 'Create a chat completion',
    description: 'Name a model as provider/model or by the provider’s own id.',
    example: { model: 'openai/gpt-5.4', max_tokens: 100, messages: HELLO },
  },
  messages: {
    operationId: 'createMessage',
    summary: 'Create a message',
    description:
      'The headers anthropic-version and anthropic-beta and the query string are forwarded.',
    example: { model: 'anthropic/claude-opus-5-5', max_tokens: 100, messages: HELLO },
  },
  count_tokens: {
    operationId: 'countTokens',
    summary: 'Count tokens',
    description: 'Free of charge.',
    example: { model: 'anthropic/claude-opus-5-5', messages: HELLO },
  },
  responses: {
    operationId: 'createResponse',
    summary: 'Create a response',
    description:
      'OpenAI’s Responses, at the providers that speak it. Responses are not stored: a request without store is sent with store false, and previous_response_id, conversation, prompt and background are refused. Tools that a provider runs are accepted where a price bounds them.',
    example: { model: 'openai/gpt-5.4', max_output_tokens: 100, input: 'Hello' },
  },
  responses_compact: {
    operationId: 'compactConversation',
    summary: 'Compact a conversation',
    description: 'A call like any other: its tokens are billed.',
    example: { model: 'openai/gpt-5.4', input: 'Hello' },
  },
  responses_input_tokens: {
    operationId: 'countTokensOfResponse',
    summary: 'Count the tokens of a response',
    description: 'Free of charge.',
    example: { model: 'openai/gpt-5.4', input: 'Hello' },
  },
};

const OPERATION_WORDS: Readonly<Record<Operation, Words>> = {
  embeddings: {
    operationId: 'createEmbeddings',
    summary: 'Create embeddings',
    description:
      'Billed by the tokens that the provider reports; where it reports none, by their estimate.',
    example: { model: 'openai/text-embedding-3-small', input: 'Hello' },
  },
  images: {
    operationId: 'createImages',
    summary: 'Create images',
    description:
      'Billed by the tokens that the provider reports, or by the image at its size and quality.',
    example: { model: 'openai/gpt-image-2.6-flare', prompt: 'A cat' },
  },
  image_edits: {
    operationId: 'editImages',
    summary: 'Edit images',
    description: 'As images that are created; pictures that are read are billed too.',
    example: { model: 'openai/gpt-image-2.6-flare', prompt: 'With a hat' },
  },
  speech: {
    operationId: 'speakText',
    summary: 'Speak a text',
    description:
      'Billed by the character, or by the tokens that the last event of a stream reports; without a stream those of models with tokens are counted by the length of the recording.',
    example: { model: 'openai/tts-1', voice: 'alloy', input: 'Hello' },
  },
  transcriptions: {
    operationId: 'transcribeRecording',
    summary: 'Transcribe a recording',
    description:
      'Billed by the seconds or the tokens that the provider reports; subtitles and plain text by the length of the recording.',
    example: { model: 'openai/gpt-transcribe' },
  },
  translations: {
    operationId: 'translateRecordingIntoEnglish',
    summary: 'Translate a recording into English',
    description: 'Billed as a transcription.',
    example: { model: 'openai/whisper-1' },
  },
  moderations: {
    operationId: 'checkTextOrImage',
    summary: 'Check a text or an image',
    description: 'Free of charge. A request that names no model gets omni-moderation-latest.',
    example: { model: 'openai/omni-moderation-latest', input: 'Hello' },
  },
  rerank: {
    operationId: 'rankDocuments',
    summary: 'Rank documents',
    description:
      'Billed by the search units, or the tokens, that the provider reports; where it reports none, one unit for a query and up to 100 documents of 500 tokens.',
    example: { model: 'cohere/rerank-v3.5', query: 'Hello', documents: ['Hi', 'Bye'] },
  },
};

type Posted = Readonly<{
  tag: string;
  words: Omit<Words, 'example'>;
  content: Content;
  parameters?: readonly Parameter[];
  answer: ResponseObject;
  steps: readonly Step[];
  dialect: Dialect;
  maxBytes?: number;
}>;

/** An endpoint whose answer is the provider's. */
function post(path: string, posted: Posted): Endpoint {
  const { tag, words, content, parameters, answer, steps, dialect } = posted;
  const errors = errorResponses({ steps, dialect, maxBytes: posted.maxBytes ?? MAX_BODY_BYTES });
  return {
    method: 'post',
    path,
    operation: {
      operationId: words.operationId,
      tags: [tag],
      summary: words.summary,
      description: words.description,
      ...(parameters === undefined ? {} : { parameters }),
      requestBody: { required: true, content },
      responses: { 200: answer, ...errors },
    },
  };
}

function buildConversation(endpoint: keyof typeof ENDPOINT_WORDS): Endpoint {
  const { path, dialect, kind } = ENDPOINT_SPECS[endpoint];
  const { example, ...words } = ENDPOINT_WORDS[endpoint];
  const isCount = kind === 'count';
  const relayed = endpoint === 'responses' ? RELAYED_RESPONSES : RELAYED;
  return post(path, {
    tag: 'Conversations',
    words,
    content: { 'application/json': { schema: BODY, example } },
    ...(isCount ? {} : { parameters: [INCLUDE_COST] }),
    answer: isCount ? TOKEN_COUNT : relayed,
    steps: isCount ? COUNT_STEPS : CALL_STEPS,
    dialect,
  });
}

function buildOperation(operation: Operation): Endpoint {
  const { path, body } = OPERATION_SPECS[operation];
  const { example, ...words } = OPERATION_WORDS[operation];
  const form: Content = body === 'json' ? {} : { 'multipart/form-data': { schema: FORM, example } };
  const document: Content =
    body === 'multipart' ? {} : { 'application/json': { schema: BODY, example } };
  return post(path, {
    tag: 'Operations',
    words,
    content: { ...form, ...document },
    parameters: [INCLUDE_COST],
    answer: RELAYED_OPERATION,
    steps: CALL_STEPS,
    dialect: 'chat',
    maxBytes: body === 'json' ? MAX_BODY_BYTES : MAX_FILE_BODY_BYTES,
  });
}

/** Google's version of the API and the one that its older clients name. */
function buildGeminiMethods(path: string, operationId: string): Endpoint {
  return post(path, {
    tag: 'Conversations',
    words: {
      operationId,
      summary: 'Gemini’s methods of a model',
      description:
        'The body and the answer are Google’s (https://ai.google.dev/api). streamGenerateContent answers with server-sent events where the query has alt=sse, else with one JSON array in pieces. countTokens is free; for a model of another provider it is our estimate, with estimated: true. Of the query only alt is read; a key in it is refused (api_key_in_url): send it in x-goog-api-key. Errors have Google’s shape.',
    },
    parameters: [
      {
        name: 'modelAndMethod',
        in: 'path',
        required: true,
        description:
          'The model, a colon, and generateContent, streamGenerateContent, countTokens, embedContent or batchEmbedContents.',
        schema: { type: 'string' },
        example: 'gemini-3.8-flash:generateContent',
      },
      { name: 'alt', in: 'query', schema: { type: 'string', enum: ['sse', 'json'] } },
      INCLUDE_COST,
    ],
    content: { 'application/json': { schema: BODY, example: GOOGLE_HELLO } },
    answer: { ...RELAYED, headers: { ...RELAYED.headers, ...TOKEN_COUNT.headers } },
    steps: CALL_STEPS,
    dialect: 'gemini',
  });
}

const SOCKET: Endpoint = {
  method: 'get',
  path: ENDPOINT_SPECS.responses_socket.path,
  operation: {
    operationId: 'openWebSocketResponses',
    tags: ['Conversations'],
    summary: 'Open a WebSocket for responses',
    description:
      'With Upgrade: websocket. Each event response.create of the client has the fields of POST /v1/responses and is a call with a hold and a bill of its own; previous_response_id names a response that was made on the same connection. Calls are made one after another; up to eight messages, one of them above 64 KB, may be in line. The first call has the id of the handshake’s x-request-id, each further one the next number (both as hexadecimal numbers of 32 digits); a call that was declined has used up its number. The provider’s connection, and with it what previous_response_id may name, ends after an error and after ten minutes without a call; this one ends after an hour without a message (1001), and where far too much was sent that was not read (1009). An account may have 100 of them at a time. An error that ends no call is an event of the type error with a status.',
    responses: {
      101: { description: 'The connection is open.', headers: { ...ID_HEADERS, ...QUOTA_HEADERS } },
      ...errorResponses({ steps: ['request', 'key', 'socket'], dialect: 'responses' }),
    },
  },
};

function isWorded(endpoint: string): endpoint is keyof typeof ENDPOINT_WORDS {
  return Object.hasOwn(ENDPOINT_WORDS, endpoint);
}

/** The path of `gemini` is the one method; the router takes every method of a model there. */
const GEMINI_PATHS = ['/v1/models/{modelAndMethod}', '/v1beta/models/{modelAndMethod}'] as const;

export const RELAYED_ENDPOINTS: readonly Endpoint[] = [
  ...Object.keys(ENDPOINT_WORDS).filter(isWorded).map(buildConversation),
  SOCKET,
  buildGeminiMethods(GEMINI_PATHS[0], 'callGeminiMethod'),
  buildGeminiMethods(GEMINI_PATHS[1], 'callGeminiMethodBeta'),
  ...(Object.keys(OPERATION_SPECS) as readonly Operation[]).map(buildOperation),
];

/** The bounds of a page of models, as the dialect reads them. */
export function modelPage(dialect: Dialect): Readonly<{ defaultLimit: number; maxLimit: number }> {
  const { page } = DIALECT_SPECS[dialect].modelList;
  if (page === null) throw new Error(`${dialect} has no pages of models`);
  return page;
}

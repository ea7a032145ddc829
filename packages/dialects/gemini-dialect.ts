/** The spec of Gemini's generateContent, as Google's API defines it. */
import { buildConfusableNames } from './analysis.ts';
import type {
  DialectSpec,
  ErrorBody,
  ErrorKind,
  ModelFacts,
  RequestSpec,
  StreamPlace,
} from './dialect-spec.ts';
import {
  CHAT_PATH,
  GEMINI_EMBED_PATH,
  GEMINI_PATH,
  MESSAGES_PATH,
  RESPONSES_PATH,
} from './endpoint-paths.ts';
import {
  createGeminiAssembler,
  isGeminiAnswer,
  isGeminiEvent,
  readGeminiEvent,
} from './gemini-answer.ts';
import { GeminiPromptReader } from './gemini-prompt.ts';
import {
  GEMINI_COUNT_RULES,
  GEMINI_RULES,
  MAX_CANDIDATES,
  toProtoInteger,
} from './gemini-rules.ts';
import { normalizeGeminiUsage } from './gemini-usage.ts';
import { childObject, isJsonObject, type JsonObject } from './json-fields.ts';
import { buildKeyTable, type KeyRole } from './key-table.ts';
import { MESSAGE_MEMBERS } from './prompt-members.ts';
import { toProtoName } from './proto-names.ts';
import { GOOGLE_COLLECTIONS } from './refused-collections.ts';

/** The code of an error, by its kind (cloud.google.com/apis/design/errors, google.rpc.Code). */
const STATUSES: Readonly<Record<ErrorKind, Readonly<{ code: number; status: string }>>> = {
  invalid_request: { code: 400, status: 'INVALID_ARGUMENT' },
  request_too_large: { code: 413, status: 'INVALID_ARGUMENT' },
  authentication: { code: 401, status: 'UNAUTHENTICATED' },
  billing: { code: 402, status: 'FAILED_PRECONDITION' },
  permission: { code: 403, status: 'PERMISSION_DENIED' },
  not_found: { code: 404, status: 'NOT_FOUND' },
  rate_limit: { code: 429, status: 'RESOURCE_EXHAUSTED' },
  overloaded: { code: 503, status: 'UNAVAILABLE' },
  timeout: { code: 504, status: 'DEADLINE_EXCEEDED' },
  internal: { code: 500, status: 'INTERNAL' },
};

/** A detail of an error: https://github.com/googleapis/googleapis, google/rpc/error_details.proto. */
function toDetail(type: string, members: JsonObject): JsonObject {
  return { '@type': `type.googleapis.com/google.rpc.${type}`, ...members };
}

function requestInfo(requestId: string): JsonObject {
  return toDetail('RequestInfo', { requestId });
}

function toMetadata(details: ErrorBody['details'], param: string | null): JsonObject {
  const entries = Object.entries(details).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return { ...Object.fromEntries(entries), ...(param === null ? {} : { field: param }) };
}

function ignore(): void {}

const GEMINI_REQUEST: RequestSpec = {
  rules: GEMINI_RULES,
  confusableNames: buildConfusableNames(GEMINI_RULES),
  toFieldName: toProtoName,
  readInteger: toProtoInteger,
  target: 'url',
  createPromptReader: (scanner, analysis) => new GeminiPromptReader(scanner, analysis),
  promptFields: new Map([
    ['contents', 'content'],
    ['systemInstruction', 'content'],
    ['tools', 'tool_list'],
  ]),
  requiredField: 'contents',
  wrongEndpointMarkers: {
    messages: { kinds: ['array'], correctEndpoint: CHAT_PATH, unlessPresent: 'contents' },
    system: {
      kinds: ['string', 'array'],
      correctEndpoint: MESSAGES_PATH,
      unlessPresent: 'contents',
    },
    input: {
      kinds: ['string', 'array'],
      correctEndpoint: RESPONSES_PATH,
      unlessPresent: 'contents',
    },
  },
  outputLimit: {
    parent: 'generationConfig',
    fields: ['maxOutputTokens'],
    required: false,
    min: 1,
    minInjected: 1,
    // The most tokens in a candidate (https://ai.google.dev/api/generate-content).
    isPerTurn: false,
  },
  choices: { parent: 'generationConfig', field: 'candidateCount', max: MAX_CANDIDATES },
  defaults: [],
  outputLimitFieldVaries: false,
  hasUsageOption: false,
  // Implicit caching is billed when it is read; caches that a caller makes are refused.
  mayCacheUnasked: false,
  maxToolsPreambleTokens: 0,
  // The reader of its prompt has no use for these.
  promptMembers: MESSAGE_MEMBERS,
  checkCacheControl: null,
  checkMessage: ignore,
  checkPart: ignore,
  checkUnknownField: ignore,
  checkUnknownMember: ignore,
  checkUnknownToolMember: ignore,
  checkTool: ignore,
  checkRequest: ignore,
  forwardedHeaders: [],
};

/** Of countTokens: `contents`, or a whole request. */
export const GEMINI_COUNT_REQUEST: RequestSpec = {
  ...GEMINI_REQUEST,
  rules: GEMINI_COUNT_RULES,
  confusableNames: buildConfusableNames(GEMINI_COUNT_RULES),
  promptFields: new Map([...GEMINI_REQUEST.promptFields, ['generateContentRequest', 'request']]),
};

const KEYS: Readonly<Record<string, KeyRole>> = {
  text: 'text',
  name: 'tool_call_name',
  args: 'tool_input',
  // A function's arguments in parts (`streamFunctionCallArguments`).
  stringValue: 'text',
  // Code that the model writes for Google to run.
  code: 'text',
  // The results of Google's own tools are no output of the model.
  toolResponse: 'opaque',
  codeExecutionResult: 'opaque',
  // The passages of the answer that it supports are repeated in it.
  groundingMetadata: 'significant_opaque',
  citationMetadata: 'opaque',
  usageMetadata: 'significant_value',
  finishReason: 'significant_value',
  blockReason: 'significant_value',
  error: 'significant_value',
};

const KEY_TABLE = buildKeyTable(KEYS);
/** An event has the members of a whole answer, and each counts everything so far. */
const EVENT_KEY_TABLE = buildKeyTable({ ...KEYS, usageMetadata: 'running_usage' });

function frameGeminiEvent(event: JsonObject): string {
  return `data: ${JSON.stringify(event)}\r\n\r\n`;
}

/** https://ai.google.dev/api/models: a resource of Google's API, without what no source here says. */
function toGeminiModel(model: ModelFacts): JsonObject {
  const isConversational = model.operations.length === 0;
  return {
    name: `models/${model.upstreamName}`,
    baseModelId: model.upstreamName,
    displayName: model.displayName,
    inputTokenLimit: model.contextWindow,
    ...(isConversational ? { outputTokenLimit: model.maxOutput } : {}),
    supportedGenerationMethods: isConversational
      ? ['generateContent', 'countTokens']
      : ['embedContent', 'batchEmbedContents'],
    ...(model.reasoning === undefined ? {} : { thinking: model.reasoning }),
  };
}

function isNativeError(body: unknown): boolean {
  if (!isJsonObject(body) || !isJsonObject(body.error)) return false;
  const { code, message, status } = body.error;
  return typeof message === 'string' && typeof code === 'number' && typeof status === 'string';
}

/** In an array an error is its last element. */
function toErrorEvent(json: string, { format, eventCount }: StreamPlace): string {
  if (format === 'events') return `data: ${json}\r\n\r\n`;
  return `${eventCount === 0 ? '[' : ',\r\n'}${json}\n]`;
}

export const GEMINI_DIALECT: DialectSpec = {
  path: GEMINI_PATH,
  pathPrefix: '/v1beta/',
  // Google's SDKs send the key in it, and no other does.
  identifyingHeader: 'x-goog-api-key',
  keyParameters: ['key', '$key', 'access_token', '$access_token', 'oauth_token'],
  refusedCollections: GOOGLE_COLLECTIONS,
  request: GEMINI_REQUEST,
  answer: {
    keyTable: KEY_TABLE,
    eventKeyTable: EVENT_KEY_TABLE,
    endMarker: null,
    isEndMarkerOptional: false,
    readEvent: readGeminiEvent,
    isAnswer: isGeminiAnswer,
    isEvent: isGeminiEvent,
    isWholeEvent: () => false,
    keptMembers: {
      usageMetadata: true,
      error: true,
      promptFeedback: { blockReason: true },
      candidates: {
        index: true,
        finishReason: true,
        groundingMetadata: {
          webSearchQueries: true,
          imageSearchQueries: true,
          googleMapsWidgetContextToken: true,
          groundingChunks: { maps: {} },
        },
      },
    },
    isUsageOnly: () => false,
    repairEvent: (event) => event,
    hasNamedEvents: false,
    toEvents: (document) => [document],
    toCostEvent: (cost) => ({ cost }),
    frameEvent: frameGeminiEvent,
    createAssembler: createGeminiAssembler,
    lastWord: '',
    endsWithAnswer: false,
    // Google's SDK for Python takes a comment for data.
    costForm: 'event',
    normalizeUsage: normalizeGeminiUsage,
    cacheWriteLifetimes: 'reported',
    // Google's SDK for Python takes a comment for data, and every parser skips an empty line.
    keepAliveBytes: new TextEncoder().encode('\r\n'),
  },
  errors: {
    toJson: ({ kind, status, message, code, param, details, retryAfterSeconds, requestId }) => {
      const info = { reason: code.toUpperCase(), domain: 'farebox' };
      const metadata = toMetadata(details, param);
      const retry =
        retryAfterSeconds === null
          ? []
          : [toDetail('RetryInfo', { retryDelay: `${retryAfterSeconds}s` })];
      const error = {
        code: status,
        message,
        status: STATUSES[kind].status,
        details: [toDetail('ErrorInfo', { ...info, metadata }), ...retry, requestInfo(requestId)],
      };
      return JSON.stringify({ error });
    },
    rewriteToJson: (kind, message, requestId) => {
      const error = { ...STATUSES[kind], message, details: [requestInfo(requestId)] };
      return JSON.stringify({ error });
    },
    forwardToJson: (body, requestId) => {
      const forwarded = isJsonObject(body) ? body : {};
      const error = childObject(forwarded, 'error');
      const details = Array.isArray(error.details) ? error.details : [];
      const all = [...details, requestInfo(requestId)];
      return JSON.stringify({ ...forwarded, error: { ...error, details: all } });
    },
    toEvent: toErrorEvent,
    isNative: isNativeError,
    isNativeEvent: isNativeError,
    overloadedStatus: 503,
  },
  modelList: {
    page: {
      defaultLimit: 50,
      maxLimit: 1000,
      limitParameter: 'pageSize',
      afterParameter: 'pageToken',
      beforeParameter: null,
      isLimitLenient: true,
    },
    native: { listName: 'models', toModel: toGeminiModel },
    onlyCallable: true,
    operations: { embeddings: GEMINI_EMBED_PATH },
    bounds: (ids, hasMore) => (hasMore ? { nextPageToken: ids.at(-1) } : {}),
  },
};

/** The spec of Chat Completions, as OpenAI and compatible providers speak it. */
import { buildConfusableNames } from './analysis.ts';
import { BODY_TARGET } from './body-target.ts';
import {
  createChatAssembler,
  isChatAnswer,
  isChatEvent,
  isUsageOnlyChunk,
  isWholeChatEvent,
  readChatEvent,
  repairChatEvent,
  toChatEvents,
} from './chat-answer.ts';
import {
  CHAT_RULES,
  checkChatMessage,
  checkChatModel,
  checkChatPart,
  checkChatTool,
  checkUnknownChatField,
  checkUnknownChatMember,
  checkUnknownChatToolMember,
  MAX_CHAT_TOOLS_PREAMBLE_TOKENS,
} from './chat-rules.ts';
import { normalizeChatUsage } from './chat-usage.ts';
import type {
  DialectSpec,
  ErrorKind,
  ErrorSpec,
  KeptMembers,
  RequestSpec,
} from './dialect-spec.ts';
import { CHAT_PATH, GEMINI_PATH, MESSAGES_PATH, RESPONSES_PATH } from './endpoint-paths.ts';
import { childObject, isJsonObject } from './json-fields.ts';
import { buildKeyTable } from './key-table.ts';
import { checkCacheControl } from './messages-rules.ts';
import { MESSAGE_MEMBERS } from './prompt-members.ts';
import { OTHER_COLLECTIONS } from './refused-collections.ts';

/** As OpenAI's API writes the `type` of an error. */
const ERROR_TYPES: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'invalid_request_error',
  request_too_large: 'invalid_request_error',
  authentication: 'authentication_error',
  billing: 'billing_error',
  permission: 'permission_error',
  not_found: 'not_found_error',
  rate_limit: 'rate_limit_error',
  overloaded: 'server_error',
  timeout: 'server_error',
  internal: 'server_error',
};

/** The searches that an answer is grounded in, in Gemini's two spellings. */
const GROUNDING: KeptMembers = {
  groundingMetadata: { webSearchQueries: true },
  grounding_metadata: { web_search_queries: true },
};

const CHAT_REQUEST: RequestSpec = {
  ...BODY_TARGET,
  rules: CHAT_RULES,
  confusableNames: buildConfusableNames(CHAT_RULES),
  promptFields: new Map([
    ['messages', 'message_list'],
    ['tools', 'tool_list'],
    ['functions', 'tool_list'],
  ]),
  promptMembers: MESSAGE_MEMBERS,
  requiredField: 'messages',
  wrongEndpointMarkers: {
    system: { kinds: ['string', 'array'], correctEndpoint: MESSAGES_PATH, unlessPresent: null },
    anthropic_version: { kinds: ['string'], correctEndpoint: MESSAGES_PATH, unlessPresent: null },
    input: {
      kinds: ['string', 'array'],
      correctEndpoint: RESPONSES_PATH,
      unlessPresent: 'messages',
    },
    instructions: { kinds: ['string'], correctEndpoint: RESPONSES_PATH, unlessPresent: 'messages' },
    contents: {
      kinds: ['array', 'object'],
      correctEndpoint: GEMINI_PATH,
      unlessPresent: 'messages',
    },
  },
  // Some providers read 0 as "no limit". It bounds all that is generated for a completion
  // (https://platform.openai.com/docs/api-reference/chat/create, max_completion_tokens).
  outputLimit: {
    fields: ['max_tokens', 'max_completion_tokens'],
    required: false,
    min: 1,
    minInjected: 1,
    isPerTurn: false,
  },
  defaults: [],
  outputLimitFieldVaries: true,
  hasUsageOption: true,
  // OpenAI's newer models write their cache by themselves and report it.
  mayCacheUnasked: true,
  maxToolsPreambleTokens: MAX_CHAT_TOOLS_PREAMBLE_TOKENS,
  // OpenRouter passes the marks on to Anthropic's models.
  checkCacheControl,
  checkMessage: checkChatMessage,
  checkPart: checkChatPart,
  checkUnknownField: checkUnknownChatField,
  checkUnknownMember: checkUnknownChatMember,
  checkUnknownToolMember: checkUnknownChatToolMember,
  checkTool: checkChatTool,
  checkRequest: checkChatModel,
  forwardedHeaders: [],
};

function isOpenAiError(body: unknown): boolean {
  return isJsonObject(body) && typeof childObject(body, 'error').message === 'string';
}

/** OpenAI's errors, which every endpoint of its own has. */
export const CHAT_ERRORS: ErrorSpec = {
  toJson: ({ kind, message, code, sdkCode, param, details, requestId }) => {
    const error = { message, type: ERROR_TYPES[kind], param, code: sdkCode ?? code };
    return JSON.stringify({ error: { ...error, ...details, request_id: requestId } });
  },
  rewriteToJson: (kind, message, requestId) => {
    const error = { message, type: ERROR_TYPES[kind], param: null, code: 'upstream_refused' };
    return JSON.stringify({ error: { ...error, request_id: requestId } });
  },
  forwardToJson: (body, requestId) => {
    const { request_id: _, ...forwarded } = isJsonObject(body) ? body : {};
    const error = { ...childObject(forwarded, 'error'), request_id: requestId };
    return JSON.stringify({ ...forwarded, error });
  },
  toEvent: (json) => `data: ${json}\n\n`,
  isNative: isOpenAiError,
  isNativeEvent: isOpenAiError,
  overloadedStatus: 503,
};

const KEY_TABLE = buildKeyTable({
  content: 'text',
  arguments: 'tool_arguments',
  name: 'tool_call_name',
  reasoning_content: 'text',
  reasoning: 'text',
  refusal: 'text',
  transcript: 'text',
  // Mistral's content may be a list of parts (docs.mistral.ai, "Reasoning").
  text: 'text',
  thinking: 'text',
  // The input of a custom tool, which is text of any form.
  input: 'text',
  // OpenRouter repeats the reasoning in it.
  reasoning_details: 'opaque',
  usage: 'usage',
  finish_reason: 'significant_value',
  webSearchQueries: 'significant_value',
  web_search_queries: 'significant_value',
  error: 'significant_value',
  // Errors without a member `error`.
  message: 'significant_value',
  detail: 'significant_value',
  base_resp: 'significant_value',
});

export const CHAT_DIALECT: DialectSpec = {
  path: CHAT_PATH,
  pathPrefix: CHAT_PATH,
  identifyingHeader: null,
  keyParameters: [],
  refusedCollections: OTHER_COLLECTIONS,
  request: CHAT_REQUEST,
  answer: {
    keyTable: KEY_TABLE,
    eventKeyTable: KEY_TABLE,
    endMarker: '[DONE]',
    isEndMarkerOptional: false,
    readEvent: readChatEvent,
    isAnswer: isChatAnswer,
    isEvent: isChatEvent,
    isWholeEvent: isWholeChatEvent,
    keptMembers: {
      usage: true,
      error: true,
      service_tier: true,
      x_groq: { usage: true },
      choices: {
        index: true,
        finish_reason: true,
        usage: true,
        ...GROUNDING,
        message: GROUNDING,
      },
    },
    isUsageOnly: isUsageOnlyChunk,
    repairEvent: repairChatEvent,
    hasNamedEvents: false,
    toEvents: toChatEvents,
    // Clients loop over the choices of every chunk.
    toCostEvent: (cost) => ({ object: 'chat.completion.chunk', choices: [], cost }),
    frameEvent: (event) => `data: ${JSON.stringify(event)}\n\n`,
    createAssembler: createChatAssembler,
    lastWord: 'data: [DONE]\n\n',
    endsWithAnswer: false,
    costForm: 'comment',
    normalizeUsage: normalizeChatUsage,
    cacheWriteLifetimes: 'unreported',
    // No parser takes a comment for data (WHATWG HTML, server-sent events).
    keepAliveBytes: new TextEncoder().encode(': keep-alive\n\n'),
  },
  errors: CHAT_ERRORS,
  modelList: { page: null, native: null, onlyCallable: false, operations: {}, bounds: () => ({}) },
};

/** The spec of Messages, as Anthropic's API defines it. */
import { buildConfusableNames } from './analysis.ts';
import { BODY_TARGET } from './body-target.ts';
import type { DialectSpec, ErrorKind, RequestSpec } from './dialect-spec.ts';
import { CHAT_PATH, GEMINI_PATH, MESSAGES_PATH, RESPONSES_PATH } from './endpoint-paths.ts';
import { isJsonObject, type JsonObject } from './json-fields.ts';
import { buildKeyTable } from './key-table.ts';
import {
  createMessagesAssembler,
  isMessagesAnswer,
  isMessagesEvent,
  isWholeMessagesEvent,
  readMessagesEvent,
  repairMessagesEvent,
  toMessagesEvents,
} from './messages-answer.ts';
import {
  addCompactionPasses,
  checkCacheControl,
  checkCodeExecution,
  checkMessagesMessage,
  checkMessagesPart,
  checkMessagesTool,
  MAX_TOOLS_PREAMBLE_TOKENS,
  MESSAGES_RULES,
} from './messages-rules.ts';
import { normalizeMessagesUsage } from './messages-usage.ts';
import { MESSAGE_MEMBERS } from './prompt-members.ts';
import { OTHER_COLLECTIONS } from './refused-collections.ts';

/** The API version whose answers our rules were checked against. */
const ANTHROPIC_VERSION = '2023-06-01';
/** The second is sent by the SDKs since their major releases of October 2026 (API, "Versions"). */
const ACCEPTED_VERSIONS = [ANTHROPIC_VERSION, '2026-10-21'];

/** As Anthropic's API writes the `type` of an error. */
const ERROR_TYPES: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'invalid_request_error',
  request_too_large: 'request_too_large',
  authentication: 'authentication_error',
  billing: 'billing_error',
  permission: 'permission_error',
  not_found: 'not_found_error',
  rate_limit: 'rate_limit_error',
  overloaded: 'overloaded_error',
  timeout: 'timeout_error',
  internal: 'api_error',
};

const MESSAGES_REQUEST: RequestSpec = {
  ...BODY_TARGET,
  rules: MESSAGES_RULES,
  confusableNames: buildConfusableNames(MESSAGES_RULES),
  promptFields: new Map([
    ['messages', 'message_list'],
    ['system', 'content'],
    ['tools', 'tool_list'],
  ]),
  promptMembers: MESSAGE_MEMBERS,
  requiredField: 'messages',
  wrongEndpointMarkers: {
    max_completion_tokens: { kinds: ['number'], correctEndpoint: CHAT_PATH, unlessPresent: null },
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
  // 0 only fills the prompt cache. No page says whether max_tokens bounds one turn of the provider's
  // own loop or all of them.
  outputLimit: {
    fields: ['max_tokens'],
    required: true,
    min: 0,
    minInjected: 1,
    isPerTurn: true,
  },
  defaults: [],
  outputLimitFieldVaries: false,
  hasUsageOption: false,
  // Anthropic's models write their cache on request only.
  mayCacheUnasked: false,
  maxToolsPreambleTokens: MAX_TOOLS_PREAMBLE_TOKENS,
  checkCacheControl,
  checkMessage: checkMessagesMessage,
  checkPart: checkMessagesPart,
  // Anthropic rejects members that it does not know.
  checkUnknownField: () => {},
  checkUnknownMember: () => {},
  checkUnknownToolMember: () => {},
  checkTool: checkMessagesTool,
  checkRequest: (_model, analysis) => {
    checkCodeExecution(analysis);
    addCompactionPasses(analysis);
  },
  forwardedHeaders: [
    {
      name: 'anthropic-version',
      fallback: ANTHROPIC_VERSION,
      accepted: ACCEPTED_VERSIONS,
    },
    { name: 'anthropic-beta', fallback: null, accepted: null },
  ],
};

function frameMessagesEvent(event: JsonObject): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function isAnthropicError(body: unknown): boolean {
  return (
    isJsonObject(body) &&
    body.type === 'error' &&
    isJsonObject(body.error) &&
    typeof body.error.message === 'string' &&
    typeof body.error.type === 'string'
  );
}

const KEY_TABLE = buildKeyTable({
  text: 'text',
  thinking: 'text',
  partial_json: 'tool_arguments',
  input: 'tool_input',
  content: 'content',
  name: 'tool_call_name',
  signature: 'thinking_signature',
  cited_text: 'citation',
  usage: 'significant_value',
  error: 'significant_value',
  // Errors without a member `error`.
  message: 'significant_value',
  detail: 'significant_value',
  type: 'event_type',
});

export const MESSAGES_DIALECT: DialectSpec = {
  path: MESSAGES_PATH,
  pathPrefix: MESSAGES_PATH,
  identifyingHeader: 'anthropic-version',
  keyParameters: [],
  refusedCollections: OTHER_COLLECTIONS,
  request: MESSAGES_REQUEST,
  answer: {
    keyTable: KEY_TABLE,
    eventKeyTable: KEY_TABLE,
    endMarker: null,
    isEndMarkerOptional: false,
    readEvent: readMessagesEvent,
    isAnswer: isMessagesAnswer,
    isEvent: isMessagesEvent,
    isWholeEvent: isWholeMessagesEvent,
    keptMembers: {
      usage: true,
      error: true,
      type: true,
      stop_reason: true,
      stop_details: true,
      content: {},
    },
    isUsageOnly: () => false,
    repairEvent: repairMessagesEvent,
    hasNamedEvents: true,
    // Every stream of this dialect reports usage, asked or not.
    toEvents: toMessagesEvents,
    // Anthropic's SDKs ignore an event of a name that they do not know ("Streaming messages").
    toCostEvent: (cost) => ({ type: 'farebox_cost', cost }),
    frameEvent: frameMessagesEvent,
    createAssembler: createMessagesAssembler,
    lastWord: frameMessagesEvent({ type: 'message_stop' }),
    endsWithAnswer: false,
    costForm: 'comment',
    normalizeUsage: normalizeMessagesUsage,
    cacheWriteLifetimes: 'reported',
    // Anthropic's own streams contain this event, so its SDKs ignore it.
    keepAliveBytes: new TextEncoder().encode('event: ping\ndata: {"type":"ping"}\n\n'),
  },
  errors: {
    toJson: ({ kind, message, code, sdkCode, details, requestId }) => {
      const known = sdkCode === null ? {} : { details: { error_code: sdkCode } };
      const error = { type: ERROR_TYPES[kind], message, code, ...known, ...details };
      return JSON.stringify({ type: 'error', error, request_id: requestId });
    },
    rewriteToJson: (kind, message, requestId) => {
      const error = { type: ERROR_TYPES[kind], message };
      return JSON.stringify({ type: 'error', error, request_id: requestId });
    },
    forwardToJson: (body, requestId) =>
      JSON.stringify({ ...(isJsonObject(body) ? body : {}), request_id: requestId }),
    toEvent: (json) => `event: error\ndata: ${json}\n\n`,
    isNative: isAnthropicError,
    isNativeEvent: isAnthropicError,
    overloadedStatus: 529,
  },
  // https://platform.claude.com/docs/en/api/models/list: cursors, and 20 models a page.
  modelList: {
    page: {
      defaultLimit: 20,
      maxLimit: 1000,
      limitParameter: 'limit',
      afterParameter: 'after_id',
      beforeParameter: 'before_id',
      isLimitLenient: false,
    },
    native: null,
    onlyCallable: true,
    operations: {},
    bounds: (ids, hasMore) => ({
      has_more: hasMore,
      first_id: ids[0] ?? null,
      last_id: ids.at(-1) ?? null,
    }),
  },
};

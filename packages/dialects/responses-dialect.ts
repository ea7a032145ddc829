/** The spec of Responses, as OpenAI and compatible providers speak it. */
import { buildConfusableNames } from './analysis.ts';
import { BODY_TARGET } from './body-target.ts';
import { CHAT_ERRORS } from './chat-dialect.ts';
import { checkUnknownChatField, checkUnknownChatMember } from './chat-rules.ts';
import type { DialectSpec, ErrorSpec, RequestSpec, StreamPlace } from './dialect-spec.ts';
import { CHAT_PATH, GEMINI_PATH, MESSAGES_PATH, RESPONSES_PATH } from './endpoint-paths.ts';
import { childObject, isJsonObject, type JsonObject } from './json-fields.ts';
import { buildKeyTable } from './key-table.ts';
import { checkCacheControl } from './messages-rules.ts';
import { OTHER_COLLECTIONS } from './refused-collections.ts';
import {
  createResponsesAssembler,
  isResponsesAnswer,
  isResponsesEvent,
  isWholeResponsesEvent,
  readResponsesEvent,
  toResponsesEvents,
} from './responses-answer.ts';
import {
  boundServerTools,
  checkItem,
  checkResponsesPart,
  checkResponsesTool,
  ITEM_MEMBERS,
} from './responses-items.ts';
import { MAX_TOOL_CALLS, RESPONSES_RULES, SOCKET_RULES } from './responses-rules.ts';
import { normalizeResponsesUsage } from './responses-usage.ts';

/** The preamble of a request with tools is not documented: the bound of Messages. */
const MAX_TOOLS_PREAMBLE_TOKENS = 1_000;
/** OpenAI refuses a lower limit (API reference, `max_output_tokens`). */
const MIN_OUTPUT_LIMIT = 16;

export const RESPONSES_REQUEST: RequestSpec = {
  ...BODY_TARGET,
  rules: RESPONSES_RULES,
  confusableNames: buildConfusableNames(RESPONSES_RULES),
  promptFields: new Map([
    ['input', 'item_list'],
    ['instructions', 'content'],
    ['tools', 'tool_list'],
  ]),
  promptMembers: ITEM_MEMBERS,
  requiredField: 'input',
  wrongEndpointMarkers: {
    messages: { kinds: ['array'], correctEndpoint: CHAT_PATH, unlessPresent: 'input' },
    system: { kinds: ['string', 'array'], correctEndpoint: MESSAGES_PATH, unlessPresent: 'input' },
    contents: { kinds: ['array', 'object'], correctEndpoint: GEMINI_PATH, unlessPresent: 'input' },
  },
  outputLimit: {
    fields: ['max_output_tokens'],
    required: false,
    min: 1,
    minInjected: MIN_OUTPUT_LIMIT,
    // It bounds all that is generated for a response
    // (https://platform.openai.com/docs/api-reference/responses/create, max_output_tokens).
    isPerTurn: false,
  },
  defaults: [
    // OpenAI stores a response for 30 days unless it is told not to.
    { field: 'store', json: 'false', isNeeded: () => true },
    {
      field: 'max_tool_calls',
      json: String(MAX_TOOL_CALLS),
      isNeeded: (analysis) => analysis.runsServerTools,
    },
  ],
  outputLimitFieldVaries: false,
  hasUsageOption: false,
  // OpenAI's newer models write their cache by themselves and report it.
  mayCacheUnasked: true,
  maxToolsPreambleTokens: MAX_TOOLS_PREAMBLE_TOKENS,
  // OpenRouter passes the marks on to Anthropic's models.
  checkCacheControl,
  checkMessage: checkItem,
  checkPart: checkResponsesPart,
  checkUnknownField: checkUnknownChatField,
  checkUnknownMember: checkUnknownChatMember,
  // A tool is known by its type; the settings of a search have such names too.
  checkUnknownToolMember: () => {},
  checkTool: checkResponsesTool,
  checkRequest: boundServerTools,
  forwardedHeaders: [],
};

/** A compaction has neither an output limit nor a flag for what is stored. */
export const RESPONSES_COMPACT_REQUEST: RequestSpec = {
  ...RESPONSES_REQUEST,
  outputLimit: { fields: [], required: false, min: 1, minInjected: 1, isPerTurn: false },
  defaults: [],
};

const RULES_OF_EVENTS = { ...RESPONSES_RULES, ...SOCKET_RULES };

/** An event of a client on a WebSocket has the fields of a request. */
export const RESPONSES_SOCKET_REQUEST: RequestSpec = {
  ...RESPONSES_REQUEST,
  rules: RULES_OF_EVENTS,
  confusableNames: buildConfusableNames(RULES_OF_EVENTS),
};

/** Returns a response that says nothing but that it failed, with every member of the schema. */
function toFailedResponse(error: JsonObject, { model, now, requestId }: StreamPlace): JsonObject {
  return {
    id: `resp_${requestId}`,
    object: 'response',
    created_at: Math.floor(now / 1000),
    completed_at: null,
    status: 'failed',
    error: { code: error.code, message: error.message },
    incomplete_details: null,
    instructions: null,
    model,
    output: [],
    tools: [],
    tool_choice: 'auto',
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: null,
    text: { format: { type: 'text' } },
    truncation: 'disabled',
    temperature: 1,
    top_p: 1,
    top_logprobs: 0,
    presence_penalty: 0,
    frequency_penalty: 0,
    max_output_tokens: null,
    max_tool_calls: null,
    background: false,
    store: false,
    service_tier: 'default',
    usage: null,
    metadata: {},
    safety_identifier: null,
    prompt_cache_key: null,
  };
}

function frameResponsesEvent(event: JsonObject): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/**
 * The events in which OpenAI ends a stream with an error (recorded). The members of the error stand
 * in the event too, as its reference documents them.
 */
function toErrorEvents(json: string, place: StreamPlace): string {
  const body: unknown = JSON.parse(json);
  const error = isJsonObject(body) ? childObject(body, 'error') : {};
  const { code, message, param } = error;
  const first = { type: 'error', code, message, param, sequence_number: place.eventCount, error };
  const last = {
    type: 'response.failed',
    sequence_number: place.eventCount + 1,
    response: toFailedResponse(error, place),
  };
  return frameResponsesEvent(first) + frameResponsesEvent(last);
}

/** True for an error as OpenAI's streams have it, nested or flat, and for a failed response. */
function isErrorEvent(event: JsonObject): boolean {
  if (event.type === 'response.failed')
    return typeof childObject(childObject(event, 'response'), 'error').message === 'string';
  const nested = childObject(event, 'error').message;
  return event.type === 'error' && typeof (nested ?? event.message) === 'string';
}

const RESPONSES_ERRORS: ErrorSpec = {
  ...CHAT_ERRORS,
  toEvent: toErrorEvents,
  isNativeEvent: isErrorEvent,
};

export const RESPONSES_DIALECT: DialectSpec = {
  path: RESPONSES_PATH,
  pathPrefix: RESPONSES_PATH,
  identifyingHeader: null,
  keyParameters: [],
  refusedCollections: OTHER_COLLECTIONS,
  request: RESPONSES_REQUEST,
  answer: {
    keyTable: buildKeyTable({
      text: 'text',
      refusal: 'text',
      arguments: 'tool_arguments',
      name: 'tool_call_name',
      // The input of a custom tool, which is text of any form.
      input: 'text',
      // What the request said, once more.
      tools: 'opaque',
      tool_choice: 'opaque',
      usage: 'usage',
      error: 'significant_value',
      message: 'significant_value',
      detail: 'significant_value',
    }),
    // Text comes in deltas; the events that end a part, an item and the response repeat it.
    eventKeyTable: buildKeyTable({
      delta: 'text',
      item: 'significant_opaque',
      response: 'significant_opaque',
      output: 'opaque',
      usage: 'usage',
      error: 'significant_value',
      message: 'significant_value',
      detail: 'significant_value',
    }),
    // Open Responses ends a stream with it, OpenAI does not.
    endMarker: '[DONE]',
    isEndMarkerOptional: true,
    readEvent: readResponsesEvent,
    isAnswer: isResponsesAnswer,
    isEvent: isResponsesEvent,
    isWholeEvent: isWholeResponsesEvent,
    keptMembers: {
      object: true,
      status: true,
      usage: true,
      error: true,
      service_tier: true,
      output: { type: true, action: { type: true } },
    },
    isUsageOnly: () => false,
    repairEvent: (event) => event,
    hasNamedEvents: false,
    toEvents: toResponsesEvents,
    // Open Responses asks for a prefix in the name of an event that it does not define.
    toCostEvent: (cost) => ({ type: 'farebox:cost', cost }),
    frameEvent: frameResponsesEvent,
    createAssembler: createResponsesAssembler,
    // The event with the whole response is the last one, and can't be made up.
    lastWord: '',
    endsWithAnswer: true,
    costForm: 'comment',
    normalizeUsage: normalizeResponsesUsage,
    cacheWriteLifetimes: 'unreported',
    // No parser takes a comment for data (WHATWG HTML, server-sent events).
    keepAliveBytes: new TextEncoder().encode(': keep-alive\n\n'),
  },
  errors: RESPONSES_ERRORS,
  modelList: { page: null, native: null, onlyCallable: false, operations: {}, bounds: () => ({}) },
};

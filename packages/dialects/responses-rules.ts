/**
 * The closed table of Responses: each documented parameter of OpenAI (API reference and SDK 7.57,
 * November 2026), of the Open Responses specification of 2026-04-24 and of xAI, with its effect on
 * the price. A field that is not in the table passes and is counted.
 */
import {
  getMember,
  type JsonNode,
  LEAF,
  NO_EFFECT,
  REFERS_TO_STORED,
  type RequestAnalysis,
  type Rules,
  rejectedRule,
  toInteger,
  unpricedRule,
} from './analysis.ts';
import {
  ANSWERS_NOT_KEPT,
  CACHE_OPTIONS_RULE,
  CACHE_RETENTION_RULE,
  checkFlag,
  DEFERRED_RULE,
  MODEL_MAY_DIFFER,
  SEARCH_PARAMETERS_RULE,
  TOP_LOGPROBS_RULE,
} from './chat-rules.ts';
import { tierRule } from './service-terms.ts';

/**
 * Calls of the provider's own tools where the request states no limit. OpenAI gets it as
 * `max_tool_calls`; of other providers it is our own bound.
 */
export const MAX_TOOL_CALLS = 10;

/** OpenAI's own words for what a client must have kept itself; SDKs and agents know the code. */
const NOT_STORED =
  'responses are not stored. Send the earlier items in "input", with include ["reasoning.encrypted_content"] for reasoning models, or use the WebSocket, which keeps the state of its own connection';

/** The code of OpenAI's error on which agents send the whole input again ("WebSocket mode"). */
const PREVIOUS_RESPONSE_CODE = 'previous_response_not_found';

/** Compaction inside a response is a pass of its own over the whole context. */
function checkContextManagement(value: JsonNode, analysis: RequestAnalysis): void {
  if (value.kind !== 'array') {
    analysis.rejectInvalid('context_management', 'an array');
    return;
  }
  for (const entry of value.items) {
    const type = getMember(entry, 'type')?.text ?? '';
    if (type !== 'compaction') analysis.unknownFields += 1;
    analysis.contextWindow = true;
    analysis.addSurcharge('compaction', 1);
  }
}

function checkInclude(value: JsonNode, analysis: RequestAnalysis): void {
  const names = value.items.map(({ text }) => text);
  if (names.includes('message.output_text.logprobs'))
    TOP_LOGPROBS_RULE.check?.(value, analysis, '');
}

/**
 * Pro mode runs the model several times, and no page says how its tokens relate to the output limit
 * (SDK 7.57, `reasoning.mode`).
 */
function checkReasoning(value: JsonNode, analysis: RequestAnalysis): void {
  const mode = getMember(value, 'mode');
  if (mode !== undefined && mode.text !== 'standard') {
    analysis.rejectPricing('reasoning.mode', 'what it costs is not documented; use "standard"');
  }
}

function checkToolCallLimit(value: JsonNode, analysis: RequestAnalysis): void {
  const limit = toInteger(value);
  if (limit === null) analysis.rejectInvalid('max_tool_calls', 'a whole number');
  analysis.maxToolCalls = limit;
}

/** The fields of an event `response.create`, beside or in place of those of a request. */
export const SOCKET_RULES: Rules = {
  type: {
    effect: 'bounded',
    check: (value, analysis) => {
      if (value.text !== 'response.create')
        analysis.rejectInvalid('type', '"response.create", the only event that is sent here');
    },
  },
  previous_response_id: {
    effect: 'bounded',
    check: (value, analysis, field) => {
      if (value.kind === 'string') analysis.previousResponseId = value.text;
      else analysis.rejectInvalid(field, 'the id of a response');
    },
  },
  // Codex prepares a turn without an answer.
  generate: NO_EFFECT,
  stream_id: rejectedRule('responses are made one at a time on a connection'),
  // OpenAI's Realtime nests the request so; a provider that took it would answer another request.
  response: rejectedRule('the fields of a request stand beside "type"'),
};

/** The fields of /v1/responses and of its count of tokens. */
export const RESPONSES_RULES: Rules = {
  // Read by code of their own; `promptFields` and the readers of settings name them.
  input: { effect: 'priced' },
  instructions: { effect: 'priced' },
  tools: { effect: 'priced' },
  model: { effect: 'priced' },
  stream: { effect: 'priced' },
  stream_options: { effect: 'priced', captureSpec: { members: { include_usage: LEAF } } },
  max_output_tokens: { effect: 'bounded' },
  text: { effect: 'priced' },
  max_tool_calls: { effect: 'bounded', check: checkToolCallLimit },
  // xAI's limit of turns of its own loop; our bound of its calls stays as it is.
  max_turns: { effect: 'bounded' },
  top_logprobs: TOP_LOGPROBS_RULE,
  include: { effect: 'bounded', captureSpec: { items: LEAF }, check: checkInclude },
  context_management: {
    effect: 'bounded',
    captureSpec: { items: { members: { type: LEAF } } },
    check: checkContextManagement,
  },
  reasoning: {
    effect: 'bounded',
    captureSpec: { members: { mode: LEAF } },
    check: checkReasoning,
  },
  prompt_cache_options: CACHE_OPTIONS_RULE,
  prompt_cache_retention: CACHE_RETENTION_RULE,
  service_tier: tierRule([
    ...['auto', 'default', 'standard', 'flex', 'priority', 'fast', 'ultrafast'],
  ]),

  store: { effect: 'rejected', check: checkFlag(ANSWERS_NOT_KEPT) },
  previous_response_id: {
    effect: 'rejected',
    check: (_value, analysis, field) =>
      analysis.rejectUnsupported(field, NOT_STORED, PREVIOUS_RESPONSE_CODE),
  },
  conversation: rejectedRule(NOT_STORED),
  background: {
    effect: 'rejected',
    check: checkFlag('the answer would be fetched, and billed, later'),
  },
  prompt: rejectedRule(REFERS_TO_STORED),
  preset: rejectedRule(REFERS_TO_STORED),
  container: rejectedRule(REFERS_TO_STORED),
  deferred: DEFERRED_RULE,
  search_parameters: SEARCH_PARAMETERS_RULE,
  // Sub-agents answer in one response, and nothing bounds their number.
  multi_agent: unpricedRule('nothing bounds what its agents cost'),
  // OpenRouter's, for providers added by configuration.
  models: unpricedRule(MODEL_MAY_DIFFER),
  fallbacks: unpricedRule(MODEL_MAY_DIFFER),
  plugins: unpricedRule('plugins are billed beside the tokens'),
  modalities: unpricedRule('audio and image output are billed by other prices'),
  audio: unpricedRule('spoken output is billed by other prices'),

  access_programs: NO_EFFECT,
  // Codex writes it for its own backend.
  client_metadata: NO_EFFECT,
  frequency_penalty: NO_EFFECT,
  image: NO_EFFECT,
  metadata: NO_EFFECT,
  moderation: NO_EFFECT,
  parallel_tool_calls: NO_EFFECT,
  personality: NO_EFFECT,
  presence_penalty: NO_EFFECT,
  prompt_cache_key: NO_EFFECT,
  provider: NO_EFFECT,
  safety_identifier: NO_EFFECT,
  temperature: NO_EFFECT,
  tool_choice: NO_EFFECT,
  top_p: NO_EFFECT,
  truncation: NO_EFFECT,
  user: NO_EFFECT,
};

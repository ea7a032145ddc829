/**
 * The closed table of Chat Completions: each documented parameter of OpenAI (API reference and SDK
 * 7.57, November 2026), of xAI, DeepSeek and Gemini's compatible endpoint, with its effect on the
 * price. A field that is not in the table passes and is counted.
 */
import {
  getMember,
  type JsonNode,
  LEAF,
  NO_EFFECT,
  REFERS_TO_STORED,
  type RequestAnalysis,
  type Rule,
  type Rules,
  rejectedRule,
  toInteger,
  unpricedRule,
} from './analysis.ts';
import type { CacheWrites, ServerToolKind } from './contract.ts';
import { MESSAGES_PATH } from './endpoint-paths.ts';
import type { JsonKind } from './json-scanner.ts';
import { tierRule } from './service-terms.ts';

/**
 * The maximum tokens of one inline image. OpenAI bills gpt-4o-mini 2,833 + 5,667 a tile, eight
 * tiles at most: 48,169, the largest documented; newer models stay below 15,000 for 12 megapixels
 * (Images and vision guide, "Calculating costs"); Gemini tiles of 258, xAI at most 1,792.
 */
export const MAX_CHAT_IMAGE_TOKENS = 50_000;
/** Recorded images of OpenAI's, xAI's and Gemini's chat have 250 to 770 tokens. */
export const ESTIMATED_CHAT_IMAGE_TOKENS = 500;

/**
 * No provider of this dialect documents the preamble of a request with tools: the bound of
 * Messages.
 */
export const MAX_CHAT_TOOLS_PREAMBLE_TOKENS = 1_000;

/** Each search of an answer is a surcharge. No limit is documented, so this is our own bound. */
const MAX_SEARCHES = 5;

/**
 * The JSON of one token's log probability: the token, its bytes and a number. Answers with 20
 * alternatives were measured at 1.3 to 1.7 KB a token.
 */
const LOGPROB_BYTES = 85;
/** OpenAI's documented maximum. */
const MAX_TOP_LOGPROBS = 20;

/** 50 ms of sound at 24,000 samples a second of 16 bits, in base64. */
const AUDIO_TOKEN_BYTES = 3_200;

const OUTPUT_LIMIT: Rule = { effect: 'bounded' };

const MODALITIES = ['text', 'audio', 'image'];

/** Audio and images have prices of their own, without which a model is refused (`plan.ts`). */
function checkModalities(value: JsonNode, analysis: RequestAnalysis): void {
  const isList = value.kind === 'array' && value.items.every(({ kind }) => kind === 'string');
  const modalities = value.items.map(({ text }) => text ?? '');
  const isKnown = modalities.every((name) => MODALITIES.includes(name));
  if (!isList || !isKnown) analysis.rejectInvalid('modalities', 'a list of text, audio and image');
  if (modalities.includes('audio')) analysis.audioOutput = true;
  if (modalities.includes('image')) analysis.imageOutput = true;
}

/** Asks for spoken output. A voice that is an object names one that is stored at the provider. */
function checkSpokenOutput(value: JsonNode, analysis: RequestAnalysis): void {
  analysis.audioOutput = true;
  analysis.addBytesPerToken(AUDIO_TOKEN_BYTES);
  if (getMember(value, 'voice')?.kind === 'object')
    analysis.rejectUnsupported('audio.voice', REFERS_TO_STORED);
}

/** Each search is billed, and its results fill the context (OpenAI's guide "Web search"). */
export function limitWebSearch(analysis: RequestAnalysis): void {
  analysis.contextWindow = true;
  analysis.addSurcharge('web_search', MAX_SEARCHES);
}

function checkSearchParameters(value: JsonNode, analysis: RequestAnalysis): void {
  const mode = value.members.get('mode');
  if (mode?.kind !== 'string' || mode.text !== 'off') {
    analysis.rejectPricing('search_parameters', 'live search is billed for each source it reads');
  }
}

function checkThinking(value: JsonNode, analysis: RequestAnalysis): void {
  const budget = getMember(value, 'budget_tokens') ?? getMember(value, 'thinking_budget');
  if (budget === undefined) return;
  analysis.thinkingBudget = Math.max(analysis.thinkingBudget, toInteger(budget) ?? 0);
}

/** Checks Gemini's extensions: ai.google.dev, "OpenAI compatibility", extra_body. */
function checkGoogle(value: JsonNode, analysis: RequestAnalysis): void {
  if (
    getMember(value, 'cached_content') !== undefined ||
    getMember(value, 'cachedContent') !== undefined
  ) {
    analysis.rejectUnsupported('google.cached_content', REFERS_TO_STORED);
  }
  const thinking = getMember(value, 'thinking_config');
  if (thinking !== undefined) checkThinking(thinking, analysis);
}

/** Lifetimes of OpenAI's cache writes, which have prices of their own since GPT-5.6. */
const CACHE_LIFETIMES: ReadonlyMap<string, CacheWrites> = new Map([
  ['30m', '30m'],
  ['12h', '12h'],
]);

function checkCacheOptions(value: JsonNode, analysis: RequestAnalysis): void {
  if (getMember(value, 'comparison_response_id') !== undefined) {
    analysis.rejectUnsupported('prompt_cache_options.comparison_response_id', REFERS_TO_STORED);
  }
  const ttl = getMember(value, 'ttl');
  if (ttl === undefined) return;
  const lifetime = CACHE_LIFETIMES.get(ttl.text ?? '');
  if (lifetime === undefined)
    analysis.rejectPricing('prompt_cache_options.ttl', 'use 30m or 12h, which have known prices');
  else analysis.cacheWrites = lifetime;
}

/** Models before GPT-5.6 take a retention in place of a lifetime, and bill no writes. */
function checkCacheRetention(value: JsonNode, analysis: RequestAnalysis): void {
  if (value.text === '24h' || value.text === '12h') analysis.cacheWrites = '12h';
}

export const CACHE_OPTIONS_RULE: Rule = {
  effect: 'bounded',
  captureSpec: { members: { ttl: LEAF, comparison_response_id: LEAF } },
  check: checkCacheOptions,
};

export const CACHE_RETENTION_RULE: Rule = { effect: 'bounded', check: checkCacheRetention };

export const TOP_LOGPROBS_RULE: Rule = {
  effect: 'bounded',
  check: (value, analysis) => {
    analysis.addBytesPerToken(LOGPROB_BYTES * (toInteger(value) ?? MAX_TOP_LOGPROBS));
  },
};

export const SEARCH_PARAMETERS_RULE: Rule = {
  effect: 'rejected',
  captureSpec: { members: { mode: LEAF } },
  check: checkSearchParameters,
};

const GOOGLE_CAPTURE = {
  members: {
    cached_content: LEAF,
    cachedContent: LEAF,
    thinking_config: { members: { thinking_budget: LEAF } },
  },
};

/** Accepts `false` only, and says so. */
export function checkFlag(explanation: string): NonNullable<Rule['check']> {
  return (value, analysis, field) => {
    // "false" in quotes is true to a server that tests for emptiness.
    if (value.kind !== 'boolean' || value.text !== 'false')
      analysis.rejectUnsupported(field, `${explanation}. Leave it out, or send false`);
  };
}

/** Of `store`, in every dialect that has it. */
export const ANSWERS_NOT_KEPT = 'answers are not kept, neither by Farebox nor at the provider';

export const DEFERRED_RULE: Rule = {
  effect: 'rejected',
  check: checkFlag('the answer would be fetched, and billed, later'),
};

export const MODEL_MAY_DIFFER = 'another model may answer, at another price';

export const CHAT_RULES: Rules = {
  // Read by code of their own; `promptFields` and the readers of settings name them.
  messages: { effect: 'priced' },
  tools: { effect: 'priced' },
  functions: { effect: 'priced' },
  model: { effect: 'priced' },
  stream: { effect: 'priced' },
  stream_options: { effect: 'priced', captureSpec: { members: { include_usage: LEAF } } },
  max_tokens: OUTPUT_LIMIT,
  max_completion_tokens: OUTPUT_LIMIT,
  n: { effect: 'bounded' },
  logprobs: {
    effect: 'bounded',
    check: (value, analysis) => {
      if (value.text !== 'false') analysis.addBytesPerToken(LOGPROB_BYTES);
    },
  },
  top_logprobs: TOP_LOGPROBS_RULE,

  web_search_options: {
    effect: 'bounded',
    check: (_value, analysis) => limitWebSearch(analysis),
  },
  response_format: { effect: 'priced' },
  prompt_cache_options: CACHE_OPTIONS_RULE,
  prompt_cache_retention: CACHE_RETENTION_RULE,
  thinking: {
    effect: 'bounded',
    captureSpec: { members: { budget_tokens: LEAF } },
    check: checkThinking,
  },
  extra_body: {
    effect: 'rejected',
    captureSpec: { members: { google: GOOGLE_CAPTURE } },
    check: (value, analysis) => {
      const google = getMember(value, 'google');
      if (google !== undefined) checkGoogle(google, analysis);
    },
  },
  google: { effect: 'rejected', captureSpec: GOOGLE_CAPTURE, check: checkGoogle },

  modalities: { effect: 'bounded', captureSpec: { items: LEAF }, check: checkModalities },
  audio: {
    effect: 'bounded',
    captureSpec: { members: { voice: LEAF } },
    check: checkSpokenOutput,
  },
  // Rejected tokens are billed as output beyond the output limit (guide "Predicted outputs"), so no
  // limit we hold for would cover them.
  prediction: unpricedRule('rejected predicted tokens are billed beyond the output limit'),
  search_parameters: SEARCH_PARAMETERS_RULE,
  service_tier: tierRule([
    ...['auto', 'default', 'standard', 'flex', 'priority', 'fast', 'ultrafast'],
  ]),
  // OpenAI's older completions have it, and servers that took it over (vLLM).
  best_of: {
    effect: 'rejected',
    check: (value, analysis, field) => {
      if (toInteger(value) !== 1)
        analysis.rejectPricing(field, 'answers that are not returned are generated too. Use n');
    },
  },
  store: { effect: 'rejected', check: checkFlag(ANSWERS_NOT_KEPT) },
  deferred: DEFERRED_RULE,
  previous_response_id: rejectedRule(REFERS_TO_STORED),
  conversation: rejectedRule(REFERS_TO_STORED),
  container: rejectedRule(REFERS_TO_STORED),
  cached_content: rejectedRule(REFERS_TO_STORED),
  cachedContent: rejectedRule(REFERS_TO_STORED),
  preset: rejectedRule(REFERS_TO_STORED),
  // OpenRouter's, for providers added by configuration.
  models: unpricedRule(MODEL_MAY_DIFFER),
  fallbacks: unpricedRule(MODEL_MAY_DIFFER),
  plugins: unpricedRule('plugins are billed beside the tokens'),

  frequency_penalty: NO_EFFECT,
  function_call: NO_EFFECT,
  logit_bias: NO_EFFECT,
  metadata: NO_EFFECT,
  moderation: NO_EFFECT,
  parallel_tool_calls: NO_EFFECT,
  presence_penalty: NO_EFFECT,
  prompt_cache_key: NO_EFFECT,
  provider: NO_EFFECT,
  reasoning: NO_EFFECT,
  reasoning_effort: NO_EFFECT,
  route: NO_EFFECT,
  safety_identifier: NO_EFFECT,
  seed: NO_EFFECT,
  stop: NO_EFFECT,
  temperature: NO_EFFECT,
  tool_choice: NO_EFFECT,
  top_k: NO_EFFECT,
  top_p: NO_EFFECT,
  transforms: NO_EFFECT,
  usage: NO_EFFECT,
  user: NO_EFFECT,
  verbosity: NO_EFFECT,
};

const TEXT_PART_TYPES = new Set([
  'text',
  'refusal',
  'reasoning',
  'thinking',
  'input_text',
  'output_text',
]);

export function checkChatPart(part: JsonNode, path: string, analysis: RequestAnalysis): void {
  const type = part.members.get('type');
  // A part without a type would be read by its members, differently by each server.
  if (type?.kind !== 'string' || type.text === null) {
    analysis.rejectInvalid(`${path}.type`, 'the type of the part, a string');
    return;
  }
  if (type.text === 'tool_result' && part.members.has('tool_use_id')) {
    analysis.rejectWrongEndpoint(path, MESSAGES_PATH);
    return;
  }
  checkMediaMembers(part, path, analysis);
  if (TEXT_PART_TYPES.has(type.text) || type.text === 'image_url') return;
  if (type.text === 'input_audio') analysis.audioInput = true;
  else if (type.text !== 'file') analysis.unknownFields += 1;
  // The body does not say how many pages a document has, or how many frames a video.
  analysis.contextWindow = true;
}

export const SPOKEN_INPUT = 'spoken input is billed by other prices';

/** Bounds media by the members that hold them: some servers go by these and not by the type. */
function checkMediaMembers(part: JsonNode, path: string, analysis: RequestAnalysis): void {
  if (getMember(part, 'image_url') !== undefined) checkImage(part, analysis);
  else if (part.members.get('type')?.text === 'image_url') analysis.contextWindow = true;
  if (getMember(part, 'input_audio') !== undefined) {
    analysis.audioInput = true;
    analysis.contextWindow = true;
  }
  const file = getMember(part, 'file');
  const source = getMember(part, 'source');
  if (file !== undefined || source?.kind === 'object') analysis.contextWindow = true;
  const fileId = [part, file, source].some(
    (node) => node !== undefined && getMember(node, 'file_id') !== undefined,
  );
  if (fileId) analysis.rejectUnsupported(`${path}.file_id`, REFERS_TO_STORED);
}

/** Words in the name of a member that holds media: `video_url`, `inlineData`, `images`. */
const MEDIA_NAME =
  /(^|_)(image|video|audio|file|document|media|blob|inline_data|attachment|pdf|url|uri)s?(_|$)/i;

export function checkUnknownChatMember(
  name: string,
  kind: JsonKind,
  analysis: RequestAnalysis,
): void {
  if (kind === 'null' || !MEDIA_NAME.test(toSnakeCase(name))) return;
  analysis.contextWindow = true;
  analysis.unknownFields += 1;
}

function toSnakeCase(name: string): string {
  return name.replaceAll(/([a-z])([A-Z])/g, '$1_$2');
}

function checkImage(part: JsonNode, analysis: RequestAnalysis): void {
  const image = part.members.get('image_url');
  const url = image?.kind === 'object' ? image.members.get('url') : image;
  analysis.estimatedMediaTokens += ESTIMATED_CHAT_IMAGE_TOKENS;
  if (url?.text?.startsWith('data:image/')) {
    analysis.extraMaxTokens += MAX_CHAT_IMAGE_TOKENS;
  } else analysis.contextWindow = true;
}

export function checkChatMessage(message: JsonNode, path: string, analysis: RequestAnalysis): void {
  if (getMember(message, 'audio') !== undefined) {
    analysis.rejectUnsupported(`${path}.audio`, REFERS_TO_STORED);
  }
}

/** Tools that xAI runs, by the beginning of their types (https://docs.x.ai/docs/guides/tools). */
const SERVER_TOOLS: readonly (readonly [prefix: string, ServerToolKind])[] = [
  ['web_search', 'web_search'],
  ['x_search', 'x_search'],
  ['code_interpreter', 'code_execution'],
  ['code_execution', 'code_execution'],
  ['file_search', 'file_search'],
  ['collections_search', 'file_search'],
  ['document_search', 'document_search'],
  ['attachment_search', 'document_search'],
];

/** Returns the kind of a tool that the provider runs, by its type; undefined if it has no price. */
export function findServerTool(type: string): ServerToolKind | undefined {
  return SERVER_TOOLS.find(([prefix]) => type.startsWith(prefix))?.[1];
}

export function checkChatTool(tool: JsonNode, path: string, analysis: RequestAnalysis): void {
  const hasFunction = tool.members.has('function');
  if (getMember(tool, 'input_schema') !== undefined && !hasFunction) {
    analysis.rejectWrongEndpoint(`${path}.input_schema`, MESSAGES_PATH);
    return;
  }
  const type = tool.members.get('type');
  // The items of `functions`, the older form of `tools`, have no type.
  if (type === undefined && (hasFunction || path.startsWith('functions['))) return;
  if (type?.kind !== 'string' || type.text === null) {
    analysis.rejectInvalid(`${path}.type`, 'the type of the tool, a string');
    return;
  }
  if (type.text === 'function' || type.text === 'custom') return;
  if (type.text === 'live_search') {
    analysis.rejectPricing(path, 'live search is billed for each source it reads');
    return;
  }
  analysis.useServerTools(MAX_SEARCHES + 1);
  analysis.contextWindow = true;
  const kind = findServerTool(type.text);
  if (kind === undefined) analysis.unknownFields += 1;
  else analysis.addSurcharge(kind, MAX_SEARCHES);
}

/** Words in the name of a member that switches on a tool of the provider: `google_search`. */
const SERVER_TOOL_NAME =
  /(^|_)(search|retrieval|grounding|fetch|browser|browsing|execution|interpreter|maps|mcp|url_context)(_|$)/i;

export function checkUnknownChatToolMember(
  name: string,
  kind: JsonKind,
  analysis: RequestAnalysis,
): void {
  if (kind === 'null' || !SERVER_TOOL_NAME.test(toSnakeCase(name))) return;
  analysis.useServerTools(MAX_SEARCHES + 1);
  analysis.unknownFields += 1;
  limitWebSearch(analysis);
}

/**
 * Bounds what a field that no table has may switch on at a compatible server: media from an address,
 * or a search (`enable_search`, `web_search`). It costs no more than that where it is unknown there
 * too.
 */
export function checkUnknownChatField(
  name: string,
  kind: JsonKind,
  analysis: RequestAnalysis,
): void {
  const words = toSnakeCase(name);
  if (kind === 'null') return;
  if (MEDIA_NAME.test(words)) analysis.contextWindow = true;
  if (!SERVER_TOOL_NAME.test(words)) return;
  analysis.contextWindow = true;
  analysis.useServerTools(MAX_SEARCHES + 1);
}

/** Bounds the searches of a search model, which searches for every answer. */
export function checkChatModel(model: string, analysis: RequestAnalysis): void {
  if (/-search-(preview|api)/.test(model)) limitWebSearch(analysis);
}

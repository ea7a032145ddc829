/**
 * The closed table of Chat Completions: each documented parameter of OpenAI (API reference and SDK
 * 7.57, November 2026), of xAI, DeepSeek and Gemini's compatible face, and its effect on the price.
 * A field that is not here passes and is counted.
 */
import {
  type Findings,
  FLAT,
  FREE,
  integer,
  member,
  type Noted,
  only,
  type Rule,
  type Rules,
  refused,
  STORED,
} from './findings.ts';

/**
 * Most tokens of one inline image. OpenAI bills gpt-4o-mini 2,833 + 5,667 a tile, eight tiles at most:
 * 48,169, the largest documented; newer models stay below 15,000 for 12 megapixels (Images and vision
 * guide, "Calculating costs"); Gemini tiles of 258, xAI at most 1,792.
 */
export const CHAT_IMAGE_AT_MOST = 50_000;
export const CHAT_IMAGE_LIKELY = 1_500;

/** Recorded: OpenAI adds some 10 tokens to a request with tools, DeepSeek and xAI 100 to 250. */
export const CHAT_TOOLS_PREAMBLE_LIKELY = 120;

/** A search model answers one prompt with few searches; each is a fee. No documented limit, so a cap of ours. */
const SEARCHES_AT_MOST = 5;

const OUTPUT_LIMIT: Rule = { effect: 'bounded' };

function judgeModalities(value: Noted, findings: Findings): void {
  if (value.items.some((item) => item.text !== 'text')) {
    findings.unsupported('modalities', 'audio and image output are billed by other prices');
  }
}

/** OpenAI's guide "Web search": a fee for each call, and what is found fills the context. */
export function boundWebSearch(findings: Findings): void {
  findings.contextWindow = true;
  findings.fee('web_search', SEARCHES_AT_MOST);
}

function judgeSearchParameters(value: Noted, findings: Findings): void {
  if (value.members.get('mode')?.text !== 'off') {
    findings.unsupported('search_parameters', 'live search is billed for each source it reads');
  }
}

function judgeThinking(value: Noted, findings: Findings): void {
  const budget = member(value, 'budget_tokens') ?? member(value, 'thinking_budget');
  if (budget === undefined) return;
  findings.thinkingBudget = Math.max(findings.thinkingBudget, integer(budget) ?? 0);
}

/** Gemini's extras: ai.google.dev, "OpenAI compatibility", extra_body. */
function judgeGoogle(value: Noted, findings: Findings): void {
  if (
    member(value, 'cached_content') !== undefined ||
    member(value, 'cachedContent') !== undefined
  ) {
    findings.unsupported('google.cached_content', STORED);
  }
  const thinking = member(value, 'thinking_config');
  if (thinking !== undefined) judgeThinking(thinking, findings);
}

const GOOGLE = {
  members: {
    cached_content: FLAT,
    cachedContent: FLAT,
    thinking_config: { members: { thinking_budget: FLAT } },
  },
};

function judgeFlag(why: string): NonNullable<Rule['judge']> {
  return (value, findings, field) => {
    if (value.text !== 'false') findings.unsupported(field, why);
  };
}

export const CHAT_RULES: Rules = {
  // Read on their own, before this table is asked.
  messages: { effect: 'priced' },
  tools: { effect: 'priced' },
  functions: { effect: 'priced' },
  model: { effect: 'priced' },
  stream: { effect: 'priced' },
  stream_options: { effect: 'priced', plan: { members: { include_usage: FLAT } } },
  max_tokens: OUTPUT_LIMIT,
  max_completion_tokens: OUTPUT_LIMIT,
  n: { effect: 'bounded' },

  web_search_options: {
    effect: 'bounded',
    judge: (_value, findings) => boundWebSearch(findings),
  },
  response_format: { effect: 'priced' },
  thinking: { effect: 'bounded', plan: { members: { budget_tokens: FLAT } }, judge: judgeThinking },
  extra_body: {
    effect: 'refused',
    plan: { members: { google: GOOGLE } },
    judge: (value, findings) => {
      const google = member(value, 'google');
      if (google !== undefined) judgeGoogle(google, findings);
    },
  },
  google: { effect: 'refused', plan: GOOGLE, judge: judgeGoogle },

  modalities: { effect: 'refused', plan: { items: FLAT }, judge: judgeModalities },
  audio: refused('spoken output is billed by other prices'),
  // Rejected tokens are billed as output beside the output limit (guide "Predicted outputs"), so no
  // limit we hold for would cover them.
  prediction: refused('rejected predicted tokens are billed beyond the output limit'),
  search_parameters: {
    effect: 'refused',
    plan: { members: { mode: FLAT } },
    judge: judgeSearchParameters,
  },
  service_tier: only(['auto', 'default', 'standard'], 'other tiers have other prices'),
  store: { effect: 'refused', judge: judgeFlag('answers are not kept at the provider') },
  deferred: {
    effect: 'refused',
    judge: judgeFlag('the answer would be fetched, and billed, later'),
  },
  previous_response_id: refused(STORED),
  conversation: refused(STORED),
  container: refused(STORED),
  cached_content: refused(STORED),
  cachedContent: refused(STORED),
  preset: refused(STORED),
  // OpenRouter's, for providers added by configuration.
  models: refused('another model may answer, at another price'),
  fallbacks: refused('another model may answer, at another price'),
  plugins: refused('plugins are billed beside the tokens'),

  frequency_penalty: FREE,
  function_call: FREE,
  logit_bias: FREE,
  logprobs: FREE,
  metadata: FREE,
  moderation: FREE,
  parallel_tool_calls: FREE,
  presence_penalty: FREE,
  prompt_cache_key: FREE,
  prompt_cache_options: FREE,
  prompt_cache_retention: FREE,
  provider: FREE,
  reasoning: FREE,
  reasoning_effort: FREE,
  route: FREE,
  safety_identifier: FREE,
  seed: FREE,
  stop: FREE,
  temperature: FREE,
  tool_choice: FREE,
  top_k: FREE,
  top_logprobs: FREE,
  top_p: FREE,
  transforms: FREE,
  usage: FREE,
  user: FREE,
  verbosity: FREE,
};

const KNOWN_TEXT = new Set([
  'text',
  'refusal',
  'reasoning',
  'thinking',
  'input_text',
  'output_text',
]);

export function judgeChatPart(part: Noted, path: string, findings: Findings): void {
  const type = part.members.get('type')?.text ?? null;
  if (type === null || KNOWN_TEXT.has(type)) return;
  if (type === 'image_url') {
    judgeImage(part, findings);
    return;
  }
  if (type === 'input_audio') {
    findings.unsupported(path, 'spoken input is billed by other prices');
    return;
  }
  if (type === 'tool_result' && part.members.has('tool_use_id')) {
    findings.elsewhere(path, '/v1/messages');
    return;
  }
  if (type !== 'file') findings.unknownFields += 1;
  const file = member(part, 'file');
  if (member(part, 'file_id') !== undefined || (file && member(file, 'file_id') !== undefined)) {
    findings.unsupported(`${path}.file_id`, STORED);
    return;
  }
  // A document's pages, a video's frames: nothing in the body says how many.
  findings.contextWindow = true;
}

function judgeImage(part: Noted, findings: Findings): void {
  const image = part.members.get('image_url');
  const url = image?.kind === 'object' ? image.members.get('url') : image;
  if (url?.text?.startsWith('data:image/')) {
    findings.extraAtMost += CHAT_IMAGE_AT_MOST;
    findings.extraLikely += CHAT_IMAGE_LIKELY;
  } else findings.contextWindow = true;
}

export function judgeChatMessage(message: Noted, path: string, findings: Findings): void {
  if (message.members.get('audio')?.kind === 'object') {
    findings.unsupported(`${path}.audio`, STORED);
  }
}

export function judgeChatTool(tool: Noted, path: string, findings: Findings): void {
  const type = tool.members.get('type')?.text ?? 'function';
  if (member(tool, 'input_schema') !== undefined && !tool.members.has('function')) {
    findings.elsewhere(`${path}.input_schema`, '/v1/messages');
    return;
  }
  if (type === 'function' || type === 'custom') return;
  if (type === 'live_search') {
    findings.unsupported(path, 'live search is billed for each source it reads');
    return;
  }
  findings.serverTools = true;
  findings.contextWindow = true;
  if (type.startsWith('web_search') || type.startsWith('x_search')) boundWebSearch(findings);
  else findings.unknownFields += 1;
}

/** Search models search whether asked or not. */
export function judgeChatModel(model: string, findings: Findings): void {
  if (/-search-(preview|api)/.test(model)) boundWebSearch(findings);
}

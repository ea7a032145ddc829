/**
 * The closed table of Messages: each documented parameter of Anthropic's API and its betas (API
 * reference and SDK 1.12, November 2026) with its effect on the price. A field that is not in the
 * table passes and is counted.
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
import { CHAT_PATH } from './endpoint-paths.ts';
import { REGION_RULE, SPEED_RULE, tierRule } from './service-terms.ts';

/**
 * platform.claude.com, "Vision": at most 4,784 visual tokens on high-resolution models, about 1,600
 * before.
 */
export const MAX_IMAGE_TOKENS = 5_000;
export const ESTIMATED_IMAGE_TOKENS = 1_600;

/**
 * "Tool use, pricing": the preamble of a request with tools is 530 tokens at most (Claude 3 Opus).
 */
export const MAX_TOOLS_PREAMBLE_TOKENS = 1_000;

/**
 * The largest documented for a tool of Anthropic's own that the caller runs: computer use, 735 +
 * 499.
 */
const MAX_CLIENT_TOOL_TOKENS = 2_000;

/**
 * No limit is documented where `max_uses` is absent; the server's own loop stops after 10 turns.
 */
const MAX_SEARCHES = 20;

/** Turns of the server's own tool loop before it pauses ("Handling stop reasons", pause_turn). */
const MAX_SERVER_TURNS = 10;

const OTHER_MODEL_MAY_ANSWER = 'another model may answer, at another price';

function checkThinking(value: JsonNode, analysis: RequestAnalysis): void {
  const budget = getMember(value, 'budget_tokens');
  if (budget === undefined) return;
  const tokens = toInteger(budget);
  if (tokens === null) analysis.rejectInvalid('thinking.budget_tokens', 'a whole number');
  else analysis.thinkingBudget = tokens;
}

/** Bounds a "Compaction": a pass over the whole context, reported in usage.iterations only. */
function limitCompaction(analysis: RequestAnalysis): void {
  analysis.contextWindow = true;
  analysis.mayClearContext = true;
  analysis.addSurcharge('compaction', 1);
}

function checkContextManagement(value: JsonNode, analysis: RequestAnalysis): void {
  const edits = getMember(value, 'edits');
  if (value.kind !== 'object' || (edits !== undefined && edits.kind !== 'array')) {
    analysis.rejectInvalid('context_management.edits', 'an array');
  }
  for (const edit of edits?.items ?? []) {
    analysis.mayClearContext = true;
    const type = edit.members.get('type')?.text ?? '';
    if (type.startsWith('compact')) limitCompaction(analysis);
    else if (!type.startsWith('clear_')) analysis.unknownFields += 1;
  }
}

/** The beta that opens a context window of a million tokens ("Context windows"). */
const LONG_CONTEXT_BETA = 'context-1m';

/** Returns whether a list of betas, as a header or a body has it, opens the longest window. */
export function hasLongContextBeta(betas: string | null): boolean {
  return betas?.toLowerCase().includes(LONG_CONTEXT_BETA) === true;
}

function checkBetas(value: JsonNode, analysis: RequestAnalysis): void {
  const items = value.kind === 'array' ? value.items : [value];
  if (items.some(({ kind }) => kind !== 'string')) {
    analysis.rejectInvalid('betas', 'an array of strings');
  }
  if (items.some(({ text }) => hasLongContextBeta(text))) analysis.longContext = true;
}

export const MESSAGES_RULES: Rules = {
  // Read by code of their own; `promptFields` and the readers of settings name them.
  messages: { effect: 'priced' },
  system: { effect: 'priced' },
  tools: { effect: 'priced' },
  model: { effect: 'priced' },
  stream: { effect: 'priced' },
  max_tokens: { effect: 'bounded' },
  cache_control: {
    effect: 'priced',
    captureSpec: { members: { ttl: LEAF } },
    check: (value, analysis) => checkCacheControl(value, analysis),
  },

  thinking: {
    effect: 'bounded',
    captureSpec: { members: { budget_tokens: LEAF } },
    check: checkThinking,
  },
  output_config: { effect: 'priced' },
  output_format: { effect: 'priced' },
  context_management: {
    effect: 'bounded',
    captureSpec: { members: { edits: { items: { members: { type: LEAF } } } } },
    check: checkContextManagement,
  },
  compaction: { effect: 'bounded', check: (_value, analysis) => limitCompaction(analysis) },
  // Output of an MCP server is input without a surcharge, and only the context window bounds it.
  mcp_servers: {
    effect: 'bounded',
    check: (_value, analysis) => {
      analysis.useServerTools(MAX_SERVER_TURNS);
      analysis.contextWindow = true;
    },
  },

  service_tier: tierRule(['auto', 'standard_only']),
  speed: SPEED_RULE,
  // "Data residency": inference kept in one country costs 1.1 times the price.
  inference_geo: REGION_RULE,
  billing_policy: {
    effect: 'rejected',
    captureSpec: { members: { bill_to: LEAF } },
    check: (value, analysis) => {
      const payer = getMember(value, 'bill_to');
      if (payer !== undefined && payer.text !== 'self') {
        analysis.rejectPricing('billing_policy', 'the call would be billed to another account');
      }
    },
  },
  diagnostics: {
    effect: 'rejected',
    captureSpec: { members: { previous_message_id: LEAF } },
    check: (value, analysis) => {
      if (getMember(value, 'previous_message_id') !== undefined) {
        analysis.rejectUnsupported('diagnostics.previous_message_id', REFERS_TO_STORED);
      }
    },
  },
  container: rejectedRule(REFERS_TO_STORED),
  // "Message threads": Anthropic's tool runner goes on without a thread after this code.
  thread: {
    effect: 'rejected',
    check: (_value, analysis, field) =>
      analysis.rejectUnsupported(field, REFERS_TO_STORED, 'thread_unsupported_request'),
  },
  fallback_credit_token: rejectedRule(REFERS_TO_STORED),
  fallbacks: unpricedRule(OTHER_MODEL_MAY_ANSWER),

  // The SDKs move it into a header; curl users write it here.
  betas: { effect: 'priced', captureSpec: { items: LEAF }, check: checkBetas },
  metadata: NO_EFFECT,
  stop_sequences: NO_EFFECT,
  temperature: NO_EFFECT,
  tool_choice: NO_EFFECT,
  top_k: NO_EFFECT,
  top_p: NO_EFFECT,
};

export function checkCacheControl(value: JsonNode, analysis: RequestAnalysis): void {
  if (value.kind !== 'object') return;
  const ttl = getMember(value, 'ttl');
  // A lifetime that is not known to be the shorter one is held for as the longer one.
  const oneHour = ttl !== undefined && ttl.text !== '5m';
  if (oneHour) analysis.cacheWrites = '1h';
  else if (analysis.cacheWrites === 'automatic') analysis.cacheWrites = '5m';
}

/** Blocks with at most as many tokens as bytes; signed and encrypted ones have fewer. */
const INLINE_BLOCK_TYPES = new Set([
  'text',
  'thinking',
  'redacted_thinking',
  'search_result',
  'tool_use',
  'tool_result',
  'tool_reference',
  'tool_addition',
  'tool_removal',
  'server_tool_use',
  'web_search_tool_result',
  'web_fetch_tool_result',
  'advisor_tool_result',
  'code_execution_tool_result',
  'bash_code_execution_tool_result',
  'text_editor_code_execution_tool_result',
  'tool_search_tool_result',
  'mcp_tool_use',
  'mcp_tool_result',
  'mcp_tool_listing',
  'compaction',
  'fallback',
]);

/** Members in which other dialects have media. */
const MEDIA_MEMBERS = ['image_url', 'file', 'input_audio'];

/** Blocks inside a server tool's result: web_search_result, code_execution_output, ..._error. */
const RESULT_BLOCK_TYPE = /_(result|output|error)$/;

export function checkMessagesPart(part: JsonNode, path: string, analysis: RequestAnalysis): void {
  const type = part.members.get('type');
  if (type?.kind !== 'string' || type.text === null) {
    analysis.rejectInvalid(`${path}.type`, 'the type of the part, a string');
    return;
  }
  checkPartOfType(part, type.text, path, analysis);
}

function checkPartOfType(
  part: JsonNode,
  type: string,
  path: string,
  analysis: RequestAnalysis,
): void {
  // Other blocks may name files without loading them: a code execution's result lists those it
  // made.
  if (type === 'container_upload') {
    analysis.rejectUnsupported(`${path}.file_id`, REFERS_TO_STORED);
    return;
  }
  // A search result's source is a string, its address; any other part with a source holds media.
  if (type === 'image' || type === 'document' || getMember(part, 'source')?.kind === 'object') {
    checkSource(part, type, path, analysis);
    return;
  }
  if (MEDIA_MEMBERS.some((name) => getMember(part, name) !== undefined)) {
    analysis.contextWindow = true;
  }
  if (INLINE_BLOCK_TYPES.has(type) || RESULT_BLOCK_TYPE.test(type)) return;
  analysis.unknownFields += 1;
  analysis.contextWindow = true;
}

function checkSource(part: JsonNode, type: string, path: string, analysis: RequestAnalysis): void {
  const source = part.members.get('source')?.members;
  const kind = source?.get('type')?.text;
  if (kind === 'file' || source?.has('file_id')) {
    analysis.rejectUnsupported(`${path}.source.file_id`, REFERS_TO_STORED);
    return;
  }
  if (source?.has('url')) {
    analysis.contextWindow = true;
    return;
  }
  if (type === 'document' && (kind === 'text' || kind === 'content')) return;
  if (type === 'image' && kind === 'base64') {
    analysis.extraMaxTokens += MAX_IMAGE_TOKENS;
    analysis.estimatedMediaTokens += ESTIMATED_IMAGE_TOKENS;
  } else analysis.contextWindow = true;
}

export function checkMessagesMessage(
  message: JsonNode,
  path: string,
  analysis: RequestAnalysis,
): void {
  const role = message.members.get('role')?.text ?? '';
  // `system` is a role of Messages too since the mid-conversation system messages of 2026.
  if (role === 'tool' || role === 'developer' || role === 'function') {
    analysis.rejectWrongEndpoint(`${path}.role`, CHAT_PATH);
  }
  if (message.members.get('tool_calls')?.kind === 'array') {
    analysis.rejectWrongEndpoint(`${path}.tool_calls`, CHAT_PATH);
  }
}

export function checkMessagesTool(tool: JsonNode, path: string, analysis: RequestAnalysis): void {
  const typeNode = getMember(tool, 'type');
  // Without a type it is a tool of the caller's, which always has a schema ("Define tools").
  if (typeNode === undefined ? !tool.members.has('input_schema') : typeNode.kind !== 'string') {
    analysis.rejectInvalid(`${path}.type`, 'the type of the tool, a string');
    return;
  }
  const type = typeNode?.text ?? 'custom';
  if (type === 'function' && tool.members.get('function')?.kind === 'object') {
    analysis.rejectWrongEndpoint(`${path}.function`, CHAT_PATH);
    return;
  }
  if (type === 'custom') return;
  if (/^(bash|text_editor|computer|memory)_\d/.test(type)) {
    analysis.extraMaxTokens += MAX_CLIENT_TOOL_TOKENS;
    return;
  }
  if (type.startsWith('advisor')) {
    analysis.rejectPricing(path, 'another model advises, at another price');
    return;
  }
  analysis.contextWindow = true;
  // The caller runs these tools, but the length of their prompts is not documented.
  if (/^(browser|computer)_toolset_/.test(type)) return;
  analysis.useServerTools(MAX_SERVER_TURNS);
  if (type.startsWith('code_execution_')) analysis.codeExecutionTool ??= path;
  analysis.isCodeExecutionFree ||= coversCodeExecution(type);
  if (type.startsWith('web_search_')) {
    const uses = getMember(tool, 'max_uses');
    analysis.addSurcharge('web_search', (uses && toInteger(uses)) ?? MAX_SEARCHES);
  } else if (!/^(web_fetch_|code_execution_|tool_search_tool_|mcp_toolset)/.test(type)) {
    analysis.unknownFields += 1;
  }
}

/** The first versions of the web tools beside which code execution is not billed. */
const COVERING_TOOL = /^web_(?:search|fetch)_(\d{8})$/;
const FIRST_COVERING_VERSION = '20260209';

function coversCodeExecution(type: string): boolean {
  const version = COVERING_TOOL.exec(type)?.[1];
  return version !== undefined && version >= FIRST_COVERING_VERSION;
}

/**
 * Rejects code execution that is billed by the time that its container runs: no answer states it, and
 * nothing bounds it (platform.claude.com, "Pricing", code execution tool). Beside a web tool it is
 * free.
 */
export function checkCodeExecution(analysis: RequestAnalysis): void {
  const { codeExecutionTool, isCodeExecutionFree } = analysis;
  if (codeExecutionTool === null || isCodeExecutionFree) return;
  analysis.rejectPricing(
    codeExecutionTool,
    'code execution is billed by time, which no answer states. Add the tool web_fetch_20260209 or web_search_20260209, beside which Anthropic does not bill it',
  );
}

/** Adds the compactions of server tools: each turn of the provider's loop may compact once. */
export function addCompactionPasses(analysis: RequestAnalysis): void {
  const compacts = analysis.surchargeBounds(1).some((bound) => bound.kind === 'compaction');
  if (compacts) analysis.addSurcharge('compaction', analysis.serverPasses - 1);
}

/**
 * The closed table of Messages: each documented parameter of Anthropic's API and its betas (API
 * reference and SDK 1.12, November 2026) and its effect on the price. A field that is not here passes
 * and is counted.
 */
import {
  type Findings,
  FLAT,
  FREE,
  integer,
  member,
  type Noted,
  only,
  type Rules,
  refused,
  STORED,
} from './findings.ts';

/** platform.claude.com, "Vision": at most 4,784 visual tokens on high-resolution models, about 1,600 before. */
export const IMAGE_AT_MOST = 5_000;
export const IMAGE_LIKELY = 1_600;

/** "Tool use, pricing": the preamble of a request with tools is 530 tokens at most (Claude 3 Opus). */
export const TOOLS_PREAMBLE_AT_MOST = 1_000;
export const TOOLS_PREAMBLE_LIKELY = 350;

/** The largest documented for a tool of Anthropic's own that the caller runs: computer use, 735 + 499. */
const OWN_TOOL_AT_MOST = 2_000;

/** Where `max_uses` is absent no limit is documented; the server's loop stops after 10 turns of its own. */
const SEARCHES_AT_MOST = 20;

/** Turns of the server's own tool loop before it pauses ("Handling stop reasons", pause_turn). */
const SERVER_TURNS = 10;

const OTHER_MODEL = 'another model may answer, at another price';

function judgeThinking(value: Noted, findings: Findings): void {
  const budget = member(value, 'budget_tokens');
  if (budget === undefined) return;
  const tokens = integer(budget);
  if (tokens === null) findings.invalid('thinking.budget_tokens', 'a whole number');
  else findings.thinkingBudget = tokens;
}

/** "Compaction": a sampling of its own over the whole context, listed in usage.iterations only. */
function boundCompaction(findings: Findings): void {
  findings.contextWindow = true;
  findings.fee('compaction', 1);
}

function judgeContextManagement(value: Noted, findings: Findings): void {
  for (const edit of value.members.get('edits')?.items ?? []) {
    const type = edit.members.get('type')?.text ?? '';
    if (type.startsWith('compact')) boundCompaction(findings);
    else if (!type.startsWith('clear_')) findings.unknownFields += 1;
  }
}

export const MESSAGES_RULES: Rules = {
  // Read on their own, before this table is asked.
  messages: { effect: 'priced' },
  system: { effect: 'priced' },
  tools: { effect: 'priced' },
  model: { effect: 'priced' },
  stream: { effect: 'priced' },
  max_tokens: { effect: 'bounded' },
  cache_control: {
    effect: 'priced',
    plan: { members: { ttl: FLAT } },
    judge: (value, findings) => judgeCacheControl(value, findings),
  },

  thinking: { effect: 'bounded', plan: { members: { budget_tokens: FLAT } }, judge: judgeThinking },
  output_config: { effect: 'priced' },
  output_format: { effect: 'priced' },
  context_management: {
    effect: 'bounded',
    plan: { members: { edits: { items: { members: { type: FLAT } } } } },
    judge: judgeContextManagement,
  },
  compaction: { effect: 'bounded', judge: (_value, findings) => boundCompaction(findings) },
  // What an MCP server says is input like any other and has no fee; how much it says only the window bounds.
  mcp_servers: {
    effect: 'bounded',
    judge: (_value, findings) => {
      findings.serverTools = true;
      findings.contextWindow = true;
    },
  },

  service_tier: only(['auto', 'standard_only'], 'other tiers have other prices'),
  speed: only(['standard'], 'fast mode has other prices'),
  // "Data residency": inference kept in one country costs 1.1 times the price.
  inference_geo: only(['global'], 'inference in one region has other prices'),
  billing_policy: {
    effect: 'refused',
    plan: { members: { bill_to: FLAT } },
    judge: (value, findings) => {
      const payer = member(value, 'bill_to');
      if (payer !== undefined && payer.text !== 'self') {
        findings.unsupported('billing_policy', 'the call would be billed to somebody else');
      }
    },
  },
  diagnostics: {
    effect: 'refused',
    plan: { members: { previous_message_id: FLAT } },
    judge: (value, findings) => {
      if (member(value, 'previous_message_id') !== undefined) {
        findings.unsupported('diagnostics.previous_message_id', STORED);
      }
    },
  },
  container: refused(STORED),
  thread: refused(STORED),
  fallback_credit_token: refused(STORED),
  fallbacks: refused(OTHER_MODEL),

  // The SDKs move it into a header; curl users write it here.
  betas: FREE,
  metadata: FREE,
  stop_sequences: FREE,
  temperature: FREE,
  tool_choice: FREE,
  top_k: FREE,
  top_p: FREE,
};

export function judgeCacheControl(value: Noted, findings: Findings): void {
  if (value.kind !== 'object') return;
  const long = value.members.get('ttl')?.text === '1h';
  if (long) findings.cacheWrites = '1h';
  else if (findings.cacheWrites === 'automatic') findings.cacheWrites = '5m';
}

/** Blocks whose tokens are all in their bytes (or, signed and encrypted, fewer than their bytes). */
const INLINE = new Set([
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

/** What a server tool's result block holds in turn: web_search_result, code_execution_output, ..._error. */
const RESULT = /_(result|output|error)$/;

export function judgeMessagesPart(part: Noted, path: string, findings: Findings): void {
  const type = part.members.get('type')?.text ?? null;
  // Only where something is fetched: a code execution's result also names the files it made.
  if (type === 'container_upload') {
    findings.unsupported(`${path}.file_id`, STORED);
    return;
  }
  if (type === 'image' || type === 'document') {
    judgeSource(part, type, path, findings);
    return;
  }
  if (type === null || INLINE.has(type) || RESULT.test(type)) return;
  findings.unknownFields += 1;
  findings.contextWindow = true;
}

function judgeSource(part: Noted, type: string, path: string, findings: Findings): void {
  const source = part.members.get('source')?.members;
  const kind = source?.get('type')?.text;
  if (kind === 'file' || source?.has('file_id')) {
    findings.unsupported(`${path}.source.file_id`, STORED);
    return;
  }
  if (type === 'document' && (kind === 'text' || kind === 'content')) return;
  if (type === 'image' && kind === 'base64') {
    findings.extraAtMost += IMAGE_AT_MOST;
    findings.extraLikely += IMAGE_LIKELY;
  } else findings.contextWindow = true;
}

export function judgeMessagesMessage(message: Noted, path: string, findings: Findings): void {
  const role = message.members.get('role')?.text ?? '';
  // `system` is a role of Messages too since the mid-conversation system messages of 2026.
  if (role === 'tool' || role === 'developer' || role === 'function') {
    findings.elsewhere(`${path}.role`, '/v1/chat/completions');
  }
  if (message.members.get('tool_calls')?.kind === 'array') {
    findings.elsewhere(`${path}.tool_calls`, '/v1/chat/completions');
  }
}

export function judgeMessagesTool(tool: Noted, path: string, findings: Findings): void {
  const type = tool.members.get('type')?.text ?? 'custom';
  if (type === 'function' && tool.members.get('function')?.kind === 'object') {
    findings.elsewhere(`${path}.function`, '/v1/chat/completions');
    return;
  }
  if (type === 'custom') return;
  if (/^(bash|text_editor|computer|memory)_\d/.test(type)) {
    findings.extraAtMost += OWN_TOOL_AT_MOST;
    return;
  }
  if (type.startsWith('advisor')) {
    findings.unsupported(path, 'another model advises, at another price');
    return;
  }
  findings.contextWindow = true;
  // Run by the caller, but with prompts whose length nobody documents.
  if (/^(browser|computer)_toolset_/.test(type)) return;
  findings.serverTools = true;
  if (type.startsWith('web_search_')) {
    const uses = member(tool, 'max_uses');
    findings.fee('web_search', (uses && integer(uses)) ?? SEARCHES_AT_MOST);
  } else if (!/^(web_fetch_|code_execution_|tool_search_tool_|mcp_toolset)/.test(type)) {
    findings.unknownFields += 1;
  }
}

/** With tools that run at the provider each turn of their loop may compact once. */
export function countCompactions(findings: Findings): void {
  const compacts = findings.fees(1).some((bound) => bound.kind === 'compaction');
  if (compacts && findings.serverTools) findings.fee('compaction', SERVER_TURNS - 1);
}

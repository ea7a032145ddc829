/** The items, parts and tools of Responses, with their effect on the price. */
import {
  ENCODED_LEAF,
  getMember,
  type JsonNode,
  LEAF,
  REFERS_TO_STORED,
  type RequestAnalysis,
} from './analysis.ts';
import {
  ESTIMATED_CHAT_IMAGE_TOKENS,
  findServerTool,
  MAX_CHAT_IMAGE_TOKENS,
  SPOKEN_INPUT,
} from './chat-rules.ts';
import { CHAT_PATH } from './endpoint-paths.ts';
import { buildPromptMembers, type PromptMembers } from './prompt-members.ts';
import { MAX_TOOL_CALLS } from './responses-rules.ts';

export const ITEM_MEMBERS: PromptMembers = buildPromptMembers({
  texts: new Set(['content', 'text', 'refusal', 'output', 'input', 'summary']),
  dropped: new Set(),
  media: {
    image_url: { ...ENCODED_LEAF, members: { url: ENCODED_LEAF } },
    file_data: ENCODED_LEAF,
    file_url: ENCODED_LEAF,
    input_audio: { members: { data: ENCODED_LEAF } },
    video_url: ENCODED_LEAF,
    // Of a generated image.
    result: ENCODED_LEAF,
  },
  documents: new Set(['file_data']),
  opaque: new Set(['encrypted_content']),
  captured: new Set(['type', 'id', 'role', 'file_id', 'tool_calls']),
  toolLists: new Set(['tools']),
  tool: new Map([
    ['type', null],
    ['function', null],
    ['execution', null],
    ['environment', { members: { type: LEAF } }],
    ['container', { members: { type: LEAF, file_ids: { items: LEAF }, memory_limit: LEAF } }],
  ]),
});

/** Items whose every member is inline: at most as many tokens as bytes. */
const ITEM_TYPES: ReadonlySet<string> = new Set([
  'message',
  'reasoning',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
  'tool_search_call',
  'tool_search_output',
  'additional_tools',
  'web_search_call',
  'x_search_call',
  'file_search_call',
  'computer_call',
  'computer_call_output',
  'image_generation_call',
  'local_shell_call',
  'local_shell_call_output',
  'shell_call',
  'shell_call_output',
  'apply_patch_call',
  'apply_patch_call_output',
  'mcp_list_tools',
  'mcp_approval_request',
  'mcp_approval_response',
  'mcp_call',
  'program',
  'program_output',
  'compaction',
  'compaction_summary',
  'compaction_trigger',
  'configuration_update',
]);

/** As OpenAI words it, so that clients which look for it find it. */
const ITEM_NOT_STORED =
  'items are not persisted when "store" is false, as it always is through Farebox. Send the item itself; SDKs that refer to stored items send them whole with store: false';

export function checkItem(item: JsonNode, path: string, analysis: RequestAnalysis): void {
  const role = getMember(item, 'role')?.text ?? '';
  if (role === 'tool' || getMember(item, 'tool_calls') !== undefined) {
    analysis.rejectWrongEndpoint(
      role === 'tool' ? `${path}.role` : `${path}.tool_calls`,
      CHAT_PATH,
    );
  }
  const type = getMember(item, 'type');
  // A message may lack its type; an item with nothing but an id refers to a stored one.
  if (type === undefined ? role === '' : type.text === 'item_reference') {
    analysis.rejectUnsupported(path, ITEM_NOT_STORED);
    return;
  }
  checkMedia(item, path, analysis);
  if (type === undefined || ITEM_TYPES.has(type.text ?? '')) return;
  // A call of the code interpreter names the container whose files the model reads.
  if (type.text !== 'code_interpreter_call') analysis.unknownFields += 1;
  analysis.contextWindow = true;
}

const TEXT_PART_TYPES: ReadonlySet<string> = new Set([
  'text',
  'input_text',
  'output_text',
  'refusal',
  'summary_text',
  'reasoning_text',
  'input_image',
  'computer_screenshot',
  'input_file',
]);

/** Checks a part of a content or of a tool's output, which may have no type. */
export function checkResponsesPart(part: JsonNode, path: string, analysis: RequestAnalysis): void {
  checkMedia(part, path, analysis);
  const type = getMember(part, 'type');
  if (type === undefined || TEXT_PART_TYPES.has(type.text ?? '')) return;
  if (type.text === 'input_audio') analysis.rejectPricing(path, SPOKEN_INPUT);
  else analysis.unknownFields += 1;
  analysis.contextWindow = true;
}

/** Bounds media by the members that hold them, whatever the type says. */
function checkMedia(node: JsonNode, path: string, analysis: RequestAnalysis): void {
  if (getMember(node, 'file_id') !== undefined)
    analysis.rejectUnsupported(`${path}.file_id`, REFERS_TO_STORED);
  if (getMember(node, 'input_audio') !== undefined) analysis.rejectPricing(path, SPOKEN_INPUT);
  const hasDocument = ['file_data', 'file_url', 'video_url', 'source'].some(
    (name) => getMember(node, name) !== undefined,
  );
  if (hasDocument) analysis.contextWindow = true;
  const image = getMember(node, 'image_url');
  const url = image?.kind === 'object' ? getMember(image, 'url') : image;
  const isInline = url?.text?.startsWith('data:image/') === true;
  if (isInline || getMember(node, 'result') !== undefined) {
    analysis.extraMaxTokens += MAX_CHAT_IMAGE_TOKENS;
    analysis.estimatedMediaTokens += ESTIMATED_CHAT_IMAGE_TOKENS;
  } else if (image !== undefined) analysis.contextWindow = true;
}

/** Tools that the caller runs; what their definitions cost is in the bytes of the body. */
const CLIENT_TOOL_TYPES: ReadonlySet<string> = new Set(['function', 'custom', 'namespace']);
/** Tools of OpenAI's own that the caller runs; the length of their prompts is not documented. */
const CLIENT_TOOL = /^(computer|local_shell$|apply_patch$)/;

const UNPRICED_TOOLS: ReadonlyMap<string, string> = new Map([
  [
    'image_generation',
    'its images are billed by the tokens of an image model, which no answer states; use /v1/images/generations',
  ],
  [
    'web_search_preview',
    'what a search costs depends on the model; use "web_search", which has one price',
  ],
  ['programmatic_tool_calling', 'its container is billed by time, which no answer states'],
  ['live_search', 'live search is billed for each source it reads'],
]);

/** Types of the provider's own tools without a price of their own; they cost their tokens. */
const TOKEN_PRICED_TOOL = /^(mcp|tool_search)$/;

const LOCAL_SHELL_ONLY =
  'a hosted container is billed by time, which no answer states; use the environment {"type": "local"}';

export function checkResponsesTool(tool: JsonNode, path: string, analysis: RequestAnalysis): void {
  const typeNode = getMember(tool, 'type');
  if (getMember(tool, 'function')?.kind === 'object') {
    analysis.rejectWrongEndpoint(`${path}.function`, CHAT_PATH);
    return;
  }
  if (typeNode?.kind !== 'string' || typeNode.text === null) {
    // The list of an MCP server's tools has no types: it is a text that the model reads.
    if (path.startsWith('tools[')) {
      analysis.rejectInvalid(`${path}.type`, 'the type of the tool, a string');
    }
    return;
  }
  const type = typeNode.text;
  if (CLIENT_TOOL_TYPES.has(type)) return;
  if (type === 'tool_search' && getMember(tool, 'execution')?.text === 'client') return;
  analysis.contextWindow = true;
  if (CLIENT_TOOL.test(type)) return;
  if (type === 'shell') checkShell(tool, path, analysis);
  else checkServerTool(type, tool, path, analysis);
}

function checkShell(tool: JsonNode, path: string, analysis: RequestAnalysis): void {
  const environment = getMember(tool, 'environment');
  const kind = environment === undefined ? null : getMember(environment, 'type')?.text;
  if (kind === 'local') return;
  if (kind === 'container_reference') analysis.rejectUnsupported(path, REFERS_TO_STORED);
  else analysis.rejectPricing(path, LOCAL_SHELL_ONLY);
}

const CONTAINER_MEMORY = 'the price of a container depends on its memory; leave the size out';

/** Containers and files belong to the organisation that all callers share. */
function checkContainer(tool: JsonNode, path: string, analysis: RequestAnalysis): void {
  const container = getMember(tool, 'container');
  if (container === undefined) return;
  const type = getMember(container, 'type')?.text ?? 'auto';
  const files = getMember(container, 'file_ids');
  const hasFiles = files !== undefined && (files.kind !== 'array' || files.items.length > 0);
  if (container.kind !== 'object' || type !== 'auto' || hasFiles)
    analysis.rejectUnsupported(`${path}.container`, REFERS_TO_STORED);
  else if (getMember(container, 'memory_limit') !== undefined)
    analysis.rejectPricing(`${path}.container.memory_limit`, CONTAINER_MEMORY);
}

function checkServerTool(
  type: string,
  tool: JsonNode,
  path: string,
  analysis: RequestAnalysis,
): void {
  checkContainer(tool, path, analysis);
  if (/^(file_search|collections_search)/.test(type)) {
    analysis.rejectUnsupported(path, REFERS_TO_STORED);
    return;
  }
  analysis.runsServerTools = true;
  const unpriced = [...UNPRICED_TOOLS].find(([prefix]) => type.startsWith(prefix));
  if (unpriced !== undefined) {
    analysis.rejectPricing(path, unpriced[1]);
    return;
  }
  if (TOKEN_PRICED_TOOL.test(type)) return;
  const kind = findServerTool(type);
  if (kind === undefined) analysis.unknownFields += 1;
  else analysis.limitedTools.add(kind);
}

/** Bounds the calls of the provider's own tools, each of which is a pass over the prompt too. */
export function boundServerTools(_model: string, analysis: RequestAnalysis): void {
  if (!analysis.runsServerTools) return;
  // Other providers than OpenAI may not know the request's own limit.
  const calls = Math.max(analysis.maxToolCalls ?? 0, MAX_TOOL_CALLS);
  analysis.useServerTools(calls + 1);
  for (const kind of analysis.limitedTools) analysis.addSurcharge(kind, calls);
}

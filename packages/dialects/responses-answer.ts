/**
 * Answers of Responses: what billing reads in their events, and their conversion between a document
 * and a stream, for providers that answer with the one where the other was asked.
 */
import type { AnswerAssembler, AnswerRecorder } from './dialect-spec.ts';
import { childObject, isJsonObject, type JsonObject, toCount } from './json-fields.ts';

/** The objects that are answers: a response, and the result of a compaction. */
const ANSWER_OBJECTS: ReadonlySet<unknown> = new Set(['response', 'response.compaction']);

function listItems({ output }: JsonObject): JsonObject[] {
  return Array.isArray(output) ? output.filter(isJsonObject) : [];
}

/**
 * Returns whether an item is a search that is billed. Opening a page and finding a text in it are not
 * (OpenAI's guide "Web search": search actions incur a tool call cost).
 */
function isBilledSearch(item: JsonObject): boolean {
  if (item.type !== 'web_search_call') return false;
  const { type } = childObject(item, 'action');
  return type === undefined || type === 'search';
}

/** Reads the tier, the usage and the billed items of a response. */
function readResponse(response: JsonObject, recorder: AnswerRecorder): void {
  const { service_tier: tier, usage } = response;
  if (typeof tier === 'string' && tier !== '') recorder.setServiceTier(tier);
  for (const [position, item] of listItems(response).entries())
    if (isBilledSearch(item)) recorder.setSearchQueries(position, 1);
  if (isJsonObject(usage)) recorder.addUsage(usage);
}

/** Reads one event of a stream, or a whole answer. */
export function readResponsesEvent(event: JsonObject, recorder: AnswerRecorder): void {
  const item = childObject(event, 'item');
  switch (event.type) {
    case 'response.created':
      recorder.startMessage();
      break;
    case 'response.output_item.added':
      if (typeof item.name === 'string') recorder.addToolCall(item.name);
      break;
    case 'response.output_item.done':
      if (isBilledSearch(item)) recorder.setSearchQueries(toCount(event.output_index) ?? 0, 1);
      break;
    case 'response.completed':
    case 'response.incomplete':
    case 'response.failed':
      if (event.type === 'response.failed') recorder.markFailed();
      readResponse(childObject(event, 'response'), recorder);
      recorder.markFinished(0);
      recorder.markEnded();
      break;
    case 'error':
      recorder.markFailed();
      break;
    default:
      if (!isResponsesAnswer(event)) break;
      readResponse(event, recorder);
      recorder.markFinished(0);
  }
}

/** True for a response; one that failed and cost nothing is an error. */
export function isResponsesAnswer(document: JsonObject): boolean {
  if (!Array.isArray(document.output)) return false;
  if (!ANSWER_OBJECTS.has(document.object) && typeof document.status !== 'string') return false;
  return document.status !== 'failed' || isJsonObject(document.usage);
}

export function isWholeResponsesEvent(event: JsonObject): boolean {
  return event.type === undefined && isResponsesAnswer(event);
}

export function isResponsesEvent(document: JsonObject): boolean {
  return typeof document.type === 'string' && document.type.startsWith('response.');
}

type Step = Readonly<Record<string, unknown> & { type: string }>;

/** Returns the events that a text of an item consists of, from its part to its end. */
function toTextSteps(
  name: 'output_text' | 'refusal' | 'reasoning_text',
  part: JsonObject,
  place: JsonObject,
): Step[] {
  const member = name === 'refusal' ? 'refusal' : 'text';
  const text = part[member] ?? '';
  const extra = name === 'output_text' ? { logprobs: [] } : {};
  return [
    { type: 'response.content_part.added', ...place, part: { ...part, [member]: '' } },
    { type: `response.${name}.delta`, ...place, delta: text, ...extra },
    { type: `response.${name}.done`, ...place, [member]: text, ...extra },
    { type: 'response.content_part.done', ...place, part },
  ];
}

const TEXT_PARTS: ReadonlyMap<unknown, 'output_text' | 'refusal' | 'reasoning_text'> = new Map([
  ['output_text', 'output_text'],
  ['refusal', 'refusal'],
  ['reasoning_text', 'reasoning_text'],
]);

function toContentSteps(item: JsonObject, place: JsonObject): Step[] {
  const parts = Array.isArray(item.content) ? item.content.filter(isJsonObject) : [];
  return parts.flatMap((part, index) => {
    const name = TEXT_PARTS.get(part.type);
    return name === undefined ? [] : toTextSteps(name, part, { ...place, content_index: index });
  });
}

function toSummarySteps(item: JsonObject, place: JsonObject): Step[] {
  const parts = Array.isArray(item.summary) ? item.summary.filter(isJsonObject) : [];
  return parts.flatMap((part, index) => {
    const at = { ...place, summary_index: index };
    const text = part.text ?? '';
    return [
      { type: 'response.reasoning_summary_part.added', ...at, part: { ...part, text: '' } },
      { type: 'response.reasoning_summary_text.delta', ...at, delta: text },
      { type: 'response.reasoning_summary_text.done', ...at, text },
      { type: 'response.reasoning_summary_part.done', ...at, part },
    ];
  });
}

/** The member of a tool call that streams, and what its events are called. */
const CALL_MEMBERS: ReadonlyMap<unknown, readonly [member: string, name: string]> = new Map([
  ['function_call', ['arguments', 'function_call_arguments']],
  ['custom_tool_call', ['input', 'custom_tool_call_input']],
  ['mcp_call', ['arguments', 'mcp_call_arguments']],
]);

function toCallSteps(item: JsonObject, place: JsonObject): Step[] {
  const call = CALL_MEMBERS.get(item.type);
  if (call === undefined) return [];
  const [member, name] = call;
  const text = item[member] ?? '';
  return [
    { type: `response.${name}.delta`, ...place, delta: text },
    { type: `response.${name}.done`, ...place, [member]: text },
  ];
}

/** Returns an item as it begins: its texts are empty. */
function toOpening(item: JsonObject): JsonObject {
  const call = CALL_MEMBERS.get(item.type);
  return {
    ...item,
    ...(item.status === undefined ? {} : { status: 'in_progress' }),
    ...(Array.isArray(item.content) ? { content: [] } : {}),
    ...(Array.isArray(item.summary) ? { summary: [] } : {}),
    ...(call === undefined ? {} : { [call[0]]: '' }),
  };
}

function toItemSteps(item: JsonObject, index: number): Step[] {
  const place = { item_id: item.id ?? '', output_index: index };
  return [
    { type: 'response.output_item.added', output_index: index, item: toOpening(item) },
    ...toSummarySteps(item, place),
    ...toContentSteps(item, place),
    ...toCallSteps(item, place),
    { type: 'response.output_item.done', output_index: index, item },
  ];
}

const LAST_EVENTS: ReadonlyMap<unknown, string> = new Map([
  ['incomplete', 'response.incomplete'],
  ['failed', 'response.failed'],
]);

/** Returns the events of a response, in the order of OpenAI's API. */
export function toResponsesEvents(document: JsonObject): readonly JsonObject[] {
  const opening = { ...document, status: 'in_progress', output: [], usage: null };
  const steps: Step[] = [
    { type: 'response.created', response: opening },
    { type: 'response.in_progress', response: opening },
    ...listItems(document).flatMap(toItemSteps),
    { type: LAST_EVENTS.get(document.status) ?? 'response.completed', response: document },
  ];
  return steps.map((step, index) => ({ ...step, sequence_number: index }));
}

/** Builds a response from its events: the last one has it whole. */
export function createResponsesAssembler(): AnswerAssembler {
  let document: JsonObject | null = null;
  return {
    add(event) {
      if (isWholeResponsesEvent(event)) document = event;
      const isLast =
        event.type === 'response.completed' ||
        [...LAST_EVENTS.values()].some((t) => t === event.type);
      if (isLast) document = childObject(event, 'response');
    },
    document: () => document,
  };
}

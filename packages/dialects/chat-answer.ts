/**
 * Answers of Chat Completions: what billing reads in their events, and their conversion between a
 * document and a stream, for providers that answer with the one where the other was asked.
 */
import type { AnswerAssembler, AnswerRecorder } from './dialect-spec.ts';
import { isJsonObject, type JsonObject, toCount } from './json-fields.ts';
import { mergeDelta } from './merge-delta.ts';
import { mergeUsage } from './merge-usage.ts';

/** The members of a usage chunk that say nothing about the answer. */
const ENVELOPE: ReadonlySet<string> = new Set([
  ...['id', 'object', 'created', 'model', 'system_fingerprint', 'service_tier', 'provider'],
  ...['choices', 'usage', 'x_groq', 'obfuscation'],
]);

function getChoices(event: JsonObject): JsonObject[] {
  return Array.isArray(event.choices) ? event.choices.filter(isJsonObject) : [];
}

function getIndex(choice: JsonObject, position: number): number {
  return toCount(choice.index) ?? position;
}

function hasText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** Returns the counts that stand in an event itself, without an object `usage` around them. */
function findBareCounts(event: JsonObject): JsonObject | null {
  const { prompt_tokens, completion_tokens, total_tokens } = event;
  const isCounted = toCount(prompt_tokens) !== null && toCount(completion_tokens) !== null;
  return isCounted ? { prompt_tokens, completion_tokens, total_tokens } : null;
}

/**
 * Returns the usage objects of an event. Most providers have one at the top; Moonshot's is in the
 * choice that finishes (AstrBot issue 6614), Groq's also in `x_groq` (litellm issue 16129).
 */
function listUsage(event: JsonObject): JsonObject[] {
  const choices = getChoices(event);
  const parts = choices.flatMap((choice) => [choice, choice.message, choice.delta]);
  const places = [...parts, event.x_groq, event].filter(isJsonObject).map(({ usage }) => usage);
  return [findBareCounts(event), ...places.flat()].filter(isJsonObject);
}

/** The members in which Gemini lists the searches that it ran, in its two spellings. */
const GROUNDING = ['groundingMetadata', 'grounding_metadata'];
const QUERIES = ['webSearchQueries', 'web_search_queries'];

/** Counts the search queries that a choice, its message or its delta is grounded in. */
function countSearchQueries(choice: JsonObject): number {
  const places = [choice, choice.message, choice.delta].filter(isJsonObject);
  const grounding = places.flatMap((place) => GROUNDING.map((name) => place[name]));
  const lists = grounding
    .filter(isJsonObject)
    .flatMap((found) => QUERIES.map((name) => found[name]));
  return Math.max(0, ...lists.map((list) => (Array.isArray(list) ? list.length : 0)));
}

/** Reads one chunk of a stream, or a whole answer. */
export function readChatEvent(event: JsonObject, recorder: AnswerRecorder): void {
  for (const [position, choice] of getChoices(event).entries()) {
    // Some servers send an empty text until the choice finishes (sglang issue 3912).
    if (hasText(choice.finish_reason)) recorder.markFinished(getIndex(choice, position));
    const queries = countSearchQueries(choice);
    if (queries > 0) recorder.setSearchQueries(getIndex(choice, position), queries);
  }
  if (hasText(event.service_tier)) recorder.setServiceTier(event.service_tier);
  for (const usage of listUsage(event)) recorder.addUsage(usage);
}

/** Returns whether a value says nothing: none, an empty text, list or object. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return isJsonObject(value) && Object.keys(value).length === 0;
}

/** Returns whether a choice says nothing about its answer. */
function isEmptyChoice(choice: unknown): boolean {
  if (!isJsonObject(choice)) return isEmpty(choice);
  return Object.entries(choice).every(
    ([name, value]) => name === 'index' || name === 'usage' || isEmpty(value),
  );
}

/**
 * True for the chunk that `stream_options.include_usage` adds. Its choices are empty; some
 * providers write null or leave them out (cline issue 8384, freellmapi issue 156), or write choices
 * that say nothing.
 */
export function isUsageOnlyChunk(event: JsonObject): boolean {
  if (!isJsonObject(event.usage)) return false;
  const { choices } = event;
  if (!isEmpty(choices) && !(Array.isArray(choices) && choices.every(isEmptyChoice))) return false;
  return Object.entries(event).every(
    ([name, value]) =>
      ENVELOPE.has(name) ||
      value === null ||
      value === '' ||
      (Array.isArray(value) && value.length === 0),
  );
}

/**
 * Every client loops over the choices of every chunk, and throws where there is no list of them or
 * one of them is null. A chunk that says nothing beside them is left out.
 */
export function repairChatEvent(event: JsonObject): JsonObject | null {
  const { choices } = event;
  if (Array.isArray(choices) && choices.every(isJsonObject)) return event;
  const readable = getChoices(event);
  const hasMore = Object.entries(event).some(
    ([name, value]) =>
      name === 'usage' || !(ENVELOPE.has(name) || name === 'type' || isEmpty(value)),
  );
  return readable.length > 0 || hasMore ? { ...event, choices: readable } : null;
}

/** True for a completion; a choice may lack its message where all of the output is thinking. */
export function isChatAnswer(document: JsonObject): boolean {
  const choices = getChoices(document);
  const hasAnswer = choices.some(
    (choice) => isJsonObject(choice.message) || hasText(choice.finish_reason),
  );
  return hasAnswer && !choices.some((choice) => isJsonObject(choice.delta));
}

export function isWholeChatEvent(event: JsonObject): boolean {
  return isChatAnswer(event) && getChoices(event).some((choice) => isJsonObject(choice.message));
}

export function isChatEvent(document: JsonObject): boolean {
  return (
    getChoices(document).some((choice) => isJsonObject(choice.delta)) || isUsageOnlyChunk(document)
  );
}

/** Returns a message as the delta of one chunk: its tool calls get the index that deltas have. */
function toDelta(message: JsonObject): JsonObject {
  const { tool_calls: calls } = message;
  if (!Array.isArray(calls)) return message;
  const indexed = calls.map((call, index) => (isJsonObject(call) ? { index, ...call } : call));
  return { ...message, tool_calls: indexed };
}

function inferFinish(message: JsonObject): string {
  return Array.isArray(message.tool_calls) && message.tool_calls.length > 0 ? 'tool_calls' : 'stop';
}

/** Returns the chunks of a completion: one per choice, one per finish, and the usage if asked. */
export function toChatEvents(document: JsonObject, includeUsage: boolean): readonly JsonObject[] {
  const { choices: _choices, usage, ...rest } = document;
  const base = { ...rest, object: 'chat.completion.chunk' };
  const choices = getChoices(document).map((choice, position) => {
    const { message, finish_reason: finish, ...others } = choice;
    const said = isJsonObject(message) ? message : {};
    const index = getIndex(choice, position);
    return {
      first: {
        ...others,
        index,
        delta: { role: 'assistant', ...toDelta(said) },
        finish_reason: null,
      },
      last: { index, delta: {}, finish_reason: hasText(finish) ? finish : inferFinish(said) },
    };
  });
  const chunks = [
    ...choices.map(({ first }) => ({ ...base, choices: [first] })),
    ...choices.map(({ last }) => ({ ...base, choices: [last] })),
  ];
  const hasUsage = includeUsage && isJsonObject(usage);
  return hasUsage ? [...chunks, { ...base, choices: [], usage }] : chunks;
}

/** Merges the deltas of one choice into its message. */
function mergeChoice(target: Record<string, unknown>, choice: JsonObject): void {
  for (const [name, value] of Object.entries(choice)) {
    if (name === 'delta' || value === null || value === '') continue;
    // The log probabilities of a choice are lists that grow.
    target[name] = name === 'logprobs' ? mergeDelta(target[name], value) : value;
  }
  if (!isJsonObject(choice.delta)) return;
  const { role, ...delta } = choice.delta;
  const message = isJsonObject(target.message)
    ? target.message
    : { role: 'assistant', content: null };
  const named = hasText(role) ? { ...message, role } : message;
  target.message = mergeDelta(named, delta);
}

function withoutIndex(call: unknown): unknown {
  if (!isJsonObject(call)) return call;
  const { index: _index, ...rest } = call;
  return rest;
}

function finishChoice(choice: Record<string, unknown>): JsonObject {
  const message = isJsonObject(choice.message) ? choice.message : {};
  const calls = message.tool_calls;
  if (!Array.isArray(calls)) return choice;
  return { ...choice, message: { ...message, tool_calls: calls.map(withoutIndex) } };
}

/** Builds a completion from its chunks. */
export function createChatAssembler(): AnswerAssembler {
  const choices = new Map<number, Record<string, unknown>>();
  const base: Record<string, unknown> = {};
  let usage: JsonObject = {};
  return {
    add(event) {
      const { choices: _choices, usage: _usage, ...rest } = event;
      for (const [name, value] of Object.entries(rest)) if (value !== null) base[name] = value;
      for (const report of listUsage(event)) usage = mergeUsage(usage, report);
      for (const [position, choice] of getChoices(event).entries()) {
        const index = getIndex(choice, position);
        const target = choices.get(index) ?? { index, finish_reason: null };
        choices.set(index, target);
        mergeChoice(target, choice);
      }
    },
    document() {
      if (choices.size === 0) return null;
      const finished = [...choices]
        .sort(([a], [b]) => a - b)
        .map(([, choice]) => finishChoice(choice));
      const reported = Object.keys(usage).length > 0 ? { usage } : {};
      return { ...base, object: 'chat.completion', choices: finished, ...reported };
    },
  };
}

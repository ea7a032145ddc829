/**
 * Answers of Messages: what billing reads in their events, and their conversion between a document
 * and a stream, for providers that answer with the one where the other was asked.
 */
import type { AnswerAssembler, AnswerRecorder } from './dialect-spec.ts';
import { childObject, isJsonObject, type JsonObject } from './json-fields.ts';
import { mergeUsage } from './merge-usage.ts';

/** Records the finish and the usage of a message, or of a `message_delta`. */
function readState(stopReason: unknown, usage: unknown, recorder: AnswerRecorder): void {
  if (typeof stopReason === 'string' && stopReason !== '') recorder.markFinished(0);
  if (isJsonObject(usage)) recorder.addUsage(usage);
}

/** Records a refusal, which a message or the `delta` of a `message_delta` states. */
function readRefusal(state: JsonObject, recorder: AnswerRecorder): void {
  if (state.stop_reason !== 'refusal') return;
  const { category } = childObject(state, 'stop_details');
  recorder.markRefused(typeof category === 'string' ? category : null);
}

/**
 * Reads one event of a stream, or a whole answer. A stream reports usage in message_start and
 * cumulatively in message_delta.
 */
export function readMessagesEvent(event: JsonObject, recorder: AnswerRecorder): void {
  switch (event.type) {
    case 'message_start':
      recorder.startMessage();
      readState(null, childObject(event, 'message').usage, recorder);
      break;
    case 'message_delta':
      readState(childObject(event, 'delta').stop_reason, event.usage, recorder);
      readRefusal(childObject(event, 'delta'), recorder);
      break;
    case 'message_stop':
      readState(null, event.usage, recorder);
      recorder.markFinished(0);
      recorder.markEnded();
      break;
    case 'error':
      recorder.markFailed();
      break;
    default:
      if (!Array.isArray(event.content)) break;
      readState(event.stop_reason, event.usage, recorder);
      readRefusal(event, recorder);
  }
}

export function isMessagesAnswer(document: JsonObject): boolean {
  return (document.type ?? 'message') === 'message' && Array.isArray(document.content);
}

/** Anthropic's SDKs know an event by its name, and pass over those without one. */
export function repairMessagesEvent(event: JsonObject, isNamed: boolean): JsonObject | null {
  if (isNamed) return event;
  return typeof event.type === 'string' ? { ...event } : null;
}

export function isWholeMessagesEvent(event: JsonObject): boolean {
  return event.type === 'message' && isMessagesAnswer(event);
}

const EVENT_TYPE = /^(message_(start|delta|stop)|content_block_(start|delta|stop)|ping)$/;

export function isMessagesEvent(document: JsonObject): boolean {
  return typeof document.type === 'string' && EVENT_TYPE.test(document.type);
}

type BlockParts = Readonly<{ start: JsonObject; deltas: readonly JsonObject[] }>;

/** Splits a block into the form in which it starts, and its deltas. */
function toBlockParts(block: JsonObject): BlockParts {
  const citations = Array.isArray(block.citations) ? block.citations : [];
  if (typeof block.text === 'string') {
    const cited = citations.map((citation) => ({ type: 'citations_delta', citation }));
    const { citations: _citations, ...start } = block;
    const text = { type: 'text_delta', text: block.text };
    return { start: { ...start, text: '' }, deltas: [...cited, text] };
  }
  if (typeof block.thinking === 'string') {
    const thinking = { type: 'thinking_delta', thinking: block.thinking };
    const signature = { type: 'signature_delta', signature: block.signature ?? '' };
    return { start: { ...block, thinking: '', signature: '' }, deltas: [thinking, signature] };
  }
  if (isJsonObject(block.input)) {
    const input = { type: 'input_json_delta', partial_json: JSON.stringify(block.input) };
    return { start: { ...block, input: {} }, deltas: [input] };
  }
  return { start: block, deltas: [] };
}

function toBlockEvents(block: JsonObject, index: number): JsonObject[] {
  const { start, deltas } = toBlockParts(block);
  return [
    { type: 'content_block_start', index, content_block: start },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}

function listBlocks({ content }: JsonObject): JsonObject[] {
  return Array.isArray(content) ? content.filter(isJsonObject) : [];
}

/** Returns the events of a message but for `message_stop`, in the order of Anthropic's API. */
export function toMessagesEvents(document: JsonObject): readonly JsonObject[] {
  const { usage, stop_reason: stopReason, stop_sequence: stopSequence } = document;
  const blocks = listBlocks(document);
  const reported = isJsonObject(usage) ? usage : { input_tokens: 0, output_tokens: 0 };
  const opening = { content: [], stop_reason: null, stop_sequence: null, usage: reported };
  const delta = {
    ...(document.container === undefined ? {} : { container: document.container }),
    stop_reason: stopReason ?? 'end_turn',
    stop_sequence: stopSequence ?? null,
  };
  return [
    { type: 'message_start', message: { ...document, type: 'message', ...opening } },
    ...blocks.flatMap(toBlockEvents),
    { type: 'message_delta', delta, usage: reported },
  ];
}

type Block = Record<string, unknown>;

function parseInput(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text);
  } catch {
    return {};
  }
}

function appendTo(block: Block, name: string, text: unknown): void {
  const known = typeof block[name] === 'string' ? block[name] : '';
  if (typeof text === 'string') block[name] = known + text;
}

function addDelta(block: Block, delta: JsonObject): void {
  switch (delta.type) {
    case 'citations_delta':
      block.citations = [
        ...(Array.isArray(block.citations) ? block.citations : []),
        delta.citation,
      ];
      break;
    case 'input_json_delta':
      appendTo(block, 'partial_json', delta.partial_json);
      break;
    default:
      for (const [name, value] of Object.entries(delta))
        if (name !== 'type') appendTo(block, name, value);
  }
}

function finishBlock({ partial_json: json, ...block }: Block): JsonObject {
  return typeof json === 'string' ? { ...block, input: parseInput(json) } : block;
}

/** Builds a message from its events. */
export function createMessagesAssembler(): AnswerAssembler {
  const blocks = new Map<unknown, Block>();
  let message: JsonObject | null = null;
  let usage: JsonObject = {};
  return {
    add(event) {
      if (isWholeMessagesEvent(event)) {
        message = event;
        for (const [index, block] of listBlocks(event).entries()) blocks.set(index, { ...block });
      }
      if (event.type === 'message_start') message = childObject(event, 'message');
      if (event.type === 'content_block_start')
        blocks.set(event.index, { ...childObject(event, 'content_block') });
      const block = blocks.get(event.index);
      if (event.type === 'content_block_delta' && block !== undefined)
        addDelta(block, childObject(event, 'delta'));
      if (event.type === 'message_delta') message = { ...message, ...childObject(event, 'delta') };
      for (const report of [childObject(event, 'message').usage, event.usage])
        if (isJsonObject(report)) usage = mergeUsage(usage, report);
    },
    document() {
      if (message === null) return null;
      return { ...message, content: [...blocks.values()].map(finishBlock), usage };
    },
  };
}

/**
 * Decides from one event's bytes, without decoding or parsing, whether the meter has to parse it
 * (usage, a finish, an error), and counts the model's output in it. Most events of a stream need no
 * parsing, so this is all that they cost.
 *
 * It walks JSON strings only: a key is a string followed by a colon, so that text inside an answer,
 * where quotes are escaped, is never taken for a key.
 */
import type { KeyRole, KeyTable } from '@farebox/dialects';
import type { OutputEstimator } from './output-estimator.ts';

/** Billed and never shown, measured with recorded answers of Anthropic. */
const THINKING_OVERHEAD_TOKENS = 10;
const CITATION_OVERHEAD_TOKENS = 20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;
const LF = 0x0a;
const CR = 0x0d;
const LOWER_N = 0x6e;
const ENCODER = new TextEncoder();

const MESSAGE = ENCODER.encode('message_');
const ERROR = ENCODER.encode('error"');
const DATA = ENCODER.encode('data:');

function startsWith(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false;
  return true;
}

function getKeyRole(
  table: KeyTable,
  bytes: Uint8Array,
  at: number,
  length: number,
): KeyRole | null {
  const keys = table[length];
  if (keys === undefined) return null;
  for (const key of keys) if (startsWith(bytes, at, key.name)) return key.role;
  return null;
}

/** Skips white space, which may include the start of the event's next `data` line. */
function skipWhitespace(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at] ?? 0;
    if (byte > SPACE) return at;
    at++;
    if ((byte === LF || byte === CR) && startsWith(bytes, at, DATA)) at += DATA.length;
  }
  return end;
}

function isRelevant(role: KeyRole, bytes: Uint8Array, at: number): boolean {
  if (role === 'significant_value') return bytes[at] !== LOWER_N;
  return startsWith(bytes, at + 1, MESSAGE) || startsWith(bytes, at + 1, ERROR);
}

/** Returns the offset of the quote that ends the string before `from`, or `end`. */
function findStringEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    at += byte === BACKSLASH ? 2 : 1;
  }
  return end;
}

/** Counts one non-empty string of output. */
function countOutput(
  role: KeyRole,
  bytes: Uint8Array,
  start: number,
  valueEnd: number,
  outputEstimator: OutputEstimator,
): void {
  if (role === 'thinking_signature') outputEstimator.addHidden(THINKING_OVERHEAD_TOKENS);
  else if (role === 'citation') outputEstimator.addHidden(CITATION_OVERHEAD_TOKENS);
  else if (role === 'tool_arguments') outputEstimator.addArguments(bytes, start, valueEnd);
  else if (role === 'tool_call_name') outputEstimator.addToolCall(bytes, start, valueEnd);
  else outputEstimator.addText(bytes, start, valueEnd);
}

/**
 * Scans `[start, end)`, adds its output to the estimator, and returns whether it has to be parsed.
 */
export function prefilterEvent(
  bytes: Uint8Array,
  start: number,
  end: number,
  table: KeyTable,
  outputEstimator: OutputEstimator,
): boolean {
  let needsParse = false;
  let hasText = false;
  let at = start;
  while (at < end) {
    if (bytes[at] !== QUOTE) {
      at++;
      continue;
    }
    const keyStart = at + 1;
    const keyEnd = findStringEnd(bytes, keyStart, end);
    at = keyEnd + 1;
    if (bytes[at] !== COLON) at = skipWhitespace(bytes, at, end);
    if (at >= end || bytes[at] !== COLON) continue;
    const role = getKeyRole(table, bytes, keyStart, keyEnd - keyStart);
    if (role === null) continue;
    at = skipWhitespace(bytes, at + 1, end);
    if (role === 'significant_value' || role === 'event_type') {
      needsParse ||= isRelevant(role, bytes, at);
    } else if (bytes[at] === QUOTE) {
      const valueEnd = findStringEnd(bytes, at + 1, end);
      if (at + 1 < valueEnd) countOutput(role, bytes, at + 1, valueEnd, outputEstimator);
      hasText ||= role === 'text' && at + 1 < valueEnd;
      at = valueEnd + 1;
    }
  }
  if (hasText) outputEstimator.addTextEvent();
  return needsParse;
}

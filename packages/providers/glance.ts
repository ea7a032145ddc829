/**
 * A look at one event's bytes that decides, without decoding or parsing, whether the event tells the
 * meter anything (usage, a finish, an error) and how many bytes the model produced in it. Most events
 * of a stream tell nothing, and this is all they cost.
 *
 * It walks JSON strings only: a key is a string followed by a colon, so that text inside an answer,
 * where quotes are escaped, is never taken for a key.
 */
import type { Dialect } from '@farebox/dialects';

/** `produced` bytes of answer text, tool input or visible reasoning; `telling` events need a parse. */
export type Glance = { produced: number; telling: boolean };

/** What the value of a known key means: text to count, or a reason to parse. */
type Meaning = 'text' | 'tool' | 'telling_object' | 'telling_string' | 'telling_value' | 'kind';
type Key = Readonly<{ name: Uint8Array; meaning: Meaning }>;

/** A call's own framing is output too: its marks are billed and never seen (about 20 tokens). */
const TOOL_FRAME = 60;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
const COLON = 0x3a;
const LOWER_N = 0x6e;
const LOWER_U = 0x75;
const ENCODER = new TextEncoder();

/** Known keys by their length, so that most strings are dismissed by one look-up. */
function byLength(keys: Readonly<Record<string, Meaning>>): readonly (readonly Key[])[] {
  const table: Key[][] = Array.from({ length: 24 }, () => []);
  for (const [name, meaning] of Object.entries(keys))
    table[name.length]?.push({ name: ENCODER.encode(name), meaning });
  return table;
}

const KEYS: Readonly<Record<Dialect, readonly (readonly Key[])[]>> = {
  chat: byLength({
    content: 'text',
    arguments: 'text',
    name: 'tool',
    reasoning_content: 'text',
    reasoning: 'text',
    refusal: 'text',
    transcript: 'text',
    usage: 'telling_object',
    finish_reason: 'telling_string',
    error: 'telling_value',
  }),
  messages: byLength({
    text: 'text',
    thinking: 'text',
    partial_json: 'text',
    content: 'text',
    name: 'tool',
    usage: 'telling_object',
    error: 'telling_value',
    type: 'kind',
  }),
};

const MESSAGE = ENCODER.encode('message_');
const ERROR = ENCODER.encode('error"');

/** Where the string that opened before `at` closes, or `end`. */
function closing(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end) {
    const byte = bytes[i];
    if (byte === QUOTE) return i;
    i += byte === BACKSLASH ? 2 : 1;
  }
  return end;
}

function startsWith(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false;
  return true;
}

function meaningOf(
  table: readonly (readonly Key[])[],
  bytes: Uint8Array,
  at: number,
  length: number,
): Meaning | null {
  const keys = table[length];
  if (keys === undefined) return null;
  for (const key of keys) if (startsWith(bytes, at, key.name)) return key.meaning;
  return null;
}

/** UTF-8 bytes a JSON string stands for: `\n` is one, `\u4e2d` at most three. */
function textLength(bytes: Uint8Array, start: number, end: number): number {
  let length = 0;
  for (let i = start; i < end; i++, length++) {
    if (bytes[i] !== BACKSLASH) continue;
    i++;
    if (bytes[i] !== LOWER_U) continue;
    i += 4;
    length += 2;
  }
  return length;
}

function tells(meaning: Meaning, bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at];
  if (meaning === 'telling_object') return byte === BRACE;
  if (meaning === 'telling_string') return byte === QUOTE;
  if (meaning === 'telling_value') return byte !== LOWER_N;
  return (
    meaning === 'kind' && (startsWith(bytes, at + 1, MESSAGE) || startsWith(bytes, at + 1, ERROR))
  );
}

/** Looks through `[start, end)` and writes what it saw into `seen`. */
export function glanceAt(
  bytes: Uint8Array,
  start: number,
  end: number,
  dialect: Dialect,
  seen: Glance,
): void {
  const table = KEYS[dialect];
  seen.produced = 0;
  seen.telling = false;
  let at = start;
  while (at < end) {
    if (bytes[at] !== QUOTE) {
      at++;
      continue;
    }
    const close = closing(bytes, at + 1, end);
    const first = at + 1;
    at = close + 1;
    if (bytes[at] !== COLON || at >= end) continue;
    const meaning = meaningOf(table, bytes, first, close - first);
    if (meaning === null) continue;
    at++;
    while (bytes[at] === 0x20 && at < end) at++;
    if (meaning !== 'text' && meaning !== 'tool') {
      if (!seen.telling && tells(meaning, bytes, at)) seen.telling = true;
    } else if (bytes[at] === QUOTE) {
      const stop = closing(bytes, at + 1, end);
      seen.produced += textLength(bytes, at + 1, stop) + (meaning === 'tool' ? TOOL_FRAME : 0);
      at = stop + 1;
    }
  }
}

/**
 * A look at one event's bytes that decides, without decoding or parsing, whether the event tells the
 * meter anything (usage, a finish, an error), and counts what the model produced in it. Most events of
 * a stream tell nothing, and this is all they cost.
 *
 * It walks JSON strings only: a key is a string followed by a colon, so that text inside an answer,
 * where quotes are escaped, is never taken for a key.
 */
import type { Dialect } from '@farebox/dialects';
import type { Produced } from './produced.ts';

/** What the value of a known key means: text to count, marks to reckon with, or a reason to parse. */
type Meaning = 'text' | 'call' | 'thought' | 'citation' | 'telling_value' | 'kind';
type Key = Readonly<{ name: Uint8Array; meaning: Meaning }>;

/** What closes a thought and what holds a citation is billed and never shown; measured like `callMarks`. */
const THOUGHT_MARKS = 10;
const CITATION_MARKS = 20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;
const LF = 0x0a;
const CR = 0x0d;
const LOWER_N = 0x6e;
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
    name: 'call',
    reasoning_content: 'text',
    reasoning: 'text',
    refusal: 'text',
    transcript: 'text',
    usage: 'telling_value',
    finish_reason: 'telling_value',
    error: 'telling_value',
  }),
  messages: byLength({
    text: 'text',
    thinking: 'text',
    partial_json: 'text',
    content: 'text',
    name: 'call',
    signature: 'thought',
    cited_text: 'citation',
    usage: 'telling_value',
    error: 'telling_value',
    type: 'kind',
  }),
};

const MESSAGE = ENCODER.encode('message_');
const ERROR = ENCODER.encode('error"');
const DATA = ENCODER.encode('data:');

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

/** Past white space, which may hold the start of the event's next `data` line. */
function pastSpace(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at] ?? 0;
    if (byte > SPACE) return at;
    at++;
    if ((byte === LF || byte === CR) && startsWith(bytes, at, DATA)) at += DATA.length;
  }
  return end;
}

function tells(meaning: Meaning, bytes: Uint8Array, at: number): boolean {
  if (meaning === 'telling_value') return bytes[at] !== LOWER_N;
  return startsWith(bytes, at + 1, MESSAGE) || startsWith(bytes, at + 1, ERROR);
}

/** Where the string that opened before `from` closes, or the end. */
function closing(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    at += byte === BACKSLASH ? 2 : 1;
  }
  return end;
}

/** Counts one non-empty string of output. */
function count(
  meaning: Meaning,
  bytes: Uint8Array,
  start: number,
  stop: number,
  produced: Produced,
): void {
  if (meaning === 'thought') produced.unseen(THOUGHT_MARKS);
  else if (meaning === 'citation') produced.unseen(CITATION_MARKS);
  else {
    if (meaning === 'call') produced.call();
    produced.text(bytes, start, stop);
  }
}

/** Looks through `[start, end)`: counts output into `produced`; true if a parse would tell something. */
export function glanceAt(
  bytes: Uint8Array,
  start: number,
  end: number,
  dialect: Dialect,
  produced: Produced,
): boolean {
  const table = KEYS[dialect];
  let telling = false;
  let wrote = false;
  let at = start;
  while (at < end) {
    if (bytes[at] !== QUOTE) {
      at++;
      continue;
    }
    const first = at + 1;
    const close = closing(bytes, first, end);
    at = close + 1;
    if (bytes[at] !== COLON) at = pastSpace(bytes, at, end);
    if (at >= end || bytes[at] !== COLON) continue;
    const meaning = meaningOf(table, bytes, first, close - first);
    if (meaning === null) continue;
    at = pastSpace(bytes, at + 1, end);
    if (meaning === 'telling_value' || meaning === 'kind') {
      telling ||= tells(meaning, bytes, at);
    } else if (bytes[at] === QUOTE) {
      const stop = closing(bytes, at + 1, end);
      if (at + 1 < stop) count(meaning, bytes, at + 1, stop, produced);
      wrote ||= at + 1 < stop;
      at = stop + 1;
    }
  }
  if (wrote) produced.piece();
  return telling;
}

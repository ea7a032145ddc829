/**
 * Estimates the output tokens of an answer from its JSON strings. The estimate never falls
 * and is near the billed count (docs/decisions/0026-calibrated-estimates.md). Keeps a running count and no text, and never throws on bad
 * escapes.
 */
import { TokenEstimator } from '@farebox/dialects';
import type { OutputCalibration } from '../contract.ts';

const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const LOWER_U = 0x75;
/** The byte that an escape's letter means (RFC 8259, section 7); others mean themselves. */
const ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : 0;
}

/** Writes one UTF-16 unit as UTF-8. Each half of a surrogate pair takes two of its four bytes. */
function writeUtf8(unit: number, target: Uint8Array, at: number): number {
  if (unit < 0x80) {
    target[at] = unit;
    return at + 1;
  }
  if (unit >= 0xd800 && unit <= 0xdfff) {
    target[at] = unit < 0xdc00 ? 0xf0 : 0x80;
    target[at + 1] = 0x80;
    return at + 2;
  }
  let next = at;
  if (unit < 0x800) target[next++] = 0xc0 | (unit >> 6);
  else {
    target[next++] = 0xe0 | (unit >> 12);
    target[next++] = 0x80 | ((unit >> 6) & 0x3f);
  }
  target[next++] = 0x80 | (unit & 0x3f);
  return next;
}

/** Returns the unescaped bytes of a JSON string. */
function unescapeJson(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const text = new Uint8Array(end - start);
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte !== BACKSLASH) {
      text[length++] = byte;
      continue;
    }
    at++;
    const escapeChar = bytes[at] ?? 0;
    if (escapeChar !== LOWER_U || at + 4 >= end) {
      if (at < end) text[length++] = ESCAPES.get(escapeChar) ?? escapeChar;
      continue;
    }
    let unit = 0;
    for (let i = 1; i <= 4; i++) unit = unit * 16 + hexDigit(bytes[at + i] ?? 0);
    length = writeUtf8(unit, text, length);
    at += 4;
  }
  return text.subarray(0, length);
}

function unescapeIfNeeded(bytes: Uint8Array, start: number, end: number): Uint8Array {
  let firstEscape = start;
  while (firstEscape < end && bytes[firstEscape] !== BACKSLASH) firstEscape++;
  return firstEscape < end ? unescapeJson(bytes, start, end) : bytes.subarray(start, end);
}

/** Counts the arguments of tool calls: the members of their JSON objects' first level. */
class ArgumentCounter {
  #depth = 0;
  #inString = false;
  #escaped = false;
  count = 0;

  add(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.#inString) this.#addInString(byte);
      else if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#depth++;
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) this.#depth--;
      else if (byte === COLON && this.#depth === 1) this.count++;
    }
  }

  /** The arguments of a new call begin, whatever state malformed ones left. */
  startCall(): void {
    this.#depth = 0;
    this.#inString = false;
    this.#escaped = false;
  }

  #addInString(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }
}

/**
 * A stream's events are counted as its tokens while their number is near the estimate of its bytes:
 * a provider that sends several tokens in an event is estimated by bytes from then on.
 */
const MIN_EVENTS_PER_TOKEN = 0.75;
const MAX_MISSING_EVENTS = 3;

export class OutputEstimator {
  readonly #calibration: OutputCalibration;
  readonly #text: TokenEstimator;
  readonly #toolCalls: TokenEstimator;
  readonly #arguments = new ArgumentCounter();
  #textEvents = 0;
  #calls = 0;
  #hiddenTokens = 0;
  #isEventPerToken: boolean;

  constructor(calibration: OutputCalibration) {
    this.#calibration = calibration;
    this.#text = new TokenEstimator(calibration.tokenScale);
    this.#toolCalls = new TokenEstimator(calibration.tokenScale);
    this.#isEventPerToken = calibration.isEventPerToken;
  }

  /** Counts bytes only: the answer is one document, and not a stream of events. */
  ignoreEvents(): void {
    this.#isEventPerToken = false;
  }

  /** Adds the JSON string in `[start, end)`, without its quotes. */
  addText(bytes: Uint8Array, start: number, end: number): void {
    this.#text.add(unescapeIfNeeded(bytes, start, end));
  }

  /** Adds the name of a tool call. */
  addToolCall(bytes: Uint8Array, start: number, end: number): void {
    this.#calls++;
    this.#arguments.startCall();
    this.#toolCalls.add(unescapeIfNeeded(bytes, start, end));
  }

  /** Adds the JSON string of a tool call's arguments, or a part of it. */
  addArguments(bytes: Uint8Array, start: number, end: number): void {
    const text = unescapeIfNeeded(bytes, start, end);
    this.#toolCalls.add(text);
    this.#arguments.add(text);
  }

  /** Adds tokens that are billed and never shown. */
  addHidden(tokens: number): void {
    this.#hiddenTokens += tokens;
  }

  /** Counts an event with text: it is at least one token. */
  addTextEvent(): void {
    this.#textEvents++;
    const minEvents = MIN_EVENTS_PER_TOKEN * this.#text.tokens() - MAX_MISSING_EVENTS;
    this.#isEventPerToken &&= this.#textEvents >= minEvents;
  }

  tokens(): number {
    return Math.ceil(
      this.#textTokens() + this.#toolCalls.tokens() + this.#frameTokens() + this.#hiddenTokens,
    );
  }

  #textTokens(): number {
    return this.#isEventPerToken
      ? this.#textEvents
      : Math.max(this.#textEvents, this.#text.tokens());
  }

  #frameTokens(): number {
    if (this.#calls === 0) return 0;
    const { first, further, argument } = this.#calibration.toolCallTokens;
    return first + further * (this.#calls - 1) + argument * this.#arguments.count;
  }
}

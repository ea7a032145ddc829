/**
 * Estimates the output tokens of an answer from its JSON strings, which may arrive in parts. The
 * estimate never falls and is near the billed count (docs/decisions/0026-calibrated-estimates.md).
 * Keeps a running count and no text, and never throws on bad escapes.
 */
import { TokenEstimator } from '@farebox/dialects';
import type { Calibration } from '../contract.ts';

const ENCODER = new TextEncoder();
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

/** Unescapes a JSON string that may arrive in parts. */
class JsonUnescaper {
  /** 1 after a backslash, then 1 more than the hex digits that are missing. */
  #escape = 0;
  #unit = 0;

  start(): void {
    this.#escape = 0;
  }

  /** Returns the bytes that `[start, end)` of a string stands for: `bytes` itself if unescaped. */
  unescape(bytes: Uint8Array, start: number, end: number): Uint8Array {
    let firstEscape = start;
    if (this.#escape === 0)
      while (firstEscape < end && bytes[firstEscape] !== BACKSLASH) firstEscape++;
    if (firstEscape === end) return bytes.subarray(start, end);
    // The last digit of an escape that began in the part before yields up to three bytes.
    const text = new Uint8Array(end - start + 2);
    let length = 0;
    for (let at = start; at < end; at++) length = this.#read(bytes[at] ?? 0, text, length);
    return text.subarray(0, length);
  }

  #read(byte: number, text: Uint8Array, length: number): number {
    if (this.#escape === 0) {
      if (byte === BACKSLASH) this.#escape = 1;
      else text[length] = byte;
      return byte === BACKSLASH ? length : length + 1;
    }
    if (this.#escape === 1) {
      this.#unit = 0;
      this.#escape = byte === LOWER_U ? 5 : 0;
      if (byte !== LOWER_U) text[length] = ESCAPES.get(byte) ?? byte;
      return byte === LOWER_U ? length : length + 1;
    }
    this.#unit = this.#unit * 16 + hexDigit(byte);
    this.#escape -= 1;
    if (this.#escape > 1) return length;
    this.#escape = 0;
    return writeUtf8(this.#unit, text, length);
  }
}

/** Counts the arguments of tool calls: the members of their JSON objects' first level. */
class ArgumentCounter {
  #depth = 0;
  #inString = false;
  #escaped = false;
  count = 0;
  #marked = { depth: 0, inString: false, escaped: false, count: 0 };

  mark(): void {
    this.#marked.depth = this.#depth;
    this.#marked.inString = this.#inString;
    this.#marked.escaped = this.#escaped;
    this.#marked.count = this.count;
  }

  rollback(): void {
    this.#depth = this.#marked.depth;
    this.#inString = this.#marked.inString;
    this.#escaped = this.#marked.escaped;
    this.count = this.#marked.count;
  }

  add(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.#inString) this.#addInString(byte);
      else if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#depth++;
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) this.#depth--;
      else if (byte === COLON && this.#depth === 1) this.count++;
    }
  }

  /** The arguments of a new call begin, `depth` objects deep, whatever state malformed ones left. */
  startCall(depth = 0): void {
    this.#depth = depth;
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

/**
 * The share of a frame that counts before its call ends. DeepSeek writes a call without arguments in
 * 18 or in 31 tokens, by version: the whole frame could be above the whole answer.
 */
const OPEN_FRAME_SHARE = 0.25;

export class OutputEstimator {
  readonly #calibration: Calibration;
  readonly #text: TokenEstimator;
  readonly #toolCalls: TokenEstimator;
  readonly #arguments = new ArgumentCounter();
  #textEvents = 0;
  #calls = 0;
  #hiddenTokens = 0;
  #isEventPerToken: boolean;
  #isFinished = false;
  readonly #unescaper = new JsonUnescaper();
  readonly #marked = { textEvents: 0, calls: 0, hiddenTokens: 0 };

  constructor(calibration: Calibration) {
    this.#calibration = calibration;
    this.#text = new TokenEstimator(calibration.tokenScale);
    this.#toolCalls = new TokenEstimator(calibration.tokenScale);
    this.#isEventPerToken = calibration.isEventPerToken;
  }

  /** Counts bytes only: the answer is one document, and not a stream of events. */
  ignoreEvents(): void {
    this.#isEventPerToken = false;
  }

  /** Starts an event, which `rollback` takes back. */
  mark(): void {
    this.#text.mark();
    this.#toolCalls.mark();
    this.#arguments.mark();
    this.#marked.textEvents = this.#textEvents;
    this.#marked.calls = this.#calls;
    this.#marked.hiddenTokens = this.#hiddenTokens;
  }

  /** Forgets what was added since `mark`: the event is malformed and reaches no one. */
  rollback(): void {
    this.#text.rollback();
    this.#toolCalls.rollback();
    this.#arguments.rollback();
    this.#textEvents = this.#marked.textEvents;
    this.#calls = this.#marked.calls;
    this.#hiddenTokens = this.#marked.hiddenTokens;
  }

  /** Starts a JSON string. */
  startString(): void {
    this.#unescaper.start();
  }

  /** Adds the part of a JSON string in `[start, end)`, without its quotes. */
  addText(bytes: Uint8Array, start: number, end: number): void {
    this.#text.add(this.#unescaper.unescape(bytes, start, end));
  }

  /** Starts a tool call. */
  startToolCall(): void {
    this.#calls++;
    this.#arguments.startCall();
  }

  /** Adds a tool call whose name was read from a parsed event. */
  addToolCall(name: string): void {
    this.startToolCall();
    this.#toolCalls.add(ENCODER.encode(name));
  }

  /** Adds a part of the name of a tool call. */
  addToolName(bytes: Uint8Array, start: number, end: number): void {
    this.#toolCalls.add(this.#unescaper.unescape(bytes, start, end));
  }

  /** Adds a part of the JSON string of a tool call's arguments. */
  addArguments(bytes: Uint8Array, start: number, end: number): void {
    const text = this.#unescaper.unescape(bytes, start, end);
    this.#toolCalls.add(text);
    this.#arguments.add(text);
  }

  /** Starts arguments that are an object and no string. */
  startArguments(): void {
    this.#arguments.startCall(1);
  }

  /** Adds a part of such an object, after its opening brace. */
  addRawArguments(bytes: Uint8Array, start: number, end: number): void {
    const json = bytes.subarray(start, end);
    this.#toolCalls.add(json);
    this.#arguments.add(json);
  }

  /** Ends such an object. In a stream an empty one precedes the arguments. */
  endArguments(): void {
    this.#arguments.startCall();
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

  /** The answer has finished: its last tool call is whole. */
  markFinished(): void {
    this.#isFinished = true;
  }

  tokens(): number {
    return Math.ceil(this.#shownTokens() + this.#frameTokens());
  }

  /** The same without the frames of tool calls: it grows with what came alone. */
  shownTokens(): number {
    return Math.ceil(this.#shownTokens());
  }

  #shownTokens(): number {
    return this.#textTokens() + this.#toolCalls.tokens() + this.#hiddenTokens;
  }

  #textTokens(): number {
    return this.#isEventPerToken
      ? this.#textEvents
      : Math.max(this.#textEvents, this.#text.tokens());
  }

  #frameTokens(): number {
    if (this.#calls === 0) return 0;
    const { first, further, argument } = this.#calibration.toolCallTokens;
    const frames = first + further * (this.#calls - 1) + argument * this.#arguments.count;
    const last = this.#calls === 1 ? first : further;
    return this.#isFinished ? frames : frames - (1 - OPEN_FRAME_SHARE) * last;
  }
}

/**
 * Reads JSON that arrives in pieces, byte by byte, without decoding or parsing it: whether it is
 * well-formed (RFC 8259), whether billing has to look at it (usage, a finish, an error), and how
 * much of the model's output it holds. This is all that most events of a stream cost, and all that
 * a document of any size does. It keeps a stack of container kinds and a few flags, no text.
 *
 * Roles go by the name of a key, at any depth. Text inside an answer is never taken for a key: its
 * quotes are escaped.
 */
import type { KeyRole, KeyTable } from '@farebox/dialects';
import { isScalar } from './json-scalar.ts';
import type { MemberRecorder } from './member-recorder.ts';
import type { OutputEstimator } from './output-estimator.ts';

/** Billed and never shown, measured with recorded answers of Anthropic. */
const THINKING_OVERHEAD_TOKENS = 10;
const CITATION_OVERHEAD_TOKENS = 20;
/** Deeper nesting counts as malformed; no provider's answer comes near. */
const MAX_DEPTH = 256;
/** Longer than each key of a table, each event type that matters, and each number. */
const MAX_CARRIED_BYTES = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const SPACE = 0x20;
const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const LOWER_U = 0x75;
const LOWER_N = 0x6e;

const OBJECT = 1;
const ARRAY = 2;

/** What may come next outside a token. */
const VALUE = 0;
const VALUE_OR_END = 1;
const KEY_OR_END = 2;
const KEY = 3;
const AFTER_KEY = 4;
const AFTER_VALUE = 5;
const DONE = 6;
const INVALID = 7;

/** The token that the text stands in. */
const NONE = 0;
const IN_KEY = 1;
const IN_STRING = 2;
const IN_SCALAR = 3;

const ENCODER = new TextEncoder();
const MESSAGE = ENCODER.encode('message_');
const ERROR = ENCODER.encode('error');
const TOOL_RESULT = ENCODER.encode('_tool_result');

/** Which bytes may follow a backslash. */
const ESCAPABLE = Uint8Array.from({ length: 256 }, (_, byte) =>
  '"\\/bfnrtu'.includes(String.fromCharCode(byte)) ? 1 : 0,
);

/** Which bytes of a string mean themselves. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < SPACE || byte === QUOTE || byte === BACKSLASH ? 0 : 1,
);

function isHexDigit(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

function startsWith(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false;
  return true;
}

function findRole(table: KeyTable, bytes: Uint8Array, at: number, length: number): KeyRole | null {
  const keys = table[length];
  if (keys === undefined) return null;
  for (const key of keys) if (startsWith(bytes, at, key.name)) return key.role;
  return null;
}

function isRelevantType(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at === ERROR.length) return startsWith(bytes, at, ERROR);
  return end - at > MESSAGE.length && startsWith(bytes, at, MESSAGE);
}

/** Returns whether a block is the result of a tool that the provider runs (web_search_tool_result). */
function isToolResult(bytes: Uint8Array, at: number, end: number): boolean {
  const start = end - TOOL_RESULT.length;
  return start > at && startsWith(bytes, start, TOOL_RESULT);
}

/** The roles of keys for whose objects an event is parsed. */
const SIGNIFICANT: ReadonlySet<KeyRole | null> = new Set([
  'usage',
  'significant_value',
  'significant_opaque',
]);

/** The roles of keys for whose numbers and words but null an event is parsed. */
const PARSED_SCALARS: ReadonlySet<KeyRole | null> = new Set([
  'usage',
  'significant_value',
  'running_usage',
]);

/** A half-open range of bytes. */
export type Span = Readonly<{ start: number; end: number }>;

export class JsonScanner {
  readonly #table: KeyTable;
  readonly #estimator: OutputEstimator;
  readonly #recorder: MemberRecorder | null;
  readonly #kinds = new Uint8Array(MAX_DEPTH + 1);
  readonly #carried = new Uint8Array(MAX_CARRIED_BYTES);
  /** The bytes of the current token in `#carried`, from chunks before. */
  #carriedLength = 0;
  #expected = VALUE;
  #token = NONE;
  #depth = 0;
  /** Within a string: 1 after a backslash, then 1 more than the hex digits that are missing. */
  #escape = 0;
  /** The role of the key whose value comes or is being read. */
  #role: KeyRole | null = null;
  /** True while the current string has no content yet. */
  #isEmpty = true;
  #rootKind = 0;
  #keyStart = 0;
  #lastComma = -1;
  #usageStart = -1;
  #usageEnd = -1;
  #isUsageLast = false;
  #runningStart = -1;
  #runningEnd = -1;
  /** The depth inside a value whose keys have no role, or 0: a tool's input or result. */
  #opaqueDepth = 0;
  /** True if that value is the input of a tool call, which is output of the model. */
  #isToolInput = false;
  /** The depth of the members of a tool's result, or 0. */
  #resultDepth = 0;
  /** True if billing has to parse the text. */
  needsParse = false;
  /** True if it holds text of the model. */
  hasText = false;

  constructor(table: KeyTable, estimator: OutputEstimator, recorder: MemberRecorder | null = null) {
    this.#table = table;
    this.#estimator = estimator;
    this.#recorder = recorder;
  }

  /** Starts the next text. */
  start(): void {
    this.#expected = VALUE;
    this.#token = NONE;
    this.#depth = 0;
    this.#role = null;
    this.#rootKind = 0;
    this.#lastComma = -1;
    this.#usageStart = -1;
    this.#usageEnd = -1;
    this.#isUsageLast = false;
    this.#runningStart = -1;
    this.#runningEnd = -1;
    this.#opaqueDepth = 0;
    this.#resultDepth = 0;
    this.needsParse = false;
    this.hasText = false;
  }

  /** True once the text is one complete and well-formed value, and as long as nothing follows. */
  get isComplete(): boolean {
    return this.#expected === DONE;
  }

  /** True within a container or a string that is not malformed up to here. */
  get isOpen(): boolean {
    return this.#expected !== INVALID && (this.#depth > 0 || this.#token === IN_STRING);
  }

  /** True if the value is an object. */
  get isObject(): boolean {
    return this.#rootKind === OBJECT;
  }

  /**
   * The member `usage` of the top-level object with the comma that it needs, if its value is an
   * object: the bytes without which an event has no usage. Valid after a text that was read from one array.
   */
  get usageSpan(): Span | null {
    if (this.#usageEnd < 0) return null;
    const followsComma = this.#isUsageLast && this.#lastComma >= 0;
    return { start: followsComma ? this.#lastComma : this.#usageStart, end: this.#usageEnd };
  }

  /** The count of everything so far. Valid after a text that was read from one array. */
  get runningUsage(): Span | null {
    return this.#runningEnd < 0 ? null : { start: this.#runningStart, end: this.#runningEnd };
  }

  /** Reads a line of an event: up to its line end, whose offset is returned, or to `to`. */
  writeLine(bytes: Uint8Array, from: number, to: number): number {
    // Lines of data are joined by LF, which no token may contain.
    if (this.#token === IN_SCALAR) this.#endScalar(bytes, from, from);
    else if (this.#token !== NONE) this.#fail();
    let at = from;
    while (at < to) {
      const byte = bytes[at];
      if (byte === LF || byte === CR) return at;
      at = this.#opaqueDepth > 0 ? this.#readOpaque(bytes, at, to) : this.#step(bytes, at, to);
    }
    return to;
  }

  /** Reads a piece of a document. */
  write(bytes: Uint8Array): void {
    const to = bytes.length;
    let at = 0;
    while (at < to)
      at = this.#opaqueDepth > 0 ? this.#readOpaque(bytes, at, to) : this.#step(bytes, at, to);
    this.#recorder?.endChunk(bytes);
  }

  /** Ends the text. */
  end(): void {
    if (this.#token === IN_SCALAR) this.#endScalar(this.#carried, 0, 0);
    if (this.#expected !== DONE) this.#fail();
  }

  #fail(): void {
    this.#expected = INVALID;
    this.#token = NONE;
  }

  /** As `#step`, inside a tool's input or result: the input is output of the model. */
  #readOpaque(bytes: Uint8Array, at: number, to: number): number {
    const next = this.#step(bytes, at, to);
    if (this.#isToolInput && this.#opaqueDepth > 0)
      this.#estimator.addRawArguments(bytes, at, next);
    return next;
  }

  /** Reads the token, or the part of it, at `at`; returns where it ends. */
  #step(bytes: Uint8Array, at: number, to: number): number {
    switch (this.#token) {
      case NONE:
        return this.#readStructure(bytes, at, to);
      case IN_SCALAR:
        return this.#readScalar(bytes, at, to);
      default:
        return this.#readString(bytes, at, to);
    }
  }

  #readStructure(bytes: Uint8Array, at: number, to: number): number {
    const byte = bytes[at] ?? 0;
    switch (byte) {
      case SPACE:
      case TAB:
      case LF:
      case CR:
        return at + 1;
      case QUOTE:
        this.#beginString(bytes, at);
        return this.#token === NONE ? at + 1 : this.#readString(bytes, at + 1, to);
      case COLON:
        if (this.#expected === AFTER_KEY) this.#expected = VALUE;
        else this.#fail();
        return at + 1;
      case COMMA:
        this.#readComma(at);
        return at + 1;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        this.#open(byte, at);
        return at + 1;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        this.#close(byte, bytes, at);
        return at + 1;
      default:
        return this.#beginScalar(byte, bytes, at, to);
    }
  }

  #expectsValue(): boolean {
    return this.#expected === VALUE || this.#expected === VALUE_OR_END;
  }

  #readComma(at: number): void {
    if (this.#expected !== AFTER_VALUE) {
      this.#fail();
      return;
    }
    this.#expected = this.#kinds[this.#depth] === OBJECT ? KEY : VALUE;
    if (this.#depth !== 1) return;
    if (this.#isUsageLast) {
      // The comma after the usage goes with it.
      this.#usageEnd = at + 1;
      this.#isUsageLast = false;
    } else if (this.#usageEnd < 0) this.#lastComma = at;
  }

  #open(byte: number, at: number): void {
    if (!this.#expectsValue() || this.#depth >= MAX_DEPTH) {
      this.#fail();
      return;
    }
    const kind = byte === OPEN_BRACE ? OBJECT : ARRAY;
    if (this.#depth === 0) this.#rootKind = kind;
    if (SIGNIFICANT.has(this.#role)) this.needsParse = true;
    if (this.#role === 'usage' && this.#depth === 1 && kind === OBJECT && this.#usageEnd < 0)
      this.#usageStart = this.#keyStart;
    if (this.#role === 'running_usage') this.#beginRunningUsage(kind, at);
    this.#beginOpaque(kind);
    this.#role = null;
    this.#recorder?.beginValue(byte, at);
    this.#depth += 1;
    this.#kinds[this.#depth] = kind;
    this.#expected = kind === OBJECT ? KEY_OR_END : VALUE_OR_END;
  }

  /** One that stands elsewhere, or again, is left to the parser. */
  #beginRunningUsage(kind: number, at: number): void {
    if (kind === OBJECT && this.#depth === 1 && this.#runningStart < 0) this.#runningStart = at;
    else this.needsParse = true;
  }

  /** Notes that the value that opens here is a tool's input or result. */
  #beginOpaque(kind: number): void {
    const isInput = this.#role === 'tool_input' && kind === OBJECT;
    const isResult = this.#role === 'content' && this.#resultDepth === this.#depth;
    const isOpaque = this.#role === 'opaque' || this.#role === 'significant_opaque';
    if (!isInput && !isResult && !isOpaque) return;
    this.#opaqueDepth = this.#depth + 1;
    this.#isToolInput = isInput;
    if (isInput) this.#estimator.startArguments();
  }

  #endOpaque(): void {
    this.#opaqueDepth = 0;
    if (this.#isToolInput) this.#estimator.endArguments();
  }

  #close(byte: number, bytes: Uint8Array, at: number): void {
    const kind = byte === CLOSE_BRACE ? OBJECT : ARRAY;
    const empty = kind === OBJECT ? KEY_OR_END : VALUE_OR_END;
    const mayClose = this.#expected === AFTER_VALUE || this.#expected === empty;
    if (!mayClose || this.#depth === 0 || this.#kinds[this.#depth] !== kind) {
      this.#fail();
      return;
    }
    this.#recorder?.endContainer(byte, bytes, at + 1);
    if (this.#opaqueDepth === this.#depth) this.#endOpaque();
    if (this.#resultDepth === this.#depth) this.#resultDepth = 0;
    this.#depth -= 1;
    if (this.#depth === 1 && this.#usageStart >= 0 && this.#usageEnd < 0) {
      this.#usageEnd = at + 1;
      this.#isUsageLast = true;
    }
    if (this.#depth === 1 && this.#runningStart >= 0 && this.#runningEnd < 0)
      this.#runningEnd = at + 1;
    this.#endValue();
  }

  #endValue(): void {
    this.#role = null;
    this.#expected = this.#depth === 0 ? DONE : AFTER_VALUE;
  }

  #beginString(bytes: Uint8Array, at: number): void {
    this.#escape = 0;
    this.#carriedLength = 0;
    this.#isEmpty = true;
    if (this.#expected === KEY || this.#expected === KEY_OR_END) {
      this.#token = IN_KEY;
      this.#keyStart = at;
    } else if (this.#expectsValue()) {
      this.#token = IN_STRING;
      this.#recorder?.beginValue(bytes[at] ?? 0, at);
      this.#estimator.startString();
    } else this.#fail();
  }

  /** Reads on in a string up to its end, or to the end of the piece. */
  #readString(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    let isEscaped = this.#escape > 0;
    while (at < to) {
      const byte = bytes[at] ?? 0;
      if (isEscaped) {
        if (!this.#readEscape(byte)) return this.#failAt(at);
        isEscaped = this.#escape > 0;
      } else if (byte > BACKSLASH || PLAIN[byte] === 1) {
        at += 1;
        continue;
      } else if (byte === QUOTE) {
        this.#readContent(bytes, from, at);
        this.#endString(bytes, from, at);
        return at + 1;
      } else if (byte === BACKSLASH) {
        this.#escape = 1;
        isEscaped = true;
      } else return this.#failAt(at);
      at += 1;
    }
    this.#readContent(bytes, from, to);
    if (this.#token === IN_KEY || this.#role === 'event_type') this.#carry(bytes, from, to);
    return to;
  }

  #failAt(at: number): number {
    this.#fail();
    return at;
  }

  /** Reads a byte of an escape sequence; returns false if it can't be one. */
  #readEscape(byte: number): boolean {
    if (this.#escape > 1) {
      this.#escape = this.#escape === 2 ? 0 : this.#escape - 1;
      return isHexDigit(byte);
    }
    this.#escape = byte === LOWER_U ? 5 : 0;
    return ESCAPABLE[byte] === 1;
  }

  #carry(bytes: Uint8Array, from: number, to: number): void {
    const length = Math.min(to - from, MAX_CARRIED_BYTES - this.#carriedLength);
    this.#carried.set(bytes.subarray(from, from + length), this.#carriedLength);
    this.#carriedLength += length;
  }

  /** Counts a part of a string that has a role. */
  #readContent(bytes: Uint8Array, from: number, to: number): void {
    const role = this.#role;
    if (this.#token !== IN_STRING || role === null || from === to) return;
    const isFirst = this.#isEmpty;
    this.#isEmpty = false;
    switch (role) {
      case 'event_type':
        return;
      case 'usage':
      case 'significant_value':
      case 'running_usage':
        this.needsParse = true;
        return;
      case 'thinking_signature':
        if (isFirst) this.#estimator.addHidden(THINKING_OVERHEAD_TOKENS);
        return;
      case 'citation':
        if (isFirst) this.#estimator.addHidden(CITATION_OVERHEAD_TOKENS);
        return;
      case 'tool_call_name':
        if (isFirst) this.#estimator.startToolCall();
        this.#estimator.addToolName(bytes, from, to);
        return;
      case 'tool_arguments':
        this.#estimator.addArguments(bytes, from, to);
        return;
      case 'tool_input':
      case 'opaque':
      case 'significant_opaque':
        return;
      case 'content':
        if (this.#resultDepth === this.#depth) return;
        break;
      case 'text':
        break;
    }
    this.#estimator.addText(bytes, from, to);
    this.hasText = true;
  }

  #endString(bytes: Uint8Array, from: number, to: number): void {
    const isCarried = this.#carriedLength > 0;
    if (isCarried) this.#carry(bytes, from, to);
    const source = isCarried ? this.#carried : bytes;
    const start = isCarried ? 0 : from;
    const end = isCarried ? this.#carriedLength : to;
    const isKey = this.#token === IN_KEY;
    this.#token = NONE;
    if (isKey) {
      const isOpaque = this.#opaqueDepth > 0;
      this.#role = isOpaque ? null : findRole(this.#table, source, start, end - start);
      this.#recorder?.setKey(source, start, end);
      this.#expected = AFTER_KEY;
      return;
    }
    if (this.#role === 'event_type') {
      this.needsParse ||= isRelevantType(source, start, end);
      if (isToolResult(source, start, end)) this.#resultDepth = this.#depth;
    }
    this.#recorder?.endValue(bytes, to + 1);
    this.#endValue();
  }

  #beginScalar(byte: number, bytes: Uint8Array, at: number, to: number): number {
    if (!this.#expectsValue()) {
      this.#fail();
      return at + 1;
    }
    if (PARSED_SCALARS.has(this.#role)) this.needsParse ||= byte !== LOWER_N;
    this.#recorder?.beginValue(byte, at);
    this.#token = IN_SCALAR;
    this.#carriedLength = 0;
    return this.#readScalar(bytes, at, to);
  }

  /** Reads on in a number or literal up to its end, or to the end of the piece. */
  #readScalar(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    while (at < to) {
      const byte = bytes[at] ?? 0;
      if (byte <= SPACE || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        this.#endScalar(bytes, from, at);
        return at;
      }
      at += 1;
    }
    this.#carry(bytes, from, to);
    return to;
  }

  #endScalar(bytes: Uint8Array, from: number, to: number): void {
    const isCarried = this.#carriedLength > 0;
    if (isCarried) this.#carry(bytes, from, to);
    const isValid = isCarried
      ? isScalar(this.#carried, 0, this.#carriedLength)
      : isScalar(bytes, from, to);
    this.#token = NONE;
    this.#recorder?.endValue(bytes, to);
    if (isValid) this.#endValue();
    else this.#fail();
  }
}

/**
 * Splits a stream into whole events and reads a few members of each, however large the event is: an
 * image stands in one. Whole events are returned, so that pings may be written between them; an event
 * above a bound is returned in parts.
 */
import { isJsonObject, type JsonObject, type KeptMembers } from '@farebox/dialects';
import { concatBytes } from '../concat-bytes.ts';
import type { Calibration } from '../contract.ts';
import { JsonScanner } from './json-scanner.ts';
import { MemberRecorder } from './member-recorder.ts';
import { OutputEstimator } from './output-estimator.ts';
import { parseJson } from './parse-json.ts';
import { SseSplitter } from './sse-splitter.ts';

/** The bytes of an unfinished event that are withheld. */
const MAX_WITHHELD_BYTES = 1_048_576;
const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const DATA = new TextEncoder().encode('data');

/** Takes the `data` lines of one event and keeps some members of the JSON in them. */
class DataMembers {
  readonly #recorder: MemberRecorder;
  readonly #scanner: JsonScanner;
  /** The bytes of the current line that were read; -1 in a line that is no data. */
  #linePosition = 0;

  constructor(keep: KeptMembers, calibration: Calibration) {
    this.#recorder = new MemberRecorder(keep);
    this.#scanner = new JsonScanner([], new OutputEstimator(calibration), this.#recorder);
  }

  write(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const byte = bytes[at] ?? 0;
      if (byte === LF || byte === CR) {
        this.#linePosition = 0;
        at += 1;
      } else if (this.#linePosition >= 0 && this.#linePosition <= DATA.length) {
        this.#readName(byte);
        at += 1;
      } else at = this.#readRest(bytes, at);
    }
  }

  /** Returns the members of a whole event; null if it holds no object. */
  end(): JsonObject | null {
    this.#scanner.end();
    const members = this.#scanner.isComplete ? parseJson(this.#recorder.text() ?? '') : null;
    return isJsonObject(members) ? members : null;
  }

  /** Reads the name of a line up to its colon; a byte order mark makes the first one unknown. */
  #readName(byte: number): void {
    const position = this.#linePosition;
    const expected = position === DATA.length ? COLON : DATA[position];
    this.#linePosition = byte === expected ? position + 1 : -1;
  }

  #readRest(bytes: Uint8Array, from: number): number {
    let to = from;
    while (to < bytes.length && bytes[to] !== LF && bytes[to] !== CR) to += 1;
    if (this.#linePosition < 0) return to;
    const isFirst = this.#linePosition === DATA.length + 1;
    const start = isFirst && bytes[from] === SPACE ? from + 1 : from;
    this.#linePosition += to - from;
    if (start < to) this.#scanner.write(bytes.subarray(start, to));
    return to;
  }
}

/** What goes to the client before an event, and in its place; null for nothing, and for itself. */
export type EventReply = Readonly<{ before: Uint8Array | null; instead: Uint8Array | null }>;

export class EventMembers {
  readonly #keep: KeptMembers;
  readonly #calibration: Calibration;
  readonly #onEvent: (event: JsonObject) => EventReply;
  readonly #splitter = new SseSplitter();
  #current: DataMembers;
  #withheld: Uint8Array[] = [];
  #withheldBytes = 0;
  /** True once a part of the current event was returned. */
  #isPassing = false;

  constructor(
    keep: KeptMembers,
    calibration: Calibration,
    onEvent: (event: JsonObject) => EventReply,
  ) {
    this.#keep = keep;
    this.#calibration = calibration;
    this.#onEvent = onEvent;
    this.#current = new DataMembers(keep, calibration);
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    const pieces: Uint8Array[] = [];
    this.#splitter.startChunk(chunk);
    let from = 0;
    for (;;) {
      const end = this.#splitter.findEventEnd(chunk, from);
      if (end < 0) break;
      this.#add(chunk.subarray(from, end));
      pieces.push(...this.#endEvent());
      from = end;
    }
    if (from < chunk.length) this.#add(chunk.subarray(from));
    if (this.#isPassing || this.#withheldBytes > MAX_WITHHELD_BYTES) {
      this.#isPassing = this.#withheldBytes > 0 || this.#isPassing;
      pieces.push(...this.#take());
    }
    return pieces;
  }

  /** Ends the stream; an event without its blank line is one all the same. */
  end(): readonly Uint8Array[] {
    return this.#withheldBytes > 0 ? this.#endEvent() : [];
  }

  #add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#current.write(bytes);
    // The memory of a chunk is used again.
    this.#withheld.push(bytes.slice());
    this.#withheldBytes += bytes.length;
  }

  #take(): Uint8Array[] {
    if (this.#withheldBytes === 0) return [];
    const bytes = concatBytes(this.#withheld);
    this.#withheld = [];
    this.#withheldBytes = 0;
    return [bytes];
  }

  #endEvent(): readonly Uint8Array[] {
    const event = this.#current.end();
    this.#current = new DataMembers(this.#keep, this.#calibration);
    const reply = event === null ? null : this.#onEvent(event);
    const wasPassing = this.#isPassing;
    this.#isPassing = false;
    const bytes = this.#take();
    // Of an event that is on its way already nothing can be changed.
    if (reply === null || wasPassing) return bytes;
    return [reply.before, ...(reply.instead === null ? bytes : [reply.instead])].filter(
      (piece) => piece !== null,
    );
  }
}

/**
 * Reads a stream of server-sent events as its bytes pass, in whole events. A chunk that ends with
 * an event is returned as the same object, unless something in it has to be left out: an event that
 * is no JSON object (both SDKs throw on it, and an answer is mostly whole without it), or usage
 * that the caller did not ask for.
 */
import { type AnswerAssembler, isJsonObject, type JsonObject } from '@farebox/dialects';
import { concatBytes } from '../concat-bytes.ts';
import type { MeterOptions, Verdict } from '../contract.ts';
import { readAnswerError } from './answer-error.ts';
import { EventBuffer } from './event-buffer.ts';
import { JsonScanner } from './json-scanner.ts';
import { parseJson } from './parse-json.ts';
import { MAX_RUNNING_USAGE_BYTES } from './running-usage.ts';
import {
  findDataStart,
  findLineEnd,
  getEventData,
  isDefaultName,
  isErrorName,
  isEventField,
  SseSplitter,
} from './sse-splitter.ts';
import type { UsageTracker } from './usage-tracker.ts';

/** Longer incomplete events (an image) are passed on in parts, to bound the memory. */
const MAX_WITHHELD_BYTES = 1_048_576;
const SPACE = 0x20;
const ENCODER = new TextEncoder();
const BLANK_LINE = ENCODER.encode('\n\n');

type EventKind = 'data' | 'end_marker' | 'malformed' | 'comment';

export class EventReader {
  readonly format = 'events';
  readonly #options: MeterOptions;
  readonly #tracker: UsageTracker;
  readonly #scanner: JsonScanner;
  readonly #endMarker: Uint8Array | null;
  /** Receives every event if a document is built of them. */
  readonly #assembler: AnswerAssembler | null;
  readonly #splitter = new SseSplitter();
  /** The event that the last chunk ended in. */
  readonly #buffer = new EventBuffer();
  /** True if that event exceeds MAX_WITHHELD_BYTES and its start has been passed on. */
  #passingThrough = false;
  #hasEvents = false;
  /** True if the current event is named `error`. */
  #isNamedError = false;
  /** True if the current event has a name of its own, which is not looked at in every dialect. */
  #isNamed = false;
  #error: JsonObject | null = null;
  #isErrorReplaced = false;
  #hasEndMarker = false;
  /** The bytes to leave out of the current event, and what to write in their place. */
  #cutStart = 0;
  #cutEnd = 0;
  #replacement: Uint8Array | null = null;
  /** True if the data of the current event stands in one line. */
  #isOneLine = true;
  /** True if the current event says nothing that clients read. */
  #isEmptyEvent = false;

  constructor(options: MeterOptions, tracker: UsageTracker, assembler: AnswerAssembler | null) {
    this.#options = options;
    this.#tracker = tracker;
    this.#assembler = assembler;
    const { eventKeyTable, endMarker } = tracker.spec;
    this.#scanner = new JsonScanner(eventKeyTable, tracker.outputEstimator);
    this.#endMarker = endMarker === null ? null : ENCODER.encode(endMarker);
  }

  /** True after the end marker or an error, on which clients stop reading. */
  get hasEnded(): boolean {
    return this.#tracker.ended || this.#tracker.failed;
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    const parts: Uint8Array[] = [];
    this.#splitter.startChunk(chunk);
    const first = this.#buffer.length === 0 ? 0 : this.#continueEvent(chunk, parts);
    if (first < 0) return parts;
    let keepFrom = first;
    let at = first;
    while (at < chunk.length) {
      const end = this.#splitter.findEventEnd(chunk, at);
      if (end < 0) break;
      if (this.#hasToChange(chunk, at, end)) {
        this.#keep(chunk, keepFrom, this.#cutStart, parts);
        if (this.#replacement !== null) parts.push(this.#replacement);
        keepFrom = this.#cutEnd;
      }
      at = end;
    }
    this.#keep(chunk, keepFrom, at, parts);
    if (at < chunk.length) this.#bufferBytes(chunk.subarray(at), parts);
    return parts.length > 1 ? [concatBytes(parts)] : parts;
  }

  end(): readonly Uint8Array[] {
    if (this.#buffer.length === 0) return [];
    const parts: Uint8Array[] = [];
    const wasPassedOn = this.#passingThrough;
    this.#completeEvent(new Uint8Array(0), parts);
    // Without a blank line clients discard an event (WHATWG HTML, section 9.2.6).
    if (parts.length > 0 && !wasPassedOn) parts.push(BLANK_LINE);
    return parts;
  }

  verdict(): Verdict {
    if (!this.#hasEvents) return { kind: 'unreadable' };
    // In a stream an error is an event like others; in place of a document it is no answer.
    if (this.#assembler === null) return { kind: 'answer' };
    if (this.#error !== null) return { kind: 'error', error: readAnswerError(this.#error) };
    const { ended, finished } = this.#tracker.reading();
    return { kind: ended || finished ? 'answer' : 'truncated' };
  }

  #keep(bytes: Uint8Array, from: number, to: number, parts: Uint8Array[]): void {
    if (from >= to) return;
    parts.push(to - from === bytes.length ? bytes : bytes.subarray(from, to));
  }

  /**
   * Continues the event of the previous chunk. Returns the offset of its end in this one, or -1.
   */
  #continueEvent(chunk: Uint8Array, parts: Uint8Array[]): number {
    const end = this.#splitter.findEventEnd(chunk, 0);
    if (end < 0) this.#bufferBytes(chunk, parts);
    else this.#completeEvent(chunk.subarray(0, end), parts);
    return end;
  }

  /** Adds bytes to an incomplete event; passes them on if it is too long to be withheld. */
  #bufferBytes(bytes: Uint8Array, parts: Uint8Array[]): void {
    if (bytes.length === 0) return;
    const withheld = this.#buffer.length;
    if (!this.#passingThrough && withheld + bytes.length > MAX_WITHHELD_BYTES) {
      this.#passingThrough = true;
      if (withheld > 0) parts.push(this.#buffer.bytes.slice());
    }
    this.#buffer.append(bytes);
    if (this.#passingThrough) parts.push(bytes);
  }

  /** Completes the buffered event with `rest` and passes on what is to be kept of it. */
  #completeEvent(rest: Uint8Array, parts: Uint8Array[]): void {
    this.#bufferBytes(rest, parts);
    const { bytes } = this.#buffer;
    const hasToChange = this.#hasToChange(bytes, 0, bytes.length);
    if (!this.#passingThrough) {
      const event = bytes.slice();
      this.#keep(event, 0, hasToChange ? this.#cutStart : event.length, parts);
      if (hasToChange && this.#replacement !== null) parts.push(this.#replacement);
      if (hasToChange) this.#keep(event, this.#cutEnd, event.length, parts);
    }
    this.#passingThrough = false;
    this.#buffer.clear();
  }

  /** Reads one event. Returns true if `#cutStart` to `#cutEnd` has to be left out of it. */
  #hasToChange(bytes: Uint8Array, start: number, end: number): boolean {
    this.#cutStart = start;
    this.#cutEnd = end;
    this.#replacement = null;
    this.#isEmptyEvent = false;
    this.#tracker.outputEstimator.mark();
    switch (this.#scanEvent(bytes, start, end)) {
      case 'data':
        return this.#isAfterEndMarker()
          ? this.#readLateEvent(bytes, start, end)
          : this.#readEvent(bytes, start, end);
      case 'malformed':
        this.#tracker.outputEstimator.rollback();
        if (this.#isNamedError && !this.#isAfterEndMarker()) this.#readErrorText(bytes, start, end);
        return true;
      case 'end_marker':
        return this.#readEndMarker(start);
      case 'comment':
        return false;
    }
  }

  /**
   * Leaves out an end marker that ends nothing: clients would stop before the error that follows, or
   * have stopped already.
   */
  #readEndMarker(start: number): boolean {
    const wasEnded = this.#tracker.ended;
    if (this.#tracker.spec.isEndMarkerOptional) {
      const isRepeated = this.#hasEndMarker;
      this.#hasEndMarker = true;
      return !wasEnded || isRepeated;
    }
    this.#hasEndMarker = true;
    this.#tracker.markEnded();
    return wasEnded || !this.#hasEvents || this.#insertBefore(start);
  }

  #isAfterEndMarker(): boolean {
    return this.#hasEndMarker && this.#tracker.ended;
  }

  /** Leaves out an event after the end marker, where clients have stopped; its usage still counts. */
  #readLateEvent(bytes: Uint8Array, start: number, end: number): boolean {
    this.#tracker.outputEstimator.rollback();
    const event = parseJson(getEventData(bytes, start, end) ?? '');
    if (isJsonObject(event)) this.#tracker.observe(event);
    return true;
  }

  /** Reads an event named `error` whose data is no JSON, but a sentence. */
  #readErrorText(bytes: Uint8Array, start: number, end: number): void {
    this.#hasEvents = true;
    this.#tracker.markFailed();
    if (this.#error === null) this.#replaceError({ detail: getEventData(bytes, start, end) });
  }

  #scanEvent(bytes: Uint8Array, start: number, end: number): EventKind {
    const scanner = this.#scanner;
    let lines = 0;
    let hasField = false;
    this.#isNamedError = false;
    this.#isNamed = false;
    const { hasNamedEvents } = this.#tracker.spec;
    let at = start;
    while (at < end) {
      const valueStart = findDataStart(bytes, at, end);
      if (valueStart < 0) {
        const isNamed = isEventField(bytes, at);
        hasField ||= isNamed;
        if (isNamed) this.#isNamedError = isErrorName(bytes, at, end);
        if (isNamed && hasNamedEvents) this.#isNamed = !isDefaultName(bytes, at, end);
        at = findLineEnd(bytes, at, end) + 1;
        continue;
      }
      if (lines === 0 && this.#isEndMarker(bytes, valueStart, end)) return 'end_marker';
      if (lines === 0) scanner.start();
      lines += 1;
      at = scanner.writeLine(bytes, valueStart, end) + 1;
    }
    // An event of a name alone is dispatched by no parser but one of the SDKs', which then throws.
    this.#isOneLine = lines === 1;
    if (lines === 0) return hasField ? 'malformed' : 'comment';
    scanner.end();
    return scanner.isComplete && scanner.isObject ? 'data' : 'malformed';
  }

  #isEndMarker(bytes: Uint8Array, from: number, end: number): boolean {
    const marker = this.#endMarker;
    if (marker === null) return false;
    let first = from;
    while (first < end && bytes[first] === SPACE) first += 1;
    for (let i = 0; i < marker.length; i++) if (bytes[first + i] !== marker[i]) return false;
    let at = first + marker.length;
    while (at < end && (bytes[at] ?? 0) <= SPACE) at += 1;
    return at === end;
  }

  #readEvent(bytes: Uint8Array, start: number, end: number): boolean {
    const hadEvents = this.#hasEvents;
    this.#hasEvents = true;
    this.#tracker.eventCount += 1;
    const { needsParse, hasText } = this.#scanner;
    if (hasText) this.#tracker.outputEstimator.addTextEvent();
    const isParsed = needsParse || this.#isNamedError || this.#assembler !== null;
    if (!isParsed && !this.#mayNeedRepair(hasText) && this.#deferUsage(bytes)) return false;
    const event = parseJson(getEventData(bytes, start, end) ?? '');
    if (!isJsonObject(event)) return false;
    const hasToChange = this.#readParsed(event, start);
    if (this.#isEmptyEvent) this.#hasEvents = hadEvents;
    return hasToChange;
  }

  /** Keeps the usage of an event that is not parsed for later; false if it has to be parsed now. */
  #deferUsage(bytes: Uint8Array): boolean {
    const usage = this.#scanner.runningUsage;
    if (usage === null) return true;
    if (!this.#isOneLine || usage.end - usage.start > MAX_RUNNING_USAGE_BYTES) return false;
    this.#tracker.deferUsage(bytes, usage.start, usage.end);
    return true;
  }

  /** An event with text has what SDKs read, if they see it at all. */
  #mayNeedRepair(hasText: boolean): boolean {
    return !hasText || (this.#tracker.spec.hasNamedEvents && !this.#isNamed);
  }

  #readParsed(event: JsonObject, start: number): boolean {
    const tracker = this.#tracker;
    const wasEnded = tracker.ended;
    const isError = tracker.observe(event) || this.#isNamedError;
    if (isError) tracker.markFailed();
    // The events that repeat an error say what was replaced.
    if (isError && this.#isErrorReplaced) return true;
    if (isError && this.#error === null && this.#replaceError(event)) return true;
    this.#assembler?.add(event);
    if (!wasEnded && tracker.ended && this.#insertBefore(start)) return true;
    if (this.#assembler === null && tracker.spec.isWholeEvent(event)) return this.#toEvents(event);
    const mayRepair = this.#assembler === null && (!isError || tracker.spec.hasNamedEvents);
    if (mayRepair && this.#repair(event)) return true;
    return this.#options.hideUsage && this.#hideUsage(event);
  }

  /** Writes the event as SDKs can read it, or leaves it out; returns false if it is so already. */
  #repair(event: JsonObject): boolean {
    const { isUsageOnly, repairEvent, frameEvent } = this.#tracker.spec;
    const { hideUsage } = this.#options;
    const repaired = repairEvent(event, this.#isNamed);
    if (repaired === event) return false;
    this.#isEmptyEvent = repaired === null;
    if (repaired === null) this.#tracker.outputEstimator.rollback();
    if (repaired === null || (hideUsage && isUsageOnly(event))) return true;
    const { usage, ...rest } = repaired;
    const visible = hideUsage || usage === undefined ? rest : repaired;
    this.#replacement = ENCODER.encode(frameEvent(visible));
    return true;
  }

  /** Writes the events that a stream has in place of one event with the whole answer. */
  #toEvents(answer: JsonObject): true {
    const { toEvents, frameEvent } = this.#tracker.spec;
    const events = toEvents(answer, !this.#options.hideUsage);
    this.#replacement = ENCODER.encode(events.map(frameEvent).join(''));
    return true;
  }

  /** Writes what comes before the last word, an event that begins at `start`. */
  #insertBefore(start: number): boolean {
    const { beforeLastWord } = this.#options;
    if (beforeLastWord === undefined) return false;
    this.#cutStart = start;
    this.#cutEnd = start;
    this.#replacement = beforeLastWord(this.#tracker.reading());
    return true;
  }

  #replaceError(event: JsonObject): boolean {
    this.#error = event;
    const error = readAnswerError(event);
    this.#tracker.markRejected(error.rejection);
    this.#replacement = this.#options.replaceError?.(event, error, this.#tracker.reading()) ?? null;
    this.#isErrorReplaced = this.#replacement !== null;
    return this.#isErrorReplaced;
  }

  /** Leaves out the event if it holds usage alone, else the usage in it. */
  #hideUsage(event: JsonObject): boolean {
    if (this.#tracker.spec.isUsageOnly(event)) return true;
    const span = this.#scanner.usageSpan;
    if (span === null) return false;
    this.#cutStart = span.start;
    this.#cutEnd = span.end;
    return true;
  }
}

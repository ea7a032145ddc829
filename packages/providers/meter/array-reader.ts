/**
 * Reads a stream that is one JSON array, an event in each of its elements, as its bytes pass: every
 * returned piece ends with an element, so that white space and an error of ours fit behind it. A
 * piece begins with the comma that separates it from the element before.
 */
import { isJsonObject } from '@farebox/dialects';
import { concatBytes } from '../concat-bytes.ts';
import type { MeterOptions, Verdict } from '../contract.ts';
import { readAnswerError } from './answer-error.ts';
import { ElementSplitter } from './element-splitter.ts';
import { EventBuffer } from './event-buffer.ts';
import { JsonScanner } from './json-scanner.ts';
import { parseJson } from './parse-json.ts';
import type { UsageTracker } from './usage-tracker.ts';

/** Longer incomplete elements (an image) are passed on in parts, to bound the memory. */
const MAX_WITHHELD_BYTES = 1_048_576;
const OPEN_BRACE = 0x7b;
const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();
/** What ends an array that the provider did not end. */
const END = ENCODER.encode('\n]');

export class ArrayReader {
  readonly format = 'array';
  readonly #options: MeterOptions;
  readonly #tracker: UsageTracker;
  readonly #scanner: JsonScanner;
  readonly #splitter = new ElementSplitter();
  /** The element that the last chunk ended in, with what separates it from the one before. */
  readonly #buffer = new EventBuffer();
  /** True if that element exceeds MAX_WITHHELD_BYTES and its start has been passed on. */
  #isPassingThrough = false;
  #hasEvents = false;
  #hasError = false;
  /** True once an error of ours has ended the array in place of what follows. */
  #isCut = false;
  /** True once the end of the array was passed on. */
  #isClosed = false;

  constructor(options: MeterOptions, tracker: UsageTracker) {
    this.#options = options;
    this.#tracker = tracker;
    this.#scanner = new JsonScanner(tracker.spec.eventKeyTable, tracker.outputEstimator);
  }

  get hasEnded(): boolean {
    return this.#splitter.hasClosed || this.#isCut;
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    const parts: Uint8Array[] = [];
    let at = 0;
    while (!this.hasEnded) {
      const end = this.#splitter.findElementEnd(chunk, at);
      this.#append(chunk.subarray(at, end < 0 ? chunk.length : end), parts);
      if (end < 0) break;
      this.#completeElement(parts);
      at = end;
    }
    if (this.#splitter.hasClosed && !this.#isCut) this.#passRest(chunk, at, parts);
    return parts.length > 1 ? [concatBytes(parts)] : parts;
  }

  end(): readonly Uint8Array[] {
    const { ended, finished, failed } = this.#tracker.reading();
    if (this.hasEnded || ended || !this.#hasEvents || !(finished || failed)) return [];
    this.#close();
    return [END.slice()];
  }

  verdict(): Verdict {
    return { kind: this.#hasEvents ? 'answer' : 'unreadable' };
  }

  /** Passes on the end of the array. */
  #passRest(chunk: Uint8Array, at: number, parts: Uint8Array[]): void {
    if (!this.#isClosed) {
      this.#close();
      if (!this.#isPassingThrough && this.#buffer.length > 0)
        parts.push(this.#buffer.bytes.slice());
      this.#buffer.clear();
      return;
    }
    if (at < chunk.length) parts.push(chunk.subarray(at));
  }

  #append(bytes: Uint8Array, parts: Uint8Array[]): void {
    if (bytes.length === 0) return;
    const withheld = this.#buffer.length;
    if (!this.#isPassingThrough && withheld + bytes.length > MAX_WITHHELD_BYTES) {
      this.#isPassingThrough = true;
      if (withheld > 0) parts.push(this.#buffer.bytes.slice());
    }
    this.#buffer.append(bytes);
    if (this.#isPassingThrough) parts.push(bytes.slice());
  }

  #completeElement(parts: Uint8Array[]): void {
    const bytes = this.#buffer.bytes.slice();
    const start = bytes.indexOf(OPEN_BRACE);
    const replacement = start < 0 ? null : this.#readElement(bytes.subarray(start));
    if (!this.#isPassingThrough) {
      parts.push(replacement ?? bytes);
    }
    if (replacement !== null) this.#isCut = true;
    this.#isPassingThrough = false;
    this.#buffer.clear();
  }

  /** What ends with an error is no whole answer, though its array is whole. */
  #close(): void {
    this.#isClosed = true;
    if (!this.#tracker.failed) this.#tracker.markEnded();
  }

  #countEvent(): void {
    this.#hasEvents = true;
    this.#tracker.eventCount += 1;
  }

  /** Reads one element. Returns what is passed on in its place; null for the element itself. */
  #readElement(bytes: Uint8Array): Uint8Array | null {
    const scanner = this.#scanner;
    scanner.start();
    scanner.write(bytes);
    scanner.end();
    if (scanner.hasText) this.#tracker.outputEstimator.addTextEvent();
    const event = parseJson(DECODER.decode(bytes));
    if (!isJsonObject(event)) return null;
    const isError = this.#tracker.observe(event);
    if (!isError || this.#hasError) {
      this.#countEvent();
      return null;
    }
    this.#hasError = true;
    const error = readAnswerError(event);
    this.#tracker.markRejected(error.rejection);
    const replacement = this.#options.replaceError?.(event, error, this.#tracker.reading()) ?? null;
    this.#countEvent();
    return replacement;
  }
}

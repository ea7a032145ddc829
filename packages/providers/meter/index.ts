/**
 * Meters one answer as its bytes pass, in whole events, so that other events may be written between
 * any two pieces. A chunk that ends with an event is returned as the same object, unless a hidden
 * usage chunk is left out of it. No other byte is changed or lost, and no bytes make it throw.
 */
import { isJsonObject } from '@farebox/dialects';
import { concatBytes } from '../concat-bytes.ts';
import type { Meter, MeterOptions, Reading } from '../contract.ts';
import { EventBuffer } from './event-buffer.ts';
import { prefilterEvent } from './event-prefilter.ts';
import { getEventData, SseSplitter } from './sse-splitter.ts';
import { UsageTracker } from './usage-tracker.ts';

/** Longer incomplete events (an image) are passed on in parts, to bound the memory. */
const MAX_WITHHELD_BYTES = 1_048_576;
/** An end marker's event is short; a longer one is not looked at. */
const MAX_END_EVENT_BYTES = 32;
const DECODER = new TextDecoder();

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

class StreamMeter implements Meter {
  #usageTracker: UsageTracker;
  #hideUsage: boolean;
  #splitter = new SseSplitter();
  /** The event that the last chunk ended in. */
  #buffer = new EventBuffer();
  /** True if that event exceeds MAX_WITHHELD_BYTES and its start has been passed on. */
  #passingThrough = false;

  constructor(options: MeterOptions) {
    this.#usageTracker = new UsageTracker(options);
    this.#hideUsage = options.hideUsage;
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    this.#splitter.startChunk(chunk);
    const first = this.#buffer.length === 0 ? 0 : this.#continueEvent(chunk, out);
    if (first < 0) return out;
    let emitFrom = first;
    let at = first;
    while (at < chunk.length) {
      const end = this.#splitter.findEventEnd(chunk, at);
      if (end < 0) break;
      if (this.#processEvent(chunk, at, end)) {
        if (emitFrom < at) out.push(chunk.subarray(emitFrom, at));
        emitFrom = end;
      }
      at = end;
    }
    if (emitFrom < at)
      out.push(at - emitFrom === chunk.length ? chunk : chunk.subarray(emitFrom, at));
    if (at < chunk.length) this.#bufferBytes(chunk.subarray(at), out);
    return out;
  }

  end(): readonly Uint8Array[] {
    if (this.#buffer.length === 0) return [];
    const out: Uint8Array[] = [];
    this.#completeEvent(new Uint8Array(0), out);
    return out;
  }

  reading(): Reading {
    return this.#usageTracker.reading();
  }

  /**
   * Continues the event of the previous chunk. Returns the offset of its end in this one, or -1.
   */
  #continueEvent(chunk: Uint8Array, out: Uint8Array[]): number {
    const end = this.#splitter.findEventEnd(chunk, 0);
    if (end < 0) this.#bufferBytes(chunk, out);
    else this.#completeEvent(chunk.subarray(0, end), out);
    return end;
  }

  /** Adds bytes to an incomplete event; passes them on if it is too long to be withheld. */
  #bufferBytes(bytes: Uint8Array, out: Uint8Array[]): void {
    if (bytes.length === 0) return;
    const withheld = this.#buffer.length;
    if (!this.#passingThrough && withheld + bytes.length > MAX_WITHHELD_BYTES) {
      this.#passingThrough = true;
      if (withheld > 0) out.push(this.#buffer.bytes.slice());
    }
    this.#buffer.append(bytes);
    if (this.#passingThrough) out.push(bytes);
  }

  /**
   * Completes the buffered event with `rest` and passes it on in one piece, unless it is hidden.
   */
  #completeEvent(rest: Uint8Array, out: Uint8Array[]): void {
    this.#bufferBytes(rest, out);
    const { bytes } = this.#buffer;
    const hide = this.#processEvent(bytes, 0, bytes.length);
    if (!this.#passingThrough && !hide) out.push(bytes.slice());
    this.#passingThrough = false;
    this.#buffer.clear();
  }

  /** Reads one event. Returns true if it is a usage chunk to hide. */
  #processEvent(bytes: Uint8Array, start: number, end: number): boolean {
    const { spec, outputEstimator } = this.#usageTracker;
    if (!prefilterEvent(bytes, start, end, spec.keyTable, outputEstimator)) {
      this.#checkEndMarker(bytes, start, end);
      return false;
    }
    const data = getEventData(bytes, start, end);
    const event = data === null ? undefined : parseJson(data);
    this.#usageTracker.observe(event, false);
    return this.#hideUsage && spec.isUsageOnly(event);
  }

  #checkEndMarker(bytes: Uint8Array, start: number, end: number): void {
    const { endMarker } = this.#usageTracker.spec;
    if (endMarker === null || end - start > MAX_END_EVENT_BYTES || end - start <= 8) return;
    if (getEventData(bytes, start, end)?.trim() === endMarker) this.#usageTracker.markEnded();
  }
}

/** Meters an answer that is one JSON document, which is parsed at its end. */
class DocumentMeter implements Meter {
  #usageTracker: UsageTracker;
  #chunks: Uint8Array[] = [];

  constructor(options: MeterOptions) {
    this.#usageTracker = new UsageTracker(options);
    this.#usageTracker.outputEstimator.ignoreEvents();
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    this.#chunks.push(chunk);
    return chunk.length === 0 ? [] : [chunk];
  }

  end(): readonly Uint8Array[] {
    const bytes = concatBytes(this.#chunks);
    this.#chunks = [];
    if (bytes.length === 0) return [];
    const { spec, outputEstimator } = this.#usageTracker;
    prefilterEvent(bytes, 0, bytes.length, spec.keyTable, outputEstimator);
    const document = parseJson(DECODER.decode(bytes));
    if (isJsonObject(document)) this.#usageTracker.observe(document, true);
    return [];
  }

  reading(): Reading {
    return this.#usageTracker.reading();
  }
}

/** Creates the meter of one answer. */
export function createMeter(options: MeterOptions): Meter {
  return options.stream ? new StreamMeter(options) : new DocumentMeter(options);
}

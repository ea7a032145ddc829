/**
 * Meters one answer as its bytes pass, in whole events, so that others may write between any two pieces.
 * A chunk that ends where an event does goes on as the very object it came as, unless the usage chunk
 * nobody asked for is cut out of it; no other byte is ever changed or lost, and no bytes make it throw.
 */
import type { Meter, MeterOptions, Reading } from './contract.ts';
import { isFields } from './count.ts';
import { dataOf, EventScan } from './event-scan.ts';
import { glanceAt } from './glance.ts';
import { joined } from './joined.ts';
import { Pending } from './pending.ts';
import { Understanding } from './understanding.ts';

/** Longer incomplete events (a picture) are passed on in pieces: memory before tidiness. */
const WITHHELD_AT_MOST = 1_048_576;
const DONE_AT_MOST = 32;
const DECODER = new TextDecoder();

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isUsageOnly(event: unknown): boolean {
  if (!isFields(event) || !isFields(event.usage)) return false;
  const choices = event.choices;
  return Array.isArray(choices) && choices.length === 0 && (event.error ?? null) === null;
}

class StreamMeter implements Meter {
  #understanding: Understanding;
  #hideUsage: boolean;
  #scan = new EventScan();
  /** The event that the last chunk ended in. */
  #pending = new Pending();
  /** It is longer than what is withheld, and its beginning has been passed on. */
  #passing = false;

  constructor(options: MeterOptions) {
    this.#understanding = new Understanding(options);
    this.#hideUsage = options.hideUsage && options.dialect === 'chat';
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    this.#scan.begin(chunk);
    const first = this.#pending.length === 0 ? 0 : this.#finish(chunk, out);
    if (first < 0) return out;
    let kept = first;
    let at = first;
    while (at < chunk.length) {
      const end = this.#scan.next(chunk, at);
      if (end < 0) break;
      if (this.#event(chunk, at, end)) {
        if (kept < at) out.push(chunk.subarray(kept, at));
        kept = end;
      }
      at = end;
    }
    if (kept < at) out.push(at - kept === chunk.length ? chunk : chunk.subarray(kept, at));
    if (at < chunk.length) this.#gather(chunk.subarray(at), out);
    return out;
  }

  end(): readonly Uint8Array[] {
    if (this.#pending.length === 0) return [];
    const out: Uint8Array[] = [];
    this.#complete(new Uint8Array(0), out);
    return out;
  }

  reading(): Reading {
    return this.#understanding.reading();
  }

  /** Goes on with the event of the chunk before; where it ends in this one, or -1. */
  #finish(chunk: Uint8Array, out: Uint8Array[]): number {
    const end = this.#scan.next(chunk, 0);
    if (end < 0) this.#gather(chunk, out);
    else this.#complete(chunk.subarray(0, end), out);
    return end;
  }

  /** More of an event that is not complete: withheld, unless that would be too much. */
  #gather(bytes: Uint8Array, out: Uint8Array[]): void {
    if (bytes.length === 0) return;
    const withheld = this.#pending.length;
    if (!this.#passing && withheld + bytes.length > WITHHELD_AT_MOST) {
      this.#passing = true;
      if (withheld > 0) out.push(this.#pending.bytes.slice());
    }
    this.#pending.append(bytes);
    if (this.#passing) out.push(bytes);
  }

  /** The pending event ends with `rest`: it goes on in one piece, unless it is to be cut out. */
  #complete(rest: Uint8Array, out: Uint8Array[]): void {
    this.#gather(rest, out);
    const { bytes } = this.#pending;
    const hide = this.#event(bytes, 0, bytes.length);
    if (!this.#passing && !hide) out.push(bytes.slice());
    this.#passing = false;
    this.#pending.clear();
  }

  /** Understands one event; true if it is the usage chunk that nobody asked for. */
  #event(bytes: Uint8Array, start: number, end: number): boolean {
    const { dialect, produced } = this.#understanding;
    if (!glanceAt(bytes, start, end, dialect, produced)) {
      if (end - start <= DONE_AT_MOST && end - start > 8 && dialect === 'chat')
        if (dataOf(bytes, start, end)?.trim() === '[DONE]') this.#understanding.end();
      return false;
    }
    const data = dataOf(bytes, start, end);
    const event = data === null ? undefined : parsed(data);
    this.#understanding.take(event, false);
    return this.#hideUsage && isUsageOnly(event);
  }
}

/** An answer that is one JSON document: understood when it is over. */
class DocumentMeter implements Meter {
  #understanding: Understanding;
  #chunks: Uint8Array[] = [];

  constructor(options: MeterOptions) {
    this.#understanding = new Understanding(options);
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    this.#chunks.push(chunk);
    return chunk.length === 0 ? [] : [chunk];
  }

  end(): readonly Uint8Array[] {
    const only = this.#chunks.length === 1 ? this.#chunks[0] : undefined;
    const bytes = only ?? joined(this.#chunks);
    this.#chunks = [];
    if (bytes.length === 0) return [];
    const { dialect, produced } = this.#understanding;
    glanceAt(bytes, 0, bytes.length, dialect, produced);
    const document = parsed(DECODER.decode(bytes));
    if (isFields(document)) this.#understanding.take(document, true);
    return [];
  }

  reading(): Reading {
    return this.#understanding.reading();
  }
}

/** A meter for one answer; used once. */
export function createMeter(options: MeterOptions): Meter {
  return options.stream ? new StreamMeter(options) : new DocumentMeter(options);
}

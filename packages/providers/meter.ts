/**
 * Meters one answer as its bytes pass. A chunk goes on as the very object it came as, unless the usage
 * chunk nobody asked for is cut out of it; no other byte is ever changed, whatever the bytes are, and
 * nothing here throws on them.
 */
import type { Meter, MeterOptions, Reading } from './contract.ts';
import { isFields } from './count.ts';
import { dataOf, EventScan } from './event-scan.ts';
import { type Glance, glanceAt } from './glance.ts';
import { Pending } from './pending.ts';
import { Understanding } from './understanding.ts';

/** No usage chunk is longer; a longer incomplete event is passed on and not withheld. */
const WITHHELD_AT_MOST = 16_384;
const DONE_AT_MOST = 32;
const DECODER = new TextDecoder();
const CHOICE_BEGUN = /"choices"\s*:\s*\[\s*[^\]\s]/;

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
  #pending = new Pending();
  #seen: Glance = { produced: 0, telling: false };
  /** The event before was cut out, so the LF of its last CRLF goes too. */
  #cutBefore = false;

  constructor(options: MeterOptions) {
    this.#understanding = new Understanding(options);
    this.#hideUsage = options.hideUsage && options.dialect === 'chat';
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    let kept = 0;
    let at: number = this.#scan.leftover(chunk, 0, chunk.length);
    if (at === 1 && this.#cutBefore) kept = 1;
    while (at < chunk.length) {
      const end = this.#scan.next(chunk, at, chunk.length);
      if (end < 0) break;
      const hide = this.#complete(chunk, at, end, out);
      if (hide && kept < at) out.push(chunk.subarray(kept, at));
      if (hide) kept = end;
      this.#cutBefore = hide;
      at = end;
    }
    if (at < chunk.length) return this.#keep(chunk, kept, at, out);
    if (kept < chunk.length) out.push(kept === 0 ? chunk : chunk.subarray(kept));
    return out;
  }

  end(): readonly Uint8Array[] {
    const { bytes, length, released } = this.#pending;
    if (length === 0) return [];
    const hide = this.#event(bytes, 0, length) && released === 0;
    const rest = hide || released === length ? [] : [this.#pending.release()];
    this.#pending.clear();
    return rest;
  }

  reading(): Reading {
    return this.#understanding.reading();
  }

  /** The event that ends at `end`; true if it is to be cut out. Passes on what was withheld of it. */
  #complete(chunk: Uint8Array, at: number, end: number, out: Uint8Array[]): boolean {
    if (this.#pending.length === 0) return this.#event(chunk, at, end);
    const had = this.#pending.length;
    this.#pending.append(chunk.subarray(at, end));
    const hide =
      this.#event(this.#pending.bytes, 0, this.#pending.length) && this.#pending.released === 0;
    if (!hide && this.#pending.released < had) {
      out.push(this.#pending.bytes.slice(this.#pending.released, had));
    }
    this.#pending.clear();
    return hide;
  }

  /** The chunk ends inside an event, which begins at `at` or earlier: withheld only if it may be cut out. */
  #keep(chunk: Uint8Array, kept: number, at: number, out: Uint8Array[]): readonly Uint8Array[] {
    const tail = chunk.subarray(at);
    this.#pending.append(tail);
    if (this.#mayBeCutOut()) {
      if (kept < at) out.push(chunk.subarray(kept, at));
      return out;
    }
    const withheldBefore = this.#pending.length - tail.length - this.#pending.released;
    if (withheldBefore > 0)
      out.push(
        this.#pending.bytes.slice(this.#pending.released, this.#pending.length - tail.length),
      );
    out.push(kept === 0 ? chunk : chunk.subarray(kept));
    this.#pending.released = this.#pending.length;
    return out;
  }

  #mayBeCutOut(): boolean {
    if (!this.#hideUsage || this.#pending.released > 0) return false;
    if (this.#pending.length > WITHHELD_AT_MOST) return false;
    return !CHOICE_BEGUN.test(
      DECODER.decode(this.#pending.bytes.subarray(0, this.#pending.length)),
    );
  }

  /** Understands one event; true if it is the usage chunk that nobody asked for. */
  #event(bytes: Uint8Array, start: number, end: number): boolean {
    const seen = this.#seen;
    glanceAt(bytes, start, end, this.#understanding.dialect, seen);
    this.#understanding.produce(seen.produced);
    if (!seen.telling) {
      if (end - start <= DONE_AT_MOST && end - start > 8 && this.#understanding.dialect === 'chat')
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
    const pending = new Pending();
    const only = this.#chunks.length === 1 ? this.#chunks[0] : undefined;
    if (only === undefined) for (const chunk of this.#chunks) pending.append(chunk);
    const bytes = only ?? pending.bytes.subarray(0, pending.length);
    this.#chunks = [];
    if (bytes.length === 0) return [];
    const seen: Glance = { produced: 0, telling: false };
    glanceAt(bytes, 0, bytes.length, this.#understanding.dialect, seen);
    this.#understanding.produce(seen.produced);
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

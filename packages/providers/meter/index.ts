/** The one reader of answers: looks at the first bytes, and reads on as what they are. */
import type { AnswerFormat, Meter, MeterOptions, Reading, Verdict } from '../contract.ts';
import { ArrayReader } from './array-reader.ts';
import { AssemblingReader } from './assembling-reader.ts';
import { DocumentReader } from './document-reader.ts';
import { EventReader } from './event-reader.ts';
import { UsageTracker } from './usage-tracker.ts';

const SPACE = 0x20;
const ENCODER = new TextEncoder();
/** Both forms may begin with a byte order mark, which is no white space. */
const BOM = new Set([0xef, 0xbb, 0xbf]);
const DOCUMENT_START: ReadonlySet<number> = new Set(ENCODER.encode('{['));
const OPEN_BRACKET = 0x5b;
/** The first letters of `data`, `event`, `id` and `retry`, and a comment's colon. */
const EVENT_START: ReadonlySet<number> = new Set(ENCODER.encode('deir:'));

/** What reads an answer of one form. */
interface AnswerReader {
  readonly format: AnswerFormat;
  readonly hasEnded: boolean;
  feed(chunk: Uint8Array): readonly Uint8Array[];
  end(): readonly Uint8Array[];
  verdict(): Verdict;
}

/** Returns the form of an answer that begins with `byte`. */
function detectFormat(byte: number, contentType: string | null): AnswerFormat {
  if (DOCUMENT_START.has(byte)) return 'document';
  if (EVENT_START.has(byte)) return 'events';
  return contentType?.includes('text/event-stream') === true ? 'events' : 'document';
}

/** Returns the offset of the first byte that is neither white space nor of a byte order mark. */
function findStart(chunk: Uint8Array): number {
  return chunk.findIndex((byte) => byte > SPACE && !BOM.has(byte));
}

function hasBom(bytes: Uint8Array): boolean {
  return bytes.some((byte) => BOM.has(byte));
}

class AnswerMeter implements Meter {
  readonly #options: MeterOptions;
  readonly #tracker: UsageTracker;
  /** The bytes before the first that decides: some providers send white space while they work. */
  #opening: Uint8Array[] = [];
  #reader: AnswerReader | null = null;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#tracker = new UsageTracker(options);
  }

  get format(): AnswerFormat {
    return this.#reader?.format ?? 'unknown';
  }

  get hasEnded(): boolean {
    return this.#reader?.hasEnded === true;
  }

  get hasFinalUsage(): boolean {
    return this.#tracker.hasFinalUsage;
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    if (this.#reader !== null) return this.#reader.feed(chunk);
    const start = findStart(chunk);
    if (start < 0) {
      this.#opening.push(chunk.slice());
      return [];
    }
    const { contentType, stream, streamFormat } = this.#options;
    const first = chunk[start] ?? 0;
    const isArrayStream = stream && streamFormat === 'array' && first === OPEN_BRACKET;
    const format = isArrayStream ? 'array' : detectFormat(first, contentType);
    const reader = this.#createReader(format);
    this.#reader = reader;
    const opening = [...this.#opening.splice(0), chunk.subarray(0, start)];
    // No parser of JSON has to take a byte order mark (RFC 8259, section 8.1).
    if (format === 'document' && opening.some(hasBom)) return reader.feed(chunk.subarray(start));
    return [...opening.slice(0, -1), chunk].flatMap((piece) => reader.feed(piece));
  }

  end(): readonly Uint8Array[] {
    this.#tracker.markClosed();
    return this.#reader?.end() ?? [];
  }

  reading(): Reading {
    return this.#tracker.reading();
  }

  verdict(): Verdict {
    return this.#reader?.verdict() ?? { kind: 'unreadable' };
  }

  #createReader(format: AnswerFormat): AnswerReader {
    const options = this.#options;
    if (format === 'array') return new ArrayReader(options, this.#tracker);
    if (format === 'document') return new DocumentReader(options, this.#tracker);
    // A stream that has to become an array is read to its end first.
    return options.stream && options.streamFormat !== 'array'
      ? new EventReader(options, this.#tracker, null)
      : new AssemblingReader(options, this.#tracker);
  }
}

/** Creates the meter of one answer. */
export function createMeter(options: MeterOptions): Meter {
  return new AnswerMeter(options);
}

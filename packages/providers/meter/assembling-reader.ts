/** Reads a stream of events where one document was asked for, and builds that. */
import type { AnswerAssembler } from '@farebox/dialects';
import type { MeterOptions, Verdict } from '../contract.ts';
import { EventReader } from './event-reader.ts';
import type { UsageTracker } from './usage-tracker.ts';

/** The document is kept until its end; a larger one is refused. */
const MAX_BYTES = 4_194_304;
const ENCODER = new TextEncoder();

export class AssemblingReader {
  readonly format = 'events';
  readonly #tracker: UsageTracker;
  readonly #assembler: AnswerAssembler;
  readonly #events: EventReader;
  readonly #isArrayAsked: boolean;
  #bytes = 0;

  constructor(options: MeterOptions, tracker: UsageTracker) {
    this.#tracker = tracker;
    this.#isArrayAsked = options.stream && options.streamFormat === 'array';
    this.#assembler = tracker.spec.createAssembler();
    this.#events = new EventReader(options, tracker, this.#assembler);
  }

  get hasEnded(): boolean {
    return this.#events.hasEnded;
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    this.#bytes += chunk.length;
    if (this.#bytes <= MAX_BYTES) this.#events.feed(chunk);
    // None of these events is passed on: an error would be the first thing that the client gets.
    this.#tracker.eventCount = 0;
    return [];
  }

  end(): readonly Uint8Array[] {
    this.#events.end();
    this.#tracker.eventCount = 0;
    if (this.verdict().kind !== 'answer') return [];
    const document = this.#assembler.document();
    if (document === null) return [];
    if (!this.#isArrayAsked) return [ENCODER.encode(JSON.stringify(document))];
    // The array is whole: nothing may follow it.
    this.#tracker.eventCount = 1;
    this.#tracker.markEnded();
    return [ENCODER.encode(JSON.stringify([document]))];
  }

  verdict(): Verdict {
    if (this.#bytes > MAX_BYTES) return { kind: 'unreadable' };
    const verdict = this.#events.verdict();
    if (verdict.kind !== 'answer') return verdict;
    const document = this.#assembler.document();
    const isAnswer = document !== null && this.#tracker.spec.isAnswer(document);
    return isAnswer ? verdict : { kind: 'unreadable' };
  }
}

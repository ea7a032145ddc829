/**
 * Reads an answer that is one JSON document. A small one is kept to its end, when it is known to be
 * an answer; past a bound it is passed on as it comes, and billing reads the few members that a
 * scanner finds in it.
 */
import { isJsonObject, type JsonObject } from '@farebox/dialects';
import { concatBytes } from '../concat-bytes.ts';
import type { MeterOptions, Verdict } from '../contract.ts';
import { readAnswerError } from './answer-error.ts';
import { JsonScanner } from './json-scanner.ts';
import { MemberRecorder } from './member-recorder.ts';
import { parseJson } from './parse-json.ts';
import type { UsageTracker } from './usage-tracker.ts';

/**
 * 64,000 tokens of text. 64 answers at once are kept in 16 MB, an eighth of an isolate's memory
 * (Workers docs, "Limits").
 */
const MAX_KEPT_BYTES = 262_144;
/** A document that has to become events can't be passed on as it comes. */
const MAX_CONVERTED_BYTES = 4_194_304;
const SPACE = 0x20;
const OPEN_BRACKET = 0x5b;
const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();

/** Parses what came: one document, one per line, or an array of them (Gemini writes errors so). */
function parseDocuments(text: string): readonly JsonObject[] {
  const document = parseJson(text);
  if (isJsonObject(document)) return [document];
  if (Array.isArray(document)) return document.every(isJsonObject) ? document : [];
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const documents = lines.map(parseJson);
  return documents.every(isJsonObject) ? documents : [];
}

export class DocumentReader {
  readonly format = 'document';
  readonly #options: MeterOptions;
  readonly #tracker: UsageTracker;
  /** Records the members of a document that is too large to be kept. */
  #recorder: MemberRecorder | null = null;
  #scanner: JsonScanner;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  /** True once the document's beginning was passed on, or, if it had to be kept, was dropped. */
  #isTooLarge = false;
  /** True if the first document is an event of a stream. */
  #isEvent = false;
  /** The document when it was whole, and how many bytes that were. */
  #parsed: Readonly<{ document: JsonObject; bytes: number }> | null = null;
  #verdict: Verdict = { kind: 'truncated' };

  constructor(options: MeterOptions, tracker: UsageTracker) {
    this.#options = options;
    this.#tracker = tracker;
    const { outputEstimator, spec } = tracker;
    outputEstimator.ignoreEvents();
    outputEstimator.mark();
    this.#scanner = new JsonScanner(spec.keyTable, outputEstimator);
  }

  /** True once the document is whole. Events come one per line, and more may follow. */
  get hasEnded(): boolean {
    return this.#scanner.isComplete && !this.#isEvent;
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    const wasComplete = this.#scanner.isComplete;
    this.#scanner.write(chunk);
    if (this.#isTooLarge) return this.#options.stream ? [] : [chunk];
    // The reader of the body may use the chunk's memory again.
    this.#kept.push(chunk.slice());
    this.#keptBytes += chunk.length;
    if (this.#scanner.isComplete && !wasComplete) this.#isEvent = this.#holdsEvent();
    const max = this.#options.stream ? MAX_CONVERTED_BYTES : MAX_KEPT_BYTES;
    if (this.#keptBytes <= max) return [];
    this.#isTooLarge = true;
    const kept = this.#kept;
    this.#kept = [];
    if (this.#options.stream) return [];
    this.#startRecording(kept);
    return kept;
  }

  end(): readonly Uint8Array[] {
    // Up to its last byte it was the beginning of a document.
    const isCut = this.#scanner.isOpen;
    this.#scanner.end();
    if (this.#scanner.hasText) this.#tracker.outputEstimator.addTextEvent();
    if (isCut) return this.#drop();
    return this.#isTooLarge ? this.#endLarge() : this.#endKept();
  }

  verdict(): Verdict {
    return this.#verdict;
  }

  /** Reads the beginning once more: few documents are so large that their members are recorded. */
  #startRecording(beginning: readonly Uint8Array[]): void {
    const { outputEstimator, spec } = this.#tracker;
    outputEstimator.rollback();
    this.#recorder = new MemberRecorder(spec.keptMembers);
    this.#scanner = new JsonScanner(spec.keyTable, outputEstimator, this.#recorder);
    for (const chunk of beginning) this.#scanner.write(chunk);
  }

  #holdsEvent(): boolean {
    const document = parseJson(DECODER.decode(concatBytes(this.#kept)));
    if (!isJsonObject(document)) return false;
    this.#parsed = { document, bytes: this.#keptBytes };
    const { spec } = this.#tracker;
    return spec.isEvent(document) && !spec.isAnswer(document);
  }

  #drop(): readonly Uint8Array[] {
    this.#kept = [];
    return [];
  }

  #endLarge(): readonly Uint8Array[] {
    if (this.#options.stream) this.#verdict = { kind: 'unreadable' };
    if (this.#options.stream || !this.#scanner.isComplete) return [];
    this.#verdict = { kind: 'answer' };
    const members = parseJson(this.#recorder?.text() ?? '');
    if (isJsonObject(members)) this.#tracker.observe(members);
    this.#tracker.markEnded();
    return [];
  }

  #endKept(): readonly Uint8Array[] {
    const kept = concatBytes(this.#kept);
    this.#kept = [];
    const parsed = this.#parsed?.bytes === kept.length ? this.#parsed : null;
    const documents = parsed === null ? parseDocuments(DECODER.decode(kept)) : [parsed.document];
    const [document] = documents;
    const { spec } = this.#tracker;
    if (document === undefined) {
      this.#verdict = { kind: 'unreadable' };
    } else if (documents.length === 1 && spec.isAnswer(document)) {
      // Of a list of one answer clients read nothing.
      const isListed = kept.find((byte) => byte > SPACE) === OPEN_BRACKET;
      return this.#endAnswer(document, isListed ? ENCODER.encode(JSON.stringify(document)) : kept);
    } else if (documents.every((event) => spec.isEvent(event))) {
      return this.#endEvents(documents);
    } else {
      this.#verdict = { kind: 'error', error: readAnswerError(documents.at(-1) ?? document) };
    }
    return [];
  }

  #endAnswer(document: JsonObject, bytes: Uint8Array): readonly Uint8Array[] {
    this.#verdict = { kind: 'answer' };
    this.#tracker.observe(document);
    this.#tracker.markEnded();
    if (!this.#options.stream) return [bytes];
    const { spec } = this.#tracker;
    return this.#toStream(spec.toEvents(document, !this.#options.hideUsage));
  }

  /** Ends an answer that is a list of the events of a stream. */
  #endEvents(events: readonly JsonObject[]): readonly Uint8Array[] {
    const { spec } = this.#tracker;
    const assembler = spec.createAssembler();
    for (const event of events) {
      this.#tracker.observe(event);
      assembler.add(event);
    }
    this.#tracker.markClosed();
    const document = assembler.document();
    const { ended, finished } = this.#tracker.reading();
    if (document === null || !(ended || finished)) return [];
    this.#verdict = { kind: 'answer' };
    this.#tracker.markEnded();
    if (!this.#options.stream) return [ENCODER.encode(JSON.stringify(document))];
    return this.#toStream(spec.toEvents(document, !this.#options.hideUsage));
  }

  #toStream(events: readonly JsonObject[]): readonly Uint8Array[] {
    if (this.#options.streamFormat === 'array') return [ENCODER.encode(JSON.stringify(events))];
    const { frameEvent, lastWord, endsWithAnswer } = this.#tracker.spec;
    const end = endsWithAnswer ? -1 : events.length;
    const frame = (framed: readonly JsonObject[]) =>
      ENCODER.encode(framed.map(frameEvent).join(''));
    const inserted = this.#options.beforeLastWord?.(this.#tracker.reading());
    return [
      frame(events.slice(0, end)),
      ...(inserted === undefined ? [] : [inserted]),
      frame(endsWithAnswer ? events.slice(end) : []),
      ENCODER.encode(lastWord),
    ];
  }
}

/**
 * Reads the answer to an operation: a document, a text, a recording or a stream of events, by what
 * the provider says that it is. The bytes pass unchanged; what is kept is numbers.
 */
import {
  type AnswerForm,
  AUDIO_TOKENS_PER_MINUTE,
  type Counts,
  getOperationAnswer,
  isJsonObject,
  type JsonObject,
  NO_USAGE_REPORTED,
  type OperationAnswer,
  type OperationFacts,
  TokenEstimator,
} from '@farebox/dialects';
import type { NanoUsd } from '@farebox/money';
import { concatBytes } from '../concat-bytes.ts';
import type { AnswerError, AnswerFormat, Meter, Provider, Reading, Verdict } from '../contract.ts';
import { hasError, readAnswerError } from './answer-error.ts';
import { AudioClock } from './audio-clock.ts';
import { EventMembers, type EventReply } from './event-members.ts';
import { JsonScanner } from './json-scanner.ts';
import { MemberRecorder } from './member-recorder.ts';
import { OutputEstimator } from './output-estimator.ts';
import { parseJson } from './parse-json.ts';

/** As much of a document or a text is kept until it is known to be an answer. */
const MAX_KEPT_BYTES = 262_144;

/** What an answer used, as far as it was read. */
export type OperationUse = Readonly<{
  /** What the provider reports; null where it reports nothing. */
  reported: Counts | null;
  /** What the bytes of the answer show: images, the length of a recording, a text. */
  observed: Counts;
  /** nano-USD: what the provider says that it charges; null where it says nothing. */
  statedCost: NanoUsd | null;
  unpriceable: number;
  /** True if some of the answer came. */
  hasOutput: boolean;
}>;

export type OperationMeterOptions = Readonly<{
  provider: Provider;
  facts: OperationFacts;
  contentType: string | null;
  /** Returns the event for the client in place of a provider's error event, or null. */
  replaceError: (event: JsonObject, error: AnswerError) => Uint8Array | null;
  /** Returns what goes to the client before the last event; null for nothing. */
  beforeLastEvent: ((use: OperationUse) => Uint8Array | null) | null;
}>;

export interface OperationMeter extends Meter {
  /** The form of the answer: the client's wish decides only where the provider says nothing. */
  readonly form: AnswerForm;
  use(): OperationUse;
}

/** Pages of what stands between us and the provider; no operation answers with one. */
const MARKUP = /^(text\/html|text\/xml|application\/(xml|xhtml\+xml))/;

/**
 * Returns the form of an answer by its media type. What the operation never answers with is read as
 * a document, which it is found not to be.
 */
function detectForm(
  asked: AnswerForm,
  contentType: string | null,
  { otherForms }: OperationAnswer,
): AnswerForm {
  const type = contentType?.toLowerCase() ?? '';
  if (type.startsWith('text/event-stream')) return 'events';
  if (type.startsWith('application/json') || MARKUP.test(type)) return 'json';
  const isAudio = type.startsWith('audio/') || type.startsWith('application/octet-stream');
  if (isAudio && otherForms.includes('audio')) return 'audio';
  if (asked === 'audio') return 'audio';
  if (type.startsWith('text/') && otherForms.includes('text')) return 'text';
  // Without a type that says more it is what was asked for; events would have said so.
  return asked === 'events' ? 'json' : asked;
}

/** Each image of a stream states its own use. */
function addCounts(a: Counts, b: Counts): Counts {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  const sums = keys.map((key) => [key, (Reflect.get(a, key) ?? 0) + (Reflect.get(b, key) ?? 0)]);
  return Object.fromEntries(sums);
}

/** What the reader of one form has. */
abstract class UseReader {
  protected readonly answer: OperationAnswer;
  protected reported: Counts | null = null;
  protected statedCost: NanoUsd | null = null;
  protected invalid = 0;
  protected hasOutput = false;

  constructor(answer: OperationAnswer) {
    this.answer = answer;
  }

  abstract readonly format: AnswerFormat;
  abstract readonly hasEnded: boolean;
  abstract feed(chunk: Uint8Array): readonly Uint8Array[];
  abstract end(): readonly Uint8Array[];
  abstract verdict(): Verdict;
  abstract get failed(): boolean;
  protected abstract observe(): Counts;

  use(): OperationUse {
    const { reported, statedCost, invalid: unpriceable, hasOutput } = this;
    return { reported, observed: this.observe(), statedCost, unpriceable, hasOutput };
  }

  protected read(document: JsonObject): void {
    const { counts, statedCost, invalid } = this.answer.readUse(document);
    if (counts !== null) this.reported = addCounts(this.reported ?? {}, counts);
    if (statedCost !== null) this.statedCost = (this.statedCost ?? 0n) + statedCost;
    this.invalid += invalid;
  }
}

const DECODER = new TextDecoder();

/** A JSON document: kept while it is small, and passed on from then on. */
class JsonUseReader extends UseReader {
  readonly format = 'document';
  readonly #recorder: MemberRecorder;
  readonly #scanner: JsonScanner;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #isPassedOn = false;
  #observed: Counts = {};
  #verdict: Verdict = { kind: 'truncated' };

  constructor(answer: OperationAnswer, provider: Provider) {
    super(answer);
    this.#recorder = new MemberRecorder(answer.keptMembers);
    this.#scanner = new JsonScanner([], new OutputEstimator(provider.calibration), this.#recorder);
  }

  get hasEnded(): boolean {
    return this.#scanner.isComplete;
  }

  get failed(): boolean {
    return this.#verdict.kind === 'error';
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    this.#scanner.write(chunk);
    this.hasOutput = true;
    if (this.#isPassedOn) return [chunk];
    this.#kept.push(chunk.slice());
    this.#keptBytes += chunk.length;
    if (this.#keptBytes <= MAX_KEPT_BYTES) return [];
    this.#isPassedOn = true;
    return this.#kept.splice(0);
  }

  end(): readonly Uint8Array[] {
    this.#scanner.end();
    const kept = this.#kept.splice(0);
    const whole = this.#isPassedOn
      ? (this.#recorder.text() ?? '')
      : DECODER.decode(concatBytes(kept));
    const document = this.#scanner.isComplete ? parseJson(whole) : null;
    if (!isJsonObject(document)) {
      if (this.#scanner.isComplete) this.#verdict = { kind: 'unreadable' };
      return [];
    }
    const isAnswer = this.answer.answerMembers.some((name) => Object.hasOwn(document, name));
    if (!isAnswer) this.#verdict = { kind: 'error', error: readAnswerError(document) };
    else {
      this.#verdict = { kind: 'answer' };
      this.read(document);
      this.#observed = this.answer.observe?.(document) ?? {};
    }
    return isAnswer ? kept : [];
  }

  verdict(): Verdict {
    return this.#verdict;
  }

  protected observe(): Counts {
    return this.#observed;
  }
}

/** How a page begins, whatever media type it states. */
const PAGE = /^\s*<(!doctype|html|\?xml)/i;
const PAGE_START_BYTES = 64;

/** A text, or a recording: whatever comes is the answer, and its end is the body's. */
class BytesUseReader extends UseReader {
  readonly format = 'document';
  readonly hasEnded = false;
  readonly failed = false;
  readonly #observer: Readonly<{ add: (bytes: Uint8Array) => void; counts: () => Counts }>;
  readonly #isKept: boolean;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #isPage = false;
  #ended = false;

  constructor(
    answer: OperationAnswer,
    observer: Readonly<{ add: (bytes: Uint8Array) => void; counts: () => Counts }>,
    isKept: boolean,
  ) {
    super(answer);
    this.#observer = observer;
    this.#isKept = isKept;
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    if (chunk.length > 0) this.hasOutput = true;
    this.#observer.add(chunk);
    if (!this.#isKept || this.#keptBytes > MAX_KEPT_BYTES) return [chunk];
    this.#kept.push(chunk.slice());
    this.#keptBytes += chunk.length;
    return this.#keptBytes > MAX_KEPT_BYTES ? this.#kept.splice(0) : [];
  }

  end(): readonly Uint8Array[] {
    this.#ended = true;
    const kept = this.#kept.splice(0);
    const start = concatBytes(kept).subarray(0, PAGE_START_BYTES);
    this.#isPage = PAGE.test(DECODER.decode(start));
    return this.#isPage ? [] : kept;
  }

  verdict(): Verdict {
    if (!this.#ended) return { kind: 'truncated' };
    return { kind: this.hasOutput && !this.#isPage ? 'answer' : 'unreadable' };
  }

  protected observe(): Counts {
    return this.hasOutput ? this.#observer.counts() : {};
  }
}

/** A stream of events. Its last one states what was used. */
class EventUseReader extends UseReader {
  readonly format = 'events';
  readonly #events: EventMembers;
  readonly #options: OperationMeterOptions;
  readonly #text = new TokenEstimator();
  /** How many events that may be the last one are still to come: one for each image. */
  #missing: number;
  #failed = false;
  #closed = false;

  constructor(answer: OperationAnswer, options: OperationMeterOptions) {
    super(answer);
    this.#options = options;
    this.#missing = options.facts.request.choices;
    const { calibration } = options.provider;
    this.#events = new EventMembers(answer.keptMembers, calibration, (event) =>
      this.#onEvent(event),
    );
  }

  get hasEnded(): boolean {
    return this.#missing <= 0 || this.#failed;
  }

  get failed(): boolean {
    return this.#failed;
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    return this.#events.feed(chunk);
  }

  end(): readonly Uint8Array[] {
    this.#closed = true;
    return this.#events.end();
  }

  verdict(): Verdict {
    if (this.hasEnded) return { kind: 'answer' };
    return this.#closed && !this.hasOutput ? { kind: 'unreadable' } : { kind: 'truncated' };
  }

  protected observe(): Counts {
    const tokens = Math.ceil(this.#text.tokens());
    return tokens === 0 ? {} : { output: tokens };
  }

  #onEvent(event: JsonObject): EventReply {
    const { replaceError, beforeLastEvent } = this.#options;
    if (hasError(event) || event.type === 'error') {
      this.#failed = true;
      return { before: null, instead: replaceError(event, readAnswerError(event)) };
    }
    this.hasOutput = true;
    if (typeof event.delta === 'string') this.#text.add(ENCODER.encode(event.delta));
    if (!this.answer.lastEvents.includes(String(event.type))) return UNCHANGED;
    this.#missing -= 1;
    this.read(event);
    if (this.#missing > 0 || beforeLastEvent === null) return UNCHANGED;
    return { before: beforeLastEvent(this.use()), instead: null };
  }
}

const UNCHANGED: EventReply = { before: null, instead: null };
const ENCODER = new TextEncoder();

function createTextObserver() {
  const estimator = new TokenEstimator();
  return {
    add: (bytes: Uint8Array) => estimator.add(bytes),
    counts: () => ({ output: Math.ceil(estimator.tokens()) }),
  };
}

function createAudioObserver({ audioFormat }: OperationFacts) {
  const clock = new AudioClock(audioFormat);
  return {
    add: (bytes: Uint8Array) => clock.add(bytes),
    counts: () => ({ audio_output: Math.ceil((clock.seconds() * AUDIO_TOKENS_PER_MINUTE) / 60) }),
  };
}

function createReader(form: AnswerForm, options: OperationMeterOptions): UseReader {
  const { facts, provider } = options;
  const answer = getOperationAnswer(facts);
  switch (form) {
    case 'json':
      return new JsonUseReader(answer, provider);
    case 'events':
      return new EventUseReader(answer, options);
    case 'text':
      return new BytesUseReader(answer, createTextObserver(), true);
    case 'audio':
      return new BytesUseReader(answer, createAudioObserver(facts), false);
  }
}

class AnyFormMeter implements OperationMeter {
  readonly form: AnswerForm;
  /** Operations have a last event, or are documents. */
  readonly hasFinalUsage = false;
  readonly #reader: UseReader;
  #ended = false;

  constructor(options: OperationMeterOptions) {
    const { facts, contentType } = options;
    this.form = detectForm(facts.answer, contentType, getOperationAnswer(facts));
    this.#reader = createReader(this.form, options);
  }

  get format(): AnswerFormat {
    return this.#reader.format;
  }

  get hasEnded(): boolean {
    return this.#reader.hasEnded;
  }

  feed(chunk: Uint8Array): readonly Uint8Array[] {
    return this.#reader.feed(chunk);
  }

  end(): readonly Uint8Array[] {
    this.#ended = true;
    return this.#reader.end();
  }

  use(): OperationUse {
    return this.#reader.use();
  }

  verdict(): Verdict {
    return this.#reader.verdict();
  }

  /** What the relay asks of any answer; its tokens are in `use`. */
  reading(): Reading {
    const { failed, hasEnded } = this.#reader;
    const isWhole = hasEnded || (this.#ended && this.verdict().kind === 'answer');
    return {
      ...NO_USAGE_REPORTED,
      usageFinal: this.#reader.use().reported !== null,
      finished: isWhole,
      ended: isWhole,
      failed,
      rejection: null,
      refusal: null,
      estimatedOutputTokens: 0,
      eventCount: 0,
    };
  }
}

export function createOperationMeter(options: OperationMeterOptions): OperationMeter {
  return new AnyFormMeter(options);
}

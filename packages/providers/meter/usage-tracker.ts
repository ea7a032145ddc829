/**
 * What a meter knows of an answer: takes parsed events and returns a Reading. Keeps usage numbers
 * and a few closed facts, never text of an answer.
 */
import {
  type AnswerRecorder,
  DIALECT_SPECS,
  type DialectSpec,
  type JsonObject,
  mergeRunningUsage,
  mergeUsage,
  NO_USAGE_REPORTED,
  type NormalizedUsage,
  toSurcharges,
} from '@farebox/dialects';
import type { MeterOptions, Reading, Rejection } from '../contract.ts';
import { hasError, isBareError } from './answer-error.ts';
import { OutputEstimator } from './output-estimator.ts';
import { RunningUsage } from './running-usage.ts';

/** The output that a usage object reports, in whatever bucket. */
function countReportedOutput({ usage, surcharges, passes }: NormalizedUsage): number {
  const apart = surcharges.filter(({ kind }) => kind.endsWith('_output'));
  const counts = [...apart.map(({ count }) => count), ...passes.map(({ output }) => output)];
  return counts.reduce((sum, count) => sum + count, usage?.output ?? 0);
}

export class UsageTracker implements AnswerRecorder {
  readonly spec: DialectSpec['answer'];
  readonly #options: MeterOptions;
  readonly #finishedChoices = new Set<number>();
  #usage: JsonObject | null = null;
  /** What is to be merged into it. */
  readonly #runningUsage = new RunningUsage();
  #serviceTier: unknown;
  readonly #searchQueries = new Map<number, number>();
  #mapsPrompts = 0;
  #normalized: NormalizedUsage | null = null;
  /** The output shown by the last report of usage. */
  #outputAtUsage = 0;
  /** True if usage was reported with or after the last finish. */
  #usageAfterFinish = false;
  /** The output shown when every choice had finished for the first time. */
  #outputAtFinish: number | null = null;
  #ended = false;
  #closed = false;
  #failed = false;
  #rejection: Rejection | null = null;
  #isLastEventError = false;
  /** The events of a stream so far. */
  eventCount = 0;
  #refusal: Reading['refusal'] = null;
  /** The estimate of the output so far. */
  readonly outputEstimator: OutputEstimator;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#serviceTier = options.servedTier;
    this.spec = DIALECT_SPECS[options.dialect].answer;
    this.outputEstimator = new OutputEstimator(options.provider.calibration);
  }

  get ended(): boolean {
    return this.#ended;
  }

  get failed(): boolean {
    return this.#failed;
  }

  /**
   * True once every choice has finished and usage came with or after the last finish. A finish that
   * output follows ends nothing: some servers write one, and usage, into each event.
   */
  get hasFinalUsage(): boolean {
    if (!this.#usageAfterFinish || !this.#isFinished()) return false;
    return this.outputEstimator.shownTokens() <= (this.#outputAtFinish ?? 0);
  }

  startMessage(): void {
    // One body may hold several answers, one after another; the last one's usage holds.
    if (!this.#ended) return;
    this.#ended = false;
    this.#usage = null;
    this.#runningUsage.drop();
    this.#normalized = null;
    this.#finishedChoices.clear();
    this.#outputAtFinish = null;
  }

  markFinished(choice: number): void {
    this.#finishedChoices.add(choice);
    this.#usageAfterFinish = false;
    if (!this.#isFinished()) return;
    this.outputEstimator.markFinished();
    this.#outputAtFinish ??= this.outputEstimator.shownTokens();
  }

  markEnded(): void {
    this.#ended = true;
  }

  /** The body ended by itself: no more usage can come. */
  markClosed(): void {
    this.#closed = true;
  }

  markFailed(): void {
    this.#failed = true;
    this.#isLastEventError = true;
  }

  /** Notes what the error is about. */
  markRejected(rejection: Rejection | null): void {
    this.#rejection = rejection;
  }

  addToolCall(name: string): void {
    this.outputEstimator.addToolCall(name);
  }

  markRefused(category: string | null): void {
    this.#refusal = { category };
  }

  addUsage(usage: JsonObject): void {
    this.#mergeRunningUsage();
    this.replaceUsage(mergeUsage(this.#usage ?? {}, usage));
  }

  addRunningUsage(usage: JsonObject): void {
    this.#mergeRunningUsage();
    this.replaceUsage(mergeRunningUsage(this.#usage ?? {}, usage));
  }

  replaceUsage(usage: JsonObject): void {
    this.#usage = usage;
    this.#runningUsage.drop();
    this.#markUsage();
  }

  /** As `addRunningUsage`, of a well-formed JSON object in `[start, end)`, which is parsed later. */
  deferUsage(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#runningUsage.isCoveredBy(bytes, start, end)) this.#mergeRunningUsage();
    this.#runningUsage.keep(bytes, start, end);
    this.#markUsage();
  }

  #mergeRunningUsage(): void {
    const usage = this.#runningUsage.take();
    if (usage !== null) this.#usage = mergeRunningUsage(this.#usage ?? {}, usage);
  }

  #markUsage(): void {
    this.#normalized = null;
    this.#usageAfterFinish = true;
    this.#outputAtUsage = this.outputEstimator.shownTokens();
  }

  setServiceTier(tier: unknown): void {
    this.#serviceTier = tier;
    this.#normalized = null;
  }

  /** Chunks may repeat the queries of a choice. */
  setSearchQueries(choice: number, count: number): void {
    const known = this.#searchQueries.get(choice) ?? 0;
    this.#searchQueries.set(choice, Math.max(known, count));
    this.#normalized = null;
  }

  markMapsGrounded(): void {
    this.#mapsPrompts = 1;
    this.#normalized = null;
  }

  /** Records one parsed event, or a whole answer. Returns whether it states an error. */
  observe(event: JsonObject): boolean {
    this.#isLastEventError = false;
    if (hasError(event) || (isBareError(event) && !this.#isOfAnswer(event))) this.markFailed();
    this.spec.readEvent(event, this);
    return this.#isLastEventError;
  }

  reading(): Reading {
    this.#normalized ??= this.#normalize();
    const { usage } = this.#normalized;
    const isMissing = usage !== null && this.#contradictsOutput(this.#normalized);
    return {
      ...this.#normalized,
      usage: isMissing && this.#isAllZero() ? null : usage,
      usageFinal: usage !== null && !isMissing && this.#isUsageFinal(),
      finished: this.#isFinished(),
      ended: this.#ended,
      failed: this.#failed,
      rejection: this.#rejection,
      refusal: this.#refusal,
      eventCount: this.eventCount,
      estimatedOutputTokens: this.outputEstimator.tokens(),
    };
  }

  #isOfAnswer(event: JsonObject): boolean {
    return this.spec.isEvent(event) || this.spec.isAnswer(event);
  }

  /** Every requested choice has finished; a choice may begin after another's finish. */
  #isFinished(): boolean {
    return this.#finishedChoices.size >= this.#options.choices;
  }

  /**
   * Usage is final once the provider can say nothing more, and if no output came after it: a count
   * at the start of an answer says nothing about the rest.
   */
  #isUsageFinal(): boolean {
    if (this.outputEstimator.shownTokens() > this.#outputAtUsage) return false;
    return this.#ended || (this.#isFinished() && (this.#closed || this.#usageAfterFinish));
  }

  /** Returns whether the usage reports no output of an answer that has some: it counts nothing. */
  #contradictsOutput(normalized: NormalizedUsage): boolean {
    const { provider, dialect } = this.#options;
    if (this.#isAllZero() && provider.quirks.reportsZeroUsage?.includes(dialect) === true)
      return false;
    return countReportedOutput(normalized) === 0 && this.outputEstimator.tokens() > 0;
  }

  #isAllZero(): boolean {
    const usage = this.#normalized?.usage;
    return (
      usage !== null && usage !== undefined && Object.values(usage).every((count) => count === 0)
    );
  }

  #normalize(): NormalizedUsage {
    this.#mergeRunningUsage();
    const { provider, model } = this.#options;
    const searchQueries = [...this.#searchQueries.values()].reduce((sum, n) => sum + n, 0);
    if (this.#usage === null)
      return {
        ...NO_USAGE_REPORTED,
        surcharges: toSurcharges({
          web_search: searchQueries,
          maps_grounded_prompt: this.#mapsPrompts,
        }),
      };
    const { quirks } = provider;
    const mapsPrompts = this.#mapsPrompts;
    const context = { quirks, model, serviceTier: this.#serviceTier, searchQueries, mapsPrompts };
    return this.spec.normalizeUsage(this.#usage, context);
  }
}

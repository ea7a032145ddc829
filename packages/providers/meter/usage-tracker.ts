/**
 * What a meter knows of an answer: takes parsed events and returns a Reading. Keeps usage numbers
 * and a few closed facts, never text of an answer.
 */
import {
  type AnswerRecorder,
  DIALECT_SPECS,
  type DialectSpec,
  isJsonObject,
  type JsonObject,
  NO_USAGE_REPORTED,
  type NormalizedUsage,
} from '@farebox/dialects';
import type { MeterOptions, Reading } from '../contract.ts';
import { OutputEstimator } from './output-estimator.ts';

export class UsageTracker implements AnswerRecorder {
  readonly spec: DialectSpec['answer'];
  #options: MeterOptions;
  #usage: JsonObject | null = null;
  #serviceTier: unknown;
  #normalized: NormalizedUsage | null = null;
  #usageFinal = false;
  #finished = false;
  #ended = false;
  #failed = false;
  /** The estimate of the output so far. */
  readonly outputEstimator: OutputEstimator;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.spec = DIALECT_SPECS[options.dialect].answer;
    this.outputEstimator = new OutputEstimator(options.provider.calibration);
  }

  get usage(): JsonObject | null {
    return this.#usage;
  }

  get finished(): boolean {
    return this.#finished;
  }

  markFinished(): void {
    this.#finished = true;
  }

  markEnded(): void {
    this.#ended = true;
    if (this.#usage !== null) this.#usageFinal = true;
  }

  markFailed(): void {
    this.#failed = true;
  }

  setUsage(usage: JsonObject, isFinal: boolean): void {
    this.#usage = usage;
    this.#usageFinal = isFinal;
    this.#normalized = null;
  }

  setServiceTier(tier: unknown): void {
    this.#serviceTier = tier;
  }

  /** Records one parsed event, or a whole answer (`isDocument`). */
  observe(event: unknown, isDocument: boolean): void {
    if (!isJsonObject(event)) return;
    if (isJsonObject(event.error) || typeof event.error === 'string') this.#failed = true;
    this.spec.readEvent(event, this);
    if (isDocument) this.markEnded();
  }

  reading(): Reading {
    this.#normalized ??= this.#normalize();
    return {
      ...this.#normalized,
      usageFinal: this.#usageFinal && this.#normalized.usage !== null,
      finished: this.#finished,
      ended: this.#ended,
      failed: this.#failed,
      estimatedOutputTokens: this.outputEstimator.tokens(),
    };
  }

  #normalize(): NormalizedUsage {
    const { provider, model } = this.#options;
    if (this.#usage === null) return NO_USAGE_REPORTED;
    const context = { quirks: provider.quirks, model, serviceTier: this.#serviceTier };
    return this.spec.normalizeUsage(this.#usage, context);
  }
}

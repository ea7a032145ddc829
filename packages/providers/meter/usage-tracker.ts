/**
 * What a meter has understood: takes parsed events of either dialect and answers with a Reading. Keeps
 * usage numbers and a few closed facts, never text of an answer.
 */
import type { Dialect } from '@farebox/dialects';
import type { MeterOptions, Reading } from '../contract.ts';
import { normalizeChatUsage } from './chat-usage.ts';
import { childObject, isJsonObject, type JsonObject } from './json-fields.ts';
import { mergeUsage, normalizeMessagesUsage } from './messages-usage.ts';
import { NO_USAGE_REPORTED, type NormalizedUsage } from './normalized-usage.ts';
import { OutputEstimator } from './output-estimator.ts';

export class UsageTracker {
  #options: MeterOptions;
  #usage: JsonObject | null = null;
  #serviceTier: unknown;
  #normalized: NormalizedUsage | null = null;
  #usageFinal = false;
  #finished = false;
  #ended = false;
  #failed = false;
  /** What the model has likely written so far. */
  readonly outputEstimator: OutputEstimator;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.outputEstimator = new OutputEstimator(options.provider.quirks.toolCallOverheadTokens);
  }

  get dialect(): Dialect {
    return this.#options.dialect;
  }

  /** The stream's own last word. */
  markEnded(): void {
    this.#ended = true;
    if (this.#usage !== null) this.#usageFinal = true;
  }

  /** One parsed event, or a whole answer (`whole`). */
  observe(event: unknown, isDocument: boolean): void {
    if (!isJsonObject(event)) return;
    if (isJsonObject(event.error) || typeof event.error === 'string') this.#failed = true;
    if (this.dialect === 'chat') this.#observeChat(event);
    else this.#observeMessages(event);
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
    const { provider, model, dialect } = this.#options;
    if (this.#usage === null) return NO_USAGE_REPORTED;
    if (dialect === 'messages') return normalizeMessagesUsage(this.#usage);
    return normalizeChatUsage(provider, model, this.#usage, this.#serviceTier);
  }

  #setUsage(usage: JsonObject, final: boolean): void {
    this.#usage = usage;
    this.#usageFinal = final;
    this.#normalized = null;
  }

  #observeChat(event: JsonObject): void {
    const choices = Array.isArray(event.choices) ? event.choices : [];
    for (const choice of choices)
      if (isJsonObject(choice) && typeof choice.finish_reason === 'string') this.#finished = true;
    this.#serviceTier = event.service_tier ?? this.#serviceTier;
    // Some providers repeat a running count in every chunk: final only at or after the finish.
    const usage = event.usage;
    if (isJsonObject(usage)) this.#setUsage(usage, this.#finished || choices.length === 0);
  }

  #observeMessages(event: JsonObject): void {
    const type = event.type;
    if (type === 'message_start') {
      const usage = childObject(event, 'message').usage;
      if (isJsonObject(usage)) this.#setUsage(mergeUsage({}, usage), false);
    } else if (type === 'message_delta') {
      if (typeof childObject(event, 'delta').stop_reason === 'string') this.#finished = true;
      if (isJsonObject(event.usage))
        this.#setUsage(mergeUsage(this.#usage ?? {}, event.usage), this.#finished);
    } else if (type === 'message_stop') {
      this.#finished = true;
      this.markEnded();
    } else if (type === 'message') {
      if (typeof event.stop_reason === 'string') this.#finished = true;
      if (isJsonObject(event.usage)) this.#setUsage(mergeUsage({}, event.usage), true);
    } else if (type === 'error') this.#failed = true;
  }
}

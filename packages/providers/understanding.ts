/**
 * What a meter has understood: takes parsed events of either dialect and answers with a Reading. Keeps
 * usage numbers and a few closed facts, never text of an answer.
 */
import type { Dialect } from '@farebox/dialects';
import { normaliseChat } from './chat-usage.ts';
import type { MeterOptions, Reading } from './contract.ts';
import { type Fields, inside, isFields } from './count.ts';
import { mergeUsage, normaliseMessages } from './messages-usage.ts';
import { NOTHING, type Normalised } from './normalised.ts';
import { Produced } from './produced.ts';

export class Understanding {
  #options: MeterOptions;
  #usage: Fields | null = null;
  #tier: unknown;
  #normalised: Normalised | null = null;
  #usageFinal = false;
  #finished = false;
  #ended = false;
  #failed = false;
  /** What the model has likely written so far. */
  readonly produced: Produced;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.produced = new Produced(options.provider.quirks.callMarks);
  }

  get dialect(): Dialect {
    return this.#options.dialect;
  }

  /** The stream's own last word. */
  end(): void {
    this.#ended = true;
    if (this.#usage !== null) this.#usageFinal = true;
  }

  /** One parsed event, or a whole answer (`whole`). */
  take(event: unknown, whole: boolean): void {
    if (!isFields(event)) return;
    if (isFields(event.error) || typeof event.error === 'string') this.#failed = true;
    if (this.dialect === 'chat') this.#takeChat(event);
    else this.#takeMessages(event);
    if (whole) this.end();
  }

  reading(): Reading {
    this.#normalised ??= this.#normalise();
    return {
      ...this.#normalised,
      usageFinal: this.#usageFinal && this.#normalised.usage !== null,
      finished: this.#finished,
      ended: this.#ended,
      failed: this.#failed,
      outputLikely: this.produced.tokens(),
    };
  }

  #normalise(): Normalised {
    const { provider, model, dialect } = this.#options;
    if (this.#usage === null) return NOTHING;
    if (dialect === 'messages') return normaliseMessages(this.#usage);
    return normaliseChat(provider, model, this.#usage, this.#tier);
  }

  #report(usage: Fields, final: boolean): void {
    this.#usage = usage;
    this.#usageFinal = final;
    this.#normalised = null;
  }

  #takeChat(event: Fields): void {
    const choices = Array.isArray(event.choices) ? event.choices : [];
    for (const choice of choices)
      if (isFields(choice) && typeof choice.finish_reason === 'string') this.#finished = true;
    this.#tier = event.service_tier ?? this.#tier;
    // Some providers repeat a running count in every chunk: final only at or after the finish.
    const usage = event.usage;
    if (isFields(usage)) this.#report(usage, this.#finished || choices.length === 0);
  }

  #takeMessages(event: Fields): void {
    const type = event.type;
    if (type === 'message_start') {
      const usage = inside(event, 'message').usage;
      if (isFields(usage)) this.#report(mergeUsage({}, usage), false);
    } else if (type === 'message_delta') {
      if (typeof inside(event, 'delta').stop_reason === 'string') this.#finished = true;
      if (isFields(event.usage))
        this.#report(mergeUsage(this.#usage ?? {}, event.usage), this.#finished);
    } else if (type === 'message_stop') {
      this.#finished = true;
      this.end();
    } else if (type === 'message') {
      if (typeof event.stop_reason === 'string') this.#finished = true;
      if (isFields(event.usage)) this.#report(mergeUsage({}, event.usage), true);
    } else if (type === 'error') this.#failed = true;
  }
}

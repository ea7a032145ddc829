/** How long a streamed model may have generated tokens that no one sees. */
import type { Reading } from '@farebox/providers';
import type { Call } from './call.ts';

/**
 * Records when the first output arrived. A model that hides its reasoning generates unseen tokens
 * until then, and none after: with its first visible output it has begun to answer.
 */
export class HiddenReasoningTimer {
  readonly #call: Call;
  #firstOutputAt: number | null = null;

  constructor(call: Call) {
    this.#call = call;
  }

  /** True while the model hides its reasoning and no output has arrived. */
  get isRunning(): boolean {
    return this.#call.plan.model.hidesReasoning && this.#firstOutputAt === null;
  }

  /** Returns the milliseconds of unseen generation; stops the timer if `reading` has output. */
  hiddenGenerationMs(reading: Reading): number {
    if (!this.#call.plan.model.hidesReasoning) return 0;
    const now = this.#call.ctx.clock();
    if (reading.estimatedOutputTokens > 0) this.#firstOutputAt ??= now;
    return (this.#firstOutputAt ?? now) - this.#call.startedAt;
  }
}

/**
 * Ends the reading of an answer whose provider keeps the connection open after it: most connections
 * end with the last word, some never do (openai-node issue 2317), and that must keep neither the
 * client nor the hold.
 */
import type { Meter } from '@farebox/providers';

/** Milliseconds for which reading goes on after the last word of an answer. */
const LAST_WORD_GRACE_MS = 250;
/**
 * Milliseconds of silence after which an answer without a last word is taken to be whole, once it
 * has finished with its final usage. Gemini's streams have no last word, and some providers of Chat
 * Completions send none.
 */
const SILENCE_AFTER_FINISH_MS = 800;

export class EndTimer {
  readonly #meter: Pick<Meter, 'hasEnded' | 'hasFinalUsage'>;
  readonly #onEnd: () => void;
  #timeout: ReturnType<typeof setTimeout> | undefined;
  #isAfterLastWord = false;
  #isSilent = false;

  /** `onEnd` ends the reading; it is called at most once. */
  constructor(meter: Pick<Meter, 'hasEnded' | 'hasFinalUsage'>, onEnd: () => void) {
    this.#meter = meter;
    this.#onEnd = onEnd;
  }

  /** True if nothing more of the answer can come, or nothing has come for long enough. */
  get isOver(): boolean {
    return this.#meter.hasEnded || this.#isSilent;
  }

  /** Begins to wait for a chunk, by what the meter has read so far. */
  startWaiting(): void {
    const { hasEnded, hasFinalUsage } = this.#meter;
    if (this.#isAfterLastWord || !(hasEnded || hasFinalUsage)) return;
    this.#isAfterLastWord = hasEnded;
    this.#timeout = hasEnded
      ? setTimeout(this.#onEnd, LAST_WORD_GRACE_MS)
      : setTimeout(this.#onSilence, SILENCE_AFTER_FINISH_MS);
  }

  /**
   * A chunk has come. Until the next wait it is our side that is silent: the client takes its time,
   * and what the provider has sent meanwhile is not read yet.
   */
  stopWaiting(): void {
    if (!this.#isAfterLastWord) clearTimeout(this.#timeout);
  }

  stop(): void {
    clearTimeout(this.#timeout);
  }

  readonly #onSilence = () => {
    this.#isSilent = true;
    this.#onEnd();
  };
}

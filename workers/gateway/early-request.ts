/**
 * A request to the provider that is under way before the hold of its call is answered
 * (early-send.ts).
 */
import { EARLY_SEND_TIMEOUT_MS } from '@farebox/ledger';
import type { UpstreamResult } from '@farebox/providers';
import type { RequestContext } from './context.ts';
import type { Plan } from './plan.ts';
import { sendUpstream } from './upstream-request.ts';
import type { Body } from './with-caller.ts';

/** How long the answer to the hold is not looked for, unless the provider answers before. */
const HOLD_LOOK_MS = 250;

export class EarlyRequest {
  readonly startedAt: number;
  readonly abort = new AbortController();
  /** Resolves when the provider has answered, or has not for `HOLD_LOOK_MS`. */
  readonly due: Promise<unknown>;
  readonly #maxOutput: number;
  readonly #result: Promise<UpstreamResult>;
  readonly #waitUntil: RequestContext['waitUntil'];
  #stopTimer: () => void;
  readonly #body: Body;
  #isSent = false;
  #isTaken = false;

  /**
   * Sends at once, with the output limit that the hold is expected to allow. The body is kept until
   * the request is taken, because another may have to be sent in its place.
   */
  constructor(ctx: RequestContext, plan: Plan, body: Body, maxOutput: number) {
    this.startedAt = ctx.clock();
    this.#maxOutput = maxOutput;
    this.#waitUntil = ctx.waitUntil;
    this.#body = body;
    const release = () => {
      this.#isSent = true;
      if (this.#isTaken) body.release();
    };
    this.#result = sendUpstream({ ctx, plan, abort: this.abort, maxOutput }, { ...body, release });
    // Whether it failed is asked later, if at all.
    const slow = Promise.withResolvers<void>();
    this.#stopTimer = ctx.timer.start(HOLD_LOOK_MS, () => {
      const abort = () => this.abort.abort();
      this.#stopTimer = ctx.timer.start(EARLY_SEND_TIMEOUT_MS - HOLD_LOOK_MS, abort);
      slow.resolve();
    });
    this.due = Promise.race([slow.promise, this.#result.catch(() => {})]);
  }

  /**
   * Returns the provider's result for the admitted call; null if the request is of no use, because
   * the hold took too long or allows another limit. It is then aborted.
   */
  take(maxOutput: number): Promise<UpstreamResult> | null {
    this.#stopTimer();
    if (this.abort.signal.aborted || maxOutput !== this.#maxOutput) {
      this.discard();
      return null;
    }
    this.#isTaken = true;
    if (this.#isSent) this.#body.release();
    return this.#result;
  }

  /** Aborts the request and drops what came of it. */
  discard(): void {
    this.#stopTimer();
    this.abort.abort();
    this.#waitUntil(this.#drop());
  }

  async #drop(): Promise<void> {
    try {
      const upstream = await this.#result;
      if (upstream.ok) await upstream.body.cancel();
    } catch {
      // An aborted body fails to be cancelled: it is gone.
    }
  }
}

/**
 * Checkpoints of a stream: the account gets a floor for the cost, the gateway the reply to stop or
 * not.
 */
import type { Meter } from '@farebox/providers';
import { estimateBill } from './bill.ts';
import { type Call, holdDeadline } from './call.ts';
import type { StopReason } from './end-reason.ts';
import type { HiddenReasoningTimer } from './hidden-reasoning-timer.ts';
import type { Plan } from './plan.ts';
import { callOutcome } from './settle-call.ts';

export class CheckpointWriter {
  readonly #call: Call;
  readonly #reasoningTimer: HiddenReasoningTimer;
  readonly #meter: Meter;
  #floor = 0n;

  constructor(call: Call, reasoningTimer: HiddenReasoningTimer, meter: Meter) {
    this.#call = call;
    this.#reasoningTimer = reasoningTimer;
    this.#meter = meter;
  }

  /** The cost of the last checkpoint, in nano-USD; no later estimate falls below it. */
  get floor(): bigint {
    return this.#floor;
  }

  /** Writes a checkpoint, which also extends the hold; returns why the call must stop, or null. */
  async record(): Promise<StopReason> {
    const { ctx, account, hold, revision } = this.#call;
    const reading = this.#meter.reading();
    // No later estimate is lower than that of a provider that breaks off here.
    const outcome = callOutcome(
      this.#call,
      reading,
      'upstream_disconnected',
      this.#reasoningTimer.hiddenGenerationMs(reading),
      this.#floor,
    );
    const estimate = (plan: Plan) => estimateBill(plan, outcome, 'expired_at_checkpoint');
    this.#floor = revision.price(hold.held, estimate).cost;
    const deadline = holdDeadline(ctx.deps.timeouts, ctx.clock());
    const request = { id: ctx.id, floor: this.#floor, deadline };
    const result = await ctx.deps.ledger.checkpoint(account, request, ctx.waitUntil);
    return result.ok ? result.stop : null;
  }
}

/**
 * The times from which a call's durations are counted, by the gateway's clock, which a Worker's
 * runtime moves with I/O only (developers.cloudflare.com/workers/runtime-apis/performance).
 */
import type { CallReport } from '@farebox/ledger';

export class CallTimes {
  readonly #arrivedAt: number;
  #firstOutputAt: number | null = null;
  #endedAt: number | null = null;

  /** `arrivedAt` is when the head of the request arrived; of a WebSocket, when its message's turn came. */
  constructor(arrivedAt: number) {
    this.#arrivedAt = arrivedAt;
  }

  recordOutput(now: number): void {
    this.#firstOutputAt ??= now;
  }

  /** Notes the end of the answer, where its bill waits for something else after it. */
  recordEnd(now: number): void {
    this.#endedAt ??= now;
  }

  /**
   * Returns the durations of an answer that ended when that was recorded, and at `now` at the latest,
   * in whole milliseconds.
   */
  durations(now: number): Pick<CallReport, 'firstTokenMs' | 'totalMs'> {
    const toDuration = (at: number) => Math.max(0, Math.round(at - this.#arrivedAt));
    const firstTokenMs = this.#firstOutputAt === null ? null : toDuration(this.#firstOutputAt);
    return { firstTokenMs, totalMs: toDuration(Math.min(this.#endedAt ?? now, now)) };
  }
}

/** What a request brings with it, and what an admitted call carries from step to step. */
import type { CallId, HoldResult } from '@farebox/ledger';
import type { GatewayDeps } from './env.ts';
import type { Plan } from './plan.ts';

export type RequestContext = Readonly<{
  deps: GatewayDeps;
  request: Request;
  id: CallId;
  /** Keeps the isolate at work after the answer, for at most 30 s. */
  waitUntil: (work: Promise<unknown>) => void;
  clock: () => number;
}>;

export type Call = Readonly<{
  ctx: RequestContext;
  account: string;
  plan: Plan;
  hold: Extract<HoldResult, { ok: true }>;
  /** Ends the provider's work. */
  abort: AbortController;
  startedAt: number;
  disconnect: ClientDisconnect;
}>;

/**
 * When the caller left, noted once, whoever hears of it first: what is still waited for is counted from
 * then. One listener for the whole call; what a departure means changes as the call goes on.
 */
export class ClientDisconnect {
  readonly #clock: () => number;
  #at: number | null = null;
  #listener: () => void = () => {};

  constructor(signal: AbortSignal, clock: () => number) {
    this.#clock = clock;
    if (signal.aborted) this.mark();
    else signal.addEventListener('abort', () => this.mark());
  }

  get at(): number | null {
    return this.#at;
  }

  mark(): number {
    if (this.#at !== null) return this.#at;
    const now = this.#clock();
    this.#at = now;
    this.#listener();
    return now;
  }

  /** What to do when the caller leaves, in place of what was to be done before; now if it has left. */
  onDisconnect(listener: () => void): void {
    this.#listener = listener;
    if (this.#at !== null) listener();
  }
}

/** When a call of which nothing more is heard is given up by its account. */
export function holdDeadline(deps: GatewayDeps, now: number): number {
  const { firstByteMs, idleMs, holdGraceMs } = deps.timeouts;
  return now + firstByteMs + idleMs + holdGraceMs;
}

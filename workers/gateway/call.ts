/** What a request brings with it, and what an admitted call carries from step to step. */
import type { CallId, HoldResult } from '@farebox/ledger';
import type { House } from './env.ts';
import type { Plan } from './plan.ts';

export type Visit = Readonly<{
  house: House;
  request: Request;
  id: CallId;
  /** Keeps the isolate at work after the answer, for at most 30 s. */
  waitUntil: (work: Promise<unknown>) => void;
  clock: () => number;
}>;

export type Call = Readonly<{
  visit: Visit;
  account: string;
  plan: Plan;
  hold: Extract<HoldResult, { ok: true }>;
  /** Ends the provider's work. */
  abort: AbortController;
  startedAt: number;
  departure: Departure;
}>;

/**
 * When the caller left, noted once, whoever hears of it first: what is still waited for is counted from
 * then. One listener for the whole call; what a departure means changes as the call goes on.
 */
export class Departure {
  readonly #clock: () => number;
  #at: number | null = null;
  #meaning: () => void = () => {};

  constructor(signal: AbortSignal, clock: () => number) {
    this.#clock = clock;
    if (signal.aborted) this.note();
    else signal.addEventListener('abort', () => this.note());
  }

  get at(): number | null {
    return this.#at;
  }

  note(): number {
    if (this.#at !== null) return this.#at;
    const now = this.#clock();
    this.#at = now;
    this.#meaning();
    return now;
  }

  /** What to do when the caller leaves, in place of what was to be done before; now if it has left. */
  means(act: () => void): void {
    this.#meaning = act;
    if (this.#at !== null) act();
  }
}

/** When a call of which nothing more is heard is given up by its account. */
export function deadlineOf(house: House, now: number): number {
  const { firstByte, silence, grace } = house.patience;
  return now + firstByte + silence + grace;
}

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

/** When the caller left, noted once: what is still waited for is counted from then. */
export class Departure {
  at: number | null = null;

  note(now: number): number {
    this.at ??= now;
    return this.at;
  }
}

/** When a call of which nothing more is heard is given up by its account. */
export function deadlineOf(house: House, now: number): number {
  const { firstByte, silence, grace } = house.patience;
  return now + firstByte + silence + grace;
}

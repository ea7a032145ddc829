/** An admitted call, and how long its hold stands. */
import type { AccountId, HoldResult } from '@farebox/ledger';
import type { ClientDisconnect } from './client-disconnect.ts';
import type { RequestContext } from './context.ts';
import type { Plan } from './plan.ts';
import type { PriceRevision } from './price-revision.ts';
import type { Timeouts } from './timeouts.ts';

export type Call = Readonly<{
  ctx: RequestContext;
  account: AccountId;
  plan: Plan;
  revision: PriceRevision;
  hold: Extract<HoldResult, { ok: true }>;
  /** Aborts the request to the provider. */
  abort: AbortController;
  startedAt: number;
  disconnect: ClientDisconnect;
}>;

/** Returns when the account expires a hold that is neither settled nor extended by a checkpoint. */
export function holdDeadline(timeouts: Timeouts, now: number): number {
  const { firstByteMs, idleMs, holdGraceMs } = timeouts;
  return now + firstByteMs + idleMs + holdGraceMs;
}

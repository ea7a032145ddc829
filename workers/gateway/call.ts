/** An admitted call, and how long its hold stands. */
import type { AccountId, HoldResult } from '@farebox/ledger';
import type { ClientDisconnect } from './client-disconnect.ts';
import type { RequestContext } from './context.ts';
import type { OperationPlan } from './operation-plan.ts';
import type { Plan } from './plan.ts';
import type { PriceRevision } from './price-revision.ts';
import type { Timeouts } from './timeouts.ts';

export type Call = Readonly<{
  ctx: RequestContext;
  account: AccountId;
  plan: Plan;
  revision: PriceRevision<Plan>;
  hold: Extract<HoldResult, { ok: true }>;
  /** Aborts the request to the provider. */
  abort: AbortController;
  startedAt: number;
  disconnect: ClientDisconnect;
}>;

/** What answers of every kind need of their call: in any dialect, or to an operation. */
export type AnsweredCall = Pick<Call, 'ctx' | 'account' | 'abort'> &
  Readonly<{
    plan: Pick<Plan, 'provider' | 'model'> &
      Readonly<{ facts: Pick<Plan['facts'], 'streamFormat'> }>;
  }>;

/** An admitted call to an operation. */
export type OperationCall = Pick<Call, 'ctx' | 'account' | 'hold' | 'abort' | 'disconnect'> &
  Readonly<{ plan: OperationPlan; revision: PriceRevision<OperationPlan> }>;

/** Returns when the account expires a hold that is neither settled nor extended by a checkpoint. */
export function holdDeadline(timeouts: Timeouts, now: number): number {
  const { firstByteMs, idleMs, holdGraceMs } = timeouts;
  return now + firstByteMs + idleMs + holdGraceMs;
}

/**
 * The correction workflow, from the proposal to the ledgers. Each call's entry is named by the call
 * and the correction, so it is posted once, however often the run is interrupted and continued.
 */
import {
  type Correction,
  closeCorrection,
  decideCorrection,
  endCorrectedCall,
  findCorrectableCall,
  findCorrection,
  listCallsOfRule,
  listPlannedCalls,
  type PlannedCall,
  proposeCorrection,
} from '@farebox/database/operators';
import type { ActionOutcome } from './audited-action.ts';
import { type CorrectionScope, planCall, planRule } from './correction-plan.ts';
import type { OperatorContext } from './operator-auth.ts';
import type { ActionError } from './strings.ts';

/** A plan is one parameter of one statement. */
const MAX_CALLS = 5_000;
/** A request of a Worker has a bounded number of subrequests: two for each call. */
const CALLS_PER_REQUEST = 200;
const CONCURRENT_CALLS = 10;
/** Marks the entry in the account object: it gives back money where it was taken from. */
const NOTE = 'correction';

type Planned =
  | Readonly<{ ok: true; planned: readonly PlannedCall[] }>
  | Readonly<{ ok: false; reason: ActionError }>;

/** Computes what a correction would give back now. */
export async function planCorrection(c: OperatorContext, scope: CorrectionScope): Promise<Planned> {
  const { db } = c.var.deps;
  if (scope.kind === 'call') {
    const call = await findCorrectableCall(db, scope.callId);
    const planned = call === undefined ? [] : planCall(call, scope.cost);
    return planned.length === 0
      ? { ok: false, reason: 'nothing_to_correct' }
      : { ok: true, planned };
  }
  const calls = await listCallsOfRule(db, scope, MAX_CALLS + 1);
  if (calls.length > MAX_CALLS) return { ok: false, reason: 'too_many_calls' };
  return planRule(calls, scope.prices);
}

export function sumPlanned(planned: readonly PlannedCall[]) {
  return {
    calls: planned.length,
    accounts: new Set(planned.map(({ accountId }) => accountId)).size,
    amount: planned.reduce((sum, one) => sum + one.amount, 0n),
    largest: planned.reduce((most, { amount }) => (amount > most ? amount : most), 0n),
  };
}

async function correctCall(c: OperatorContext, id: string, call: PlannedCall): Promise<void> {
  const { db, ledger, now } = c.var.deps;
  const { accountId, callId, amount } = call;
  const request = { id: `correction:${callId}:${id}`, delta: amount, note: NOTE };
  const { ok } = await ledger.adjust(accountId, request);
  await endCorrectedCall(db, { accountId, callId, state: ok ? 'applied' : 'refused', now: now() });
}

/** Corrects the next calls. If it throws, the results are unknown and continuing is safe. */
export async function continueCorrection(c: OperatorContext, id: string): Promise<ActionOutcome> {
  const { db } = c.var.deps;
  const planned = await listPlannedCalls(db, id, CALLS_PER_REQUEST);
  for (let start = 0; start < planned.length; start += CONCURRENT_CALLS) {
    const group = planned.slice(start, start + CONCURRENT_CALLS);
    await Promise.all(group.map((call) => correctCall(c, id, call)));
  }
  const ended = await closeCorrection(db, id);
  return { ok: true, done: ended ? 'correction_applied' : 'correction_continues' };
}

/** Continues a correction from its state. */
async function followUp(c: OperatorContext, { id, state }: Correction): Promise<ActionOutcome> {
  if (state === 'proposed') return { ok: true, done: 'correction_waiting' };
  if (state === 'refused') return { ok: false, reason: 'already_decided' };
  return continueCorrection(c, id);
}

/** The sums that the operator saw, so that nothing else than the preview is proposed. */
export type Previewed = Readonly<{ calls: string; amount: string }>;

/** Stores the plan; within the limits it is approved and applied at once. */
export async function startCorrection(
  c: OperatorContext,
  request: Readonly<{ id: string; scope: CorrectionScope; previewed: Previewed; reason: string }>,
): Promise<ActionOutcome> {
  const { id, scope, previewed, reason } = request;
  const { db, now, adjustmentLimits: limits } = c.var.deps;
  const stored = await findCorrection(db, id);
  if (stored !== undefined) {
    const isSame = stored.proposedBy === c.var.operator.email && stored.reason === reason;
    return isSame ? followUp(c, stored) : { ok: false, reason: 'conflict' };
  }
  const plan = await planCorrection(c, scope);
  if (!plan.ok) return plan;
  const { calls, amount } = sumPlanned(plan.planned);
  const isAsSeen = String(calls) === previewed.calls && amount.toString() === previewed.amount;
  if (!isAsSeen) return { ok: false, reason: 'preview_changed' };
  const rule = scope.kind === 'rule' ? scope : null;
  const by = c.var.operator.email;
  const proposal = { id, rule, planned: plan.planned, reason, by, now: now(), limits };
  const proposed = await proposeCorrection(db, proposal);
  return proposed.ok ? followUp(c, proposed.correction) : proposed;
}

/** Approves and applies, or rejects, a proposal. */
export async function decideOnCorrection(
  c: OperatorContext,
  id: string,
  approved: boolean,
): Promise<ActionOutcome> {
  const { db, now } = c.var.deps;
  const by = c.var.operator.email;
  const decided = await decideCorrection(db, { id, by, approved, now: now() });
  if (!decided.ok) return decided;
  return approved ? continueCorrection(c, id) : { ok: true, done: 'correction_rejected' };
}

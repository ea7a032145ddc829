/**
 * The correction workflow, from the proposal to the ledgers. Each call's entry is named by the call
 * and the correction, so it is posted once, however often the run is interrupted and continued.
 */
import {
  addPlannedCalls,
  type Correction,
  type CorrectionRule,
  closeCorrection,
  decideCorrection,
  discardPlan,
  endCorrectedCalls,
  findCorrection,
  findUnfinishedCorrection,
  finishPlan,
  insertCorrection,
  listPlannedCalls,
  type PlannedCall,
} from '@farebox/database/operators';
import type { OperatorsRpc } from '@farebox/ledger';
import type { ActionOutcome } from './audited-action.ts';
import type { CorrectionScope } from './correction-plan.ts';
import { planOneCall, planRule } from './correction-preview.ts';
import type { OperatorDeps } from './env.ts';
import type { OperatorContext } from './operator-auth.ts';

/**
 * One subrequest for each call and one for each group, of the 1,000 to Cloudflare's services that an
 * invocation may make (https://developers.cloudflare.com/workers/platform/limits/#subrequests).
 */
const CALLS_PER_RUN = 800;
const CONCURRENT_CALLS = 10;
/** Marks the entry in the account object: it gives back money where it was taken from. */
const NOTE = 'correction';

type CorrectionDeps = Pick<OperatorDeps, 'db' | 'now' | 'adjustmentLimits'> &
  Readonly<{
    ledger: Pick<OperatorsRpc, 'adjust'>;
    /** Of a plan; smaller in tests. */
    pageSize?: number;
  }>;

/**
 * Corrects calls at the same time and records what their ledgers answered. Returns whether all
 * answered; the others stay planned.
 */
async function correctGroup(
  { db, ledger, now }: CorrectionDeps,
  id: string,
  group: readonly PlannedCall[],
): Promise<boolean> {
  const answers = await Promise.allSettled(
    group.map(async ({ accountId, callId, amount }) => {
      const request = { id: `correction:${callId}:${id}`, delta: amount, note: NOTE };
      const { ok } = await ledger.adjust(accountId, request);
      return { accountId, callId, state: ok ? ('applied' as const) : ('refused' as const) };
    }),
  );
  const ended = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  await endCorrectedCalls(db, ended, now());
  return ended.length === group.length;
}

/** Corrects the next calls. If it throws, the results are unknown and continuing is safe. */
async function applyCorrection(deps: CorrectionDeps, id: string): Promise<ActionOutcome> {
  const planned = await listPlannedCalls(deps.db, id, CALLS_PER_RUN);
  let complete = true;
  for (let start = 0; start < planned.length; start += CONCURRENT_CALLS) {
    const group = planned.slice(start, start + CONCURRENT_CALLS);
    complete = (await correctGroup(deps, id, group)) && complete;
  }
  if (!complete) throw new Error('A ledger did not answer.');
  const ended = await closeCorrection(deps.db, id);
  return { ok: true, done: ended ? 'correction_applied' : 'correction_continues' };
}

/** Stores the next calls of a rule; returns whether any are left, or that prices are mixed. */
async function storePlan(
  deps: CorrectionDeps,
  { id, plannedUntil }: Correction,
  rule: CorrectionRule,
): Promise<'complete' | 'continues' | 'mixed'> {
  const pages = planRule(deps, rule, plannedUntil);
  for (;;) {
    const page = await pages.next();
    if (page.done === true) return page.value === null ? 'complete' : 'continues';
    const { planned, last } = page.value;
    if (planned === undefined) return 'mixed';
    await addPlannedCalls(deps.db, id, planned, last);
  }
}

/**
 * Stores the next calls of a correction, and proposes it once all are stored. A plan goes on behind
 * the last call that was read. The one call of a correction without a rule is stored with it.
 */
async function continuePlan(deps: CorrectionDeps, correction: Correction): Promise<ActionOutcome> {
  const { db, now, adjustmentLimits: limits } = deps;
  const { id, rule, proposedBy } = correction;
  const stored = rule === null ? 'complete' : await storePlan(deps, correction, rule);
  if (stored === 'continues') return { ok: true, done: 'correction_planning' };
  if (stored === 'mixed') {
    await discardPlan(db, id);
    return { ok: false, reason: 'mixed_prices' };
  }
  const proposed = await finishPlan(db, { id, by: proposedBy, now: now(), limits });
  return proposed === undefined
    ? { ok: false, reason: 'preview_changed' }
    : followUp(deps, proposed);
}

/** Continues a correction from its state. */
async function followUp(deps: CorrectionDeps, correction: Correction): Promise<ActionOutcome> {
  const { id, state } = correction;
  if (state === 'planning') return continuePlan(deps, correction);
  if (state === 'proposed') return { ok: true, done: 'correction_waiting' };
  if (state === 'refused') return { ok: false, reason: 'already_decided' };
  return applyCorrection(deps, id);
}

/** Plans or applies what is left of a correction. */
export async function continueCorrection(deps: CorrectionDeps, id: string): Promise<ActionOutcome> {
  const correction = await findCorrection(deps.db, id);
  return correction === undefined ? { ok: false, reason: 'not_found' } : followUp(deps, correction);
}

/** The sums that the operator saw, so that nothing else than the preview is proposed. */
export type Previewed = Readonly<{ calls: string; amount: string }>;

/** What the fields of the preview say; undefined if they were altered. */
function parseExpected({ calls, amount }: Previewed) {
  if (!/^[1-9]\d{0,8}$/.test(calls) || !/^[1-9]\d{0,17}$/.test(amount)) return undefined;
  return { calls: Number(calls), amount: BigInt(amount) };
}

/** Stores the first calls of the plan; once all are stored and within the limits it is approved and applied at once. */
export async function startCorrection(
  c: OperatorContext,
  request: Readonly<{ id: string; scope: CorrectionScope; previewed: Previewed; reason: string }>,
): Promise<ActionOutcome> {
  const { id, scope, previewed, reason } = request;
  const { deps, operator } = c.var;
  const expected = parseExpected(previewed);
  if (expected === undefined) return { ok: false, reason: 'preview_changed' };
  const rule = scope.kind === 'rule' ? scope.rule : null;
  const proposal = { id, rule, expected, reason, by: operator.email, now: deps.now() };
  const planned = scope.kind === 'call' ? await planOneCall(deps, scope) : [];
  await insertCorrection(deps.db, proposal, planned);
  const stored = await findCorrection(deps.db, id);
  if (stored === undefined) return { ok: false, reason: 'preview_changed' };
  const isSame = stored.proposedBy === operator.email && stored.reason === reason;
  return isSame ? followUp(deps, stored) : { ok: false, reason: 'conflict' };
}

/** Approves and applies, or rejects, a proposal. */
export async function decideOnCorrection(
  c: OperatorContext,
  id: string,
  approved: boolean,
): Promise<ActionOutcome> {
  const { deps, operator } = c.var;
  const decision = { id, by: operator.email, approved, now: deps.now() };
  const decided = await decideCorrection(deps.db, decision);
  if (!decided.ok) return decided;
  return approved ? applyCorrection(deps, id) : { ok: true, done: 'correction_rejected' };
}

/** Called by the cron: plans or corrects the next calls of one correction. */
export async function continueAnyCorrection(deps: CorrectionDeps): Promise<void> {
  const correction = await findUnfinishedCorrection(deps.db);
  if (correction !== undefined) await followUp(deps, correction);
}

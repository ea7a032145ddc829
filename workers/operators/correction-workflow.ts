/**
 * The correction workflow, from the proposal to the ledgers. Each call's entry is named by the call
 * and the correction, so it is posted once, however often the run is interrupted and continued.
 */
import {
  addPlannedCalls,
  type BilledGeneration,
  type Correction,
  type CorrectionRule,
  closeCorrection,
  decideCorrection,
  discardPlan,
  endCorrectedCalls,
  findCorrectableCall,
  findCorrection,
  findUnfinishedCorrection,
  finishPlan,
  insertCorrection,
  listCallsOfRule,
  listPlannedCalls,
  type PlannedCall,
} from '@farebox/database/operators';
import type { OperatorsRpc } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import type { ActionOutcome } from './audited-action.ts';
import { type CorrectionScope, planCall, planPage } from './correction-plan.ts';
import type { OperatorDeps } from './env.ts';
import type { OperatorContext } from './operator-auth.ts';
import type { ActionError } from './strings.ts';

/** A page is one parameter of one statement. */
const PAGE_SIZE = 1_000;
/**
 * One subrequest for each call and one for each group, of the 1,000 to Cloudflare's services that an
 * invocation may make (https://developers.cloudflare.com/workers/platform/limits/#subrequests).
 */
const CALLS_PER_RUN = 800;
const CONCURRENT_CALLS = 10;
/** Marks the entry in the account object: it gives back money where it was taken from. */
const NOTE = 'correction';

type CorrectionDeps = Pick<OperatorDeps, 'db' | 'now' | 'adjustmentLimits'> &
  Readonly<{ ledger: Pick<OperatorsRpc, 'adjust'> }>;

/** The sums of a plan. `largest` is what the most overcharged call gives back. */
export type PlanSums = Readonly<{
  calls: number;
  accounts: number;
  amount: NanoUsd;
  largest: NanoUsd;
}>;
type PreviewResult =
  | Readonly<{ ok: true; sums: PlanSums }>
  | Readonly<{ ok: false; reason: ActionError }>;

/** Plans a rule's calls page by page; `undefined` stands for a page with mixed prices. */
async function* planRule(
  { db }: Pick<CorrectionDeps, 'db'>,
  rule: CorrectionRule,
): AsyncGenerator<readonly PlannedCall[] | undefined> {
  let first: BilledGeneration | undefined;
  let after: BilledGeneration | undefined;
  for (;;) {
    const page = await listCallsOfRule(db, rule, after, PAGE_SIZE);
    first ??= page[0];
    if (first !== undefined) yield planPage(first, page, rule.prices);
    if (page.length < PAGE_SIZE) return;
    after = page.at(-1);
  }
}

async function* planScope(
  deps: Pick<CorrectionDeps, 'db'>,
  scope: CorrectionScope,
): AsyncGenerator<readonly PlannedCall[] | undefined> {
  if (scope.kind === 'rule') return yield* planRule(deps, scope.rule);
  const call = await findCorrectableCall(deps.db, scope.callId);
  yield call === undefined ? [] : planCall(call, scope.cost);
}

/** Computes what a correction would give back now. */
export async function previewCorrection(
  deps: Pick<CorrectionDeps, 'db'>,
  scope: CorrectionScope,
): Promise<PreviewResult> {
  const accounts = new Set<string>();
  let [calls, amount, largest] = [0, 0n, 0n];
  for await (const page of planScope(deps, scope)) {
    if (page === undefined) return { ok: false, reason: 'mixed_prices' };
    for (const call of page) {
      accounts.add(call.accountId);
      amount += call.amount;
      if (call.amount > largest) largest = call.amount;
    }
    calls += page.length;
  }
  if (calls === 0) return { ok: false, reason: 'nothing_to_correct' };
  return { ok: true, sums: { calls, accounts: accounts.size, amount, largest } };
}

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

/**
 * Stores the calls of a correction that are not stored yet, and proposes it. The calls of a
 * correction are not listed again, so an interrupted plan is completed by planning again.
 */
async function completePlan(
  deps: CorrectionDeps,
  { id, proposedBy }: Correction,
  scope: CorrectionScope,
): Promise<ActionOutcome> {
  const { db, now, adjustmentLimits: limits } = deps;
  for await (const page of planScope(deps, scope)) {
    if (page === undefined) {
      await discardPlan(db, id);
      return { ok: false, reason: 'mixed_prices' };
    }
    await addPlannedCalls(db, id, page);
  }
  const proposed = await finishPlan(db, { id, by: proposedBy, now: now(), limits });
  return proposed === undefined
    ? { ok: false, reason: 'preview_changed' }
    : followUp(deps, proposed);
}

/** Continues a correction from its state. `scope` is known while the form that planned it is sent. */
async function followUp(
  deps: CorrectionDeps,
  correction: Correction,
  scope?: CorrectionScope,
): Promise<ActionOutcome> {
  const { id, state, rule } = correction;
  if (state === 'planning') {
    const stored = rule === null ? scope : ({ kind: 'rule', rule } as const);
    if (stored === undefined) return { ok: false, reason: 'plan_incomplete' };
    return completePlan(deps, correction, stored);
  }
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

/** Stores the plan; within the limits it is approved and applied at once. */
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
  await insertCorrection(deps.db, proposal);
  const stored = await findCorrection(deps.db, id);
  if (stored === undefined) return { ok: false, reason: 'preview_changed' };
  const isSame = stored.proposedBy === operator.email && stored.reason === reason;
  return isSame ? followUp(deps, stored, scope) : { ok: false, reason: 'conflict' };
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

/** Called by the cron: corrects the next calls of one approved correction. */
export async function continueAnyCorrection(deps: CorrectionDeps): Promise<void> {
  const id = await findUnfinishedCorrection(deps.db);
  if (id !== undefined) await applyCorrection(deps, id);
}

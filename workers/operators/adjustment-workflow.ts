/**
 * The adjustment workflow, from the proposal to the ledger. The row records the decision. The
 * ledger applies the adjustment once, however often it is retried, because the proposal's id is the
 * entry's.
 */
import {
  type Adjustment,
  closeAdjustment,
  decideAdjustment,
  findAdjustment,
  type Proposal,
  proposeAdjustment,
} from '@farebox/database/operators';
import type { Form } from '@farebox/design';
import type { AccountId } from '@farebox/ledger';
import { MAX_AMOUNT, parseTypedUsd } from '@farebox/money';
import type { ActionOutcome } from './audited-action.ts';
import type { OperatorContext } from './operator-auth.ts';

/** A new id for an adjustment or receipt: 128 random bits in hexadecimal. */
export function newId(c: OperatorContext): string {
  const bytes = c.var.deps.random(16);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Parses the form of an adjustment; undefined if a field is invalid. */
export function parseProposal(
  c: OperatorContext,
  accountId: AccountId,
  form: Form,
): Proposal | undefined {
  const id = form.text('adjustment');
  const typed = parseTypedUsd(form.text('amount'));
  const sign = form.text('sign');
  if (!/^[0-9a-f]{32}$/.test(id) || !typed.ok) return undefined;
  const { amount } = typed;
  if (amount === 0n || amount > MAX_AMOUNT || (sign !== 'in' && sign !== 'out')) return undefined;
  return {
    id,
    accountId,
    delta: sign === 'in' ? amount : -amount,
    reason: form.text('reason').trim(),
    by: c.var.operator.email,
    now: c.var.deps.now(),
    limits: c.var.deps.adjustmentLimits,
  };
}

/** Applies an approved adjustment. If it throws, the result is unknown and a retry is safe. */
async function applyAdjustment(
  c: OperatorContext,
  { id, accountId, delta }: Adjustment,
): Promise<ActionOutcome> {
  const { db } = c.var.deps;
  // The ledger compares the note of a retry with the first, so it holds nothing that could differ.
  const request = { id: `adjustment:${id}`, delta, note: 'operator' };
  const adjusted = await c.var.deps.ledger.adjust(accountId, request);
  await closeAdjustment(db, id, adjusted.ok ? 'applied' : 'refused');
  return adjusted.ok ? { ok: true, done: 'applied' } : { ok: false, reason: adjusted.reason };
}

/** Continues an adjustment from its state when its form is sent again. */
async function continueAdjustment(
  c: OperatorContext,
  adjustment: Adjustment,
): Promise<ActionOutcome> {
  if (adjustment.state === 'proposed') return { ok: true, done: 'waiting' };
  if (adjustment.state === 'approved') return applyAdjustment(c, adjustment);
  return adjustment.state === 'applied'
    ? { ok: true, done: 'applied' }
    : { ok: false, reason: 'already_decided' };
}

/** Stores the proposal; up to the limit it is approved and applied at once. */
export async function propose(c: OperatorContext, proposal: Proposal): Promise<ActionOutcome> {
  const proposed = await proposeAdjustment(c.var.deps.db, proposal);
  if (!proposed.ok) return { ok: false, reason: proposed.reason };
  return continueAdjustment(c, proposed.adjustment);
}

/** Approves and applies, or rejects, another operator's proposal. */
export async function decideProposal(
  c: OperatorContext,
  id: string,
  approved: boolean,
): Promise<ActionOutcome> {
  const { db, now } = c.var.deps;
  const by = c.var.operator.email;
  const decided = await decideAdjustment(db, { id, by, approved, now: now() });
  if (!decided.ok) return { ok: false, reason: decided.reason };
  return approved ? applyAdjustment(c, decided.adjustment) : { ok: true, done: 'rejected' };
}

/** Retries an approved adjustment whose result from the ledger was never received. */
export async function retryApproved(c: OperatorContext, id: string): Promise<ActionOutcome> {
  const adjustment = await findAdjustment(c.var.deps.db, id);
  if (adjustment === undefined) return { ok: false, reason: 'not_found' };
  return adjustment.state === 'approved'
    ? applyAdjustment(c, adjustment)
    : { ok: false, reason: 'already_decided' };
}

/**
 * An adjustment from proposal to money. The row decides who may; the ledger moves the money, once,
 * whatever is repeated, because the proposal's id is the line's.
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
import { MAX_AMOUNT, parseUsd } from '@farebox/money';
import type { ActionOutcome } from './audited-action.ts';
import type { OperatorContext } from './operator-auth.ts';

/** 128 random bits: the next adjustment's or receipt's name. */
export function newId(c: OperatorContext): string {
  const bytes = c.var.deps.random(16);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What a form proposes, or undefined where it makes no sense. */
export function parseProposal(
  c: OperatorContext,
  accountId: AccountId,
  form: Form,
): Proposal | undefined {
  const id = form.text('adjustment');
  const amount = parseUsd(form.text('amount').trim());
  const sign = form.text('sign');
  if (!/^[0-9a-f]{32}$/.test(id) || amount === undefined) return undefined;
  if (amount === 0n || amount > MAX_AMOUNT || (sign !== 'in' && sign !== 'out')) return undefined;
  return {
    id,
    accountId,
    delta: sign === 'in' ? amount : -amount,
    reason: form.text('reason').trim(),
    by: c.var.operator.email,
    now: c.var.deps.now(),
    limit: c.var.deps.adjustmentLimit,
  };
}

/** Moves what is approved. Thrown: nobody knows whether it moved, and doing it again is safe. */
async function applyAdjustment(
  c: OperatorContext,
  { id, accountId, delta }: Adjustment,
): Promise<ActionOutcome> {
  const { db } = c.var.deps;
  // The note is part of what makes a repetition the same: it says nothing that could differ.
  const request = { id: `adjustment:${id}`, delta, note: 'operator' };
  const adjusted = await c.var.deps.ledger.adjust(accountId, request);
  await closeAdjustment(db, id, adjusted.ok ? 'applied' : 'refused');
  return adjusted.ok ? { ok: true, done: 'applied' } : { ok: false, reason: adjusted.reason };
}

/** What a proposal has come to, when it is sent again or once more. */
async function retryTransfer(c: OperatorContext, adjustment: Adjustment): Promise<ActionOutcome> {
  if (adjustment.state === 'proposed') return { ok: true, done: 'waiting' };
  if (adjustment.state === 'approved') return applyAdjustment(c, adjustment);
  return adjustment.state === 'applied'
    ? { ok: true, done: 'applied' }
    : { ok: false, reason: 'already_decided' };
}

export async function propose(c: OperatorContext, proposal: Proposal): Promise<ActionOutcome> {
  const proposed = await proposeAdjustment(c.var.deps.db, proposal);
  if (!proposed.ok) return { ok: false, reason: proposed.reason };
  return retryTransfer(c, proposed.adjustment);
}

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

/** For what was approved, and then nobody heard of the ledger again. */
export async function retryApproved(c: OperatorContext, id: string): Promise<ActionOutcome> {
  const adjustment = await findAdjustment(c.var.deps.db, id);
  if (adjustment === undefined) return { ok: false, reason: 'not_found' };
  return adjustment.state === 'approved'
    ? applyAdjustment(c, adjustment)
    : { ok: false, reason: 'already_decided' };
}

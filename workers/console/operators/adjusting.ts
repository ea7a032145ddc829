/**
 * An adjustment from proposal to money. The row decides who may; the ledger moves the money, once,
 * whatever is repeated, because the proposal's id is the line's.
 */
import {
  type Adjustment,
  decideAdjustment,
  endAdjustment,
  findAdjustment,
  type Proposal,
  proposeAdjustment,
} from '@farebox/database';
import type { AccountId } from '@farebox/ledger';
import { LARGEST_AMOUNT, parseUsd } from '@farebox/money';
import type { Form } from '../forms.ts';
import type { Outcome } from './deeds.ts';
import type { StaffContext } from './staff.ts';

/** 128 random bits: the next adjustment's or receipt's name. */
export function newId(c: StaffContext): string {
  const bytes = c.var.house.identity.random(16);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What a form proposes, or undefined where it makes no sense. */
export function proposalIn(
  c: StaffContext,
  accountId: AccountId,
  form: Form,
): Proposal | undefined {
  const id = form.text('adjustment');
  const amount = parseUsd(form.text('amount').trim());
  const sign = form.text('sign');
  if (!/^[0-9a-f]{32}$/.test(id) || amount === undefined) return undefined;
  if (amount === 0n || amount > LARGEST_AMOUNT || (sign !== 'in' && sign !== 'out'))
    return undefined;
  return {
    id,
    accountId,
    delta: sign === 'in' ? amount : -amount,
    reason: form.text('reason').trim(),
    by: c.var.operator.email,
    now: c.var.house.identity.now(),
    limit: c.var.desk.adjustmentLimit,
  };
}

/** Moves what is approved. Thrown: nobody knows whether it moved, and doing it again is safe. */
async function apply(c: StaffContext, { id, accountId, delta }: Adjustment): Promise<Outcome> {
  const { db } = c.var.house.identity;
  // The note is part of what makes a repetition the same: it says nothing that could differ.
  const request = { id: `adjustment:${id}`, delta, note: 'operator' };
  const adjusted = await c.var.desk.door.adjust(accountId, request);
  await endAdjustment(db, id, adjusted.ok ? 'applied' : 'refused');
  return adjusted.ok ? { ok: true, done: 'applied' } : { ok: false, why: adjusted.reason };
}

/** What a proposal has come to, when it is sent again or once more. */
async function goOn(c: StaffContext, adjustment: Adjustment): Promise<Outcome> {
  if (adjustment.state === 'proposed') return { ok: true, done: 'waiting' };
  if (adjustment.state === 'approved') return apply(c, adjustment);
  return adjustment.state === 'applied'
    ? { ok: true, done: 'applied' }
    : { ok: false, why: 'decided' };
}

export async function propose(c: StaffContext, proposal: Proposal): Promise<Outcome> {
  const proposed = await proposeAdjustment(c.var.house.identity.db, proposal);
  if (!proposed.ok) return { ok: false, why: proposed.reason };
  return goOn(c, proposed.adjustment);
}

export async function decide(c: StaffContext, id: string, approved: boolean): Promise<Outcome> {
  const { db, now } = c.var.house.identity;
  const by = c.var.operator.email;
  const decided = await decideAdjustment(db, { id, by, approved, now: now() });
  if (!decided.ok) return { ok: false, why: decided.reason };
  return approved ? apply(c, decided.adjustment) : { ok: true, done: 'refused' };
}

/** For what was approved, and then nobody heard of the ledger again. */
export async function finish(c: StaffContext, id: string): Promise<Outcome> {
  const found = await findAdjustment(c.var.house.identity.db, id);
  if (found === undefined) return { ok: false, why: 'unknown' };
  return found.state === 'approved' ? apply(c, found) : { ok: false, why: 'decided' };
}

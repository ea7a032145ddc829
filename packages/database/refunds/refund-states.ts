/** The states of a refund and the steps between them, a closed list. Pure. */
import { REFUND_STATES, type RefundState } from '../schema/refunds.ts';

const NEXT_STATES: Readonly<Record<RefundState, readonly RefundState[]>> = {
  requested: ['confirmed', 'cancelled', 'expired'],
  // Cancelled where its amount can't be reserved any more.
  confirmed: ['reserved', 'cancelled'],
  reserved: ['half_approved', 'approved', 'declined', 'cancelled', 'expired'],
  half_approved: ['approved', 'declined', 'cancelled', 'expired'],
  approved: ['exported', 'declined'],
  // Back to approved where its payment failed for good, as two operators say.
  exported: ['sent', 'approved'],
  // Back to exported where the chain shows another transfer than the treasury reported, or an
  // operator reports that the transaction failed.
  sent: ['paid', 'exported'],
  paid: [],
  declined: [],
  cancelled: [],
  expired: [],
};

/**
 * The states in which its owner can cancel a refund. `confirmed` is none of them: its amount is about
 * to be reserved, and a release before that would free nothing.
 */
export const CANCELLABLE_STATES: readonly RefundState[] = [
  'requested',
  'reserved',
  'half_approved',
];

/** The states from which a refund may come to `to`. */
export function statesBefore(to: RefundState): readonly RefundState[] {
  return REFUND_STATES.filter((state) => NEXT_STATES[state].includes(to));
}

export function isEndState(state: RefundState): boolean {
  return NEXT_STATES[state].length === 0;
}

export function parseRefundState(text: string): RefundState {
  const state = REFUND_STATES.find((known) => known === text);
  if (state === undefined) throw new RangeError('stored word not in its closed list');
  return state;
}

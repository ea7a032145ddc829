/**
 * Brings a call's bill to its account, whatever happens: by RPC, repeated with the same id; and where
 * the account can't be reached in time, through a durable queue. A bill is posted once however often
 * it arrives.
 */
import { encodeSettlement, type SettleRequest } from '@farebox/ledger';
import type { Reading } from '@farebox/providers';
import { signal } from '@farebox/signals';
import { type Bill, billOf, type Course, type Ending, unpaid } from './bill.ts';
import type { Call } from './call.ts';

/** Nothing was read of an answer. */
export const NOTHING_READ: Reading = {
  usage: null,
  usageFinal: false,
  extras: [],
  finished: false,
  ended: false,
  failed: false,
  outputLikely: 0,
  unpriceable: 0,
};

/** The course of a call up to now, for a bill or an estimate. */
export function courseOf(
  call: Call,
  reading: Reading,
  ending: Ending,
  hiddenMs: number,
  floor = 0n,
): Course {
  return { reading, ending, hiddenMs, maxOutput: call.hold.maxOutput, held: call.hold.held, floor };
}

async function deliver(call: Call, request: SettleRequest): Promise<void> {
  const { house, id } = call.visit;
  const result = await house.ledger.settle(call.account, request);
  if (result.ok || result.reason !== 'ledger_unreachable') return;
  try {
    await house.settlements.send(encodeSettlement(call.account, request));
    signal({ event: 'settlement_queued', call: id });
  } catch {
    signal({ event: 'settlement_lost', call: id });
  }
}

/** A call that went as calls do says nothing: its line in the book says it all, and logs cost time. */
function report(call: Call): void {
  const { provider, facts } = call.plan;
  if (facts.unknownFields === 0) return;
  const count = facts.unknownFields;
  signal({ event: 'unknown_fields_passed', call: call.visit.id, provider: provider.id, count });
}

/** Posts `bill`; resolves when the account or the queue has it. */
export async function post(call: Call, bill: Bill, httpStatus: number): Promise<void> {
  report(call);
  await deliver(call, { id: call.visit.id, httpStatus, ...bill });
}

/** Works out the bill of a call that reached the provider, and posts it. */
export async function settle(call: Call, course: Course, httpStatus: number): Promise<Bill> {
  const { unpriceable } = course.reading;
  if (unpriceable > 0) {
    const provider = call.plan.provider.id;
    signal({ event: 'usage_unpriceable', call: call.visit.id, provider, count: unpriceable });
  }
  const bill = billOf(call.plan, course);
  await post(call, bill, httpStatus);
  return bill;
}

/** Ends a call the provider refused or never got: nothing is charged. */
export async function settleUnpaid(
  call: Call,
  reason: 'upstream_refused' | 'not_sent',
  httpStatus: number,
): Promise<void> {
  await post(call, unpaid(call.plan, reason), httpStatus);
}

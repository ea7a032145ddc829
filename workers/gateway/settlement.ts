/**
 * Brings a call's bill to its account, whatever happens: by RPC, repeated with the same id; and where
 * the account can't be reached in time, through a durable queue. A bill is posted once however often
 * it arrives.
 */
import { type AccountId, encodeSettlement, type SettleRequest } from '@farebox/ledger';
import type { Reading } from '@farebox/providers';
import { signal } from '@farebox/signals';
import { type Bill, billOf, type Course, type Ending, unpaid } from './bill.ts';
import type { Call, Visit } from './call.ts';
import type { Plan } from './plan.ts';

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
  unseenMs: number,
  floor = 0n,
): Course {
  return { reading, ending, unseenMs, maxOutput: call.hold.maxOutput, held: call.hold.held, floor };
}

async function queue(
  { house, id }: Visit,
  account: AccountId,
  request: SettleRequest,
): Promise<void> {
  try {
    await house.settlements.send(encodeSettlement(account, request));
    signal({ event: 'settlement_queued', call: id });
  } catch {
    signal({ event: 'settlement_lost', call: id });
  }
}

async function deliver(call: Call, request: SettleRequest): Promise<void> {
  const result = await call.visit.house.ledger.settle(call.account, request);
  if (result.ok) return;
  if (result.reason === 'ledger_unreachable') await queue(call.visit, call.account, request);
  else signal({ event: 'settlement_lost', call: request.id });
}

/**
 * Lets go of a hold that may or may not stand: the account was not reached, or its answer was lost. The
 * caller was told that nothing was charged, and its money must not stay held for a call nobody made.
 */
export function letGo(visit: Visit, account: AccountId, plan: Plan): Promise<void> {
  return queue(visit, account, { id: visit.id, httpStatus: 503, ...unpaid(plan, 'not_sent') });
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

/** The bill of a call that reached the provider; alerts where its usage can't be priced in full. */
export function drawUp(call: Call, course: Course): Bill {
  const { unpriceable } = course.reading;
  if (unpriceable > 0) {
    const provider = call.plan.provider.id;
    signal({ event: 'usage_unpriceable', call: call.visit.id, provider, count: unpriceable });
  }
  return billOf(call.plan, course);
}

/** Draws up the bill of a call that reached the provider, and posts it. */
export async function settle(call: Call, course: Course, httpStatus: number): Promise<void> {
  await post(call, drawUp(call, course), httpStatus);
}

/** Ends a call the provider refused or never got: nothing is charged. */
export async function settleUnpaid(
  call: Call,
  reason: 'upstream_refused' | 'not_sent',
  httpStatus: number,
): Promise<void> {
  await post(call, unpaid(call.plan, reason), httpStatus);
}

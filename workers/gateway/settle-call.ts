/**
 * Computes a call's bill and hands it to the ledger's client, which delivers it. The account posts a
 * bill once, however often it arrives.
 */
import { differsFromProviderCost } from '@farebox/catalog';
import { NO_USAGE_REPORTED } from '@farebox/dialects';
import type { AccountId } from '@farebox/ledger';
import { costWithoutMargin } from '@farebox/money';
import type { Reading } from '@farebox/providers';
import { logEvent } from '@farebox/telemetry';
import { type Bill, type CallOutcome, computeBill, type ZeroBillReason, zeroBill } from './bill.ts';
import type { Call } from './call.ts';
import type { RequestContext } from './context.ts';
import type { EndReason } from './end-reason.ts';
import type { Plan } from './plan.ts';
import { isPlausible } from './plausible-usage.ts';
import { countUnpriceable } from './usage-prices.ts';

/** The reading of a response of which nothing arrived. */
export const EMPTY_READING: Reading = {
  ...NO_USAGE_REPORTED,
  usageFinal: false,
  finished: false,
  ended: false,
  failed: false,
  rejection: null,
  refusal: null,
  eventCount: 0,
  estimatedOutputTokens: 0,
};

/** Builds the outcome of a call so far, for a bill or an estimate. */
export function callOutcome(
  call: Call,
  reading: Reading,
  endReason: EndReason,
  hiddenGenerationMs: number,
  floor = 0n,
): CallOutcome {
  return {
    reading,
    endReason,
    hiddenGenerationMs,
    maxOutput: call.hold.maxOutput,
    held: call.hold.held,
    floor,
  };
}

/** What a settlement is about: a call in any dialect, or to an operation. */
type SettledCall = Pick<Call, 'ctx' | 'account' | 'disconnect'> &
  Readonly<{
    plan: Pick<Plan, 'provider'> & Readonly<{ facts: { readonly unknownFields: number } }>;
  }>;

/**
 * Releases a hold that may or may not exist: the account was not reached, or its reply was lost.
 * The client was told that nothing was charged, so the amount must not stay held. `bill` is one of
 * nothing.
 */
export function releaseHold(ctx: RequestContext, account: AccountId, bill: Bill): Promise<void> {
  const durations = ctx.times.durations(ctx.clock());
  const request = { id: ctx.id, httpStatus: 503, ...bill, ...durations };
  return ctx.deps.ledger.enqueue(account, request);
}

/**
 * Logs unknown request fields. Ordinary calls log nothing: their entry has it all, and logs cost
 * time.
 */
function reportUnknownFields(call: SettledCall): void {
  const { provider, facts } = call.plan;
  if (facts.unknownFields === 0) return;
  const count = facts.unknownFields;
  logEvent({ event: 'unknown_fields_passed', call: call.ctx.id, provider: provider.id, count });
}

/**
 * Submits `bill`. It travels with the account's next verbs; the request that submits it may end.
 */
export function submitSettlement(call: SettledCall, bill: Bill, httpStatus: number): void {
  reportUnknownFields(call);
  const { ctx, account, disconnect } = call;
  const durations = ctx.times.durations(disconnect.at ?? ctx.clock());
  const request = { id: ctx.id, httpStatus, ...bill, ...durations };
  ctx.deps.ledger.settle(account, request, ctx.waitUntil);
}

/** Logs where the provider states another charge than its prices give: one of them is stale. */
export function compareStatedCost(
  { plan, ctx }: Readonly<{ ctx: RequestContext; plan: Pick<Plan, 'provider' | 'model'> }>,
  bill: Bill,
): void {
  const { providerCost } = bill;
  if (providerCost === null) return;
  const computed = costWithoutMargin(bill.cost, bill);
  if (!differsFromProviderCost(computed, providerCost)) return;
  logEvent({
    event: 'provider_cost_differs',
    call: ctx.id,
    provider: plan.provider.id,
    model: plan.model.name,
    computedNanoUsd: computed.toString(),
    statedNanoUsd: providerCost.toString(),
  });
}

function reportImplausible({ ctx, plan }: Call): void {
  const { model, provider } = plan;
  const event = 'usage_implausible';
  logEvent({ event, call: ctx.id, provider: provider.id, model: model.name });
}

/** Computes the bill of a call that reached the provider, by the prices in effect at its hold. */
export function computeRevisedBill({ revision, hold }: Call, outcome: CallOutcome): Bill {
  return revision.price(hold.held, (plan) => computeBill(plan, outcome));
}

/**
 * Computes the bill of a call that reached the provider; alerts if its usage can't be fully priced
 * or can't be true, or if the provider states another cost.
 */
export function buildBill(call: Call, outcome: CallOutcome): Bill {
  const unpriceable = countUnpriceable(call.plan, outcome.reading);
  if (unpriceable > 0) {
    const provider = call.plan.provider.id;
    logEvent({ event: 'usage_unpriceable', call: call.ctx.id, provider, count: unpriceable });
  }
  const bill = computeRevisedBill(call, outcome);
  if (!isPlausible(call.plan, outcome.reading)) reportImplausible(call);
  else compareStatedCost(call, bill);
  return bill;
}

/** Computes the bill of a call that reached the provider, and submits it. */
export async function settleCall(
  call: Call,
  outcome: CallOutcome,
  httpStatus: number,
): Promise<void> {
  call.ctx.times.recordEnd(call.ctx.clock());
  await call.revision.whenKnown();
  submitSettlement(call, buildBill(call, outcome), httpStatus);
}

/** Ends a call that the provider rejected, failed, or never received: nothing is charged. */
export function settleWithoutCharge(call: Call, reason: ZeroBillReason, httpStatus: number): void {
  submitSettlement(call, zeroBill(call.plan, reason), httpStatus);
}

/** Prompts that a provider refuses with an error for what they say, and bills all the same. */
import { DIALECT_SPECS, isJsonObject } from '@farebox/dialects';
import type { Reading, UpstreamResult } from '@farebox/providers';
import { computeRefusalBill } from './bill.ts';
import type { Call } from './call.ts';
import { callOutcome, EMPTY_READING, submitSettlement } from './settle-call.ts';

type Rejection = Extract<UpstreamResult, { reason: 'rejected' }>;

/** Returns whether the provider bills this rejection. */
export function isBilledRefusal({ plan }: Call, result: Rejection): boolean {
  return result.isContentRefusal && plan.provider.quirks.billsRefusedPrompts === true;
}

function parseBody(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** Reads the usage that some errors report. */
function readError({ plan }: Call, errorBody: Uint8Array): Reading {
  const body = parseBody(errorBody);
  if (!isJsonObject(body) || !isJsonObject(body.usage)) return EMPTY_READING;
  const context = {
    quirks: plan.provider.quirks,
    model: plan.model.upstreamName,
    serviceTier: undefined,
    searchQueries: 0,
  };
  const { normalizeUsage } = DIALECT_SPECS[plan.facts.dialect].answer;
  return { ...EMPTY_READING, ...normalizeUsage(body.usage, context) };
}

/** Settles a refused prompt by the usage that its error reports, or by its estimated input. */
export async function settleRefusedPrompt(
  call: Call,
  { errorBody }: Rejection,
  httpStatus: number,
): Promise<void> {
  const outcome = callOutcome(call, readError(call, errorBody), 'complete', 0);
  await call.revision.whenKnown();
  const bill = call.revision.price(call.hold.held, (plan) => computeRefusalBill(plan, outcome));
  submitSettlement(call, bill, httpStatus);
}

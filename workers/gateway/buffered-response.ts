/**
 * Responses that are read to their end before anything is sent: those that are not streamed, so
 * that their cost goes out in a header, and those that turn out not to be what was asked for.
 */
import { formatUsd } from '@farebox/money';
import { concatBytes, type Meter } from '@farebox/providers';
import { verdictError } from './answer-error.ts';
import { readAhead } from './answer-source.ts';
import { knownCost } from './bill.ts';
import type { Call } from './call.ts';
import { errorResponse } from './error-response.ts';
import { buildResponseHeaders, type UpstreamSuccess } from './response-headers.ts';
import {
  buildBill,
  callOutcome,
  EMPTY_READING,
  settleCall,
  submitSettlement,
} from './settle-call.ts';
import { respondStreaming } from './streamed-response.ts';
import { respondTruncated } from './truncated-response.ts';

/** Responds with an answer that was read whole, and settles it. */
function respondWhole(
  call: Call,
  upstream: UpstreamSuccess,
  meter: Meter,
  pieces: readonly Uint8Array[],
): Response {
  const { ctx, plan } = call;
  // All of a whole answer was seen, but for reasoning that the model hides.
  const hiddenMs = plan.model.hidesReasoning ? ctx.clock() - call.startedAt : 0;
  const outcome = callOutcome(call, meter.reading(), 'complete', hiddenMs);
  const headers = buildResponseHeaders(call, upstream);
  if (plan.facts.stream) {
    // It states no cost that the bill has to agree with, so the bill waits for the prices.
    headers['cache-control'] = 'no-cache';
    ctx.waitUntil(settleCall(call, outcome, upstream.status));
  } else {
    const bill = buildBill(call, outcome);
    const cost = knownCost(bill);
    if (cost !== null) headers['x-farebox-cost-usd'] = formatUsd(cost);
    submitSettlement(call, bill, upstream.status);
  }
  return new Response(concatBytes(pieces), { status: upstream.status, headers });
}

/**
 * Responds with the answer, its cost in a header, and settles it. An answer that is too large to be
 * kept, or turns out to be a stream, is relayed. What is no answer becomes an error and costs
 * nothing.
 */
export async function respondBuffered(
  call: Call,
  upstream: UpstreamSuccess,
  meter: Meter,
): Promise<Response> {
  const ahead = await readAhead(call, upstream, meter);
  if (ahead.kind === 'under_way') return respondStreaming(call, upstream, meter, ahead);
  if (ahead.kind === 'broken') return respondTruncated(call, ahead.reason);
  const verdict = meter.verdict();
  const error = verdictError(call, verdict);
  if (error === null) return respondWhole(call, upstream, meter, ahead.pieces);
  const { dialect } = call.plan.facts;
  const response = errorResponse(error, dialect, call.ctx);
  return respondTruncated(call, 'upstream_disconnected', response, {
    ...EMPTY_READING,
    failed: verdict.kind === 'error',
    rejection: verdict.kind === 'error' ? verdict.error.rejection : null,
  });
}

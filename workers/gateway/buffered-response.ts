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
import { buildBill, callOutcome, submitSettlement } from './settle-call.ts';
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
  const bill = buildBill(call, callOutcome(call, meter.reading(), 'complete', hiddenMs));
  ctx.waitUntil(submitSettlement(call, bill, upstream.status));
  const headers = buildResponseHeaders(call, upstream);
  const cost = knownCost(bill);
  if (plan.facts.stream) headers['cache-control'] = 'no-cache';
  else if (cost !== null) headers['x-farebox-cost-usd'] = formatUsd(cost);
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
  const error = verdictError(call, meter.verdict());
  if (error === null) return respondWhole(call, upstream, meter, ahead.pieces);
  const { dialect } = call.plan.facts;
  return respondTruncated(
    call,
    'upstream_disconnected',
    errorResponse(error, dialect, call.ctx.id),
  );
}

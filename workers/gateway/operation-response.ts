/**
 * Responses to calls of operations: a document or a text that is read to its end, so that its cost
 * goes out in a header, or else relayed as it comes; a recording and a stream are always relayed. The
 * bytes are the provider's.
 */
import { formatUsd } from '@farebox/money';
import {
  concatBytes,
  createOperationMeter,
  type Meter,
  type OperationMeter,
  type OperationUse,
} from '@farebox/providers';
import { logEvent } from '@farebox/telemetry';
import {
  callErrorEvent,
  replaceErrorEvent,
  terminalError,
  truncationError,
  verdictError,
} from './answer-error.ts';
import { type AnswerSource, readAhead } from './answer-source.ts';
import { baseHeaders } from './base-headers.ts';
import { type Bill, knownCost } from './bill.ts';
import { holdDeadline, type OperationCall } from './call.ts';
import { appendCost, costForm, toCostJson } from './cost-report.ts';
import type { EndReason, StopReason } from './end-reason.ts';
import { errorResponse } from './error-response.ts';
import { computeOperationBill, NOTHING_USED } from './operation-bill.ts';
import type { UpstreamSuccess } from './response-headers.ts';
import { compareStatedCost, submitSettlement } from './settle-call.ts';
import { type Framing, StreamRelay } from './stream-relay.ts';
import { CLIENT_CLOSED_REQUEST } from './truncated-response.ts';

const ENCODER = new TextEncoder();
const KEEP_ALIVE = ENCODER.encode(': keep-alive\n\n');
const NOTHING = new Uint8Array(0);

/** What a provider may call its answers; SDKs decide by it how they read one. */
const MEDIA_TYPE = /^(application\/json|application\/octet-stream|audio\/|text\/)/i;
const FALLBACK_TYPES = {
  json: 'application/json',
  text: 'text/plain; charset=utf-8',
  audio: 'application/octet-stream',
  events: 'text/event-stream; charset=utf-8',
} as const;

function buildHeaders(
  { ctx }: OperationCall,
  { contentType }: UpstreamSuccess,
  meter: OperationMeter,
): Record<string, string> {
  const isKnown = contentType !== null && MEDIA_TYPE.test(contentType);
  const headers = baseHeaders(ctx.id);
  headers['content-type'] = isKnown ? contentType : FALLBACK_TYPES[meter.form];
  return headers;
}

function toBill(
  call: OperationCall,
  use: OperationUse,
  endReason: EndReason,
  failed: boolean,
): Bill {
  const { held } = call.hold;
  const outcome = { use, failed, endReason, held };
  return call.revision.price(held, (plan) => computeOperationBill(plan, outcome));
}

/** Logs what is wrong with a report: counts that are none, more than can be, another cost. */
function reportUse({ ctx, plan }: OperationCall, use: OperationUse, bill: Bill): void {
  const [provider, call] = [plan.provider.id, ctx.id];
  if (use.unpriceable > 0)
    logEvent({ event: 'usage_unpriceable', call, provider, count: use.unpriceable });
  if (bill.reason === 'estimated_usage_implausible')
    logEvent({ event: 'usage_implausible', call, provider, model: plan.model.name });
  compareStatedCost({ ctx, plan }, bill);
}

/** What an answer used, and how it ended. */
type OperationEnd = Readonly<{ use: OperationUse; endReason: EndReason; failed: boolean }>;

function settle(call: OperationCall, use: OperationUse, bill: Bill, status: number): void {
  reportUse(call, use, bill);
  submitSettlement(call, bill, status);
}

/** Settles a call whose answer states no cost, so that its bill waits for the prices in effect. */
async function settleLater(
  call: OperationCall,
  { use, endReason, failed }: OperationEnd,
  status: number,
): Promise<void> {
  call.ctx.times.recordEnd(call.ctx.clock());
  await call.revision.whenKnown();
  settle(call, use, toBill(call, use, endReason, failed), status);
}

/** Settles a call of whose answer nothing reaches the client, and returns its error response. */
export function respondCut(
  call: OperationCall,
  reason: 'upstream_disconnected' | 'upstream_timeout',
  response = errorResponse(truncationError(call, reason), call.ctx.dialect, call.ctx),
): Response {
  const isGone = call.disconnect.at !== null;
  const endReason = isGone ? 'client_disconnected' : reason;
  const status = isGone ? CLIENT_CLOSED_REQUEST : response.status;
  const end = { use: NOTHING_USED, endReason, failed: false } as const;
  call.ctx.waitUntil(settleLater(call, end, status));
  return response;
}

function createMeter(call: OperationCall, { contentType }: UpstreamSuccess): OperationMeter {
  const form = costForm(call);
  return createOperationMeter({
    provider: call.plan.provider,
    facts: call.plan.facts,
    contentType,
    replaceError: (event, error) => replaceErrorEvent(call, event, error, { eventCount: 0 }),
    beforeLastEvent:
      form === 'none'
        ? null
        : (use) => {
            const cost = toCostJson(toBill(call, use, 'complete', false));
            if (cost === null) return null;
            const text =
              form === 'event'
                ? `event: cost\ndata: ${JSON.stringify({ type: 'cost', cost })}\n\n`
                : `: cost ${JSON.stringify(cost)}\n\n`;
            return ENCODER.encode(text);
          },
  });
}

/** Adds the cost to a document, if the client asked for it. */
function withCost(call: OperationCall, meter: OperationMeter): Meter {
  if (costForm(call) === 'none' || meter.form !== 'json') return meter;
  return appendCost(meter, () => toCostJson(toBill(call, meter.use(), 'complete', false)));
}

function buildFraming(call: OperationCall, meter: OperationMeter): Framing {
  return {
    keepAliveBytes: KEEP_ALIVE.slice(),
    // No event of ours ends these streams.
    lastWord: () => NOTHING,
    terminalEvent: (endReason, stopReason) =>
      callErrorEvent(
        call,
        terminalError(call, meter.verdict(), endReason, stopReason),
        meter.reading(),
      ),
  };
}

async function checkpoint(call: OperationCall, meter: OperationMeter): Promise<StopReason> {
  const { ctx, account } = call;
  const use = meter.use();
  const floor = use.hasOutput ? toBill(call, use, 'client_disconnected', false).cost : 0n;
  const deadline = holdDeadline(ctx.deps.timeouts, ctx.clock());
  const request = { id: ctx.id, floor, deadline };
  const result = await ctx.deps.ledger.checkpoint(account, request, ctx.waitUntil);
  return result.ok ? result.stop : null;
}

/** Relays the answer as it comes; `waitUntil` settles it. */
function respondRelayed(
  call: OperationCall,
  upstream: UpstreamSuccess,
  meter: OperationMeter,
  relayed: Meter,
  source: AnswerSource,
): Response {
  const { ctx } = call;
  const { readable, writable } = new IdentityTransformStream();
  const relay = new StreamRelay({
    source,
    client: writable,
    disconnect: call.disconnect,
    abortUpstream: () => call.abort.abort(),
    meter: relayed,
    timeouts: ctx.deps.timeouts,
    framing: meter.form === 'events' ? buildFraming(call, meter) : null,
    firstOutput:
      meter.form === 'events'
        ? {
            hasArrived: () => meter.use().hasOutput,
            record: (now) => ctx.times.recordOutput(now),
          }
        : null,
    // Only the end of an answer tells what it used.
    shouldDrain: () => true,
    checkpoint: () => checkpoint(call, meter),
    load: ctx.deps.streamLoad,
    clock: ctx.clock,
    timer: ctx.timer,
  });
  const settleRelayed = (endReason: EndReason) => {
    const use =
      relay.hasDelivered || endReason !== 'upstream_disconnected' ? meter.use() : NOTHING_USED;
    const status = endReason === 'client_disconnected' ? CLIENT_CLOSED_REQUEST : upstream.status;
    return settleLater(call, { use, endReason, failed: meter.reading().failed }, status);
  };
  ctx.waitUntil(relay.run().then(settleRelayed));
  const headers = buildHeaders(call, upstream, meter);
  if (meter.form === 'events') headers['cache-control'] = 'no-cache';
  return new Response(readable, { status: upstream.status, headers });
}

function respondWhole(
  call: OperationCall,
  upstream: UpstreamSuccess,
  meter: OperationMeter,
  pieces: readonly Uint8Array[],
): Response {
  const use = meter.use();
  const bill = toBill(call, use, 'complete', false);
  settle(call, use, bill, upstream.status);
  const headers = buildHeaders(call, upstream, meter);
  const cost = knownCost(bill);
  if (cost !== null) headers['x-farebox-cost-usd'] = formatUsd(cost);
  return new Response(concatBytes(pieces), { status: upstream.status, headers });
}

/** Responds with the provider's answer; what is none becomes an error and costs nothing. */
export async function respondOperation(
  call: OperationCall,
  upstream: UpstreamSuccess,
): Promise<Response> {
  const meter = createMeter(call, upstream);
  // A document states its cost in a header, and a stream where it was asked to: it is billed so.
  const isRelayed = meter.form === 'events' || meter.form === 'audio';
  if (!isRelayed || costForm(call) !== 'none') await call.revision.whenKnown(0);
  const relayed = withCost(call, meter);
  if (isRelayed) {
    const source = { reader: upstream.body.getReader(), reusesMemory: false, pieces: [] };
    return respondRelayed(call, upstream, meter, relayed, source);
  }
  const ahead = await readAhead(call, upstream, relayed);
  if (ahead.kind === 'under_way') return respondRelayed(call, upstream, meter, relayed, ahead);
  if (ahead.kind === 'broken') return respondCut(call, ahead.reason);
  const error = verdictError(call, meter.verdict());
  if (error === null) return respondWhole(call, upstream, meter, ahead.pieces);
  const { ctx } = call;
  return respondCut(call, 'upstream_disconnected', errorResponse(error, ctx.dialect, ctx));
}

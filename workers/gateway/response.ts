/**
 * The two ways an answer reaches the caller: whole, with its cost in a header, or as a stream that is
 * settled when it ends. Either way the bytes are the provider's own.
 */
import type { Dialect } from '@farebox/dialects';
import { formatUsd } from '@farebox/money';
import { keepAliveEvent, type Meter, type Reading, type UpstreamResult } from '@farebox/providers';
import { type EndReason, estimateBill } from './bill.ts';
import { type Call, holdDeadline } from './call.ts';
import { type ApiError, errorEvent, errorResponse, idHeaders } from './errors.ts';
import {
  buildBill,
  callOutcome,
  EMPTY_READING,
  settleCall,
  submitSettlement,
} from './settle-call.ts';
import { type StopReason, StreamRelay } from './stream-relay.ts';

const CLIENT_CLOSED_REQUEST = 499;

type UpstreamSuccess = Extract<UpstreamResult, { ok: true }>;

function buildResponseHeaders(call: Call, { contentType }: UpstreamSuccess): Headers {
  const headers = idHeaders(call.ctx.id);
  if (contentType !== null) headers.set('content-type', contentType);
  if (call.plan.output.kind === 'capped') {
    headers.set('x-farebox-max-output-tokens', String(call.hold.maxOutput));
  }
  return headers;
}

function truncationError(call: Call, endReason: EndReason): ApiError {
  const provider = call.plan.provider.id;
  return endReason === 'upstream_timeout'
    ? { reason: 'upstream_timeout', provider }
    : { reason: 'upstream_disconnected', provider };
}

/** The whole of an answer, or how it failed: it broke off, or nothing came for `silence`. */
async function readAll(
  call: Call,
  upstream: UpstreamSuccess,
): Promise<Uint8Array | 'upstream_disconnected' | 'upstream_timeout'> {
  const reader = upstream.body.getReader();
  const chunks: Uint8Array[] = [];
  const { clock, deps } = call.ctx;
  const { idleMs } = deps.timeouts;
  let timedOut = false;
  let lastReadAt = clock();
  // One timer that looks again where something came meanwhile: a new one for each piece costs more.
  const checkIdle = () => {
    const remainingMs = lastReadAt + idleMs - clock();
    if (remainingMs > 0) {
      timer = setTimeout(checkIdle, remainingMs);
      return;
    }
    timedOut = true;
    call.abort.abort();
    reader.cancel().catch(() => {});
  };
  let timer = setTimeout(checkIdle, idleMs);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      lastReadAt = clock();
    }
  } catch {
    return timedOut ? 'upstream_timeout' : 'upstream_disconnected';
  } finally {
    clearTimeout(timer);
  }
  return timedOut ? 'upstream_timeout' : concatBytes(chunks);
}

function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Answers that were not streamed are read whole: their cost is known before their first byte leaves. */
export async function respondBuffered(
  call: Call,
  upstream: UpstreamSuccess,
  meter: Meter,
): Promise<Response> {
  const { ctx } = call;
  const bytes = await readAll(call, upstream);
  if (!(bytes instanceof Uint8Array)) return respondTruncated(call, bytes);
  meter.feed(bytes);
  meter.end();
  const hiddenGenerationMs = ctx.clock() - call.startedAt;
  const bill = buildBill(call, callOutcome(call, meter.reading(), 'complete', hiddenGenerationMs));
  ctx.waitUntil(submitSettlement(call, bill, upstream.status));
  const headers = buildResponseHeaders(call, upstream);
  headers.set('x-farebox-cost-usd', formatUsd(bill.cost));
  return new Response(bytes, { status: upstream.status, headers });
}

/**
 * Nothing of an answer was seen: the provider broke off or fell silent, or the caller left and the wait
 * for the usage was over. What the model may have written by now is a matter of time.
 */
export function respondTruncated(
  call: Call,
  reason: 'upstream_disconnected' | 'upstream_timeout',
  response = errorResponse(truncationError(call, reason), call.plan.facts.dialect, call.ctx.id),
): Response {
  const { ctx } = call;
  const disconnected = call.disconnect.at !== null;
  const hiddenGenerationMs = ctx.clock() - call.startedAt;
  const outcome = callOutcome(
    call,
    EMPTY_READING,
    disconnected ? 'client_disconnected' : reason,
    hiddenGenerationMs,
  );
  ctx.waitUntil(settleCall(call, outcome, disconnected ? CLIENT_CLOSED_REQUEST : response.status));
  return response;
}

/** Notes when the first piece of output came: until then a model that hides its reasoning was thinking. */
class HiddenReasoningTimer {
  readonly #call: Call;
  #firstOutputAt: number | null = null;

  constructor(call: Call) {
    this.#call = call;
  }

  /** Whether the first output is still to come, and matters. */
  get isRunning(): boolean {
    return this.#call.plan.model.hidesReasoning && this.#firstOutputAt === null;
  }

  /**
   * Of a stream, only a model that hides its reasoning writes unseen, and only before its output: with
   * its first words it has begun to answer.
   */
  hiddenGenerationMs(reading: Reading): number {
    if (!this.#call.plan.model.hidesReasoning) return 0;
    const now = this.#call.ctx.clock();
    if (reading.estimatedOutputTokens > 0) this.#firstOutputAt ??= now;
    return (this.#firstOutputAt ?? now) - this.#call.startedAt;
  }
}

/** Checkpoints promise a floor to the account and bring back its word on the call. */
class CheckpointWriter {
  readonly #call: Call;
  readonly #reasoningTimer: HiddenReasoningTimer;
  readonly #meter: Meter;
  floor = 0n;

  constructor(call: Call, reasoningTimer: HiddenReasoningTimer, meter: Meter) {
    this.#call = call;
    this.#reasoningTimer = reasoningTimer;
    this.#meter = meter;
  }

  async record(): Promise<StopReason> {
    const { ctx, account, plan } = this.#call;
    const reading = this.#meter.reading();
    const outcome = callOutcome(
      this.#call,
      reading,
      'client_disconnected',
      this.#reasoningTimer.hiddenGenerationMs(reading),
      this.floor,
    );
    this.floor = estimateBill(plan, outcome, 'expired_at_checkpoint').cost;
    const deadline = holdDeadline(ctx.deps, ctx.clock());
    const request = { id: ctx.id, floor: this.floor, deadline };
    const result = await ctx.deps.ledger.checkpoint(account, request);
    return result.ok ? result.stop : null;
  }
}

function terminalEvent(call: Call, endReason: EndReason, stopReason: StopReason): Uint8Array {
  const apiError: ApiError =
    endReason === 'stopped_by_account' && stopReason !== null
      ? { reason: 'call_stopped', stopReason: stopReason }
      : truncationError(call, endReason);
  return errorEvent(apiError, call.plan.facts.dialect, call.ctx.id);
}

/**
 * Whether the usage is worth waiting for once the caller has left: the end is in sight, or an estimate
 * would be a poor one (hidden reasoning, input we could not count).
 */
function shouldDrain(call: Call, reading: Reading): boolean {
  const { facts, model } = call.plan;
  const inputUnknown = facts.maxInputTokens === 'context_window' && reading.usage === null;
  return reading.finished || model.hidesReasoning || inputUnknown;
}

export function respondStreaming(call: Call, upstream: UpstreamSuccess, meter: Meter): Response {
  const { ctx, plan } = call;
  const dialect: Dialect = plan.facts.dialect;
  const { readable, writable } = new IdentityTransformStream();
  const reasoningTimer = new HiddenReasoningTimer(call);
  const checkpointWriter = new CheckpointWriter(call, reasoningTimer, meter);
  const streamRelay = new StreamRelay({
    upstream: upstream.body,
    client: writable,
    disconnect: call.disconnect,
    abortUpstream: () => call.abort.abort(),
    meter: {
      feed: (chunk) => {
        const pieces = meter.feed(chunk);
        if (reasoningTimer.isRunning) reasoningTimer.hiddenGenerationMs(meter.reading());
        return pieces;
      },
      end: () => meter.end(),
      reading: () => meter.reading(),
    },
    timeouts: ctx.deps.timeouts,
    keepAliveBytes: keepAliveEvent(dialect),
    shouldDrain: (reading) => shouldDrain(call, reading),
    checkpoint: () => checkpointWriter.record(),
    terminalEvent: (endReason, stopReason) => terminalEvent(call, endReason, stopReason),
    clock: ctx.clock,
  });
  ctx.waitUntil(
    streamRelay.run().then((endReason) => {
      const reading = meter.reading();
      const hiddenGenerationMs = reasoningTimer.hiddenGenerationMs(reading);
      const status = endReason === 'client_disconnected' ? CLIENT_CLOSED_REQUEST : upstream.status;
      return settleCall(
        call,
        callOutcome(call, reading, endReason, hiddenGenerationMs, checkpointWriter.floor),
        status,
      );
    }),
  );
  const headers = buildResponseHeaders(call, upstream);
  headers.set('cache-control', 'no-cache');
  return new Response(readable, { status: upstream.status, headers });
}

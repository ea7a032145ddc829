/** Responses that are streamed: relayed as they arrive, and settled when they end. */
import { DIALECT_SPECS } from '@farebox/dialects';
import type { Meter, Reading } from '@farebox/providers';
import type { Call } from './call.ts';
import { CheckpointWriter } from './checkpoint-writer.ts';
import type { EndReason, StopReason } from './end-reason.ts';
import { errorEvent } from './error-response.ts';
import type { ApiError } from './errors.ts';
import { HiddenReasoningTimer } from './hidden-reasoning-timer.ts';
import { buildResponseHeaders, type UpstreamSuccess } from './response-headers.ts';
import { callOutcome, settleCall } from './settle-call.ts';
import { StreamRelay } from './stream-relay.ts';
import { CLIENT_CLOSED_REQUEST, truncationError } from './truncated-response.ts';

function terminalEvent(call: Call, endReason: EndReason, stopReason: StopReason): Uint8Array {
  const apiError: ApiError =
    endReason === 'stopped_by_account' && stopReason !== null
      ? { reason: 'call_stopped', stopReason }
      : truncationError(call, endReason);
  return errorEvent(apiError, call.plan.facts.dialect, call.ctx.id);
}

/**
 * Returns whether to wait for the usage after the client disconnected: the end is near, or an
 * estimate would be poor (hidden reasoning, input that could not be counted).
 */
function shouldDrain(call: Call, reading: Reading): boolean {
  const { facts, model } = call.plan;
  const inputUnknown = facts.maxInputTokens === 'context_window' && reading.usage === null;
  return reading.finished || model.hidesReasoning || inputUnknown;
}

/** Wraps `meter` so that the first output stops the reasoning timer. */
function withReasoningTimer(meter: Meter, reasoningTimer: HiddenReasoningTimer): Meter {
  return {
    feed: (chunk) => {
      const pieces = meter.feed(chunk);
      if (reasoningTimer.isRunning) reasoningTimer.hiddenGenerationMs(meter.reading());
      return pieces;
    },
    end: () => meter.end(),
    reading: () => meter.reading(),
  };
}

/** Responds with the provider's stream; `waitUntil` relays and settles it. */
export function respondStreaming(call: Call, upstream: UpstreamSuccess, meter: Meter): Response {
  const { ctx, plan } = call;
  const { readable, writable } = new IdentityTransformStream();
  const reasoningTimer = new HiddenReasoningTimer(call);
  const checkpointWriter = new CheckpointWriter(call, reasoningTimer, meter);
  const streamRelay = new StreamRelay({
    upstream: upstream.body,
    client: writable,
    disconnect: call.disconnect,
    abortUpstream: () => call.abort.abort(),
    meter: withReasoningTimer(meter, reasoningTimer),
    timeouts: ctx.deps.timeouts,
    keepAliveBytes: DIALECT_SPECS[plan.facts.dialect].answer.keepAliveBytes.slice(),
    shouldDrain: (reading) => shouldDrain(call, reading),
    checkpoint: () => checkpointWriter.record(),
    terminalEvent: (endReason, stopReason) => terminalEvent(call, endReason, stopReason),
    clock: ctx.clock,
  });
  ctx.waitUntil(
    streamRelay.run().then((endReason) => {
      const reading = meter.reading();
      const hiddenMs = reasoningTimer.hiddenGenerationMs(reading);
      const outcome = callOutcome(call, reading, endReason, hiddenMs, checkpointWriter.floor);
      const disconnected = endReason === 'client_disconnected';
      return settleCall(call, outcome, disconnected ? CLIENT_CLOSED_REQUEST : upstream.status);
    }),
  );
  const headers = buildResponseHeaders(call, upstream);
  headers.set('cache-control', 'no-cache');
  return new Response(readable, { status: upstream.status, headers });
}

/** Errors of ours for what a provider sent, under a status of success, in place of an answer. */
import { DIALECT_SPECS, type JsonObject } from '@farebox/dialects';
import type { AnswerError, Reading, Verdict } from '@farebox/providers';
import { logEvent } from '@farebox/telemetry';
import type { AnsweredCall } from './call.ts';
import type { EndReason, StopReason } from './end-reason.ts';
import { errorEvent } from './error-response.ts';
import type { ApiError } from './errors.ts';

function toApiError(
  call: AnsweredCall,
  { message, isRetryable, isAccountError }: AnswerError,
): ApiError {
  const provider = call.plan.provider.id;
  if (isAccountError) {
    logEvent({ event: 'upstream_account_error', call: call.ctx.id, provider, status: 200 });
    return { reason: 'upstream_account_error', provider };
  }
  return { reason: 'upstream_error', provider, message, isRetryable };
}

/** Returns the error that a client is told instead of the answer; null if there is an answer. */
export function verdictError(call: AnsweredCall, verdict: Verdict): ApiError | null {
  const provider = call.plan.provider.id;
  switch (verdict.kind) {
    case 'answer':
      return null;
    case 'error':
      return toApiError(call, verdict.error);
    case 'truncated':
      return { reason: 'upstream_disconnected', provider };
    case 'unreadable':
      return { reason: 'upstream_invalid_response', provider };
  }
}

/** Returns the error that a client is told when the provider's response was truncated. */
export function truncationError({ plan }: AnsweredCall, endReason: EndReason): ApiError {
  const provider = plan.provider.id;
  return endReason === 'upstream_timeout'
    ? { reason: 'upstream_timeout', provider }
    : { reason: 'upstream_disconnected', provider };
}

/** Returns the error that ends a stream which did not come to its own end. */
export function terminalError(
  call: AnsweredCall,
  verdict: Verdict,
  endReason: EndReason,
  stopReason: StopReason,
): ApiError {
  if (endReason === 'stopped_by_account' && stopReason !== null)
    return { reason: 'call_stopped', stopReason };
  const stated = endReason === 'upstream_timeout' ? null : verdictError(call, verdict);
  return stated ?? truncationError(call, endReason);
}

/** Returns the end of a call's stream, of which `reading` has what came before. */
export function callErrorEvent(
  call: AnsweredCall,
  apiError: ApiError,
  reading: Pick<Reading, 'eventCount'>,
): Uint8Array {
  const { plan, ctx } = call;
  const { eventCount } = reading;
  const place = {
    format: plan.facts.streamFormat,
    eventCount,
    model: plan.model.name,
    now: ctx.clock(),
    requestId: ctx.id,
  };
  return errorEvent(apiError, ctx.dialect, place);
}

/**
 * Returns the event in place of a provider's error event; null if that may pass: it is written in
 * the caller's dialect and says nothing about our account at the provider.
 */
export function replaceErrorEvent(
  call: AnsweredCall,
  event: JsonObject,
  error: AnswerError,
  reading: Pick<Reading, 'eventCount'>,
): Uint8Array | null {
  const { dialect } = call.ctx;
  const mayPass = error.message !== null && DIALECT_SPECS[dialect].errors.isNativeEvent(event);
  return mayPass ? null : callErrorEvent(call, toApiError(call, error), reading);
}

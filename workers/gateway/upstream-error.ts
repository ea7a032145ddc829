/**
 * Error responses for calls that the provider did not answer. A rejection of the request is
 * forwarded in the caller's dialect; an error about Farebox's own account at the provider becomes
 * an error of ours.
 */

import { DIALECT_SPECS, type Dialect } from '@farebox/dialects';
import { findErrorMessage, type UpstreamFailure } from '@farebox/providers';
import { logEvent } from '@farebox/telemetry';
import { baseHeaders } from './base-headers.ts';
import { type ErrorContext, errorResponse, helpLink } from './error-response.ts';
import type { ApiError } from './errors.ts';
import type { RefusedCode } from './refused-calls.ts';

type UpstreamRejection = Extract<UpstreamFailure, { reason: 'rejected' }>;

const decoder = new TextDecoder();

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}

/** The provider's ids of requests, which mean nothing here (OpenAI and Anthropic write `req_`). */
const PROVIDER_REQUEST_ID = /\breq_[0-9A-Za-z]{8,}/g;

/** Returns the provider's own sentence; a page of a proxy in front of it is none. */
function extractMessage(body: unknown, text: string): string {
  const message = body === undefined && !text.trimStart().startsWith('<') ? text : undefined;
  const found = findErrorMessage(body ?? message);
  return found ?? 'The provider rejected this request.';
}

function rewriteError(
  rejection: UpstreamRejection,
  body: unknown,
  dialect: Dialect,
  id: string,
): string {
  const text = decoder.decode(rejection.errorBody);
  const message = extractMessage(body, text);
  const kind = rejection.status === 404 ? 'not_found' : 'invalid_request';
  return DIALECT_SPECS[dialect].errors.rewriteToJson(kind, message, id);
}

function forwardError(
  rejection: UpstreamRejection,
  dialect: Dialect,
  { id, deps }: ErrorContext,
): Response {
  const headers = {
    ...baseHeaders(id),
    // The error has the provider's own code, or this one where it is written anew.
    ...helpLink('upstream_refused', deps),
    'content-type': 'application/json',
    'x-should-retry': 'false',
  };
  const body = parseJson(rejection.errorBody);
  const { errors } = DIALECT_SPECS[dialect];
  const responseBody = errors.isNative(body)
    ? errors.forwardToJson(body, id)
    : rewriteError(rejection, body, dialect, id);
  return new Response(responseBody.replaceAll(PROVIDER_REQUEST_ID, id), {
    status: rejection.status,
    headers,
  });
}

function toApiError(
  result: Exclude<UpstreamFailure, UpstreamRejection>,
  provider: string,
): ApiError {
  switch (result.reason) {
    case 'provider_account_error':
      return { reason: 'upstream_account_error', provider };
    case 'overloaded':
      return {
        reason: result.status === 429 ? 'upstream_rate_limited' : 'upstream_overloaded',
        provider,
        retryAfter: result.retryAfter,
      };
    case 'timeout':
      return { reason: 'upstream_timeout', provider };
    case 'unreachable':
    case 'aborted':
      return { reason: 'upstream_unreachable', provider };
  }
}

/**
 * Returns the code by which a request without an entry counts among the refused calls of its key;
 * null where the client left.
 */
export function refusedCode(result: UpstreamFailure, provider: string): RefusedCode | null {
  if (result.reason === 'aborted') return null;
  return result.reason === 'rejected' ? 'upstream_refused' : toApiError(result, provider).reason;
}

function logUpstreamError(result: UpstreamFailure, provider: string, call: string): void {
  if (result.reason === 'provider_account_error') {
    logEvent({ event: 'upstream_account_error', call, provider, status: result.status });
  }
  if (result.reason === 'timeout' || result.reason === 'unreachable') {
    const kind = result.reason === 'timeout' ? 'timeout' : 'connect';
    logEvent({ event: 'upstream_unreachable', call, provider, kind });
  }
}

/**
 * Builds the response to a call that produced nothing, in the caller's dialect, and logs its cause.
 */
export function upstreamErrorResponse(
  result: UpstreamFailure,
  provider: string,
  dialect: Dialect,
  context: ErrorContext,
): Response {
  logUpstreamError(result, provider, context.id);
  if (result.reason === 'rejected') return forwardError(result, dialect, context);
  return errorResponse(toApiError(result, provider), dialect, context);
}

/**
 * Error responses for calls that the provider did not answer. A rejection of the request is forwarded in
 * the caller's dialect; an error about Farebox's own account at the provider becomes an error of ours.
 */
import type { UpstreamResult } from '@farebox/providers';
import { logEvent } from '@farebox/telemetry';
import { type ApiError, type Dialect, errorResponse, idHeaders } from './errors.ts';

type UpstreamFailure = Exclude<UpstreamResult, { ok: true }>;
type UpstreamRejection = Extract<UpstreamFailure, { reason: 'refused' }>;

const decoder = new TextDecoder();

type JsonObject = { readonly [name: string]: unknown };

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}

/** Returns whether the provider's error already has the shape that the caller's SDK expects. */
function isNativeErrorShape(dialect: Dialect, body: unknown): boolean {
  if (!isJsonObject(body) || !isJsonObject(body.error)) return false;
  const { message, type } = body.error;
  if (typeof message !== 'string') return false;
  return dialect === 'chat' || (body.type === 'error' && typeof type === 'string');
}

/**
 * Returns the message of an error body: OpenAI and Anthropic `{error: {message}}`, xAI
 * `{code, error: "..."}`, Gemini `[{error: {message}}]`, FastAPI `{detail}`, or plain text.
 */
function extractMessage(body: unknown, text: string): string {
  const first: unknown = Array.isArray(body) ? body[0] : body;
  if (!isJsonObject(first)) return text.slice(0, 2000);
  const { error, message, detail } = first;
  if (isJsonObject(error) && typeof error.message === 'string') return error.message;
  for (const candidate of [error, message, detail]) {
    if (typeof candidate === 'string') return candidate;
  }
  return 'The provider rejected this request.';
}

function rewriteError(
  rejection: UpstreamRejection,
  body: unknown,
  dialect: Dialect,
  id: string,
): string {
  const message = extractMessage(body, decoder.decode(rejection.errorBody));
  const type = rejection.status === 404 ? 'not_found_error' : 'invalid_request_error';
  if (dialect === 'messages') {
    return JSON.stringify({ type: 'error', error: { type, message }, request_id: id });
  }
  return JSON.stringify({ error: { message, type, param: null, code: 'upstream_refused' } });
}

function forwardError(rejection: UpstreamRejection, dialect: Dialect, id: string): Response {
  const headers = idHeaders(id);
  headers.set('content-type', 'application/json');
  headers.set('x-should-retry', 'false');
  const body = parseJson(rejection.errorBody);
  const responseBody = isNativeErrorShape(dialect, body)
    ? rejection.errorBody
    : rewriteError(rejection, body, dialect, id);
  return new Response(responseBody, { status: rejection.status, headers });
}

function toApiError(
  result: Exclude<UpstreamFailure, UpstreamRejection>,
  provider: string,
): ApiError {
  switch (result.reason) {
    case 'our_account':
      return { reason: 'upstream_account_error', provider };
    case 'overloaded':
      return { reason: 'upstream_overloaded', provider, retryAfter: result.retryAfter };
    case 'silent':
      return { reason: 'upstream_timeout', provider };
    case 'unreachable':
    case 'aborted':
      return { reason: 'upstream_unreachable', provider };
  }
}

function logUpstreamError(result: UpstreamFailure, provider: string, call: string): void {
  if (result.reason === 'our_account') {
    logEvent({ event: 'upstream_account_error', call, provider, status: result.status });
  }
  if (result.reason === 'silent' || result.reason === 'unreachable') {
    const kind = result.reason === 'silent' ? 'timeout' : 'connect';
    logEvent({ event: 'upstream_unreachable', call, provider, kind });
  }
}

/** Builds the response to a call that produced nothing, in the caller's dialect, and logs its cause. */
export function upstreamErrorResponse(
  result: UpstreamFailure,
  provider: string,
  dialect: Dialect,
  id: string,
): Response {
  logUpstreamError(result, provider, id);
  if (result.reason === 'refused') return forwardError(result, dialect, id);
  return errorResponse(toApiError(result, provider), dialect, id);
}

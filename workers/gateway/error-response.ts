/** Writes an API error in the caller's dialect: as an HTTP response, or as an event of a stream. */

import { DIALECT_SPECS, type Dialect, type StreamPlace } from '@farebox/dialects';
import type { BudgetDecline } from '@farebox/ledger';
import { formatUsd } from '@farebox/money';
import { baseHeaders } from './base-headers.ts';
import { ACCEPTED_ENCODINGS } from './content-encoding.ts';
import { errorMessage } from './error-messages.ts';
import { type ApiError, ERROR_MAP, type ErrorReason } from './errors.ts';
import { exhaustedHeaders } from './quota-headers.ts';

/** Returns the request field that an error is about, for OpenAI's `param`. */
function getParam(apiError: ApiError): string | null {
  if ('field' in apiError) return apiError.field;
  return 'model' in apiError ? 'model' : null;
}

/** Returns what programs read: the missing amount and the output limit that would be affordable. */
function errorDetails(apiError: ApiError): Record<string, unknown> {
  if (!('missingAmount' in apiError)) return {};
  return {
    missing_nano_usd: apiError.missingAmount.toString(),
    missing_usd: formatUsd(apiError.missingAmount),
    affordable_max_output_tokens: apiError.affordableOutput,
    ...('renewing' in apiError ? renewalDetails(apiError) : {}),
  };
}

/** Which budget is too small where it renews, and when it does. */
function renewalDetails({ renewing }: BudgetDecline): Record<string, unknown> {
  if (renewing === undefined) return {};
  const { period, resetsAt } = renewing;
  return { budget_period: period, budget_resets_at: new Date(resetsAt).toISOString() };
}

/** Writes the body of an error's response, in JSON. */
export function errorBody(apiError: ApiError, dialect: Dialect, requestId: string): string {
  const retryAfter = getRetryAfter(apiError);
  return DIALECT_SPECS[dialect].errors.toJson({
    kind: ERROR_MAP[apiError.reason].kind,
    message: errorMessage(apiError),
    code: apiError.reason,
    status: getHttpStatus(apiError, dialect),
    retryAfterSeconds: retryAfter === null ? null : Number(retryAfter),
    sdkCode: ('sdkCode' in apiError ? apiError.sdkCode : undefined) ?? null,
    param: getParam(apiError),
    details: errorDetails(apiError),
    requestId,
  });
}

function getRetryAfter(apiError: ApiError): string | null {
  if ('renewing' in apiError) {
    const seconds = apiError.renewing?.retryAfterSeconds ?? null;
    return seconds === null ? null : String(seconds);
  }
  if ('retryAfterSeconds' in apiError) return String(apiError.retryAfterSeconds);
  // Without a word of the provider's, each SDK's own pause is shorter than a second.
  if ('retryAfter' in apiError) return apiError.retryAfter;
  return ERROR_MAP[apiError.reason].status === 503 ? '1' : null;
}

function getHttpStatus(apiError: ApiError, dialect: Dialect): number {
  return apiError.reason === 'upstream_overloaded'
    ? DIALECT_SPECS[dialect].errors.overloadedStatus
    : ERROR_MAP[apiError.reason].status;
}

/** Only a provider's own error can be of either kind. */
function isRetryable(apiError: ApiError): boolean {
  return 'isRetryable' in apiError ? apiError.isRetryable : ERROR_MAP[apiError.reason].retryable;
}

/** The part of a request's context that its error response needs. */
export type ErrorContext = Readonly<{
  id: string;
  /** The origin of the public site, which has a page for each code; null where none is configured. */
  deps: Readonly<{ siteUrl: string | null }>;
}>;

/**
 * Returns the link to the page about an error (RFC 8288); no SDK rejects a header, while a member of
 * the body may fail a strict parser.
 */
export function helpLink(
  page: ErrorReason | 'upstream_refused',
  { siteUrl }: ErrorContext['deps'],
): Readonly<Record<string, string>> {
  return siteUrl === null ? {} : { link: `<${siteUrl}/docs/errors/${page}>; rel="help"` };
}

/** Builds the HTTP response for an error. */
export function errorResponse(
  apiError: ApiError,
  dialect: Dialect,
  { id: requestId, deps }: ErrorContext,
): Response {
  const headers: Record<string, string> = {
    ...baseHeaders(requestId),
    ...helpLink(apiError.reason, deps),
  };
  headers['content-type'] = 'application/json';
  headers['x-should-retry'] = String(isRetryable(apiError));
  const retryAfter = getRetryAfter(apiError);
  if (retryAfter !== null) headers['retry-after'] = retryAfter;
  if ('edgeLimit' in apiError)
    Object.assign(headers, exhaustedHeaders(apiError.edgeLimit, apiError.retryAfterSeconds));
  if (apiError.reason === 'method_not_allowed') headers.allow = apiError.allowed;
  const status = getHttpStatus(apiError, dialect);
  // RFC 9110 section 15.5.2: a 401 names a scheme by which to authenticate.
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  // RFC 9110 section 15.5.16: names the codings that would have been accepted.
  if (apiError.reason === 'unsupported_content_encoding') {
    headers['accept-encoding'] = ACCEPTED_ENCODINGS.join(', ');
  }
  return new Response(errorBody(apiError, dialect, requestId), { status, headers });
}

const encoder = new TextEncoder();

/** Builds the event for an error inside a stream that has already begun. */
export function errorEvent(apiError: ApiError, dialect: Dialect, place: StreamPlace): Uint8Array {
  const json = errorBody(apiError, dialect, place.requestId);
  return encoder.encode(DIALECT_SPECS[dialect].errors.toEvent(json, place));
}

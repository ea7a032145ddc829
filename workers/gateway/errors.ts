/**
 * Every API error and the one map from its reason to status, type and message in the caller's dialect.
 * Messages are written here: of what the caller sent they repeat only a model's name, and field names
 * that stand in our own tables.
 */
import { DIALECT_SPECS, type Dialect, type ErrorKind, type RequestError } from '@farebox/dialects';
import type { HoldDecline } from '@farebox/ledger';
import { formatUsd, type NanoUsd } from '@farebox/money';

export type ApiError =
  | Readonly<{ reason: 'missing_api_key' | 'https_required' | 'internal' }>
  | Readonly<{ reason: 'not_found' }>
  | Readonly<{ reason: 'method_not_allowed'; allowed: string }>
  | Readonly<{ reason: 'body_too_large'; maxBytes: number }>
  | Readonly<{ reason: 'gateway_busy' }>
  | Readonly<{ reason: 'incomplete_body' }>
  | Readonly<{ reason: 'model_not_found'; model: string; suggestions: readonly string[] }>
  | Readonly<{
      reason: 'model_not_supported_on_endpoint';
      model: string;
      endpoints: readonly string[];
    }>
  | Readonly<{ reason: 'generation_not_found' }>
  | Readonly<{ reason: 'ledger_unreachable' }>
  | Readonly<{ reason: 'upstream_overloaded'; provider: string; retryAfter: string | null }>
  | Readonly<{ reason: 'upstream_account_error'; provider: string }>
  | Readonly<{
      reason: 'upstream_unreachable' | 'upstream_timeout' | 'upstream_disconnected';
      provider: string;
    }>
  | Readonly<{
      reason: 'call_stopped';
      stopReason: 'key_revoked' | 'account_frozen' | 'account_closed';
    }>
  | RequestError
  | HoldDecline;

export type ErrorReason = ApiError['reason'];

/**
 * `retryable` is the value of `x-should-retry`, without which the official SDKs retry every 408, 409, 429
 * and 5xx (openai-node and anthropic-sdk-typescript, `shouldRetry`).
 */
type ErrorMapping = Readonly<{
  status: number;
  /** Each dialect has its own word for it. */
  kind: ErrorKind;
  retryable: boolean;
}>;

function errorMapping(status: number, kind: ErrorKind, retryable = false): ErrorMapping {
  return { status, kind, retryable };
}

const BAD_REQUEST = errorMapping(400, 'invalid_request');
const UNAUTHORIZED = errorMapping(401, 'authentication');
const FORBIDDEN = errorMapping(403, 'permission');
const NOT_FOUND = errorMapping(404, 'not_found');
const INSUFFICIENT_FUNDS = errorMapping(402, 'billing');
const RATE_LIMITED = errorMapping(429, 'rate_limit', true);
const UNAVAILABLE = errorMapping(503, 'overloaded', true);
const BAD_GATEWAY = errorMapping(502, 'internal', true);

/** The type makes a new reason without a row a compile error. */
export const ERROR_MAP: Readonly<Record<ErrorReason, ErrorMapping>> = {
  missing_api_key: UNAUTHORIZED,
  invalid_api_key: UNAUTHORIZED,
  key_revoked: UNAUTHORIZED,
  key_expired: UNAUTHORIZED,
  key_paused: FORBIDDEN,
  https_required: FORBIDDEN,
  model_not_allowed: FORBIDDEN,
  account_frozen: FORBIDDEN,
  account_closed: FORBIDDEN,
  not_found: NOT_FOUND,
  generation_not_found: NOT_FOUND,
  method_not_allowed: errorMapping(405, 'invalid_request'),
  model_not_found: NOT_FOUND,
  model_not_supported_on_endpoint: BAD_REQUEST,
  body_too_large: errorMapping(413, 'request_too_large'),
  incomplete_body: BAD_REQUEST,
  gateway_busy: UNAVAILABLE,
  invalid_json: BAD_REQUEST,
  not_an_object: BAD_REQUEST,
  nesting_too_deep: BAD_REQUEST,
  duplicate_field: BAD_REQUEST,
  missing_field: BAD_REQUEST,
  invalid_field: BAD_REQUEST,
  wrong_dialect: BAD_REQUEST,
  unsupported_feature: BAD_REQUEST,
  insufficient_balance: INSUFFICIENT_FUNDS,
  key_limit_exceeded: INSUFFICIENT_FUNDS,
  balance_held: RATE_LIMITED,
  rate_limited: RATE_LIMITED,
  too_many_concurrent_calls: RATE_LIMITED,
  conflict: errorMapping(500, 'internal'),
  internal: errorMapping(500, 'internal'),
  ledger_unreachable: UNAVAILABLE,
  upstream_overloaded: UNAVAILABLE,
  upstream_account_error: errorMapping(502, 'internal'),
  upstream_unreachable: BAD_GATEWAY,
  upstream_timeout: errorMapping(504, 'timeout'),
  upstream_disconnected: errorMapping(502, 'internal'),
  call_stopped: FORBIDDEN,
};

function insufficientFundsMessage(
  summary: string,
  missing: NanoUsd,
  affordableTokens: number,
): string {
  const suggestion =
    affordableTokens > 0
      ? `An output limit of at most ${affordableTokens} tokens would fit.`
      : 'No output limit would fit: add credits, or shorten the input.';
  return `${summary} The worst case of this call needs ${formatUsd(missing)} USD more. ${suggestion}`;
}

function requestErrorMessage(apiError: RequestError): string {
  switch (apiError.reason) {
    case 'invalid_json':
      return 'The body is not valid JSON in UTF-8.';
    case 'not_an_object':
      return 'The body must be a JSON object.';
    case 'nesting_too_deep':
      return 'The body is nested too deeply.';
    case 'duplicate_field':
      return `The field "${apiError.field}" appears more than once; parsers disagree on which one counts.`;
    case 'missing_field':
      return `The field "${apiError.field}" is required.`;
    case 'invalid_field':
      return `The field "${apiError.field}" must be ${apiError.expected}.`;
    case 'wrong_dialect':
      return `The field "${apiError.field}" belongs to another endpoint: send this body to ${apiError.correctEndpoint}.`;
    case 'unsupported_feature':
      return `"${apiError.field}" is not supported here: ${apiError.explanation}`;
  }
}

function holdDeclineMessage(apiError: HoldDecline): string {
  switch (apiError.reason) {
    case 'invalid_api_key':
      return 'Invalid API key. Farebox keys start with "fbx_" and are shown once, when they are created; check for a typo.';
    case 'key_revoked':
      return 'This API key was revoked.';
    case 'key_expired':
      return 'This API key has expired.';
    case 'key_paused':
      return 'This API key is paused until midnight UTC, because it spent far more today than usual. Its owner can resume it in the console now.';
    case 'model_not_allowed':
      return 'This API key may not call this model.';
    case 'account_frozen':
      return 'This account is frozen. Contact support.';
    case 'account_closed':
      return 'This account is closed.';
    case 'key_limit_exceeded':
      return insufficientFundsMessage(
        "The API key's spending limit is too low for this call.",
        apiError.missingAmount,
        apiError.affordableOutput,
      );
    case 'insufficient_balance':
      return insufficientFundsMessage(
        'The balance is too low for this call.',
        apiError.missingAmount,
        apiError.affordableOutput,
      );
    case 'balance_held':
      return `${insufficientFundsMessage('The balance is reserved for calls in progress.', apiError.missingAmount, apiError.affordableOutput)} Or try again when they have settled.`;
    case 'rate_limited':
      return 'Too many calls with this API key. Slow down.';
    case 'too_many_concurrent_calls':
      return 'Too many concurrent calls. Wait until some have finished.';
    case 'conflict':
      return 'Something went wrong on our end.';
  }
}

function upstreamErrorMessage(apiError: Extract<ApiError, { provider: string }>): string {
  switch (apiError.reason) {
    case 'upstream_overloaded':
      return `${apiError.provider} is overloaded or limits our rate. Try again shortly. Nothing was charged.`;
    case 'upstream_account_error':
      return `${apiError.provider} rejected Farebox's own account. We have been alerted. Nothing was charged.`;
    case 'upstream_unreachable':
      return `${apiError.provider} could not be reached. Nothing was charged.`;
    case 'upstream_timeout':
      return `${apiError.provider} timed out.`;
    case 'upstream_disconnected':
      return `${apiError.provider} disconnected before the end of its response.`;
  }
}

function modelErrorMessage(apiError: Extract<ApiError, { model: string }>): string {
  if (apiError.reason === 'model_not_supported_on_endpoint') {
    return `The model "${apiError.model}" is not supported on this endpoint. Use ${apiError.endpoints.join(' or ')}.`;
  }
  const hint =
    apiError.suggestions.length > 0 ? ` Did you mean ${apiError.suggestions.join(', ')}?` : '';
  return `The model "${apiError.model}" does not exist or is not offered.${hint} GET /v1/models lists all models.`;
}

export function errorMessage(apiError: ApiError): string {
  switch (apiError.reason) {
    case 'missing_api_key':
      return 'Missing API key. Send it as "Authorization: Bearer fbx_..." or "x-api-key".';
    case 'https_required':
      return 'Use https. Treat a key sent over plain http as leaked, and revoke it.';
    case 'internal':
      return 'Something went wrong on our end.';
    case 'not_found':
      return 'This endpoint does not exist. GET /v1/models lists the models and the endpoints of each.';
    case 'method_not_allowed':
      return `This endpoint accepts only ${apiError.allowed}.`;
    case 'body_too_large':
      return `The body is larger than ${apiError.maxBytes} bytes.`;
    case 'incomplete_body':
      return 'The body is shorter than its Content-Length, or stopped arriving.';
    case 'gateway_busy':
      return 'Too many large requests at once. Try again in a moment.';
    case 'generation_not_found':
      return 'This account has no call with this id.';
    case 'ledger_unreachable':
      return 'The account could not be reached. Try again in a moment. Nothing was charged.';
    case 'call_stopped':
      return `This call was stopped: ${holdDeclineMessage({ reason: apiError.stopReason })}`;
    case 'model_not_found':
    case 'model_not_supported_on_endpoint':
      return modelErrorMessage(apiError);
    case 'upstream_overloaded':
    case 'upstream_account_error':
    case 'upstream_unreachable':
    case 'upstream_timeout':
    case 'upstream_disconnected':
      return upstreamErrorMessage(apiError);
    case 'invalid_json':
    case 'not_an_object':
    case 'nesting_too_deep':
    case 'duplicate_field':
    case 'missing_field':
    case 'invalid_field':
    case 'wrong_dialect':
    case 'unsupported_feature':
      return requestErrorMessage(apiError);
    default:
      return holdDeclineMessage(apiError);
  }
}

/** Returns the request field that an error is about, for OpenAI's `param`. */
function getParam(apiError: ApiError): string | null {
  if ('field' in apiError) return apiError.field;
  return 'model' in apiError ? 'model' : null;
}

/** Returns figures for programs: the missing amount, and the output limit that would be affordable. */
function errorDetails(apiError: ApiError): Record<string, string | number> {
  if (!('missingAmount' in apiError)) return {};
  return {
    missing_nano_usd: apiError.missingAmount.toString(),
    missing_usd: formatUsd(apiError.missingAmount),
    affordable_max_output_tokens: apiError.affordableOutput,
  };
}

function errorBody(apiError: ApiError, dialect: Dialect, requestId: string): string {
  return DIALECT_SPECS[dialect].errors.toJson({
    kind: ERROR_MAP[apiError.reason].kind,
    message: errorMessage(apiError),
    code: apiError.reason,
    param: getParam(apiError),
    details: errorDetails(apiError),
    requestId,
  });
}

function getRetryAfter(apiError: ApiError): string | null {
  if ('retryAfterSeconds' in apiError) return String(apiError.retryAfterSeconds);
  if ('retryAfter' in apiError) return apiError.retryAfter ?? '2';
  return ERROR_MAP[apiError.reason].status === 503 ? '1' : null;
}

function getHttpStatus(apiError: ApiError, dialect: Dialect): number {
  return apiError.reason === 'upstream_overloaded'
    ? DIALECT_SPECS[dialect].errors.overloadedStatus
    : ERROR_MAP[apiError.reason].status;
}

/** Returns the headers of every response: our id, under the name that each SDK reads. */
export function idHeaders(requestId: string): Headers {
  return new Headers({ 'x-request-id': requestId, 'request-id': requestId });
}

/** Builds the HTTP response for an error. */
export function errorResponse(apiError: ApiError, dialect: Dialect, requestId: string): Response {
  const headers = idHeaders(requestId);
  headers.set('content-type', 'application/json');
  headers.set('x-should-retry', String(ERROR_MAP[apiError.reason].retryable));
  const retryAfter = getRetryAfter(apiError);
  if (retryAfter !== null) headers.set('retry-after', retryAfter);
  if (apiError.reason === 'method_not_allowed') headers.set('allow', apiError.allowed);
  return new Response(errorBody(apiError, dialect, requestId), {
    status: getHttpStatus(apiError, dialect),
    headers,
  });
}

const encoder = new TextEncoder();

/** Builds the event for an error inside a stream that has already begun. */
export function errorEvent(apiError: ApiError, dialect: Dialect, requestId: string): Uint8Array {
  const json = errorBody(apiError, dialect, requestId);
  return encoder.encode(DIALECT_SPECS[dialect].errors.toEvent(json));
}

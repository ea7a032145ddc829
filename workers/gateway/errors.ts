/** Every API error, and the one map from its reason to status and kind. */
import type { ErrorKind, RequestError } from '@farebox/dialects';
import type { HoldDecline } from '@farebox/ledger';
import type { EdgeLimit } from './rate-limiter.ts';

export type ApiError =
  | Readonly<{ reason: 'missing_api_key' | 'api_key_in_url' | 'https_required' | 'internal' }>
  | Readonly<{ reason: 'not_found' }>
  | Readonly<{ reason: 'wrong_base_url'; endpoint: string }>
  | Readonly<{ reason: 'method_not_allowed'; allowed: string }>
  | Readonly<{ reason: 'body_too_large'; maxBytes: number }>
  | Readonly<{ reason: 'unsupported_media_type'; accepted: readonly string[] }>
  | Readonly<{ reason: 'unsupported_content_encoding' | 'invalid_content_encoding' }>
  | Readonly<{ reason: 'gateway_busy' }>
  | Readonly<{ reason: 'incomplete_body' }>
  | Readonly<{ reason: 'model_not_found'; model: string; suggestions: readonly string[] }>
  | Readonly<{
      reason: 'model_not_supported_on_endpoint';
      model: string;
      endpoints: readonly string[];
    }>
  | Readonly<{ reason: 'generation_not_found' | 'answer_not_stored' }>
  | Readonly<{ reason: 'websocket_not_supported' }>
  | Readonly<{ reason: 'ledger_unreachable' }>
  /** Refused at the edge, before the account is asked. */
  | Readonly<{ reason: 'rate_limited'; retryAfterSeconds: number; edgeLimit: EdgeLimit }>
  | Readonly<{
      reason: 'upstream_overloaded' | 'upstream_rate_limited';
      provider: string;
      retryAfter: string | null;
    }>
  | Readonly<{ reason: 'upstream_account_error'; provider: string }>
  /** The provider answered with an error under a status of success; `message` is its own. */
  | Readonly<{
      reason: 'upstream_error';
      provider: string;
      message: string | null;
      isRetryable: boolean;
    }>
  | Readonly<{ reason: 'upstream_invalid_response'; provider: string }>
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
 * `retryable` is the value of `x-should-retry`, without which the official SDKs retry every 408,
 * 409, 429 and 5xx (openai-node and anthropic-sdk-typescript, `shouldRetry`).
 */
type ErrorMapping = Readonly<{
  status: number;
  /** Each dialect has an error type of its own for a kind. */
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
  api_key_in_url: UNAUTHORIZED,
  key_revoked: UNAUTHORIZED,
  key_expired: UNAUTHORIZED,
  key_paused: FORBIDDEN,
  https_required: FORBIDDEN,
  model_not_allowed: FORBIDDEN,
  model_too_expensive: FORBIDDEN,
  account_frozen: FORBIDDEN,
  account_closed: FORBIDDEN,
  not_found: NOT_FOUND,
  // Not 404, which clients show as an unknown model.
  wrong_base_url: BAD_REQUEST,
  generation_not_found: NOT_FOUND,
  answer_not_stored: NOT_FOUND,
  method_not_allowed: errorMapping(405, 'invalid_request'),
  // RFC 9110 section 15.5.22; clients go on over HTTP after it.
  websocket_not_supported: errorMapping(426, 'invalid_request'),
  model_not_found: NOT_FOUND,
  model_not_supported_on_endpoint: BAD_REQUEST,
  body_too_large: errorMapping(413, 'request_too_large'),
  unsupported_media_type: errorMapping(415, 'invalid_request'),
  unsupported_content_encoding: errorMapping(415, 'invalid_request'),
  invalid_content_encoding: BAD_REQUEST,
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
  refused_calls_slowed: RATE_LIMITED,
  provider_share_exceeded: RATE_LIMITED,
  // It lasts until midnight, so a retry by an SDK would only be declined again.
  refusal_limit_exceeded: errorMapping(429, 'rate_limit'),
  conflict: errorMapping(500, 'internal'),
  internal: errorMapping(500, 'internal'),
  ledger_unreachable: UNAVAILABLE,
  upstream_overloaded: UNAVAILABLE,
  upstream_rate_limited: RATE_LIMITED,
  upstream_account_error: errorMapping(502, 'internal'),
  upstream_unreachable: BAD_GATEWAY,
  upstream_timeout: errorMapping(504, 'timeout'),
  // As a response, and not as an event of a stream, it says that nothing was delivered.
  upstream_disconnected: BAD_GATEWAY,
  upstream_error: BAD_GATEWAY,
  upstream_invalid_response: BAD_GATEWAY,
  call_stopped: FORBIDDEN,
};

/** At which steps of a request each error code can come, from which an endpoint's statuses follow. */
import type { Dialect } from '@farebox/dialects';
import { DIALECT_SPECS } from '@farebox/dialects';
import { ERROR_MAP, type ErrorReason } from '../errors.ts';

/**
 * `request`: any request; `key`: one with a key; `body`: one with a body; `model`: one that names a
 * model; `provider`: one that is sent to a provider; `hold`: one that is paid for; `list`, `bill` and
 * `socket`: one endpoint's own; `path`: a request that no endpoint is for.
 */
export type Step =
  | 'request'
  | 'key'
  | 'body'
  | 'model'
  | 'provider'
  | 'hold'
  | 'list'
  | 'bill'
  | 'socket'
  | 'path';

/** The type asks for each code. */
const STEPS: Readonly<Record<ErrorReason, readonly Step[]>> = {
  https_required: ['request'],
  api_key_in_url: ['request'],
  internal: ['request'],
  missing_api_key: ['key'],
  invalid_api_key: ['key', 'list'],
  key_revoked: ['key', 'list'],
  key_expired: ['key', 'list'],
  account_closed: ['key', 'list'],
  rate_limited: ['key', 'list'],
  ledger_unreachable: ['key', 'list'],
  body_too_large: ['body'],
  unsupported_media_type: ['body'],
  unsupported_content_encoding: ['body'],
  invalid_content_encoding: ['body'],
  incomplete_body: ['body'],
  gateway_busy: ['body'],
  invalid_json: ['body'],
  not_an_object: ['body'],
  nesting_too_deep: ['body'],
  duplicate_field: ['body'],
  missing_field: ['body'],
  wrong_dialect: ['body'],
  unsupported_feature: ['body'],
  invalid_field: ['body', 'list'],
  // An account without a balance does not get a large body read.
  insufficient_balance: ['body', 'hold'],
  balance_held: ['body', 'hold'],
  model_not_found: ['model'],
  model_not_supported_on_endpoint: ['model'],
  model_not_allowed: ['model'],
  model_too_expensive: ['model'],
  upstream_overloaded: ['provider'],
  upstream_rate_limited: ['provider'],
  upstream_account_error: ['provider'],
  upstream_unreachable: ['provider'],
  upstream_timeout: ['provider'],
  key_paused: ['provider'],
  account_frozen: ['provider'],
  refused_calls_slowed: ['provider'],
  refusal_limit_exceeded: ['provider'],
  upstream_disconnected: ['hold'],
  upstream_error: ['hold'],
  upstream_invalid_response: ['hold'],
  call_stopped: ['hold'],
  conflict: ['hold'],
  key_limit_exceeded: ['hold'],
  too_many_concurrent_calls: ['hold', 'socket'],
  provider_share_exceeded: ['hold'],
  generation_not_found: ['bill'],
  websocket_not_supported: ['socket'],
  method_not_allowed: ['socket', 'path'],
  not_found: ['path'],
  wrong_base_url: ['path'],
  answer_not_stored: ['path'],
};

function getStatus(code: ErrorReason, dialect: Dialect): number {
  return code === 'upstream_overloaded'
    ? DIALECT_SPECS[dialect].errors.overloadedStatus
    : ERROR_MAP[code].status;
}

export const ERROR_CODES = Object.keys(ERROR_MAP) as readonly ErrorReason[];

/** Returns the codes that a request with these steps may be answered with, by status. */
export function listCodes(
  steps: readonly Step[],
  dialect: Dialect,
): ReadonlyMap<number, readonly ErrorReason[]> {
  const codes = ERROR_CODES.filter((code) => STEPS[code].some((step) => steps.includes(step)));
  const statuses = codes.map((code) => getStatus(code, dialect)).sort((a, b) => a - b);
  return new Map(
    statuses.map((status) => [status, codes.filter((code) => getStatus(code, dialect) === status)]),
  );
}

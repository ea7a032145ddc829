/**
 * Every way a call can be refused, and the one map from each to the wire, in the caller's dialect.
 * Texts are ours alone: none holds a value the caller sent, beyond a model's name it asked for and
 * field names out of our own tables.
 */
import type { BodyRefusal } from '@farebox/dialects';
import type { HoldRefusal } from '@farebox/ledger';
import { formatUsd, type NanoUsd } from '@farebox/money';

/** In which shape errors are written. */
export type ErrorDialect = 'chat' | 'messages';

/** By the path; elsewhere by the version Anthropic's SDK always sends, and no other does. */
export function dialectOf(path: string, headers: Headers): ErrorDialect {
  const messages = path.startsWith('/v1/messages') || headers.has('anthropic-version');
  return messages ? 'messages' : 'chat';
}

export type Refusal =
  | Readonly<{ reason: 'key_missing' | 'key_malformed' | 'plain_http' | 'internal' }>
  | Readonly<{ reason: 'not_found' }>
  | Readonly<{ reason: 'method_not_allowed'; allowed: string }>
  | Readonly<{ reason: 'body_too_large'; limitBytes: number }>
  | Readonly<{ reason: 'gateway_busy' }>
  | Readonly<{ reason: 'body_cut' }>
  | Readonly<{ reason: 'model_unknown'; model: string; suggestions: readonly string[] }>
  | Readonly<{ reason: 'model_elsewhere'; model: string; endpoints: readonly string[] }>
  | Readonly<{ reason: 'call_unknown' }>
  | Readonly<{ reason: 'ledger_unreachable' }>
  | Readonly<{ reason: 'upstream_overloaded'; provider: string; retryAfter: string | null }>
  | Readonly<{ reason: 'upstream_account'; provider: string }>
  | Readonly<{
      reason: 'upstream_unreachable' | 'upstream_silent' | 'upstream_cut';
      provider: string;
    }>
  | Readonly<{ reason: 'call_stopped'; why: 'key_revoked' | 'account_frozen' | 'account_closed' }>
  | BodyRefusal
  | HoldRefusal;

export type Reason = Refusal['reason'];

type OpenAiType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'not_found_error'
  | 'billing_error'
  | 'rate_limit_error'
  | 'server_error';

type AnthropicType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'billing_error'
  | 'permission_error'
  | 'not_found_error'
  | 'request_too_large'
  | 'rate_limit_error'
  | 'timeout_error'
  | 'api_error'
  | 'overloaded_error';

/**
 * `retry`: what `x-should-retry` tells the official SDKs, which otherwise repeat every 408, 409, 429
 * and 5xx (openai-node and anthropic-sdk-typescript, `shouldRetry`).
 */
type Wire = Readonly<{
  status: number;
  openai: OpenAiType;
  anthropic: AnthropicType;
  retry: boolean;
}>;

function wire(status: number, openai: OpenAiType, anthropic: AnthropicType, retry = false): Wire {
  return { status, openai, anthropic, retry };
}

const BAD_REQUEST = wire(400, 'invalid_request_error', 'invalid_request_error');
const BAD_KEY = wire(401, 'authentication_error', 'authentication_error');
const FORBIDDEN = wire(403, 'permission_error', 'permission_error');
const NOT_FOUND = wire(404, 'not_found_error', 'not_found_error');
const SPENT = wire(402, 'billing_error', 'billing_error');
const SLOW_DOWN = wire(429, 'rate_limit_error', 'rate_limit_error', true);
const BUSY = wire(503, 'server_error', 'overloaded_error', true);
const BROKEN = wire(502, 'server_error', 'api_error', true);

/** The one map. Its type makes a new reason without a row here a compile error. */
export const WIRE: Readonly<Record<Reason, Wire>> = {
  key_missing: BAD_KEY,
  key_malformed: BAD_KEY,
  key_unknown: BAD_KEY,
  key_revoked: BAD_KEY,
  key_expired: BAD_KEY,
  key_paused: FORBIDDEN,
  plain_http: FORBIDDEN,
  model_not_allowed: FORBIDDEN,
  account_frozen: FORBIDDEN,
  account_closed: FORBIDDEN,
  not_found: NOT_FOUND,
  call_unknown: NOT_FOUND,
  method_not_allowed: wire(405, 'invalid_request_error', 'invalid_request_error'),
  model_unknown: NOT_FOUND,
  model_elsewhere: BAD_REQUEST,
  body_too_large: wire(413, 'invalid_request_error', 'request_too_large'),
  body_cut: BAD_REQUEST,
  gateway_busy: BUSY,
  not_json: BAD_REQUEST,
  not_an_object: BAD_REQUEST,
  too_deep: BAD_REQUEST,
  duplicate_field: BAD_REQUEST,
  missing_field: BAD_REQUEST,
  invalid_field: BAD_REQUEST,
  wrong_dialect: BAD_REQUEST,
  unsupported_feature: BAD_REQUEST,
  balance_empty: SPENT,
  key_budget_spent: SPENT,
  balance_held: SLOW_DOWN,
  rate_limited: SLOW_DOWN,
  too_many_concurrent_calls: SLOW_DOWN,
  conflict: wire(500, 'server_error', 'api_error'),
  internal: wire(500, 'server_error', 'api_error'),
  ledger_unreachable: BUSY,
  upstream_overloaded: BUSY,
  upstream_account: wire(502, 'server_error', 'api_error'),
  upstream_unreachable: BROKEN,
  upstream_silent: wire(504, 'server_error', 'timeout_error'),
  upstream_cut: wire(502, 'server_error', 'api_error'),
  call_stopped: FORBIDDEN,
};

const OVERLOADED_AT_ANTHROPIC = 529;

function spentText(what: string, short: NanoUsd, fits: number): string {
  const way =
    fits > 0
      ? `An output limit of at most ${fits} tokens would fit.`
      : 'No output limit would fit: top up, or shorten the input.';
  return `${what} ${formatUsd(short)} USD are missing for the worst case of this call. ${way}`;
}

function bodyText(refusal: BodyRefusal): string {
  switch (refusal.reason) {
    case 'not_json':
      return 'The body is not valid JSON in UTF-8.';
    case 'not_an_object':
      return 'The body must be a JSON object.';
    case 'too_deep':
      return 'The body is nested too deeply.';
    case 'duplicate_field':
      return `The field "${refusal.field}" stands more than once; parsers disagree on which one counts.`;
    case 'missing_field':
      return `The field "${refusal.field}" is required.`;
    case 'invalid_field':
      return `The field "${refusal.field}" must be ${refusal.expected}.`;
    case 'wrong_dialect':
      return `The field "${refusal.field}" belongs to another endpoint: send this body to ${refusal.belongsTo}.`;
    case 'unsupported_feature':
      return `"${refusal.field}" is not supported here: ${refusal.why}`;
  }
}

function holdText(refusal: HoldRefusal): string {
  switch (refusal.reason) {
    case 'key_unknown':
      return 'This API key is not known. Keys start with "fbx_" and are shown once, when they are made.';
    case 'key_revoked':
      return 'This API key was revoked.';
    case 'key_expired':
      return 'This API key has expired.';
    case 'key_paused':
      return 'This API key spent far more today than it usually does, so it was paused until midnight UTC. Its owner can resume it in the console at once.';
    case 'model_not_allowed':
      return 'This API key may not call this model.';
    case 'account_frozen':
      return 'This account is frozen; please write to support.';
    case 'account_closed':
      return 'This account is closed.';
    case 'key_budget_spent':
      return spentText("This API key's own budget is too small.", refusal.short, refusal.fits);
    case 'balance_empty':
      return spentText('The balance is too small.', refusal.short, refusal.fits);
    case 'balance_held':
      return `${spentText('The balance is held by calls in flight.', refusal.short, refusal.fits)} Or try again once they have settled.`;
    case 'rate_limited':
      return 'Too many calls with this API key; slow down.';
    case 'too_many_concurrent_calls':
      return 'Too many calls at once; wait for some to finish.';
    case 'conflict':
      return 'Something went wrong on our side.';
  }
}

function upstreamText(refusal: Extract<Refusal, { provider: string }>): string {
  switch (refusal.reason) {
    case 'upstream_overloaded':
      return `${refusal.provider} is overloaded or limits our calls; try again shortly. Nothing was charged.`;
    case 'upstream_account':
      return `${refusal.provider} refused our own account there; we were alerted. Nothing was charged.`;
    case 'upstream_unreachable':
      return `${refusal.provider} could not be reached. Nothing was charged.`;
    case 'upstream_silent':
      return `${refusal.provider} stopped answering.`;
    case 'upstream_cut':
      return `${refusal.provider} broke off its answer.`;
  }
}

function modelText(refusal: Extract<Refusal, { model: string }>): string {
  if (refusal.reason === 'model_elsewhere') {
    return `The model "${refusal.model}" is not offered here; it is called at ${refusal.endpoints.join(' or ')}.`;
  }
  const hint =
    refusal.suggestions.length > 0 ? ` Did you mean ${refusal.suggestions.join(', ')}?` : '';
  return `The model "${refusal.model}" does not exist or is not offered.${hint} GET /v1/models lists all.`;
}

export function textOf(refusal: Refusal): string {
  switch (refusal.reason) {
    case 'key_missing':
      return 'No API key: send it as "Authorization: Bearer fbx_..." or "x-api-key".';
    case 'key_malformed':
      return 'This is not a Farebox API key (they start with "fbx_"), or it has a typo.';
    case 'plain_http':
      return 'Use https. A key sent over plain http must be considered leaked: revoke it.';
    case 'internal':
      return 'Something went wrong on our side.';
    case 'not_found':
      return 'There is no such endpoint; GET /v1/models lists the models and where each is called.';
    case 'method_not_allowed':
      return `This endpoint takes ${refusal.allowed}.`;
    case 'body_too_large':
      return `The body is larger than ${refusal.limitBytes} bytes.`;
    case 'body_cut':
      return 'The body ended before its announced length.';
    case 'gateway_busy':
      return 'Too many large requests at once; try again in a moment.';
    case 'call_unknown':
      return 'There is no such call on this account.';
    case 'ledger_unreachable':
      return 'The account could not be reached; try again in a moment. Nothing was charged.';
    case 'call_stopped':
      return `This call was stopped: ${holdText({ reason: refusal.why })}`;
    case 'model_unknown':
    case 'model_elsewhere':
      return modelText(refusal);
    case 'upstream_overloaded':
    case 'upstream_account':
    case 'upstream_unreachable':
    case 'upstream_silent':
    case 'upstream_cut':
      return upstreamText(refusal);
    case 'not_json':
    case 'not_an_object':
    case 'too_deep':
    case 'duplicate_field':
    case 'missing_field':
    case 'invalid_field':
    case 'wrong_dialect':
    case 'unsupported_feature':
      return bodyText(refusal);
    default:
      return holdText(refusal);
  }
}

/** Which field of the request an error is about, for OpenAI's `param`. */
function paramOf(refusal: Refusal): string | null {
  if ('field' in refusal) return refusal.field;
  return 'model' in refusal ? 'model' : null;
}

/** Figures a program can act on: how much is missing, and which output limit would fit. */
function figuresOf(refusal: Refusal): Record<string, string | number> {
  if (!('short' in refusal)) return {};
  return {
    short_nano_usd: refusal.short.toString(),
    short_usd: formatUsd(refusal.short),
    fits_max_output: refusal.fits,
  };
}

function errorBody(refusal: Refusal, dialect: ErrorDialect, requestId: string): string {
  const row = WIRE[refusal.reason];
  const message = textOf(refusal);
  const figures = figuresOf(refusal);
  if (dialect === 'messages') {
    const error = { type: row.anthropic, message, code: refusal.reason, ...figures };
    return JSON.stringify({ type: 'error', error, request_id: requestId });
  }
  const error = { message, type: row.openai, param: paramOf(refusal), code: refusal.reason };
  return JSON.stringify({ error: { ...error, ...figures, request_id: requestId } });
}

function retryAfterOf(refusal: Refusal): string | null {
  if ('retryAfterSeconds' in refusal) return String(refusal.retryAfterSeconds);
  if ('retryAfter' in refusal) return refusal.retryAfter ?? '2';
  return WIRE[refusal.reason].status === 503 ? '1' : null;
}

function statusOf(refusal: Refusal, dialect: ErrorDialect): number {
  const overloaded = refusal.reason === 'upstream_overloaded' && dialect === 'messages';
  return overloaded ? OVERLOADED_AT_ANTHROPIC : WIRE[refusal.reason].status;
}

/** Headers every answer carries: our id, under the name each SDK looks for. */
export function idHeaders(requestId: string): Headers {
  return new Headers({ 'x-request-id': requestId, 'request-id': requestId });
}

/** The refusal as an HTTP answer in the caller's dialect. */
export function refuse(refusal: Refusal, dialect: ErrorDialect, requestId: string): Response {
  const headers = idHeaders(requestId);
  headers.set('content-type', 'application/json');
  headers.set('x-should-retry', String(WIRE[refusal.reason].retry));
  const retryAfter = retryAfterOf(refusal);
  if (retryAfter !== null) headers.set('retry-after', retryAfter);
  if (refusal.reason === 'method_not_allowed') headers.set('allow', refusal.allowed);
  return new Response(errorBody(refusal, dialect, requestId), {
    status: statusOf(refusal, dialect),
    headers,
  });
}

const encoder = new TextEncoder();

/** The refusal as an event inside a stream that has already begun. */
export function refuseInStream(
  refusal: Refusal,
  dialect: ErrorDialect,
  requestId: string,
): Uint8Array {
  const data = `data: ${errorBody(refusal, dialect, requestId)}\n\n`;
  return encoder.encode(dialect === 'messages' ? `event: error\n${data}` : data);
}

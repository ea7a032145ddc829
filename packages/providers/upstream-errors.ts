/**
 * Classifies a provider's error: the request was rejected, the provider is overloaded, or Farebox's
 * own account has a problem. Decided by the status and by the error's code or the start of its
 * message, in the provider's own fields: a text may echo the prompt, so a phrase elsewhere proves
 * nothing.
 */
import { isJsonObject, type JsonObject } from '@farebox/dialects';

export type UpstreamErrorKind = 'rejected' | 'overloaded' | 'provider_account_error';

const ACCOUNT_CODES: ReadonlySet<unknown> = new Set([
  'insufficient_quota',
  'credit_balance_exhausted',
  'billing_hard_limit_reached',
  'billing_not_active',
  'billing_error',
  'invalid_api_key',
  'account_deactivated',
  'authentication_error',
  'permission_error',
]);

const ACCOUNT_MESSAGES: readonly RegExp[] = [
  /^Your credit balance is too low/,
  /^You have reached your specified API usage limits/,
  /^This organization has been disabled/,
  /^Your organization must be verified/,
  /^Incorrect API key provided/,
  /^API key (not valid|expired)/,
  /^Your (newly created )?team .{0,80}(credits|spending limit)/,
];

/** xAI rejects content with 403, which concerns the caller's text and not our account. */
const CONTENT_REFUSAL_MESSAGE = /^(Content violates usage guidelines|Failed check: SAFETY_CHECK)/;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Unwraps an error: `{error: {...}}`, `[{error: {...}}]` or xAI's `{code, error}`. */
function extractError(text: string): JsonObject {
  const json = parseJson(text);
  const body: unknown = Array.isArray(json) ? json[0] : json;
  if (!isJsonObject(body)) return {};
  if (typeof body.error === 'string') return { code: body.code, message: body.error };
  return isJsonObject(body.error) ? body.error : {};
}

function isAccountError(error: JsonObject): boolean {
  if (ACCOUNT_CODES.has(error.code) || ACCOUNT_CODES.has(error.type)) return true;
  const details = Array.isArray(error.details) ? error.details : [];
  if (details.some((detail) => isJsonObject(detail) && detail.reason === 'API_KEY_INVALID'))
    return true;
  const { message } = error;
  return typeof message === 'string' && ACCOUNT_MESSAGES.some((pattern) => pattern.test(message));
}

/** Returns whether the provider refused what the prompt says. `text` is the body, or its start. */
export function isContentRefusal(text: string): boolean {
  const { message } = extractError(text);
  return typeof message === 'string' && CONTENT_REFUSAL_MESSAGE.test(message);
}

/** Classifies an answer that is not a success. `text` is the body, or its start. */
export function classifyUpstreamError(status: number, text: string): UpstreamErrorKind {
  const error = extractError(text);
  if (status === 403 && isContentRefusal(text)) return 'rejected';
  if (status < 400 || status === 401 || status === 402 || status === 403 || status === 407)
    return 'provider_account_error';
  if (status < 500 && isAccountError(error)) return 'provider_account_error';
  return status === 429 || status === 408 || status >= 500 ? 'overloaded' : 'rejected';
}

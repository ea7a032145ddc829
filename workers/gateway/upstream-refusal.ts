/**
 * What the caller hears when the provider would not answer. A refusal of the request itself is passed
 * on, in the caller's dialect; anything that speaks of our own account there becomes ours.
 */
import type { UpstreamResult } from '@farebox/providers';
import { signal } from '@farebox/signals';
import { type ErrorDialect, idHeaders, type Refusal, refuse } from './refusals.ts';

type Declined = Exclude<UpstreamResult, { ok: true }>;
type Refused = Extract<Declined, { reason: 'refused' }>;

const decoder = new TextDecoder();

type Json = { readonly [name: string]: unknown };

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}

/** True if the provider already wrote its error the way the caller's SDK reads it. */
function speaks(dialect: ErrorDialect, body: unknown): boolean {
  if (!isObject(body) || !isObject(body.error)) return false;
  const { message, type } = body.error;
  if (typeof message !== 'string') return false;
  return dialect === 'chat' || (body.type === 'error' && typeof type === 'string');
}

/**
 * The human sentence of an error body: OpenAI and Anthropic `{error: {message}}`, xAI
 * `{code, error: "..."}`, Gemini `[{error: {message}}]`, FastAPI `{detail}`, or plain text.
 */
function messageOf(body: unknown, text: string): string {
  const first: unknown = Array.isArray(body) ? body[0] : body;
  if (!isObject(first)) return text.slice(0, 2000);
  const { error, message, detail } = first;
  if (isObject(error) && typeof error.message === 'string') return error.message;
  for (const candidate of [error, message, detail]) {
    if (typeof candidate === 'string') return candidate;
  }
  return 'The provider refused this request.';
}

function rewrite(refused: Refused, body: unknown, dialect: ErrorDialect, id: string): string {
  const message = messageOf(body, decoder.decode(refused.detail));
  const type = refused.status === 404 ? 'not_found_error' : 'invalid_request_error';
  if (dialect === 'messages') {
    return JSON.stringify({ type: 'error', error: { type, message }, request_id: id });
  }
  return JSON.stringify({ error: { message, type, param: null, code: 'upstream_refused' } });
}

function passOn(refused: Refused, dialect: ErrorDialect, id: string): Response {
  const headers = idHeaders(id);
  headers.set('content-type', 'application/json');
  headers.set('x-should-retry', 'false');
  const body = parse(refused.detail);
  const text = speaks(dialect, body) ? refused.detail : rewrite(refused, body, dialect, id);
  return new Response(text, { status: refused.status, headers });
}

function ours(result: Exclude<Declined, Refused>, provider: string): Refusal {
  switch (result.reason) {
    case 'our_account':
      return { reason: 'upstream_account', provider };
    case 'overloaded':
      return { reason: 'upstream_overloaded', provider, retryAfter: result.retryAfter };
    case 'silent':
      return { reason: 'upstream_silent', provider };
    case 'unreachable':
    case 'aborted':
      return { reason: 'upstream_unreachable', provider };
  }
}

function alarm(result: Declined, provider: string, call: string): void {
  if (result.reason === 'our_account') {
    signal({ event: 'upstream_account_refused', call, provider, status: result.status });
  }
  if (result.reason === 'silent' || result.reason === 'unreachable') {
    const kind = result.reason === 'silent' ? 'silent' : 'connect';
    signal({ event: 'upstream_unreachable', call, provider, kind });
  }
}

/** The answer to a call that produced nothing, in the caller's dialect. */
export function declinedAnswer(
  result: Declined,
  provider: string,
  dialect: ErrorDialect,
  id: string,
): Response {
  alarm(result, provider, id);
  if (result.reason === 'refused') return passOn(result, dialect, id);
  return refuse(ours(result, provider), dialect, id);
}

/** Cross-origin access: any page may call the API with a key of its own. */

/**
 * The headers a page may read beside the body: all of ours, with `x-should-retry` and `retry-after`,
 * by which the SDKs decide whether to retry.
 */
export const EXPOSED_HEADERS = [
  'x-request-id',
  'request-id',
  'x-farebox-cost-usd',
  'x-farebox-max-output-tokens',
  'x-farebox-max-tool-calls',
  'x-farebox-store',
  'x-farebox-token-count',
  'x-should-retry',
  'retry-after',
  'link',
  'ratelimit',
  'ratelimit-policy',
] as const;

/**
 * Lets any origin read the response: the API has no cookies that a foreign page could use. Every
 * response gets these headers, so that no cache keeps one without them.
 */
export const CORS_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': EXPOSED_HEADERS.join(', '),
};

const MAX_REQUESTED_HEADERS_LENGTH = 4_096;
/** RFC 9110 section 5.6.2, in lower case as browsers write it. */
const FIELD_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/;

/**
 * Answers a preflight by allowing the headers it asks for. SDKs send more than could be listed
 * (authorization, x-api-key, anthropic-*, x-stainless-*), `*` does not cover authorization (Fetch
 * standard, CORS protocol), and unknown headers are dropped anyway.
 */
export function preflightResponse(request: Request): Response {
  const requested = request.headers.get('access-control-request-headers') ?? '';
  const names = requested.slice(0, MAX_REQUESTED_HEADERS_LENGTH).toLowerCase().split(',');
  const allowed = names.map((name) => name.trim()).filter((name) => FIELD_NAME.test(name));
  const headers: Record<string, string> = {
    ...CORS_HEADERS,
    'access-control-allow-methods': 'GET, POST',
    'access-control-max-age': '86400',
    vary: 'access-control-request-headers',
  };
  if (allowed.length > 0) headers['access-control-allow-headers'] = allowed.join(', ');
  return new Response(null, { status: 204, headers });
}

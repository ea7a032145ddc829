/** The headers of answers. The type asks for each one that `cors.ts` exposes. */
import { ACCEPTED_ENCODINGS } from '../content-encoding.ts';
import type { EXPOSED_HEADERS } from '../cors.ts';
import { type Header, INTEGER, oneOf, type Reference, STRING } from './json-schema.ts';

type HeaderName =
  | (typeof EXPOSED_HEADERS)[number]
  | 'accept-encoding'
  | 'allow'
  | 'www-authenticate';

export const HEADERS: Readonly<Record<HeaderName, Header>> = {
  'x-request-id': {
    description: 'The id of the call; GET /v1/generation/{id} returns its bill.',
    schema: { type: 'string', pattern: '^[0-9a-f]{32}$' },
  },
  'request-id': {
    description: 'The same, under the name that Anthropic’s SDKs read.',
    schema: { type: 'string', pattern: '^[0-9a-f]{32}$' },
  },
  'x-farebox-cost-usd': {
    description:
      'The cost of a response of up to 256 KB that was not streamed; absent where only the account knows it (an empty answer, which is free until the day’s waivers are used up). GET /v1/generation/{id} returns what was charged; the two differ only if the balance fell short.',
    schema: { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?$' },
  },
  'x-farebox-max-output-tokens': {
    description: 'The output limit, in tokens, that was set because the request had none.',
    schema: INTEGER,
  },
  'x-farebox-max-tool-calls': {
    description:
      'The limit of calls of the provider’s own tools that was set because the request had none (max_tool_calls).',
    schema: INTEGER,
  },
  'x-farebox-store': {
    description: 'false where the request had no store, and was sent with store false.',
    schema: { enum: ['false'] },
  },
  'x-farebox-token-count': {
    description:
      'provider where the provider counted; estimated where it has no counter for this endpoint, and the answer then has estimated: true.',
    schema: oneOf(['provider', 'estimated']),
  },
  'x-should-retry': {
    description:
      'Whether the same request can succeed if it is sent again; the official SDKs obey.',
    schema: oneOf(['true', 'false']),
  },
  'retry-after': { description: 'Seconds to wait before a retry.', schema: INTEGER },
  link: {
    description:
      'The page about the error, with rel="help" (RFC 8288); absent where the platform has no public site. An error inside a stream comes after the headers and has none.',
    schema: { type: 'string', pattern: '^<https?://[^>]+>; rel="help"$' },
  },
  ratelimit: {
    description:
      'What the key’s limits leave, as draft-ietf-httpapi-ratelimit-headers has it: `"calls";r=9;t=42` of its calls per minute, and `"budget-day";r=1234567;t=3600` of a budget by day, week or month, in millionths of a US dollar. `t` is in seconds: until the oldest call of the minute counts no more, or the budget renews. Present where the key has such a limit, on calls, on their 402 and 429, and on the handshake of a WebSocket. A call that is refused before the account is asked has `"requests";r=0;t=1` (of the key) or `"free-calls";r=0;t=1` (of the account, for calls that cost nothing) in their place.',
    schema: STRING,
  },
  'ratelimit-policy': {
    description:
      'The key’s limits: `"calls";q=10;w=60`, and `"budget-day";q=5000000;qu="micro-usd";w=86400`. The budget of a month states no window. Where a call is refused before the account is asked, `"requests";q=600;w=2` or `"free-calls";q=100;w=20`: what is admitted at once and the seconds in which that fills up again.',
    schema: STRING,
  },
  'accept-encoding': {
    description: 'The content encodings that are accepted, after unsupported_content_encoding.',
    schema: { const: ACCEPTED_ENCODINGS.join(', ') },
  },
  allow: { description: 'The method that the path takes.', schema: oneOf(['GET', 'POST']) },
  'www-authenticate': { description: 'How to authenticate.', schema: { const: 'Bearer' } },
};

export function headers(...names: readonly HeaderName[]): Readonly<Record<string, Reference>> {
  return Object.fromEntries(
    names.map((name) => [name, { $ref: `#/components/headers/${name}` }] as const),
  );
}

/** What every answer has. */
export const ID_HEADERS = headers('x-request-id', 'request-id');
export const ERROR_HEADERS = { ...ID_HEADERS, ...headers('x-should-retry', 'link') };
export const QUOTA_HEADERS = headers('ratelimit-policy', 'ratelimit');

/**
 * Authenticates an API key as far as the edge can without I/O: its checksum, its MAC, and its rate.
 * The account's Durable Object decides whether the key is still valid.
 */
import { type Dialect, hasKeyParameter } from '@farebox/dialects';
import { parseApiKey } from '@farebox/identity/api-keys';
import type { AccountId, KeyCredential } from '@farebox/ledger';
import { err, type Result } from '@farebox/result';
import type { GatewayDeps } from './env.ts';
import type { EdgeLimit } from './rate-limiter.ts';

export type Caller = Result<
  { account: AccountId; key: KeyCredential },
  | 'missing_api_key'
  | 'invalid_api_key'
  | Readonly<{
      reason: 'rate_limited';
      retryAfterSeconds: number;
      edgeLimit: EdgeLimit;
      caller: Readonly<{ account: AccountId; key: KeyCredential }>;
    }>
>;

/** Where SDKs put a key: OpenAI's and most, Anthropic's, Google's, and Azure's. */
const KEY_HEADERS = ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key'];

/**
 * Returns the key in a header's value. A setting that is meant for another header brings `Bearer`
 * with it, or brings it twice, and some keep their quotes.
 */
function toApiKey(value: string | null): string {
  return (value ?? '')
    .trim()
    .replace(/^(?:Bearer\s+)+/i, '')
    .replace(/^"(.*)"$/, '$1');
}

/** Agents often send a token of their own beside ours: a Farebox key is preferred to any other. */
function extractApiKey(headers: Headers): string | null {
  let other: string | null = null;
  for (const name of KEY_HEADERS) {
    const key = toApiKey(headers.get(name));
    if (key.startsWith('fbx_')) return key;
    if (key !== '') other ??= key;
  }
  return other;
}

/**
 * Returns whether the URL has an API key in it, or the parameter in which Google's API takes one: a
 * key in a URL is in the logs of everything between, whatever the headers say.
 */
export function hasApiKeyInUrl(url: string, dialect: Dialect): boolean {
  const queryStart = url.indexOf('?');
  if (queryStart < 0) return false;
  const query = new URLSearchParams(url.slice(queryStart));
  if (hasKeyParameter(query, dialect)) return true;
  return [...query.values()].some((value) => toApiKey(value).startsWith('fbx_'));
}

/** Returns the account and the key of a request. `now` is in milliseconds since the epoch. */
export function authenticate(
  deps: Pick<GatewayDeps, 'macSecrets' | 'rateLimiter'>,
  headers: Headers,
  now: number,
): Caller {
  const apiKey = extractApiKey(headers);
  if (apiKey === null) return err('missing_api_key');
  const parsed = parseApiKey(apiKey, deps.macSecrets);
  if (!parsed.ok) return err('invalid_api_key');
  const waitSeconds = deps.rateLimiter.tryAcquire(`${parsed.account}${parsed.key.keyId}`, now);
  if (waitSeconds > 0)
    return err('rate_limited', {
      retryAfterSeconds: waitSeconds,
      edgeLimit: deps.rateLimiter.toLimit('requests'),
      caller: parsed,
    });
  return parsed;
}

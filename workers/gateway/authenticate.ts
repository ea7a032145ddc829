/**
 * Authenticates an API key as far as the edge can without I/O: its checksum, its MAC, and its rate.
 * The account's Durable Object decides whether the key is still valid.
 */
import { parseApiKey } from '@farebox/identity/api-keys';
import type { AccountId, KeyCredential } from '@farebox/ledger';
import { err, type Result } from '@farebox/result';
import type { GatewayDeps } from './env.ts';

export type Caller = Result<
  { account: AccountId; key: KeyCredential },
  | 'missing_api_key'
  | 'invalid_api_key'
  | Readonly<{ reason: 'rate_limited'; retryAfterSeconds: number }>
>;

/** Agents often send a token of their own beside ours: a Farebox key is preferred to any other. */
function extractApiKey(headers: Headers): string | null {
  const authorization = headers.get('authorization');
  const bearer = authorization === null ? null : authorization.replace(/^Bearer\s+/i, '').trim();
  const candidates = [bearer, headers.get('x-api-key'), headers.get('x-goog-api-key')];
  const nonEmpty = candidates.filter((key): key is string => key !== null && key !== '');
  return nonEmpty.find((key) => key.startsWith('fbx_')) ?? nonEmpty[0] ?? null;
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
  if (waitSeconds > 0) return err('rate_limited', { retryAfterSeconds: waitSeconds });
  return parsed;
}

/**
 * Who is asking, as far as the edge can tell without asking anybody: the key's checksum and MAC, and
 * whether it comes too fast. Whether the key is still good is for the account's object to say.
 */
import { parseApiKey } from '@farebox/identity/api-keys';
import type { AccountId, KeyCredential } from '@farebox/ledger';
import type { GatewayDeps } from './env.ts';

export type Caller =
  | Readonly<{ ok: true; account: AccountId; key: KeyCredential }>
  | Readonly<{ ok: false; reason: 'missing_api_key' | 'invalid_api_key' }>
  | Readonly<{ ok: false; reason: 'rate_limited'; retryAfterSeconds: number }>;

/** Agents often send a token of their own beside ours: the first that looks like ours counts. */
function extractApiKey(headers: Headers): string | null {
  const authorization = headers.get('authorization');
  const bearer = authorization === null ? null : authorization.replace(/^Bearer\s+/i, '').trim();
  const candidates = [bearer, headers.get('x-api-key'), headers.get('x-goog-api-key')];
  const nonEmpty = candidates.filter((key): key is string => key !== null && key !== '');
  return nonEmpty.find((key) => key.startsWith('fbx_')) ?? nonEmpty[0] ?? null;
}

export function authenticate(deps: GatewayDeps, headers: Headers, now: number): Caller {
  const apiKey = extractApiKey(headers);
  if (apiKey === null) return { ok: false, reason: 'missing_api_key' };
  const parsed = parseApiKey(apiKey, deps.macSecrets);
  if (!parsed.ok) return { ok: false, reason: 'invalid_api_key' };
  const waitSeconds = deps.rateLimiter.tryAcquire(`${parsed.account}${parsed.key.keyId}`, now);
  if (waitSeconds > 0) return { ok: false, reason: 'rate_limited', retryAfterSeconds: waitSeconds };
  return parsed;
}

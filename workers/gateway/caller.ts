/**
 * Who is asking, as far as the edge can tell without asking anybody: the key's checksum and MAC, and
 * whether it comes too fast. Whether the key is still good is for the account's object to say.
 */
import { parseApiKey } from '@farebox/identity/api-keys';
import type { AccountId, KeyProof } from '@farebox/ledger';
import type { House } from './env.ts';

export type Caller =
  | Readonly<{ ok: true; account: AccountId; key: KeyProof }>
  | Readonly<{ ok: false; reason: 'key_missing' | 'key_malformed' | 'key_unknown' }>
  | Readonly<{ ok: false; reason: 'rate_limited'; retryAfterSeconds: number }>;

/** Agents often send a token of their own beside ours: the first that looks like ours counts. */
function presentedKey(headers: Headers): string | null {
  const authorization = headers.get('authorization');
  const bearer = authorization === null ? null : authorization.replace(/^Bearer\s+/i, '').trim();
  const presented = [bearer, headers.get('x-api-key'), headers.get('x-goog-api-key')];
  const given = presented.filter((key): key is string => key !== null && key !== '');
  return given.find((key) => key.startsWith('fbx_')) ?? given[0] ?? null;
}

export function readCaller(house: House, headers: Headers, now: number): Caller {
  const presented = presentedKey(headers);
  if (presented === null) return { ok: false, reason: 'key_missing' };
  const parsed = parseApiKey(presented, house.macSecrets);
  if (!parsed.ok) {
    return { ok: false, reason: parsed.reason === 'malformed' ? 'key_malformed' : 'key_unknown' };
  }
  const wait = house.throttle.admit(`${parsed.account}${parsed.key.keyId}`, now);
  if (wait > 0) return { ok: false, reason: 'rate_limited', retryAfterSeconds: wait };
  return parsed;
}

/**
 * Rate limits of actions per account, in fixed windows. Sign-in has limits of its own in identity.
 */
import { deriveKey, keyedHash } from '@farebox/crypto';
import { countAttempt, type RateLimitBucket } from '@farebox/database/rate-limits';
import type { IdentityDeps, RateLimited } from '@farebox/identity';
import type { AccountId } from '@farebox/ledger';

/** Counts one attempt of `action` by the account. Returns undefined if it is within the limit. */
export async function consumeRateLimit(
  deps: IdentityDeps,
  account: AccountId,
  action: string,
  limit: Readonly<{ maxAttempts: number; seconds: number }>,
): Promise<RateLimited | undefined> {
  const now = deps.now();
  const window = Math.floor(now / (limit.seconds * 1000));
  const key = deriveKey(deps.secret, 'farebox console: rate limits');
  const bucket: RateLimitBucket = {
    bucket: keyedHash(key, ['count', action, String(limit.seconds), String(window), account]),
    maxAttempts: limit.maxAttempts,
    resetsAt: (window + 1) * limit.seconds * 1000,
  };
  const [fullBucket] = await countAttempt(deps.db, [bucket], now);
  if (fullBucket === undefined) return undefined;
  const retryAfterSeconds = Math.max(1, Math.ceil((fullBucket.resetsAt - now) / 1000));
  return { ok: false, reason: 'rate_limited', retryAfterSeconds };
}

/**
 * All rate limits of identity, with their reasons. Attempts are counted before any password is
 * hashed. A bucket is named by a keyed hash that includes its window: the table shows no address,
 * and without the secret a guess at what a row counts can't be verified.
 *
 * A stranger must not be able to lock a user out. Their attempts fill the bucket of their own IP
 * prefix, of the pair of prefix and address, and a limit of the address for unknown devices. A
 * browser that has signed in before sends its device token and has a bucket of its own.
 */

import { deriveKey, keyedHash } from '@farebox/crypto';
import { countAttempt, type RateLimitBucket } from '@farebox/database/rate-limits';
import type { AccountId } from '@farebox/ledger';
import type { IdentityDeps, IpPrefix, RateLimited } from './contract.ts';

const KEY_LABEL = 'farebox identity: throttles';

const MINUTE_SECONDS = 60;
const QUARTER_HOUR_SECONDS = 15 * MINUTE_SECONDS;
const HOUR_SECONDS = 60 * MINUTE_SECONDS;
const DAY_SECONDS = 24 * HOUR_SECONDS;

/** `maxAttempts` in each window of `seconds`; windows start at multiples of their length. */
type RateLimit = Readonly<{ maxAttempts: number; seconds: number }>;
type RateLimitCheck = Readonly<{ name: string; keys: readonly string[]; limit: RateLimit }>;

/**
 * Sign-in. Ten attempts from one place are enough for a user with three old passwords and a stuck
 * shift key. An IP prefix can be many users (an office, a carrier's NAT), so it gets more. An
 * address gets five a minute from all unknown devices together: useless for guessing a 12-character
 * password that is on no list, and a user who is slowed down waits a minute, not a day.
 */
const SIGN_IN_LIMITS = {
  pair: { maxAttempts: 10, seconds: QUARTER_HOUR_SECONDS },
  ipPrefix: { maxAttempts: 100, seconds: QUARTER_HOUR_SECONDS },
  unknownDevices: { maxAttempts: 5, seconds: MINUTE_SECONDS },
  device: { maxAttempts: 10, seconds: QUARTER_HOUR_SECONDS },
} as const satisfies Record<string, RateLimit>;

/**
 * Email that a stranger can make us send to an address: few, because it annoys the recipient and
 * damages our reputation with the mail provider. The hourly limit over all IP prefixes bounds a
 * distributed flood.
 */
const EMAIL_LIMITS = {
  pair: { maxAttempts: 3, seconds: QUARTER_HOUR_SECONDS },
  ipPrefix: { maxAttempts: 30, seconds: HOUR_SECONDS },
  address: { maxAttempts: 10, seconds: HOUR_SECONDS },
} as const satisfies Record<string, RateLimit>;

/**
 * A link of 256 bits can't be guessed. This bounds the hashes that one link can cost, and guesses
 * at the password it asks for.
 */
const LINK_LIMITS = {
  token: { maxAttempts: 10, seconds: QUARTER_HOUR_SECONDS },
  ipPrefix: { maxAttempts: 60, seconds: QUARTER_HOUR_SECONDS },
} as const satisfies Record<string, RateLimit>;

/**
 * Six-digit codes, of which three in a million are valid at a time: 10 per quarter of an hour and
 * 50 per day are odds of one in 6,600 a day for an attacker who has the password. A known device
 * has limits of its own, so that the attacker can't lock the owner out. Recovery codes and passkeys
 * can't be guessed.
 */
const CODE_LIMITS = {
  quarter: { maxAttempts: 10, seconds: QUARTER_HOUR_SECONDS },
  day: { maxAttempts: 50, seconds: DAY_SECONDS },
} as const satisfies Record<string, RateLimit>;

/** Entering the password again within a session. */
const REAUTH_LIMIT = {
  maxAttempts: 10,
  seconds: QUARTER_HOUR_SECONDS,
} as const satisfies RateLimit;

/**
 * All users together. A hash takes a quarter of a second of CPU: 600 a minute are two and a half
 * cores. Known devices and sessions have a budget of their own, which strangers can't exhaust.
 */
const GLOBAL_LIMITS = {
  unknownDevices: { maxAttempts: 600, seconds: MINUTE_SECONDS },
  knownDevices: { maxAttempts: 1200, seconds: MINUTE_SECONDS },
} as const satisfies Record<string, RateLimit>;

const ALL_UNKNOWN_DEVICES: RateLimitCheck = {
  name: 'all strangers',
  keys: [],
  limit: GLOBAL_LIMITS.unknownDevices,
};
const ALL_KNOWN_DEVICES: RateLimitCheck = {
  name: 'all known',
  keys: [],
  limit: GLOBAL_LIMITS.knownDevices,
};

/** `device` is the hash of a known device; null if the account doesn't know the browser. */
export function checkSignInRate(
  deps: IdentityDeps,
  request: Readonly<{ emailKey: string; ipPrefix: IpPrefix; device: string | null }>,
): Promise<RateLimited | undefined> {
  const { emailKey, ipPrefix, device } = request;
  if (device !== null) {
    return checkRateLimits(deps, [
      { name: 'sign-in by device', keys: [device], limit: SIGN_IN_LIMITS.device },
      ALL_KNOWN_DEVICES,
    ]);
  }
  return checkRateLimits(deps, [
    { name: 'sign-in by pair', keys: [emailKey, ipPrefix], limit: SIGN_IN_LIMITS.pair },
    { name: 'sign-in by network', keys: [ipPrefix], limit: SIGN_IN_LIMITS.ipPrefix },
    { name: 'sign-in by address', keys: [emailKey], limit: SIGN_IN_LIMITS.unknownDevices },
    ALL_UNKNOWN_DEVICES,
  ]);
}

/** `kind` separates the budgets of sign-ups, resets and address changes. */
export function checkEmailRate(
  deps: IdentityDeps,
  kind: 'sign-up' | 'reset' | 'email change',
  request: Readonly<{ emailKey: string; ipPrefix: IpPrefix }>,
): Promise<RateLimited | undefined> {
  const { emailKey, ipPrefix } = request;
  return checkRateLimits(deps, [
    { name: `${kind} by pair`, keys: [emailKey, ipPrefix], limit: EMAIL_LIMITS.pair },
    { name: `${kind} by network`, keys: [ipPrefix], limit: EMAIL_LIMITS.ipPrefix },
    { name: `${kind} by address`, keys: [emailKey], limit: EMAIL_LIMITS.address },
    ALL_UNKNOWN_DEVICES,
  ]);
}

export function checkLinkRate(
  deps: IdentityDeps,
  request: Readonly<{ tokenHash: string; ipPrefix: IpPrefix }>,
): Promise<RateLimited | undefined> {
  return checkRateLimits(deps, [
    { name: 'link', keys: [request.tokenHash], limit: LINK_LIMITS.token },
    { name: 'link by network', keys: [request.ipPrefix], limit: LINK_LIMITS.ipPrefix },
    ALL_UNKNOWN_DEVICES,
  ]);
}

export function checkCodeRate(
  deps: IdentityDeps,
  request: Readonly<{ account: AccountId; device: string | null }>,
): Promise<RateLimited | undefined> {
  const keys = [request.account, request.device ?? ''];
  return checkRateLimits(deps, [
    { name: 'code', keys, limit: CODE_LIMITS.quarter },
    { name: 'code by day', keys, limit: CODE_LIMITS.day },
  ]);
}

/** Limits by session, so that a stolen session can't keep the others from authenticating. */
export function checkReauthRate(
  deps: IdentityDeps,
  sessionHandle: string,
): Promise<RateLimited | undefined> {
  return checkRateLimits(deps, [
    { name: 'proof', keys: [sessionHandle], limit: REAUTH_LIMIT },
    ALL_KNOWN_DEVICES,
  ]);
}

async function checkRateLimits(
  deps: IdentityDeps,
  checks: readonly RateLimitCheck[],
): Promise<RateLimited | undefined> {
  const now = deps.now();
  const key = deriveKey(deps.secret, KEY_LABEL);
  const buckets = checks.map(({ name, keys, limit }): RateLimitBucket => {
    const window = Math.floor(now / (limit.seconds * 1000));
    return {
      bucket: keyedHash(key, [name, String(limit.seconds), String(window), ...keys]),
      maxAttempts: limit.maxAttempts,
      resetsAt: (window + 1) * limit.seconds * 1000,
    };
  });
  const blockedUntil = await countAttempt(deps.db, buckets, now);
  if (blockedUntil === undefined) return undefined;
  const retryAfterSeconds = Math.max(1, Math.ceil((blockedUntil - now) / 1000));
  return { ok: false, reason: 'rate_limited', retryAfterSeconds };
}

/**
 * How often what may be tried: all the numbers, and why. Attempts are counted before any password is
 * hashed. A bucket is a keyed hash with its window in it, so that the table tells nobody's address, and
 * a guess at what a row counts can't be checked without the house's secret.
 *
 * A stranger must not be able to lock anybody out: what they fill is their own network's bucket, the
 * pair of it and the address, and a slow-down of the address for browsers it does not know. A browser
 * that has signed in before shows its device token and is counted by itself.
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

/** `most` attempts in each window of so many seconds; windows start at whole multiples of their length. */
type RateLimit = Readonly<{ maxAttempts: number; seconds: number }>;
type RateLimitCheck = Readonly<{ name: string; keys: readonly string[]; limit: RateLimit }>;

/**
 * Sign-in. Ten tries from one place are what a person with three old passwords and a stuck shift key
 * needs. A network is many people (an office, a carrier's NAT), so it gets more. An address gets five
 * a minute from all strange places together: with 12 characters off no list that is nothing to a
 * guesser, and whoever is slowed by it waits a minute, not a day.
 */
const SIGN_IN_LIMITS = {
  pair: { maxAttempts: 10, seconds: QUARTER_HOUR_SECONDS },
  ipPrefix: { maxAttempts: 100, seconds: QUARTER_HOUR_SECONDS },
  unknownDevices: { maxAttempts: 5, seconds: MINUTE_SECONDS },
  device: { maxAttempts: 10, seconds: QUARTER_HOUR_SECONDS },
} as const satisfies Record<string, RateLimit>;

/**
 * Mail that a stranger can make us send to an address: few, because it is a nuisance and our standing
 * with the mail provider. The hour's limit over all networks bounds a flood by many.
 */
const EMAIL_LIMITS = {
  pair: { maxAttempts: 3, seconds: QUARTER_HOUR_SECONDS },
  ipPrefix: { maxAttempts: 30, seconds: HOUR_SECONDS },
  address: { maxAttempts: 10, seconds: HOUR_SECONDS },
} as const satisfies Record<string, RateLimit>;

/** A link of 256 bits can't be guessed; this bounds the hashes one link can cost, and guesses at the password beside it. */
const LINK_LIMITS = {
  token: { maxAttempts: 10, seconds: QUARTER_HOUR_SECONDS },
  ipPrefix: { maxAttempts: 60, seconds: QUARTER_HOUR_SECONDS },
} as const satisfies Record<string, RateLimit>;

/**
 * Codes of six digits, three of a million good at a time: 10 in a quarter and 50 a day are odds of one
 * in 6,600 a day, for somebody who has the password already. A known device has its own, so that
 * such a somebody can't keep the owner out; recovery codes and passkeys can't be guessed.
 */
const CODE_LIMITS = {
  quarter: { maxAttempts: 10, seconds: QUARTER_HOUR_SECONDS },
  day: { maxAttempts: 50, seconds: DAY_SECONDS },
} as const satisfies Record<string, RateLimit>;

/** Showing a password again, in a session. */
const REAUTH_LIMIT = {
  maxAttempts: 10,
  seconds: QUARTER_HOUR_SECONDS,
} as const satisfies RateLimit;

/**
 * Everybody together. A hash is a quarter of a second of CPU: 600 a minute are two and a half cores.
 * Known devices and sessions have a budget of their own, which strangers can't spend.
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

/** `device` is the known device's hash; null where the browser is a stranger to the account. */
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

/** `kind` keeps sign-ups, resets and changes of address apart: one must not use up the other. */
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

/** By session, so that one that was stolen can't keep the others from proving anything. */
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

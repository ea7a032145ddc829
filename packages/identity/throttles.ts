/**
 * How often what may be tried: all the numbers, and why. Attempts are counted before any password is
 * hashed. A bucket is a keyed hash with its window in it, so that the table tells nobody's address, and
 * a guess at what a row counts can't be checked without the house's secret.
 *
 * A stranger must not be able to lock anybody out: what they fill is their own network's bucket, the
 * pair of it and the address, and a slow-down of the address for browsers it does not know. A browser
 * that has signed in before shows its device token and is counted by itself.
 */
import { type Bucket, countAttempt } from '@farebox/database';
import type { AccountId } from '@farebox/ledger';
import type { IdentityHouse, Network, Throttled } from './contract.ts';
import { keyedHash, subKey } from './house.ts';

const MINUTE = 60;
const QUARTER = 15 * MINUTE;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `most` attempts in each window of so many seconds; windows start at whole multiples of their length. */
type Limit = Readonly<{ most: number; seconds: number }>;
type Counted = Readonly<{ what: string; who: readonly string[]; limit: Limit }>;

/**
 * Sign-in. Ten tries from one place are what a person with three old passwords and a stuck shift key
 * needs. A network is many people (an office, a carrier's NAT), so it gets more. An address gets five
 * a minute from all strange places together: with 12 characters off no list that is nothing to a
 * guesser, and whoever is slowed by it waits a minute, not a day.
 */
const SIGN_IN = {
  pair: { most: 10, seconds: QUARTER },
  network: { most: 100, seconds: QUARTER },
  strangers: { most: 5, seconds: MINUTE },
  device: { most: 10, seconds: QUARTER },
} as const satisfies Record<string, Limit>;

/**
 * Mail that a stranger can make us send to an address: few, because it is a nuisance and our standing
 * with the mail provider. The hour's limit over all networks bounds a flood by many.
 */
const MAIL = {
  pair: { most: 3, seconds: QUARTER },
  network: { most: 30, seconds: HOUR },
  address: { most: 10, seconds: HOUR },
} as const satisfies Record<string, Limit>;

/** A link of 256 bits can't be guessed; this bounds the hashes one link can cost, and guesses at the password beside it. */
const LINK = {
  token: { most: 10, seconds: QUARTER },
  network: { most: 60, seconds: QUARTER },
} as const satisfies Record<string, Limit>;

/**
 * Codes of six digits, three of a million good at a time: 10 in a quarter and 50 a day are odds of one
 * in 6,600 a day, for somebody who has the password already. A known device has its own, so that
 * such a somebody can't keep the owner out; recovery codes and passkeys can't be guessed.
 */
const CODE = {
  quarter: { most: 10, seconds: QUARTER },
  day: { most: 50, seconds: DAY },
} as const satisfies Record<string, Limit>;

/** Showing a password again, in a session. */
const PROOF = { most: 10, seconds: QUARTER } as const satisfies Limit;

/**
 * Everybody together. A hash is a quarter of a second of CPU: 600 a minute are two and a half cores.
 * Known devices and sessions have a budget of their own, which strangers can't spend.
 */
const EVERYBODY = {
  strangers: { most: 600, seconds: MINUTE },
  known: { most: 1200, seconds: MINUTE },
} as const satisfies Record<string, Limit>;

const STRANGERS: Counted = { what: 'all strangers', who: [], limit: EVERYBODY.strangers };
const KNOWN: Counted = { what: 'all known', who: [], limit: EVERYBODY.known };

/** `device` is the known device's hash; null where the browser is a stranger to the account. */
export function allowSignIn(
  house: IdentityHouse,
  by: Readonly<{ emailKey: string; network: Network; device: string | null }>,
): Promise<Throttled | undefined> {
  const { emailKey, network, device } = by;
  if (device !== null) {
    return allow(house, [
      { what: 'sign-in by device', who: [device], limit: SIGN_IN.device },
      KNOWN,
    ]);
  }
  return allow(house, [
    { what: 'sign-in by pair', who: [emailKey, network], limit: SIGN_IN.pair },
    { what: 'sign-in by network', who: [network], limit: SIGN_IN.network },
    { what: 'sign-in by address', who: [emailKey], limit: SIGN_IN.strangers },
    STRANGERS,
  ]);
}

/** `kind` keeps sign-ups, resets and changes of address apart: one must not use up the other. */
export function allowMail(
  house: IdentityHouse,
  kind: 'sign-up' | 'reset' | 'email change',
  by: Readonly<{ emailKey: string; network: Network }>,
): Promise<Throttled | undefined> {
  const { emailKey, network } = by;
  return allow(house, [
    { what: `${kind} by pair`, who: [emailKey, network], limit: MAIL.pair },
    { what: `${kind} by network`, who: [network], limit: MAIL.network },
    { what: `${kind} by address`, who: [emailKey], limit: MAIL.address },
    STRANGERS,
  ]);
}

export function allowLink(
  house: IdentityHouse,
  by: Readonly<{ tokenHash: string; network: Network }>,
): Promise<Throttled | undefined> {
  return allow(house, [
    { what: 'link', who: [by.tokenHash], limit: LINK.token },
    { what: 'link by network', who: [by.network], limit: LINK.network },
    STRANGERS,
  ]);
}

export function allowCode(
  house: IdentityHouse,
  by: Readonly<{ account: AccountId; device: string | null }>,
): Promise<Throttled | undefined> {
  const who = [by.account, by.device ?? ''];
  return allow(house, [
    { what: 'code', who, limit: CODE.quarter },
    { what: 'code by day', who, limit: CODE.day },
  ]);
}

/** By session, so that one that was stolen can't keep the others from proving anything. */
export function allowProof(
  house: IdentityHouse,
  sessionHandle: string,
): Promise<Throttled | undefined> {
  return allow(house, [{ what: 'proof', who: [sessionHandle], limit: PROOF }, KNOWN]);
}

async function allow(
  house: IdentityHouse,
  counted: readonly Counted[],
): Promise<Throttled | undefined> {
  const now = house.now();
  const key = subKey(house, 'throttles');
  const buckets = counted.map(({ what, who, limit }): Bucket => {
    const window = Math.floor(now / (limit.seconds * 1000));
    return {
      bucket: keyedHash(key, [what, String(limit.seconds), String(window), ...who]),
      most: limit.most,
      resetsAt: (window + 1) * limit.seconds * 1000,
    };
  });
  const fullUntil = await countAttempt(house.db, buckets, now);
  if (fullUntil === undefined) return undefined;
  const retryAfterSeconds = Math.max(1, Math.ceil((fullUntil - now) / 1000));
  return { ok: false, reason: 'throttled', retryAfterSeconds };
}

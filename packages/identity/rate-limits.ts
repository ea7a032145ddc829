/**
 * All rate limits of identity, with their reasons. Attempts are counted before any password is
 * hashed and before any email is queued. A bucket is named by a keyed hash that includes its
 * window: the table shows no address, and without the secret a guess at what a row counts can't be
 * verified.
 *
 * A stranger must not be able to lock a user out. Their attempts fill the buckets of their own
 * network and of the pair of network and email address. What strangers share (the /48 they are in,
 * the attempts at one address, and the budgets of the whole service) is waived by a solved challenge
 * (challenge.ts), which has limits of its own. A browser that has signed in before sends its device token and
 * has a bucket of its own. No budget of the service is in front of a look-up of a token: 256 random
 * bits can't be guessed, and a budget there would let anyone block everyone's links.
 */

import { deriveKey, keyedHash } from '@farebox/crypto';
import { countAttempt, type RateLimitBucket } from '@farebox/database/rate-limits';
import type { AccountId } from '@farebox/ledger';
import { logEvent } from '@farebox/telemetry';
import { BUDGETS, type Budget, type RateLimit } from './budgets.ts';
import type { SolvedChallenge } from './challenge.ts';
import { toClientNetworks } from './client-networks.ts';
import type { ChallengeRequired, ClientIp, IdentityDeps, RateLimited } from './contract.ts';
import { toMailboxKey } from './emails.ts';

const KEY_LABEL = 'farebox identity: throttles';

const MINUTE_SECONDS = 60;
const QUARTER_HOUR_SECONDS = 15 * MINUTE_SECONDS;
const HOUR_SECONDS = 60 * MINUTE_SECONDS;
const DAY_SECONDS = 24 * HOUR_SECONDS;

type RateLimitCheck = Readonly<{
  name: string;
  keys: readonly string[];
  limit: RateLimit;
  /** A solved challenge is counted elsewhere: the caller is offered one where this is full. */
  waivable?: true;
  /** A budget of the whole service: operators are alerted where it is full. */
  budget?: Budget;
}>;

/**
 * Sign-in. Ten attempts from one place are enough for a user with three old passwords and a stuck
 * shift key. A network can be many users (an office, a carrier's NAT), so it gets more. An email
 * address gets five a minute from all unknown devices together: useless for guessing a 12-character
 * password that is on no list. A caller who solved a challenge has thirty, so that a stranger who knows
 * an address can't keep its owner's new devices out.
 */
const SIGN_IN_LIMITS = {
  pair: { maxAttempts: 10, seconds: QUARTER_HOUR_SECONDS },
  network: { maxAttempts: 100, seconds: QUARTER_HOUR_SECONDS },
  site: { maxAttempts: 200, seconds: QUARTER_HOUR_SECONDS },
  solvedSite: { maxAttempts: 400, seconds: QUARTER_HOUR_SECONDS },
  unknownDevices: { maxAttempts: 5, seconds: MINUTE_SECONDS },
  solved: { maxAttempts: 30, seconds: MINUTE_SECONDS },
  device: { maxAttempts: 10, seconds: QUARTER_HOUR_SECONDS },
} as const satisfies Record<string, RateLimit>;

/**
 * Email that a stranger can make us send to a mailbox, whatever the spelling of its address: few,
 * because it annoys the recipient and damages our reputation with the mail provider.
 */
const EMAIL_LIMITS = {
  pair: { maxAttempts: 3, seconds: QUARTER_HOUR_SECONDS },
  network: { maxAttempts: 30, seconds: HOUR_SECONDS },
  site: { maxAttempts: 90, seconds: HOUR_SECONDS },
  solvedSite: { maxAttempts: 180, seconds: HOUR_SECONDS },
  mailbox: { maxAttempts: 10, seconds: HOUR_SECONDS },
  account: { maxAttempts: 10, seconds: HOUR_SECONDS },
} as const satisfies Record<string, RateLimit>;

/**
 * Links. Only tokens that don't exist count by network, after the look-up, so that a valid link
 * always opens. A valid link bounds the hashes that it can cost, and guesses at the password it
 * asks for.
 */
const LINK_LIMITS = {
  token: { maxAttempts: 10, seconds: QUARTER_HOUR_SECONDS },
  network: { maxAttempts: 60, seconds: QUARTER_HOUR_SECONDS },
  site: { maxAttempts: 240, seconds: QUARTER_HOUR_SECONDS },
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

function spend(budget: Budget): RateLimitCheck {
  return { name: `budget ${budget}`, keys: [], limit: BUDGETS[budget], budget };
}

function waivable(check: RateLimitCheck): RateLimitCheck {
  return { ...check, waivable: true };
}

type NetworkLimits = Readonly<{
  network: RateLimit;
  site: RateLimit;
  /** Of callers in the site who solved a challenge. */
  solvedSite?: RateLimit;
}>;

/** Counts by the networks of the client's address. */
function byNetwork(
  name: string,
  clientIp: ClientIp,
  limits: NetworkLimits,
  challenge: SolvedChallenge | null = null,
): readonly RateLimitCheck[] {
  const { network, site } = toClientNetworks(clientIp);
  const byPrefix = { name: `${name} by network`, keys: [network], limit: limits.network };
  if (site === null) return [byPrefix];
  const bySite =
    challenge === null || limits.solvedSite === undefined
      ? waivable({ name: `${name} by site`, keys: [site], limit: limits.site })
      : { name: `${name} by site, solved`, keys: [site], limit: limits.solvedSite };
  return [byPrefix, bySite];
}

export type SignInAttempt = Readonly<{
  emailKey: string;
  clientIp: ClientIp;
  /** The hash of a known device; null if the account doesn't know the browser. */
  device: string | null;
  challenge: SolvedChallenge | null;
}>;

export function checkSignInRate(
  deps: IdentityDeps,
  attempt: SignInAttempt,
): Promise<RateLimited | ChallengeRequired | undefined> {
  const { emailKey, clientIp, device, challenge } = attempt;
  if (device !== null) {
    const byDevice = { name: 'sign-in by device', keys: [device], limit: SIGN_IN_LIMITS.device };
    const hashes = challenge === null ? waivable(spend('known_hashes')) : spend('challenge_hashes');
    return checkRateLimits(deps, [byDevice, hashes], challenge);
  }
  const { network } = toClientNetworks(clientIp);
  const own: readonly RateLimitCheck[] = [
    { name: 'sign-in by pair', keys: [emailKey, network], limit: SIGN_IN_LIMITS.pair },
    ...byNetwork('sign-in', clientIp, SIGN_IN_LIMITS, challenge),
  ];
  const { unknownDevices, solved } = SIGN_IN_LIMITS;
  const shared =
    challenge === null
      ? [
          waivable({ name: 'sign-in by address', keys: [emailKey], limit: unknownDevices }),
          waivable(spend('stranger_hashes')),
        ]
      : [
          { name: 'sign-in by address, solved', keys: [emailKey], limit: solved },
          spend('challenge_hashes'),
        ];
  return checkRateLimits(deps, [...own, ...shared], challenge);
}

export type EmailAttempt = Readonly<{
  emailKey: string;
  clientIp: ClientIp;
  challenge: SolvedChallenge | null;
  /** The caller accepts that the email is sent later, because it can't solve a challenge. */
  mayDelay: boolean;
}>;
export type EmailAllowance = Readonly<{ ok: true; delayed: boolean }>;

/** `kind` separates the limits of sign-ups and resets; only a sign-up hashes a password. */
export async function checkEmailRate(
  deps: IdentityDeps,
  kind: 'sign-up' | 'reset',
  attempt: EmailAttempt,
): Promise<EmailAllowance | RateLimited | ChallengeRequired> {
  const { emailKey, clientIp, challenge, mayDelay } = attempt;
  const own = emailChecks(kind, emailKey, clientIp, challenge);
  const hashes = kind === 'sign-up';
  if (challenge !== null) {
    const budgets = [spend('challenge_emails'), ...(hashes ? [spend('challenge_hashes')] : [])];
    const rateLimited = await checkRateLimits(deps, [...own, ...budgets], challenge);
    return rateLimited ?? { ok: true, delayed: false };
  }
  const strangers = [
    waivable(spend('stranger_emails')),
    ...(hashes ? [waivable(spend('stranger_hashes'))] : []),
  ];
  const refusal = await checkRateLimits(deps, [...own, ...strangers], null);
  if (refusal === undefined) return { ok: true, delayed: false };
  if (refusal.reason !== 'challenge_required' || !mayDelay) return refusal;
  const delayed = [spend('delayed_emails'), ...(hashes ? [spend('challenge_hashes')] : [])];
  return (await checkOwnLimits(deps, [...own, ...delayed])) ?? { ok: true, delayed: true };
}

/** A change of address sends email for a signed-in user, to an address of their choice. */
export function checkEmailChangeRate(
  deps: IdentityDeps,
  request: Readonly<{ account: AccountId; emailKey: string; clientIp: ClientIp }>,
): Promise<RateLimited | undefined> {
  const { account, emailKey, clientIp } = request;
  return checkOwnLimits(deps, [
    ...emailChecks('email change', emailKey, clientIp),
    { name: 'email change by account', keys: [account], limit: EMAIL_LIMITS.account },
    spend('account_emails'),
  ]);
}

function emailChecks(
  kind: string,
  emailKey: string,
  clientIp: ClientIp,
  challenge: SolvedChallenge | null = null,
): readonly RateLimitCheck[] {
  const { network } = toClientNetworks(clientIp);
  const mailbox = toMailboxKey(emailKey);
  return [
    { name: `${kind} by pair`, keys: [mailbox, network], limit: EMAIL_LIMITS.pair },
    ...byNetwork(kind, clientIp, EMAIL_LIMITS, challenge),
    { name: `${kind} by mailbox`, keys: [mailbox], limit: EMAIL_LIMITS.mailbox },
  ];
}

/** Counts a token that was looked up and doesn't exist, by the networks that sent it. */
export function checkUnknownTokenRate(
  deps: IdentityDeps,
  clientIp: ClientIp,
): Promise<RateLimited | undefined> {
  return checkOwnLimits(deps, byNetwork('unknown token', clientIp, LINK_LIMITS));
}

/** Counts a hash for the holder of a valid link. */
export function checkLinkHashRate(
  deps: IdentityDeps,
  tokenHash: string,
): Promise<RateLimited | undefined> {
  return checkOwnLimits(deps, [
    { name: 'link', keys: [tokenHash], limit: LINK_LIMITS.token },
    spend('link_hashes'),
  ]);
}

export function checkCodeRate(
  deps: IdentityDeps,
  request: Readonly<{ account: AccountId; device: string | null }>,
): Promise<RateLimited | undefined> {
  const keys = [request.account, request.device ?? ''];
  return checkOwnLimits(deps, [
    { name: 'code', keys, limit: CODE_LIMITS.quarter },
    { name: 'code by day', keys, limit: CODE_LIMITS.day },
  ]);
}

/** Limits by session, so that a stolen session can't keep the others from authenticating. */
export function checkReauthRate(
  deps: IdentityDeps,
  sessionHandle: string,
): Promise<RateLimited | undefined> {
  return checkOwnLimits(deps, [
    { name: 'proof', keys: [sessionHandle], limit: REAUTH_LIMIT },
    spend('known_hashes'),
  ]);
}

type CountedCheck = Readonly<{ check: RateLimitCheck; bucket: RateLimitBucket }>;

function toBucket(deps: IdentityDeps, check: RateLimitCheck): RateLimitBucket {
  const { name, keys, limit, budget } = check;
  const configured = budget === undefined ? undefined : deps.budgets?.[budget];
  const window = Math.floor(deps.now() / (limit.seconds * 1000));
  return {
    bucket: hashBucket(deps, [name, String(limit.seconds), String(window), ...keys]),
    maxAttempts: configured ?? limit.maxAttempts,
    resetsAt: (window + 1) * limit.seconds * 1000,
  };
}

function hashBucket(deps: IdentityDeps, texts: readonly string[]): string {
  return keyedHash(deriveKey(deps.secret, KEY_LABEL), texts);
}

/** A challenge counts once, until it expires. */
function challengeBucket(deps: IdentityDeps, { id, expiresAt }: SolvedChallenge): RateLimitBucket {
  return { bucket: hashBucket(deps, ['challenge', id]), maxAttempts: 1, resetsAt: expiresAt };
}

/** Counts one attempt of a caller whom no challenge helps. */
async function checkOwnLimits(
  deps: IdentityDeps,
  checks: readonly RateLimitCheck[],
): Promise<RateLimited | undefined> {
  const counted = checks.map((check) => ({ check, bucket: toBucket(deps, check) }));
  return toRateLimited(deps, await countChecks(deps, counted, []));
}

/**
 * Counts one attempt in all buckets, and the challenge as used. Where only waivable buckets are
 * full, or the challenge was used before, a new challenge helps.
 */
async function checkRateLimits(
  deps: IdentityDeps,
  checks: readonly RateLimitCheck[],
  challenge: SolvedChallenge | null,
): Promise<RateLimited | ChallengeRequired | undefined> {
  const counted = checks.map((check) => ({ check, bucket: toBucket(deps, check) }));
  const once = challenge === null ? [] : [challengeBucket(deps, challenge)];
  const full = await countChecks(deps, counted, once);
  const rateLimited = toRateLimited(deps, full);
  if (rateLimited === undefined) return undefined;
  const isWaivable = full.every(({ check }) => check === null || check.waivable === true);
  return isWaivable ? { ...rateLimited, reason: 'challenge_required' } : rateLimited;
}

type FullCheck = Readonly<{ check: RateLimitCheck | null; resetsAt: number }>;

/** Returns the full checks; null stands for a bucket of `once`. Alerts where a budget is full. */
async function countChecks(
  deps: IdentityDeps,
  counted: readonly CountedCheck[],
  once: readonly RateLimitBucket[],
): Promise<readonly FullCheck[]> {
  const buckets = [...counted.map(({ bucket }) => bucket), ...once];
  const full = (await countAttempt(deps.db, buckets, deps.now())).map(({ bucket, resetsAt }) => {
    const match = counted.find((one) => one.bucket.bucket === bucket);
    return { check: match?.check ?? null, resetsAt };
  });
  for (const { check, resetsAt } of full) {
    if (check?.budget !== undefined) await alertOnce(deps, check.budget, resetsAt);
  }
  return full;
}

/** Buckets of alerts that this isolate knows to be counted, so that a flood costs no more. */
const countedAlerts = new Set<string>();
const MAX_COUNTED_ALERTS = 100;

/** Logs once per window that a budget is full, whichever isolate notices first. */
async function alertOnce(deps: IdentityDeps, budget: Budget, resetsAt: number): Promise<void> {
  const bucket = hashBucket(deps, ['alert', budget, String(resetsAt)]);
  if (countedAlerts.has(bucket)) return;
  if (countedAlerts.size >= MAX_COUNTED_ALERTS) countedAlerts.clear();
  countedAlerts.add(bucket);
  const alreadyLogged = await countAttempt(
    deps.db,
    [{ bucket, maxAttempts: 1, resetsAt }],
    deps.now(),
  );
  if (alreadyLogged.length === 0) logEvent({ event: 'budget_exhausted', budget });
}

function toRateLimited(deps: IdentityDeps, full: readonly FullCheck[]): RateLimited | undefined {
  if (full.length === 0) return undefined;
  const latest = Math.max(...full.map(({ resetsAt }) => resetsAt));
  const retryAfterSeconds = Math.max(1, Math.ceil((latest - deps.now()) / 1000));
  return { ok: false, reason: 'rate_limited', retryAfterSeconds };
}

/**
 * What may happen once, or only so often. A form that makes a key carries a ticket: sent again (a reload, a
 * second press), it makes no second one. Tickets and counts are told apart by keyed hashes under a sub-key
 * of the console's own, and a used ticket is a counter like any other, gone when it could not count anyway.
 */
import { countAttempt, type RateLimitBucket } from '@farebox/database/rate-limits';
import type { IdentityDeps, RateLimited } from '@farebox/identity';
import type { AccountId } from '@farebox/ledger';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

const FORM_TOKEN_TTL_MS = 60 * 60_000;
const FORM_TOKEN = /^(\d{13})\.([0-9a-f]{32})\.([0-9a-f]{64})$/;

const derivedKeys = new WeakMap<Uint8Array, Uint8Array>();

function deriveKey(secret: Uint8Array): Uint8Array {
  const cached = derivedKeys.get(secret);
  if (cached !== undefined) return cached;
  const key = hkdf(sha256, secret, undefined, utf8ToBytes('farebox console: once'), 32);
  derivedKeys.set(secret, key);
  return key;
}

function keyedHash(deps: IdentityDeps, parts: readonly string[]): string {
  return bytesToHex(hmac(sha256, deriveKey(deps.secret), utf8ToBytes(JSON.stringify(parts))));
}

/** For one form of one account: `what` it does. */
export function issueFormToken(deps: IdentityDeps, account: AccountId, action: string): string {
  const expiresAt = String(deps.now() + FORM_TOKEN_TTL_MS);
  const nonce = bytesToHex(deps.random(16));
  return `${expiresAt}.${nonce}.${keyedHash(deps, ['ticket', account, action, expiresAt, nonce])}`;
}

/** Whether it is this form's, still good, and was not used before. */
export async function redeemFormToken(
  deps: IdentityDeps,
  account: AccountId,
  action: string,
  formToken: string,
): Promise<boolean> {
  const [, expiresAt = '', nonce = '', mac = ''] = FORM_TOKEN.exec(formToken) ?? [];
  // What a comparison's time tells is of a MAC that is worth nothing to anybody but this session.
  if (mac !== keyedHash(deps, ['ticket', account, action, expiresAt, nonce])) return false;
  const resetsAt = Number(expiresAt);
  if (resetsAt <= deps.now()) return false;
  const bucket = { bucket: keyedHash(deps, ['used', mac]), maxAttempts: 1, resetsAt };
  return (await countAttempt(deps.db, [bucket], deps.now())) === undefined;
}

/** Counts one more `what` of the account; undefined where there was room for it. */
export async function consumeRateLimit(
  deps: IdentityDeps,
  account: AccountId,
  action: string,
  limit: Readonly<{ maxAttempts: number; seconds: number }>,
): Promise<RateLimited | undefined> {
  const now = deps.now();
  const window = Math.floor(now / (limit.seconds * 1000));
  const bucket: RateLimitBucket = {
    bucket: keyedHash(deps, ['count', action, String(limit.seconds), String(window), account]),
    maxAttempts: limit.maxAttempts,
    resetsAt: (window + 1) * limit.seconds * 1000,
  };
  const limitResetsAt = await countAttempt(deps.db, [bucket], now);
  if (limitResetsAt === undefined) return undefined;
  const retryAfterSeconds = Math.max(1, Math.ceil((limitResetsAt - now) / 1000));
  return { ok: false, reason: 'throttled', retryAfterSeconds };
}

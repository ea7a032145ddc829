/**
 * What the verbs share: sub-keys of the house's secret, tokens, and the letters' common facts. A
 * sub-key has one use and its own label, so that nothing made for one use means anything to another.
 */
import type { EmailRecipient } from '@farebox/database/users';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { IdentityDeps, Token } from './contract.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** How long each thing lasts. ASVS 5.0 7.3 wants both limits of a session written down. */
export const TTL = {
  signUp: 60 * MINUTE_MS,
  reset: 30 * MINUTE_MS,
  emailChange: 30 * MINUTE_MS,
  mfaChallenge: 10 * MINUTE_MS,
  challenge: 5 * MINUTE_MS,
  session: 90 * DAY_MS,
  sessionUnused: 14 * DAY_MS,
  device: 365 * DAY_MS,
  totpEnrollment: 15 * MINUTE_MS,
  totpUnconfirmed: DAY_MS,
} as const;
/** A session's row is written for being seen at most this often. */
export const SESSION_TOUCH_INTERVAL_MS = MINUTE_MS;

export type KeyPurpose = 'throttles' | 'totp secrets' | 'recovery codes';

const keyCache = new WeakMap<Uint8Array, Map<KeyPurpose, Uint8Array>>();

/** HKDF-SHA256 (RFC 5869) with the use as its info; kept as long as the secret is. */
export function deriveKey(deps: Pick<IdentityDeps, 'secret'>, purpose: KeyPurpose): Uint8Array {
  const keys = keyCache.get(deps.secret) ?? new Map<KeyPurpose, Uint8Array>();
  keyCache.set(deps.secret, keys);
  const cached = keys.get(purpose);
  if (cached !== undefined) return cached;
  const key = hkdf(sha256, deps.secret, undefined, utf8ToBytes(`farebox identity: ${purpose}`), 32);
  keys.set(purpose, key);
  return key;
}

/** A keyed hash of a list of texts; the list is written so that no two lists read the same. */
export function keyedHash(key: Uint8Array, texts: readonly string[]): string {
  return bytesToHex(hmac(sha256, key, utf8ToBytes(JSON.stringify(texts))));
}

/** 256 bits, which ASVS 5.0 6.5.2 lets be stored under a fast hash. */
export function newToken(deps: Pick<IdentityDeps, 'random'>): Token {
  return toBase64Url(deps.random(32));
}

/** What is stored of a token. A text that no token can be still has a hash, which no row has. */
export function hashToken(token: Token): string {
  return bytesToHex(sha256(utf8ToBytes(token)));
}

export function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** Undefined for what is no base64url. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

/** To whom a letter goes. */
export function recipientFields(recipient: EmailRecipient) {
  return {
    to: recipient.email,
    language: recipient.language,
    account: recipient.accountId,
  } as const;
}

/** As letters state a time. */
export function isoNow(deps: Pick<IdentityDeps, 'now'>): string {
  return new Date(deps.now()).toISOString();
}

/**
 * What the verbs share: sub-keys of the house's secret, tokens, and the letters' common facts. A
 * sub-key has one use and its own label, so that nothing made for one use means anything to another.
 */
import type { Mailbox } from '@farebox/database';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { IdentityHouse, Token } from './contract.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** How long each thing lasts. ASVS 5.0 7.3 wants both limits of a session written down. */
export const LASTS = {
  signUp: 60 * MINUTE,
  reset: 30 * MINUTE,
  emailChange: 30 * MINUTE,
  step: 10 * MINUTE,
  challenge: 5 * MINUTE,
  session: 90 * DAY,
  sessionUnused: 14 * DAY,
  device: 365 * DAY,
  totpOffer: 15 * MINUTE,
  totpUnconfirmed: DAY,
} as const;
/** A session's row is written for being seen at most this often. */
export const SEEN_EVERY_MS = MINUTE;

export type Use = 'throttles' | 'totp secrets' | 'recovery codes';

const derived = new WeakMap<Uint8Array, Map<Use, Uint8Array>>();

/** HKDF-SHA256 (RFC 5869) with the use as its info; kept as long as the secret is. */
export function subKey(house: Pick<IdentityHouse, 'secret'>, use: Use): Uint8Array {
  const known = derived.get(house.secret) ?? new Map<Use, Uint8Array>();
  derived.set(house.secret, known);
  const before = known.get(use);
  if (before !== undefined) return before;
  const key = hkdf(sha256, house.secret, undefined, utf8ToBytes(`farebox identity: ${use}`), 32);
  known.set(use, key);
  return key;
}

/** A keyed hash of a list of texts; the list is written so that no two lists read the same. */
export function keyedHash(key: Uint8Array, texts: readonly string[]): string {
  return bytesToHex(hmac(sha256, key, utf8ToBytes(JSON.stringify(texts))));
}

/** 256 bits, which ASVS 5.0 6.5.2 lets be stored under a fast hash. */
export function freshToken(house: Pick<IdentityHouse, 'random'>): Token {
  return toBase64Url(house.random(32));
}

/** What is stored of a token. A text that no token can be still has a hash, which no row has. */
export function tokenHash(token: Token): string {
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
export function addressed(mailbox: Mailbox) {
  return { to: mailbox.email, language: mailbox.language, account: mailbox.accountId } as const;
}

/** As letters state a time. */
export function timeOf(house: Pick<IdentityHouse, 'now'>): string {
  return new Date(house.now()).toISOString();
}

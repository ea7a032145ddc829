/**
 * What the mail room keeps secret with: a sub-key for each use, and keyed hashes of lists of texts,
 * written so that no two lists read the same.
 */
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

export type KeyPurpose = 'mailboxes' | 'unsubscribing' | 'notices';

const keyCache = new WeakMap<Uint8Array, Map<KeyPurpose, Uint8Array>>();

/** HKDF-SHA256 (RFC 5869) with the use as its info; kept as long as the secret is. */
function deriveKey(secret: Uint8Array, purpose: KeyPurpose): Uint8Array {
  const keys = keyCache.get(secret) ?? new Map<KeyPurpose, Uint8Array>();
  keyCache.set(secret, keys);
  const cached = keys.get(purpose);
  if (cached !== undefined) return cached;
  const key = hkdf(sha256, secret, undefined, utf8ToBytes(`farebox mail: ${purpose}`), 32);
  keys.set(purpose, key);
  return key;
}

/** 64 hexadecimal characters. */
export function keyedHash(
  secret: Uint8Array,
  purpose: KeyPurpose,
  texts: readonly string[],
): string {
  return bytesToHex(hmac(sha256, deriveKey(secret, purpose), utf8ToBytes(JSON.stringify(texts))));
}

/** How a mailbox is known once nothing may be sent to it: in practice no host tells letter case apart. */
export function mailboxHash(secret: Uint8Array, address: string): string {
  return keyedHash(secret, 'mailboxes', [address.trim().toLowerCase()]);
}

/** The same notice has the same mail, however often the queue brings it. */
export function notificationEmailId(
  secret: Uint8Array,
  account: string,
  notificationId: string,
): string {
  return keyedHash(secret, 'notices', [account, notificationId]).slice(0, 32);
}

/**
 * What the mail room keeps secret with: a sub-key for each use, and keyed hashes of lists of texts,
 * written so that no two lists read the same.
 */
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

export type Use = 'mailboxes' | 'unsubscribing' | 'notices';

const derived = new WeakMap<Uint8Array, Map<Use, Uint8Array>>();

/** HKDF-SHA256 (RFC 5869) with the use as its info; kept as long as the secret is. */
function subKey(secret: Uint8Array, use: Use): Uint8Array {
  const known = derived.get(secret) ?? new Map<Use, Uint8Array>();
  derived.set(secret, known);
  const before = known.get(use);
  if (before !== undefined) return before;
  const key = hkdf(sha256, secret, undefined, utf8ToBytes(`farebox mail: ${use}`), 32);
  known.set(use, key);
  return key;
}

/** 64 hexadecimal characters. */
export function keyedHash(secret: Uint8Array, use: Use, texts: readonly string[]): string {
  return bytesToHex(hmac(sha256, subKey(secret, use), utf8ToBytes(JSON.stringify(texts))));
}

/** How a mailbox is known once nothing may be sent to it: in practice no host tells letter case apart. */
export function mailboxHash(secret: Uint8Array, address: string): string {
  return keyedHash(secret, 'mailboxes', [address.trim().toLowerCase()]);
}

/** The same notice has the same mail, however often the queue brings it. */
export function noticeMailId(secret: Uint8Array, account: string, notice: string): string {
  return keyedHash(secret, 'notices', [account, notice]).slice(0, 32);
}

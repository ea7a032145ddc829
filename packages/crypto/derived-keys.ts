/**
 * Keys derived from one secret. Each use has its own label, so values made for one use are void in
 * another.
 */
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

const KEY_BYTES = 32;

const keyCache = new WeakMap<Uint8Array, Map<string, Uint8Array>>();

/**
 * Derives a 32-byte key: HKDF-SHA256 (RFC 5869) without salt, with `label` as its info. Cached for
 * as long as `secret` lives. A label is a contract with what is stored: changing it voids every
 * value made under it.
 */
export function deriveKey(secret: Uint8Array, label: string): Uint8Array {
  const keys = keyCache.get(secret) ?? new Map<string, Uint8Array>();
  keyCache.set(secret, keys);
  const cached = keys.get(label);
  if (cached !== undefined) return cached;
  const key = hkdf(sha256, secret, undefined, utf8ToBytes(label), KEY_BYTES);
  keys.set(label, key);
  return key;
}

/**
 * Computes HMAC-SHA256 over a list of texts, as 64 hexadecimal characters. The list is encoded as
 * JSON, so that two different lists never have the same input.
 */
export function keyedHash(key: Uint8Array, texts: readonly string[]): string {
  return bytesToHex(hmac(sha256, key, utf8ToBytes(JSON.stringify(texts))));
}

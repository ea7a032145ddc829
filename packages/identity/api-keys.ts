/**
 * API keys: created by the ledger, verified by the gateway on every call without any I/O. A well-
 * formed key with a valid MAC was created by a holder of the MAC secret; whether it is still valid
 * is decided by the account object. No secret and no part of a presented text is stored here or put
 * into an error. The format is published in docs/api-keys.md; changing it is a change of contract.
 */
import { constantTimeEqualBytes } from '@farebox/crypto';
import type { AccountId, KeyCredential, KeyId } from '@farebox/ledger';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { PACKED_BYTES, PACKED_DIGITS, pack, readNumber, unpack, writeNumber } from './base62.ts';
import { crc32 } from './crc32.ts';

const PREFIX = 'fbx_';
const CRC_DIGITS = 6;
const CRC_AT = PREFIX.length + PACKED_DIGITS;
const KEY_LENGTH = CRC_AT + CRC_DIGITS;

/** The pattern for secret scanners. It doesn't cover the checksum. */
export const API_KEY_PATTERN = 'fbx_[0-9A-Za-z]{67}';

/** Offsets of the parts in the packed bytes: version, account, key id, secret, MAC. */
const ACCOUNT_AT = 1;
const KEY_ID_AT = 9;
const SECRET_AT = 13;
const MAC_AT = 37;

const SECRET_BYTES = MAC_AT - SECRET_AT;
const MAC_BYTES = PACKED_BYTES - MAC_AT;

/** Secrets by version. The highest version creates keys; all of them verify. */
export type MacSecrets = ReadonlyMap<number, Uint8Array>;
export type MacSecret = Readonly<{ version: number; secret: Uint8Array }>;

/**
 * Parses `version:hex[,version:hex]`: versions 1 to 255, each once, with secrets of 32 to 64 bytes.
 * Returns undefined for anything else and never a partial set, because a set without one version
 * rejects its customers' keys.
 */
export function parseMacSecrets(text: string): MacSecrets | undefined {
  const secrets = new Map<number, Uint8Array>();
  for (const part of text.split(',')) {
    const match = /^([1-9]\d{0,2}):((?:[0-9a-fA-F]{2}){32,64})$/.exec(part.trim());
    if (match?.[1] === undefined || match[2] === undefined) return undefined;
    const version = Number(match[1]);
    if (version > 255 || secrets.has(version)) return undefined;
    secrets.set(version, hexToBytes(match[2]));
  }
  return secrets;
}

/** Returns the secret that new keys are created with. */
export function currentMacSecret(secrets: MacSecrets): MacSecret {
  const version = Math.max(...secrets.keys());
  const secret = secrets.get(version);
  if (secret === undefined) throw new RangeError('There is no MAC secret.');
  return { version, secret };
}

export type MintedKey = Readonly<{ apiKey: string; secretHash: string; last4: string }>;

/** `random` is 24 bytes from a cryptographic source that are used for nothing else. */
export function mintApiKey(
  mac: MacSecret,
  account: AccountId,
  keyId: KeyId,
  random: Uint8Array,
): MintedKey {
  if (!/^[0-9a-f]{16}$/.test(account))
    throw new RangeError('An account id is 16 hexadecimal digits.');
  if (!Number.isInteger(keyId) || keyId < 0 || keyId > 0xffffffff) {
    throw new RangeError('A key id is a whole number below 2^32.');
  }
  if (random.length !== SECRET_BYTES) throw new RangeError('A key needs exactly 24 random bytes.');
  const packed = new Uint8Array(PACKED_BYTES);
  packed[0] = mac.version;
  packed.set(hexToBytes(account), ACCOUNT_AT);
  new DataView(packed.buffer).setUint32(KEY_ID_AT, keyId);
  packed.set(random, SECRET_AT);
  packed.set(computeMac(packed, mac.secret), MAC_AT);
  const body = PREFIX + pack(packed);
  const apiKey = body + writeNumber(crc32(body, body.length), CRC_DIGITS);
  return { apiKey, secretHash: bytesToHex(sha256(random)), last4: apiKey.slice(-4) };
}

export type ParsedKey =
  | Readonly<{ ok: true; account: AccountId; key: KeyCredential }>
  /**
   * `malformed`: not one of our keys, or mistyped. `forged`: well formed, but never created by us.
   */
  | Readonly<{ ok: false; reason: 'malformed' | 'forged' }>;

const MALFORMED: ParsedKey = { ok: false, reason: 'malformed' };
const FORGED: ParsedKey = { ok: false, reason: 'forged' };

/** Runs the cheap checks first, so that random input costs no hash. */
export function parseApiKey(text: string, secrets: MacSecrets): ParsedKey {
  if (text.length !== KEY_LENGTH || !text.startsWith(PREFIX)) return MALFORMED;
  if (readNumber(text, CRC_AT, CRC_DIGITS) !== crc32(text, CRC_AT)) return MALFORMED;
  const packed = unpack(text, PREFIX.length);
  if (packed === undefined) return MALFORMED;
  const secret = secrets.get(packed[0] ?? 0);
  if (secret === undefined || !isValidMac(packed, secret)) return FORGED;
  return {
    ok: true,
    account: bytesToHex(packed.subarray(ACCOUNT_AT, KEY_ID_AT)),
    key: {
      keyId: new DataView(packed.buffer).getUint32(KEY_ID_AT),
      // ASVS 5.0 6.5.2: a secret of 192 random bits needs no slow hash.
      secretHash: bytesToHex(sha256(packed.subarray(SECRET_AT, MAC_AT))),
    },
  };
}

/**
 * Computes the first 8 bytes of HMAC-SHA256 (RFC 2104) over everything before the MAC. RFC 2104
 * section 5 allows truncation; 64 bits only keep guesses from waking account objects, which compare
 * the hash of the secret themselves.
 */
function computeMac(packed: Uint8Array, secret: Uint8Array): Uint8Array {
  return keyedHmac(secret)
    .clone()
    .update(packed.subarray(0, MAC_AT))
    .digest()
    .subarray(0, MAC_BYTES);
}

/**
 * HMACs with the key already absorbed, which is half of the work. Cached for as long as the secret
 * lives.
 */
const hmacCache = new WeakMap<Uint8Array, ReturnType<typeof hmac.create>>();

function keyedHmac(secret: Uint8Array): ReturnType<typeof hmac.create> {
  const cached = hmacCache.get(secret);
  if (cached !== undefined) return cached;
  const created = hmac.create(sha256, secret);
  hmacCache.set(secret, created);
  return created;
}

function isValidMac(packed: Uint8Array, secret: Uint8Array): boolean {
  return constantTimeEqualBytes(packed.subarray(MAC_AT), computeMac(packed, secret));
}

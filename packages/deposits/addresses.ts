/**
 * Derives addresses from the operator's extended public keys (BIP-32, watch-only): m/44'/60'/0' for
 * both EVM chains and m/44'/195'/0' for TRON, then 0/index below it. An extended private key is
 * rejected, because it gives the private keys of all its children.
 */
import type { AddressFamily } from '@farebox/ledger';
import { err, ok, type Result } from '@farebox/result';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { createBase58check } from '@scure/base';
import { HDKey } from '@scure/bip32';
import { getAddress, isAddress } from 'viem';
import type { HexAddress } from './contract.ts';

const base58check = createBase58check(sha256);

/**
 * A TRON address is an EVM address with this byte in front (TRON protocol, "Account Address
 * Format").
 */
const TRON_PREFIX = 0x41;
/** m / purpose' / coin' / account'. */
const ACCOUNT_DEPTH = 3;
const FIRST_HARDENED = 0x8000_0000;

/** The account that refunds are paid from, below the account key (BIP-44: 1 is "change"). */
export const PAYOUT_PATH = { chain: 1, index: 1 } as const;

export type WatchKeyError = 'malformed' | 'private' | 'not_an_account_key';
export type WatchKey = Readonly<{
  fingerprint: string;
  /** The account's key and its child 0, below which deposit addresses are. */
  account: HDKey;
  external: HDKey;
}>;
export type ParseWatchKeyResult = Result<{ key: WatchKey }, WatchKeyError>;

/** Identifies a key: the first 16 hexadecimal characters of the SHA-256 of its text. */
function computeFingerprint(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text))).slice(0, 16);
}

function tryParseExtendedKey(text: string): HDKey | null {
  try {
    return HDKey.fromExtendedKey(text);
  } catch {
    return null;
  }
}

/**
 * Parses an `xpub…` of depth 3. Derives its external chain (child 0) once; addresses are children
 * of that.
 */
export function parseWatchKey(text: string): ParseWatchKeyResult {
  const trimmed = text.trim();
  const key = tryParseExtendedKey(trimmed);
  if (key === null) return err('malformed');
  if (key.privateKey !== null || trimmed.startsWith('xprv')) return err('private');
  if (key.depth !== ACCOUNT_DEPTH) return err('not_an_account_key');
  const fingerprint = computeFingerprint(trimmed);
  return ok({ key: { fingerprint, account: key, external: key.deriveChild(0) } });
}

/** Derives a key's address at `index`. Throws if `index` isn't a whole number below 2^31. */
export function deriveAddress(key: Pick<WatchKey, 'external'>, index: number): HexAddress {
  if (!Number.isInteger(index) || index < 0 || index >= FIRST_HARDENED) {
    throw new Error('An address index must be a whole number below 2^31.');
  }
  const { publicKey } = key.external.deriveChild(index);
  if (publicKey === null) throw new Error('The derived key has no public key.');
  const full = secp256k1.Point.fromBytes(publicKey).toBytes(false);
  return `0x${bytesToHex(keccak_256(full.subarray(1)).subarray(12))}`;
}

/** Derives the address that the treasury pays refunds from with this key. */
export function derivePayoutAccount({ account }: WatchKey): HexAddress {
  return deriveAddress({ external: account.deriveChild(PAYOUT_PATH.chain) }, PAYOUT_PATH.index);
}

/**
 * Formats an address as wallets of the family write it: EIP-55, or Base58Check beginning with T.
 */
export function formatAddress(family: AddressFamily, hex: HexAddress): string {
  if (family === 'evm') return getAddress(hex);
  const body = new Uint8Array(21);
  body[0] = TRON_PREFIX;
  body.set(hexToBytes(hex.slice(2)), 1);
  return base58check.encode(body);
}

function parseTronAddress(text: string): HexAddress | null {
  try {
    const bytes = base58check.decode(text);
    if (bytes.length !== 21 || bytes[0] !== TRON_PREFIX) return null;
    return `0x${bytesToHex(bytes.subarray(1))}`;
  } catch {
    return null;
  }
}

/** Removes what a copied address or hash has around or in it without being seen. */
export function removeInvisible(text: string): string {
  return text.replace(/\p{Cf}/gu, '').trim();
}

/** EIP-55 has a checksum only where letters of both cases occur. */
const UPPER_CASE_ADDRESS = /^0x[0-9A-F]{40}$/;

/** Parses an address as users type it. Null when it is malformed or has a wrong checksum. */
export function parseAddress(family: AddressFamily, text: string): HexAddress | null {
  const typed = removeInvisible(text);
  if (family === 'tron') return parseTronAddress(typed);
  const isValid = UPPER_CASE_ADDRESS.test(typed) || isAddress(typed);
  return isValid ? `0x${typed.slice(2).toLowerCase()}` : null;
}

/**
 * The operator's mnemonic (BIP-39) in a file encrypted with a passphrase, and the keys derived from
 * it. The module returns public keys and signatures, never a private key: the public key of an
 * account and the private key of one child give the private keys of all the others (BIP-32,
 * "Implications").
 */
import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto';
import { deriveAddress, type HexAddress, parseWatchKey } from '@farebox/deposits';
import { err, ok, type Result } from '@farebox/result';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { HDKey } from '@scure/bip32';
import { generateMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import * as v from 'valibot';
import type { Family, KeyPath } from './contract.ts';

/** BIP-44 with SLIP-44's coin types: one EVM key for both networks, one for TRON. */
const ACCOUNT_PATHS: Readonly<Record<Family, string>> = {
  evm: "m/44'/60'/0'",
  tron: "m/44'/195'/0'",
};
/** 256 bits: 24 words. */
const STRENGTH = 256;
/** Each guess of a passphrase costs about a third of a second and 128 MB (RFC 7914). */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };
const MIN_PASSPHRASE_LENGTH = 12;

export type Signature = Readonly<{ r: bigint; s: bigint; recovery: 0 | 1 }>;

/** The account of one family: its public key, addresses, and signatures by its children. */
export type Account = Readonly<{
  xpub: string;
  fingerprint: string;
  addressAt(path: KeyPath): HexAddress;
  /** Signs a 32-byte digest. The signature is low-s (EIP-2). */
  sign(path: KeyPath, digest: Uint8Array): Signature;
}>;

export type Keyring = Readonly<{ account(family: Family): Account }>;

const KEY_FILE = v.object({
  version: v.literal(1),
  salt: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  iv: v.pipe(v.string(), v.regex(/^[0-9a-f]{24}$/)),
  sealed: v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{2}){17,}$/)),
});
export type KeyFile = Readonly<v.InferOutput<typeof KEY_FILE>>;
export type OpenResult = Result<{ mnemonic: string }, 'not_a_key_file' | 'wrong_passphrase'>;

export function newMnemonic(): string {
  return generateMnemonic(wordlist, STRENGTH);
}

/** Normalizes case and spaces. Null when the words or the checksum aren't valid BIP-39. */
export function parseMnemonic(text: string): string | null {
  const mnemonic = text.trim().toLowerCase().replace(/\s+/g, ' ');
  return validateMnemonic(mnemonic, wordlist) ? mnemonic : null;
}

export function isValidPassphrase(text: string): boolean {
  return text.length >= MIN_PASSPHRASE_LENGTH;
}

function deriveKey(passphrase: string, salt: Uint8Array): Uint8Array {
  return scryptSync(passphrase.normalize('NFKC'), salt, 32, SCRYPT);
}

/** Encrypts a mnemonic with AES-256-GCM. The tag is the last 16 bytes of `sealed`. */
export function seal(
  mnemonic: string,
  passphrase: string,
  random: (bytes: number) => Uint8Array,
): KeyFile {
  const [salt, iv] = [random(16), random(12)];
  const cipher = createCipheriv('aes-256-gcm', deriveKey(passphrase, salt), iv);
  const text = Buffer.concat([cipher.update(mnemonic, 'utf8'), cipher.final()]);
  const sealed = Buffer.concat([text, cipher.getAuthTag()]);
  return {
    version: 1,
    salt: bytesToHex(salt),
    iv: bytesToHex(iv),
    sealed: sealed.toString('hex'),
  };
}

/** Decrypts a key file. `file` is its parsed JSON. */
export function open(file: unknown, passphrase: string): OpenResult {
  const parsed = v.safeParse(KEY_FILE, file);
  if (!parsed.success) return err('not_a_key_file');
  const keyFile = parsed.output;
  const bytes = hexToBytes(keyFile.sealed);
  const key = deriveKey(passphrase, hexToBytes(keyFile.salt));
  const decipher = createDecipheriv('aes-256-gcm', key, hexToBytes(keyFile.iv));
  decipher.setAuthTag(bytes.subarray(-16));
  try {
    const text = Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
    return ok({ mnemonic: text.toString('utf8') });
  } catch {
    return err('wrong_passphrase');
  }
}

/**
 * Derives the address at a path below an account's public key. Null when `xpub` isn't such a key.
 */
export function deriveAddressAt(xpub: string, { chain, index }: KeyPath): HexAddress | null {
  const read = parseWatchKey(xpub);
  if (!read.ok) return null;
  const external = HDKey.fromExtendedKey(xpub.trim()).deriveChild(chain);
  return deriveAddress({ external }, index);
}

function deriveAccount(root: HDKey, family: Family): Account {
  const account = root.derive(ACCOUNT_PATHS[family]);
  const xpub = account.publicExtendedKey;
  const read = parseWatchKey(xpub);
  if (!read.ok) throw new Error('The public key of the account is invalid.');
  return {
    xpub,
    fingerprint: read.key.fingerprint,
    addressAt: ({ chain, index }) => deriveAddress({ external: account.deriveChild(chain) }, index),
    sign: ({ chain, index }, digest) => {
      const { privateKey } = account.deriveChild(chain).deriveChild(index);
      if (privateKey === null) throw new Error('A key without a private part can’t sign.');
      const bytes = secp256k1.sign(digest, privateKey, { prehash: false, format: 'recovered' });
      const { r, s, recovery } = secp256k1.Signature.fromBytes(bytes, 'recovered');
      if (recovery !== 0 && recovery !== 1)
        throw new Error('The signature has no valid recovery id.');
      return { r, s, recovery };
    },
  };
}

export function createKeyring(mnemonic: string): Keyring {
  const root = HDKey.fromMasterSeed(mnemonicToSeedSync(mnemonic));
  return { account: (family) => deriveAccount(root, family) };
}

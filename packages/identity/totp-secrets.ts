/**
 * Encryption of TOTP secrets at rest. A secret must be readable to check a code, so it is sealed:
 * AES-256-GCM under a derived key, with the account id as additional data, so that a row copied to
 * another account can't be opened.
 */
import { base64url, deriveKey } from '@farebox/crypto';
import type { AccountId } from '@farebox/ledger';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { IdentityDeps } from './contract.ts';

const KEY_LABEL = 'farebox identity: totp secrets';
const IV_BYTES = 12;

function importKey(deps: Pick<IdentityDeps, 'secret'>): Promise<CryptoKey> {
  const raw = new Uint8Array(deriveKey(deps.secret, KEY_LABEL));
  return crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

function gcmParams(account: AccountId, iv: Uint8Array<ArrayBuffer>) {
  return { name: 'AES-GCM', iv, additionalData: new Uint8Array(utf8ToBytes(account)) };
}

/** Returns the IV followed by the ciphertext, in base64url. */
export async function sealTotpSecret(
  deps: Pick<IdentityDeps, 'secret' | 'random'>,
  account: AccountId,
  secret: Uint8Array,
): Promise<string> {
  const iv = new Uint8Array(deps.random(IV_BYTES));
  const key = await importKey(deps);
  const sealed = await crypto.subtle.encrypt(gcmParams(account, iv), key, new Uint8Array(secret));
  return base64url.encode(new Uint8Array([...iv, ...new Uint8Array(sealed)]));
}

/** Returns undefined for a secret sealed under another key or for another account. */
export async function openTotpSecret(
  deps: Pick<IdentityDeps, 'secret'>,
  account: AccountId,
  sealed: string,
): Promise<Uint8Array | undefined> {
  const bytes = base64url.decode(sealed);
  if (bytes === undefined) return undefined;
  const iv = bytes.slice(0, IV_BYTES);
  const key = await importKey(deps);
  try {
    const secret = crypto.subtle.decrypt(gcmParams(account, iv), key, bytes.slice(IV_BYTES));
    return new Uint8Array(await secret);
  } catch {
    return undefined;
  }
}

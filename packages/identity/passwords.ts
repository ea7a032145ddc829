/**
 * Passwords: argon2id with the parameters of OWASP and ASVS 5.0 (t=2, m=19 MiB, p=1), stored as PHC
 * strings so that the parameters can be raised. One hash takes about a quarter of a second of CPU,
 * so a caller checks its rate limit first. A password is never stored, logged or put into an error.
 */
import { base64NoPad, constantTimeEqualBytes } from '@farebox/crypto';
import { argon2idAsync } from '@noble/hashes/argon2.js';
import { isBreached } from './breached-passwords.ts';
import { isWeakPassword } from './weak-passwords.ts';

const PARAMETERS = { t: 2, m: 19_456, p: 1 } as const;
const HASH_BYTES = 32;
export const SALT_BYTES = 16;

/**
 * ASVS 5.0 requires at least 8 characters and advises 15; an upper limit bounds the cost of the
 * hash.
 */
const MIN_LENGTH = 12;
const MAX_LENGTH = 128;

export type PasswordError =
  | 'password_too_short'
  | 'password_too_long'
  | 'password_breached'
  | 'password_too_simple';

/**
 * Returns why a password is rejected; undefined if it is acceptable. There are no composition
 * rules, which make passwords worse (NIST SP 800-63B-4, 3.1.1.2); the same section requires a
 * blocklist of common passwords. `email` is the address of the account.
 */
export function passwordError(password: string, email = ''): PasswordError | undefined {
  const length = [...password.normalize('NFKC')].length;
  if (length < MIN_LENGTH) return 'password_too_short';
  if (length > MAX_LENGTH) return 'password_too_long';
  if (isWeakPassword(password, email)) return 'password_too_simple';
  return isBreached(password) ? 'password_breached' : undefined;
}

/** Checked before hashing: a longer password was never accepted, and hashing it would only cost. */
function isTooLong(password: string): boolean {
  return [...password.normalize('NFKC')].length > MAX_LENGTH;
}

type Parameters = Readonly<{ t: number; m: number; p: number }>;

function derive(password: string, salt: Uint8Array, parameters: Parameters): Promise<Uint8Array> {
  // NFKC makes the same keys on another keyboard or system the same password.
  return argon2idAsync(password.normalize('NFKC'), salt, { ...parameters, dkLen: HASH_BYTES });
}

/** `salt` is 16 bytes from a cryptographic source. */
export async function hashPassword(password: string, salt: Uint8Array): Promise<string> {
  if (salt.length !== SALT_BYTES)
    throw new RangeError('A password hash needs exactly 16 bytes of salt.');
  const { t, m, p } = PARAMETERS;
  const hash = await derive(password, salt, PARAMETERS);
  return `$argon2id$v=19$m=${m},t=${t},p=${p}$${base64NoPad.encode(salt)}$${base64NoPad.encode(hash)}`;
}

/** Returns false also for a stored text that is not one of our hashes. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const parsed = parsePhc(stored);
  if (parsed === undefined || isTooLong(password)) return false;
  const hash = await derive(password, parsed.salt, parsed.parameters);
  return constantTimeEqualBytes(hash, parsed.hash);
}

/** Checks whether a verified password should be hashed again because the parameters were raised. */
export function needsRehash(stored: string): boolean {
  const parameters = parsePhc(stored)?.parameters;
  if (parameters === undefined) return true;
  return (
    parameters.t < PARAMETERS.t || parameters.m < PARAMETERS.m || parameters.p !== PARAMETERS.p
  );
}

const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,6}),t=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/;

function parsePhc(stored: string) {
  const match = PHC.exec(stored);
  if (match === null) return undefined;
  const [, m, t, p, salt = '', hash = ''] = match;
  const saltBytes = base64NoPad.decode(salt);
  const hashBytes = base64NoPad.decode(hash);
  if (saltBytes === undefined || hashBytes === undefined) return undefined;
  return {
    parameters: { t: Number(t), m: Number(m), p: Number(p) },
    salt: saltBytes,
    hash: hashBytes,
  };
}

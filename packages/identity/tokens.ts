/** The random tokens that cookies and emailed links carry, and the hashes stored in their place. */
import { base64url } from '@farebox/crypto';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { IdentityDeps, Token } from './contract.ts';

const TOKEN_BYTES = 32;

/** 256 random bits, which ASVS 5.0 6.5.2 allows to be stored under a fast hash. */
export function newToken(deps: Pick<IdentityDeps, 'random'>): Token {
  return base64url.encode(deps.random(TOKEN_BYTES));
}

/** The hash stored in place of a token. Malformed input hashes too and simply matches no row. */
export function hashToken(token: Token): string {
  return bytesToHex(sha256(utf8ToBytes(token)));
}

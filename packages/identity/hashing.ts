/**
 * Hashes and verifies passwords. Every code path that an anonymous caller can reach hashes exactly
 * once, whether or not there is a hash to compare with; a test counts.
 */
import type { IdentityDeps } from './contract.ts';
import { hashPassword, SALT_BYTES, verifyPassword } from './passwords.ts';

/** A hash with the current parameters that no password has: its digest is all zeros. */
const DUMMY_HASH = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

export function hashNewPassword(deps: IdentityDeps, password: string): Promise<string> {
  return (deps.passwords?.hash ?? hashPassword)(password, deps.random(SALT_BYTES));
}

/** `stored` is undefined if there is no such account; the check then takes as long and fails. */
export async function verifyStoredPassword(
  deps: IdentityDeps,
  password: string,
  stored: string | undefined,
): Promise<boolean> {
  const matches = await (deps.passwords?.verify ?? verifyPassword)(password, stored ?? DUMMY_HASH);
  return matches && stored !== undefined;
}

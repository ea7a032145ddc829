/**
 * The one place where a verb hashes a password. Each path of a verb that strangers can call hashes
 * exactly once, whether or not there is anything to compare with; a test counts.
 */
import type { IdentityDeps } from './contract.ts';
import { hashPassword, SALT_BYTES, verifyPassword } from './passwords.ts';

/** A hash under today's parameters that no password has: its digest is all zeros. */
const DUMMY_HASH = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

export function hashNewPassword(deps: IdentityDeps, password: string): Promise<string> {
  return (deps.passwords?.hash ?? hashPassword)(password, deps.random(SALT_BYTES));
}

/** `stored` is undefined where there is nobody, which takes as long to deny. */
export async function verifyStoredPassword(
  deps: IdentityDeps,
  password: string,
  stored: string | undefined,
): Promise<boolean> {
  const matches = await (deps.passwords?.verify ?? verifyPassword)(password, stored ?? DUMMY_HASH);
  return matches && stored !== undefined;
}

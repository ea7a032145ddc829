/**
 * The one place where a verb hashes a password. Each path of a verb that strangers can call hashes
 * exactly once, whether or not there is anything to compare with; a test counts.
 */
import type { IdentityHouse } from './contract.ts';
import { hashPassword, SALT_BYTES, verifyPassword } from './passwords.ts';

/** A hash under today's parameters that no password has: its digest is all zeros. */
const NOBODYS = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

export function hashFor(house: IdentityHouse, password: string): Promise<string> {
  return (house.passwords?.hash ?? hashPassword)(password, house.random(SALT_BYTES));
}

/** `stored` is undefined where there is nobody, which takes as long to deny. */
export async function verifyFor(
  house: IdentityHouse,
  password: string,
  stored: string | undefined,
): Promise<boolean> {
  const right = await (house.passwords?.verify ?? verifyPassword)(password, stored ?? NOBODYS);
  return right && stored !== undefined;
}

/**
 * The moment somebody is let in: a new session and a new device token, whatever the browser brought.
 * Nothing a browser shows is ever kept as a token, so none can be planted in it.
 */
import { type Entitlement, type NewSession, openSession } from '@farebox/database';
import type { AccountId } from '@farebox/ledger';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { IdentityHouse, SignedIn } from './contract.ts';
import { freshToken, LASTS, tokenHash } from './house.ts';

const HANDLE_BYTES = 8;

/** The cookies, and the rows that know them by their hashes. */
export function newSession(
  house: IdentityHouse,
  account: AccountId,
  replacedDeviceHash: string | null,
): Readonly<{ signedIn: SignedIn; row: NewSession }> {
  const now = house.now();
  const signedIn = { account, session: freshToken(house), device: freshToken(house) };
  const row = {
    accountId: account,
    tokenHash: tokenHash(signedIn.session),
    handle: bytesToHex(house.random(HANDLE_BYTES)),
    deviceHash: tokenHash(signedIn.device),
    replacedDeviceHash,
    now,
    expiresAt: now + LASTS.session,
    deviceExpiresAt: now + LASTS.device,
  };
  return { signedIn, row };
}

/** Undefined where what entitles to it is gone: the password was changed, or the step was spent. */
export async function letIn(
  house: IdentityHouse,
  account: AccountId,
  by: Entitlement,
  replacedDeviceHash: string | null,
): Promise<SignedIn | undefined> {
  const { signedIn, row } = newSession(house, account, replacedDeviceHash);
  return (await openSession(house.db, row, by)) ? signedIn : undefined;
}

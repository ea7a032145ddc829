/**
 * Creates a session after a successful sign-in: a new session token and a new device token,
 * whatever cookies the browser sent. No token is ever taken from a browser, which rules out session
 * fixation.
 */
import {
  insertSession,
  markReauthenticated,
  type NewSession,
  type SessionGrant,
} from '@farebox/database/users';
import type { AccountId } from '@farebox/ledger';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { IdentityDeps, SessionUser, SignedIn } from './contract.ts';
import { TTL } from './lifetimes.ts';
import { hashToken, newToken } from './tokens.ts';

const HANDLE_BYTES = 8;

/** Builds the cookies and the row that stores their hashes, of a session without a factor. */
export function buildSession(
  deps: IdentityDeps,
  account: AccountId,
  replacedDeviceHash: string | null,
): Readonly<{ signedIn: SignedIn; row: NewSession }> {
  const now = deps.now();
  const signedIn = { account, session: newToken(deps), device: newToken(deps) };
  const row = {
    accountId: account,
    tokenHash: hashToken(signedIn.session),
    handle: bytesToHex(deps.random(HANDLE_BYTES)),
    deviceHash: hashToken(signedIn.device),
    replacedDeviceHash,
    factorShown: false,
    now,
    expiresAt: now + TTL.session,
    deviceExpiresAt: now + TTL.device,
  };
  return { signedIn, row };
}

/**
 * Returns undefined if the grant is no longer valid: the password was changed or the MFA challenge
 * was used.
 */
export async function startSession(
  deps: IdentityDeps,
  account: AccountId,
  grant: SessionGrant,
  replacedDeviceHash: string | null,
): Promise<SignedIn | undefined> {
  const { signedIn, row } = buildSession(deps, account, replacedDeviceHash);
  const session = { ...row, factorShown: 'mfaChallengeHash' in grant };
  return (await insertSession(deps.db, session, grant)) ? signedIn : undefined;
}

/** Records that the user has just shown the factor that they set up: they need not show it again. */
export function markFactorShown(deps: IdentityDeps, user: SessionUser): Promise<void> {
  const { account: accountId, session: handle } = user;
  return markReauthenticated(deps.db, { accountId, handle, factorShown: true, now: deps.now() });
}

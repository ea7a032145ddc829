/** Verifies a second factor or a password, for sign-in and before sensitive actions. */
import {
  type EmailRecipient,
  findCredentialsByAccount,
  markReauthenticated,
} from '@farebox/database/users';
import type { Email } from '@farebox/mail';
import type {
  EmailsToSend,
  FactorResponse,
  IdentityDeps,
  ReauthCredential,
  ReauthResult,
  RelyingParty,
  SessionUser,
  Token,
} from './contract.ts';
import { verifyStoredPassword } from './hashing.ts';
import { assertionOptions, verifyAssertion } from './passkeys.ts';
import { checkCodeRate, checkReauthRate } from './rate-limits.ts';
import { redeemRecoveryCode } from './recovery-codes.ts';
import { hashToken } from './tokens.ts';
import { verifyTotp } from './totp.ts';

/**
 * Returns undefined for an invalid factor. A code or response that was accepted once is not
 * accepted again.
 */
export async function verifyFactor(
  deps: IdentityDeps,
  rp: RelyingParty,
  owner: EmailRecipient,
  credential: FactorResponse,
  purpose: 'sign_in' | 'reauthenticate',
): Promise<EmailsToSend | undefined> {
  const { accountId } = owner;
  if (credential.kind === 'recovery_code') return redeemRecoveryCode(deps, owner, credential.code);
  const matches =
    credential.kind === 'totp'
      ? await verifyTotp(deps, accountId, credential.code)
      : await verifyAssertion(deps, rp, accountId, purpose, credential.response);
  return matches ? { emails: [] } : undefined;
}

/** Required before a sensitive action. The emails report a recovery code that was used for it. */
export async function reauthenticate(
  deps: IdentityDeps,
  rp: RelyingParty,
  user: SessionUser,
  session: Token,
  credential: ReauthCredential,
  _ipPrefix: string,
): Promise<ReauthResult> {
  const rateLimited =
    (await checkReauthRate(deps, user.session)) ??
    ('kind' in credential && credential.kind === 'totp'
      ? await checkCodeRate(deps, { account: user.account, device: user.session })
      : undefined);
  if (rateLimited !== undefined) return rateLimited;
  const emails = await verifyCredential(deps, rp, user, credential);
  if (emails === undefined) return { ok: false, reason: 'invalid_credentials' };
  await markReauthenticated(deps.db, user.account, hashToken(session), deps.now());
  return { ok: true, emails };
}

async function verifyCredential(
  deps: IdentityDeps,
  rp: RelyingParty,
  user: SessionUser,
  credential: ReauthCredential,
): Promise<readonly Email[] | undefined> {
  const { account, email, language } = user;
  if ('kind' in credential) {
    const owner = { accountId: account, email, language };
    return (await verifyFactor(deps, rp, owner, credential, 'reauthenticate'))?.emails;
  }
  const credentials = await findCredentialsByAccount(deps.db, account, deps.now());
  const matches = await verifyStoredPassword(deps, credential.password, credentials?.passwordHash);
  return matches ? [] : undefined;
}

/** Returns the options for `navigator.credentials.get`; undefined if the user has no passkey. */
export function beginPasskeyReauth(
  deps: IdentityDeps,
  rp: RelyingParty,
  user: SessionUser,
): Promise<unknown> {
  return assertionOptions(deps, rp, user.account, 'reauthenticate');
}

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
} from './contract.ts';
import { REAUTH_TTL_MS } from './contract.ts';
import { verifyStoredPassword } from './hashing.ts';
import { assertionOptions, verifyAssertion } from './passkeys.ts';
import { checkCodeRate, checkReauthRate } from './rate-limits.ts';
import { getFactorsStatus, redeemRecoveryCode } from './recovery-codes.ts';
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
  credential: ReauthCredential,
): Promise<ReauthResult> {
  const rateLimited =
    (await checkReauthRate(deps, user.session)) ??
    ('kind' in credential && credential.kind === 'totp'
      ? await checkCodeRate(deps, { account: user.account, device: user.session })
      : undefined);
  if (rateLimited !== undefined) return rateLimited;
  const emails = await verifyCredential(deps, rp, user, credential);
  if (emails === undefined) return { ok: false, reason: 'invalid_credentials' };
  await markReauthenticated(deps.db, {
    accountId: user.account,
    handle: user.session,
    factorShown: 'kind' in credential,
    now: deps.now(),
  });
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

/**
 * Whether the user has to show a second factor or a recovery code before factors, recovery codes or
 * the email address change: the password alone would let a thief who has it, and a session, take
 * away what protects the account from exactly that (ASVS 5.0, 7.5.1).
 */
export async function isSecondFactorDue(deps: IdentityDeps, user: SessionUser): Promise<boolean> {
  const { lastFactorAt } = user;
  if (lastFactorAt !== null && deps.now() - lastFactorAt < REAUTH_TTL_MS) return false;
  const { totp, passkeys } = await getFactorsStatus(deps, user);
  return totp || passkeys.length > 0;
}

/** Returns the options for `navigator.credentials.get`; undefined if the user has no passkey. */
export function beginPasskeyReauth(
  deps: IdentityDeps,
  rp: RelyingParty,
  user: SessionUser,
): Promise<unknown> {
  return assertionOptions(deps, rp, user.account, 'reauthenticate');
}

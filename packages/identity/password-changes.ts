/**
 * Sets a new password, by an emailed link or with the current password. Both end the existing
 * sessions.
 */
import {
  consumePasswordReset,
  findCredentialsByAccount,
  findPasswordReset,
  insertPasswordReset,
  updatePasswordHash,
} from '@farebox/database/users';
import type { Email } from '@farebox/mail';
import { solvedChallenge } from './challenge.ts';
import type {
  ChangePasswordRequest,
  ChangePasswordResult,
  IdentityDeps,
  RequestPasswordResetRequest,
  RequestPasswordResetResult,
  ResetPasswordRequest,
  ResetPasswordResult,
  SessionUser,
} from './contract.ts';
import { buildSession } from './create-session.ts';
import { isoNow, recipientFields } from './email-data.ts';
import { parseEmailAddress } from './emails.ts';
import { hashNewPassword, verifyStoredPassword } from './hashing.ts';
import { EMAIL_DELAY_MS, TTL } from './lifetimes.ts';
import { passwordError } from './passwords.ts';
import {
  checkEmailRate,
  checkLinkHashRate,
  checkReauthRate,
  checkUnknownTokenRate,
} from './rate-limits.ts';
import { hashToken, newToken } from './tokens.ts';

/**
 * Runs the same statement with the same number of writes for an unknown address; only the email is
 * missing.
 */
export async function requestPasswordReset(
  deps: IdentityDeps,
  request: RequestPasswordResetRequest,
): Promise<RequestPasswordResetResult> {
  const email = parseEmailAddress(request.email);
  if (email === undefined) return { ok: false, reason: 'email_invalid' };
  const allowance = await checkEmailRate(deps, 'reset', {
    emailKey: email.key,
    clientIp: request.clientIp,
    challenge: solvedChallenge(deps, request),
    mayDelay: request.mayDelay === true,
  });
  if (!allowance.ok) return allowance;
  const delayMs = allowance.delayed ? EMAIL_DELAY_MS : 0;
  const token = newToken(deps);
  const now = deps.now();
  const owner = await insertPasswordReset(deps.db, {
    tokenHash: hashToken(token),
    emailKey: email.key,
    now,
    expiresAt: now + delayMs + TTL.reset,
  });
  if (owner === undefined) return { ok: true, emails: [], delayMs };
  const message: Email = { kind: 'reset_password', facts: { token }, ...recipientFields(owner) };
  return { ok: true, emails: [message], delayMs };
}

/** A rejected password doesn't consume the link. */
export async function resetPassword(
  deps: IdentityDeps,
  request: ResetPasswordRequest,
): Promise<ResetPasswordResult> {
  const hash = hashToken(request.token);
  const owner = await findPasswordReset(deps.db, hash, deps.now());
  if (owner === undefined) {
    const tooMany = await checkUnknownTokenRate(deps, request.clientIp);
    return tooMany ?? { ok: false, reason: 'token_invalid' };
  }
  const error = passwordError(request.password, owner.email);
  if (error !== undefined) return { ok: false, reason: error };
  const rateLimited = await checkLinkHashRate(deps, hash);
  if (rateLimited !== undefined) return rateLimited;
  const passwordHash = await hashNewPassword(deps, request.password);
  const recipient = await consumePasswordReset(deps.db, {
    tokenHash: hash,
    passwordHash,
    now: deps.now(),
  });
  if (recipient === undefined) return { ok: false, reason: 'token_invalid' };
  const facts = { at: isoNow(deps) };
  return { ok: true, emails: [{ kind: 'password_changed', facts, ...recipientFields(recipient) }] };
}

export async function changePassword(
  deps: IdentityDeps,
  user: SessionUser,
  request: ChangePasswordRequest,
): Promise<ChangePasswordResult> {
  const error = passwordError(request.next, user.email);
  if (error !== undefined) return { ok: false, reason: error };
  const rateLimited = await checkReauthRate(deps, user.session);
  if (rateLimited !== undefined) return rateLimited;
  const credentials = await findCredentialsByAccount(deps.db, user.account, deps.now());
  const matches = await verifyStoredPassword(deps, request.current, credentials?.passwordHash);
  if (!matches || credentials === undefined) return { ok: false, reason: 'invalid_credentials' };
  const after = await hashNewPassword(deps, request.next);
  const { signedIn, row: session } = buildSession(deps, user.account, null);
  const change = { before: credentials.passwordHash, after, session };
  if (!(await updatePasswordHash(deps.db, change)))
    return { ok: false, reason: 'invalid_credentials' };
  const facts = { at: isoNow(deps) };
  const message: Email = { kind: 'password_changed', facts, ...recipientFields(credentials) };
  return { ok: true, signedIn, emails: [message] };
}

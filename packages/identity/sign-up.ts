/**
 * Sign-up. The account is created when the mailbox is confirmed, and confirming requires the
 * password that was chosen. Someone who signs up with another user's address gains nothing, and the
 * owner who opens the link can't be tricked into a stranger's password.
 */
import {
  deleteSignUps,
  findSignUp,
  insertConfirmedAccount,
  insertSignUp,
} from '@farebox/database/users';
import type { AccountId } from '@farebox/ledger';
import { bytesToHex } from '@noble/hashes/utils.js';
import { ACCOUNT_ID_BYTES, ensureAccountOpened, isLanguageTag } from './accounts.ts';
import { solvedChallenge } from './challenge.ts';
import type {
  ConfirmSignUpRequest,
  ConfirmSignUpResult,
  IdentityDeps,
  SignUpRequest,
  SignUpResult,
} from './contract.ts';
import { startSession } from './create-session.ts';
import { recipientFields } from './email-data.ts';
import { parseEmailAddress } from './emails.ts';
import { hashNewPassword, verifyStoredPassword } from './hashing.ts';
import { EMAIL_DELAY_MS, TTL } from './lifetimes.ts';
import { passwordError } from './passwords.ts';
import { checkEmailRate, checkLinkHashRate, checkUnknownTokenRate } from './rate-limits.ts';
import { hashToken, newToken } from './tokens.ts';

export async function signUp(deps: IdentityDeps, request: SignUpRequest): Promise<SignUpResult> {
  const { password, language, clientIp } = request;
  const email = parseEmailAddress(request.email);
  if (email === undefined) return { ok: false, reason: 'email_invalid' };
  const error = passwordError(password, email.address);
  if (error !== undefined) return { ok: false, reason: error };
  if (!isLanguageTag(language)) return { ok: false, reason: 'language_invalid' };
  const allowance = await checkEmailRate(deps, 'sign-up', {
    emailKey: email.key,
    clientIp,
    challenge: solvedChallenge(deps, request),
    mayDelay: request.mayDelay === true,
  });
  if (!allowance.ok) return allowance;
  const delayMs = allowance.delayed ? EMAIL_DELAY_MS : 0;

  const passwordHash = await hashNewPassword(deps, password);
  const token = newToken(deps);
  const now = deps.now();
  const existingOwner = await insertSignUp(deps.db, {
    tokenHash: hashToken(token),
    email: email.address,
    emailKey: email.key,
    passwordHash,
    language,
    now,
    expiresAt: now + delayMs + TTL.signUp,
  });
  const recipient = { to: email.address, language, account: null };
  const message =
    existingOwner === undefined
      ? ({ kind: 'confirm_sign_up', facts: { token }, ...recipient } as const)
      : ({ kind: 'already_signed_up', facts: {}, ...recipientFields(existingOwner) } as const);
  return { ok: true, emails: [message], delayMs };
}

export async function confirmSignUp(
  deps: IdentityDeps,
  request: ConfirmSignUpRequest,
): Promise<ConfirmSignUpResult> {
  const hash = hashToken(request.token);
  const pendingSignUp = await findSignUp(deps.db, hash, deps.now());
  if (pendingSignUp === undefined) {
    const tooMany = await checkUnknownTokenRate(deps, request.clientIp);
    return tooMany ?? { ok: false, reason: 'token_invalid' };
  }
  const rateLimited = await checkLinkHashRate(deps, hash);
  if (rateLimited !== undefined) return rateLimited;
  if (!(await verifyStoredPassword(deps, request.password, pendingSignUp.passwordHash))) {
    return { ok: false, reason: 'incorrect_password' };
  }
  const account = await insertAccountRows(deps, hash, pendingSignUp.emailKey);
  if (account === undefined) return { ok: false, reason: 'token_invalid' };
  // A crash from here on leaves an account that the owner's first sign-in opens.
  await ensureAccountOpened(deps.db, deps.accounts, account, deps.now());
  const signedIn = await startSession(
    deps,
    account,
    { passwordHash: pendingSignUp.passwordHash },
    null,
  );
  if (signedIn === undefined) return { ok: false, reason: 'token_invalid' };
  return { ok: true, signedIn, emails: [] };
}

/**
 * Replaces the sign-up by the account's rows. Returns undefined if the link was used or the address
 * has an account.
 */
async function insertAccountRows(
  deps: IdentityDeps,
  hash: string,
  emailKey: string,
): Promise<AccountId | undefined> {
  // Two ids of 64 random bits practically never collide; a third collision means a broken source of
  // randomness.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const accountId = bytesToHex(deps.random(ACCOUNT_ID_BYTES));
    const confirmation = { tokenHash: hash, emailKey, accountId, now: deps.now() };
    const confirmed = await insertConfirmedAccount(deps.db, confirmation);
    if (confirmed.ok) return accountId;
    if (confirmed.reason === 'email_taken') await deleteSignUps(deps.db, emailKey);
    if (confirmed.reason !== 'id_taken') return undefined;
  }
  throw new Error('Three random account ids were taken.');
}

/**
 * Sign-in: a password and, if the account has one, a second factor. An unknown address takes the
 * same steps as a known one, up to and including the hash.
 */
import {
  type Credentials,
  countMfaAttempt,
  findCredentials,
  findMfaChallenge,
  insertMfaChallenge,
  type MfaChallenge,
  rehashPassword,
} from '@farebox/database/users';
import type { Email } from '@farebox/mail';
import { ensureAccountOpened } from './accounts.ts';
import { solvedChallenge } from './challenge.ts';
import type {
  FactorResponse,
  IdentityDeps,
  RelyingParty,
  SecondFactorResult,
  SecondFactors,
  SignInRequest,
  SignInResult,
  Token,
  VerifySecondFactorRequest,
} from './contract.ts';
import { startSession } from './create-session.ts';
import { isoNow, recipientFields } from './email-data.ts';
import { parseEmailAddress } from './emails.ts';
import { hashNewPassword, verifyStoredPassword } from './hashing.ts';
import { TTL } from './lifetimes.ts';
import { assertionOptions } from './passkeys.ts';
import { needsRehash } from './passwords.ts';
import { checkCodeRate, checkSignInRate } from './rate-limits.ts';
import { verifyFactor } from './reauthentication.ts';
import { hashToken, newToken } from './tokens.ts';

/** Attempts per verified password. Five can be typing errors; more are a program. */
const MAX_MFA_ATTEMPTS = 5;

export async function signIn(deps: IdentityDeps, request: SignInRequest): Promise<SignInResult> {
  const { password, clientIp } = request;
  const deviceHash = request.device === null ? null : hashToken(request.device);
  // An invalid email is looked up as an empty key, so that it takes as long as an unknown one.
  const emailKey = parseEmailAddress(request.email)?.key ?? '';
  const credentials = await findCredentials(deps.db, emailKey, deviceHash, deps.now());
  const device = credentials?.deviceKnown ? deviceHash : null;
  const challenge = solvedChallenge(deps, request);
  const rateLimited = await checkSignInRate(deps, { emailKey, clientIp, device, challenge });
  if (rateLimited !== undefined) return rateLimited;
  const matches = await verifyStoredPassword(deps, password, credentials?.passwordHash);
  if (!matches || credentials === undefined) return { ok: false, reason: 'invalid_credentials' };

  const passwordHash = await upgradeHash(deps, credentials, password);
  if (passwordHash === undefined) return { ok: false, reason: 'invalid_credentials' };
  if (!credentials.opened) {
    await ensureAccountOpened(deps.db, deps.accounts, credentials.accountId, deps.now());
  }
  const factors = requiredFactors(credentials.factors);
  if (factors !== undefined) return startMfaChallenge(deps, credentials, passwordHash, factors);
  const signedIn = await startSession(deps, credentials.accountId, { passwordHash }, device);
  if (signedIn === undefined) return { ok: false, reason: 'invalid_credentials' };
  return { ok: true, signedIn, emails: device === null ? [newDeviceEmail(deps, credentials)] : [] };
}

/** Returns the hash to continue with; undefined if the password was changed in the meantime. */
async function upgradeHash(
  deps: IdentityDeps,
  credentials: Credentials,
  password: string,
): Promise<string | undefined> {
  const before = credentials.passwordHash;
  if (!needsRehash(before)) return before;
  const after = await hashNewPassword(deps, password);
  return (await rehashPassword(deps.db, credentials.accountId, { before, after }))
    ? after
    : undefined;
}

async function startMfaChallenge(
  deps: IdentityDeps,
  credentials: Credentials,
  passwordHash: string,
  factors: SecondFactors,
): Promise<SignInResult> {
  const mfaToken = newToken(deps);
  const { accountId } = credentials;
  const now = deps.now();
  const row = { tokenHash: hashToken(mfaToken), accountId, passwordHash, now };
  const inserted = await insertMfaChallenge(deps.db, { ...row, expiresAt: now + TTL.mfaChallenge });
  return inserted ? { ok: true, mfaToken, factors } : { ok: false, reason: 'invalid_credentials' };
}

/** Recovery codes only replace another factor; alone they require none. */
function requiredFactors(factors: SecondFactors): SecondFactors | undefined {
  return factors.totp || factors.passkey ? factors : undefined;
}

function newDeviceEmail(deps: IdentityDeps, owner: Credentials): Email {
  return { kind: 'new_device', facts: { at: isoNow(deps) }, ...recipientFields(owner) };
}

/**
 * Returns the factors a pending sign-in accepts; undefined if there is none or its attempts are
 * used up.
 */
export async function getMfaFactors(
  deps: IdentityDeps,
  mfaToken: Token,
): Promise<SecondFactors | undefined> {
  const challenge = await findPendingMfaChallenge(deps, mfaToken, null);
  return challenge === undefined ? undefined : challenge.factors;
}

async function findPendingMfaChallenge(
  deps: IdentityDeps,
  mfaToken: Token,
  deviceHash: string | null,
): Promise<MfaChallenge | undefined> {
  const challenge = await findMfaChallenge(deps.db, hashToken(mfaToken), deviceHash, deps.now());
  return challenge === undefined || challenge.attempts >= MAX_MFA_ATTEMPTS ? undefined : challenge;
}

/**
 * Returns the options for `navigator.credentials.get`; undefined without a pending sign-in or
 * without passkeys.
 */
export async function beginPasskeyAssertion(
  deps: IdentityDeps,
  rp: RelyingParty,
  mfaToken: Token,
): Promise<unknown> {
  const challenge = await findPendingMfaChallenge(deps, mfaToken, null);
  return challenge === undefined
    ? undefined
    : assertionOptions(deps, rp, challenge.accountId, 'sign_in');
}

export async function verifySecondFactor(
  deps: IdentityDeps,
  rp: RelyingParty,
  request: VerifySecondFactorRequest,
): Promise<SecondFactorResult> {
  const mfaChallengeHash = hashToken(request.mfaToken);
  const deviceHash = request.device === null ? null : hashToken(request.device);
  const challenge = await findPendingMfaChallenge(deps, request.mfaToken, deviceHash);
  if (challenge === undefined) return { ok: false, reason: 'mfa_token_invalid' };
  const device = challenge.deviceKnown ? deviceHash : null;
  const rateLimited = await limitCodeAttempts(deps, challenge, request.factor, device);
  if (rateLimited !== undefined) return rateLimited;
  // Counted before the check, so that concurrent attempts can't exceed the limit.
  if (!(await countMfaAttempt(deps.db, mfaChallengeHash, MAX_MFA_ATTEMPTS, deps.now()))) {
    return { ok: false, reason: 'mfa_token_invalid' };
  }
  const factorResult = await verifyFactor(deps, rp, challenge, request.factor, 'sign_in');
  if (factorResult === undefined) return { ok: false, reason: 'invalid_credentials' };
  const signedIn = await startSession(deps, challenge.accountId, { mfaChallengeHash }, device);
  if (signedIn === undefined) return { ok: false, reason: 'mfa_token_invalid' };
  const emails = device === null ? [newDeviceEmail(deps, challenge)] : [];
  return { ok: true, signedIn, emails: [...emails, ...factorResult.emails] };
}

async function limitCodeAttempts(
  deps: IdentityDeps,
  challenge: MfaChallenge,
  factor: FactorResponse,
  device: string | null,
) {
  if (factor.kind !== 'totp') return undefined;
  return checkCodeRate(deps, { account: challenge.accountId, device });
}

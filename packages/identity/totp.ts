/**
 * Codes from an authenticator app (RFC 6238): SHA-1, six digits, thirty seconds, which every app
 * supports. The secrets are stored encrypted, see totp-secrets.ts.
 */
import {
  activateTotp,
  consumeTotpStep,
  deleteTotp,
  findTotp,
  insertPendingTotp,
} from '@farebox/database/users';
import type { AccountId } from '@farebox/ledger';
import { generateURI, ScureBase32Plugin, verifySync } from 'otplib';
import type {
  ConfirmTotpResult,
  EmailsToSend,
  IdentityDeps,
  SessionUser,
  TotpEnrollment,
} from './contract.ts';
import { markFactorShown } from './create-session.ts';
import { TTL } from './lifetimes.ts';
import { factorChangedEmails, generateCodes } from './recovery-codes.ts';
import { openTotpSecret, sealTotpSecret } from './totp-secrets.ts';

/** RFC 4226 section 4 recommends 160 bits. */
const SECRET_BYTES = 20;
const PERIOD_SECONDS = 30;
/** One step in either direction, the most that RFC 6238 section 5.2 recommends for clock drift. */
const TOLERANCE_SECONDS = 30;

const base32 = new ScureBase32Plugin();

/**
 * Returns a recent pending enrollment again, so that a mistyped code doesn't invalidate a QR code
 * that was already scanned. If the user has a confirmed factor, the enrollment can't be confirmed.
 */
export async function beginTotp(deps: IdentityDeps, user: SessionUser): Promise<TotpEnrollment> {
  const now = deps.now();
  const pending = await findTotp(deps.db, user.account);
  if (pending !== undefined && !pending.confirmed && pending.createdAt > now - TTL.totpEnrollment) {
    const secret = await openTotpSecret(deps, user.account, pending.sealedSecret);
    if (secret !== undefined) return toEnrollment(user, secret);
  }
  const secret = deps.random(SECRET_BYTES);
  await insertPendingTotp(
    deps.db,
    user.account,
    await sealTotpSecret(deps, user.account, secret),
    now,
  );
  return toEnrollment(user, secret);
}

function toEnrollment(user: SessionUser, secretBytes: Uint8Array): TotpEnrollment {
  const secret = base32.encode(secretBytes);
  return { secret, uri: generateURI({ issuer: 'Farebox', label: user.email, secret }) };
}

/**
 * The first valid code confirms that the app has the secret. Recovery codes are returned with the
 * user's first factor only.
 */
export async function confirmTotp(
  deps: IdentityDeps,
  user: SessionUser,
  code: string,
): Promise<ConfirmTotpResult> {
  const { account } = user;
  const pending = await findTotp(deps.db, account);
  if (pending === undefined || pending.confirmed) return { ok: false, reason: 'not_pending' };
  const { sealedSecret } = pending;
  const step = await matchTimeStep(deps, account, sealedSecret, code);
  if (step === undefined) return { ok: false, reason: 'invalid_credentials' };
  const { codes, hashes } = generateCodes(deps, account);
  const now = deps.now();
  const added = await activateTotp(deps.db, account, { sealedSecret, step }, hashes, now);
  if (!added.added) return { ok: false, reason: 'not_pending' };
  await markFactorShown(deps, user);
  const recoveryCodes = added.codesStored ? codes : [];
  return { ok: true, recoveryCodes, ...factorChangedEmails(deps, user) };
}

export async function removeTotp(deps: IdentityDeps, user: SessionUser): Promise<EmailsToSend> {
  const removed = await deleteTotp(deps.db, user.account);
  return removed ? factorChangedEmails(deps, user) : { emails: [] };
}

/** Checks that a code is valid now and was not used before. */
export async function verifyTotp(
  deps: IdentityDeps,
  account: AccountId,
  code: string,
): Promise<boolean> {
  const factor = await findTotp(deps.db, account);
  if (factor === undefined || !factor.confirmed) return false;
  const step = await matchTimeStep(deps, account, factor.sealedSecret, code);
  return step !== undefined && consumeTotpStep(deps.db, account, step);
}

/** Returns the time step of a code; undefined if it matches none in the tolerated range. */
async function matchTimeStep(
  deps: IdentityDeps,
  account: AccountId,
  sealedSecret: string,
  code: string,
): Promise<number | undefined> {
  // Apps show `123 456`; a Chinese input method types full-width digits.
  const token = code.normalize('NFKC').replace(/[\s\p{Cf}]/gu, '');
  if (!/^\d{6}$/.test(token)) return undefined;
  const secret = await openTotpSecret(deps, account, sealedSecret);
  if (secret === undefined) throw new Error('A sealed TOTP secret does not open.');
  const epoch = Math.floor(deps.now() / 1000);
  const result = verifySync({
    secret,
    token,
    algorithm: 'sha1',
    digits: 6,
    period: PERIOD_SECONDS,
    epoch,
    epochTolerance: TOLERANCE_SECONDS,
  });
  return result.valid ? Math.floor(epoch / PERIOD_SECONDS) + result.delta : undefined;
}

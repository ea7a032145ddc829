/**
 * Signing up. There is no account until the mailbox confirmed it, and no confirmation without the
 * password that was chosen: whoever signs up with somebody else's address gets nothing by it, and its
 * owner who follows the link can't be talked into a stranger's password.
 */
import {
  confirmSignUp as confirmRow,
  dropSignUps,
  findSignUp,
  insertSignUp,
} from '@farebox/database';
import type { AccountId } from '@farebox/ledger';
import { bytesToHex } from '@noble/hashes/utils.js';
import { ACCOUNT_ID_BYTES, isLanguage, reopenAccount } from './accounts.ts';
import type {
  ConfirmSignUpRequest,
  ConfirmSignUpResult,
  IdentityHouse,
  SignUpRequest,
  SignUpResult,
} from './contract.ts';
import { readEmail } from './emails.ts';
import { letIn } from './entrance.ts';
import { hashFor, verifyFor } from './hashing.ts';
import { addressed, freshToken, LASTS, tokenHash } from './house.ts';
import { passwordFlaw } from './passwords.ts';
import { allowLink, allowMail } from './throttles.ts';

export async function signUp(house: IdentityHouse, request: SignUpRequest): Promise<SignUpResult> {
  const { password, language, network } = request;
  const email = readEmail(request.email);
  if (email === undefined) return { ok: false, reason: 'email_invalid' };
  const flaw = passwordFlaw(password, email.address);
  if (flaw !== undefined) return { ok: false, reason: flaw };
  if (!isLanguage(language)) return { ok: false, reason: 'language_invalid' };
  const throttled = await allowMail(house, 'sign-up', { emailKey: email.key, network });
  if (throttled !== undefined) return throttled;

  const passwordHash = await hashFor(house, password);
  const token = freshToken(house);
  const now = house.now();
  const owner = await insertSignUp(house.db, {
    tokenHash: tokenHash(token),
    email: email.address,
    emailKey: email.key,
    passwordHash,
    language,
    now,
    expiresAt: now + LASTS.signUp,
  });
  const newcomer = { to: email.address, language, account: null };
  const letter =
    owner === undefined
      ? ({ kind: 'confirm_sign_up', facts: { token }, ...newcomer } as const)
      : ({ kind: 'already_signed_up', facts: {}, ...addressed(owner) } as const);
  return { ok: true, letters: [letter] };
}

export async function confirmSignUp(
  house: IdentityHouse,
  request: ConfirmSignUpRequest,
): Promise<ConfirmSignUpResult> {
  const hash = tokenHash(request.token);
  const throttled = await allowLink(house, { tokenHash: hash, network: request.network });
  if (throttled !== undefined) return throttled;
  const waiting = await findSignUp(house.db, hash, house.now());
  if (waiting === undefined) return { ok: false, reason: 'token_invalid' };
  if (!(await verifyFor(house, request.password, waiting.passwordHash))) {
    return { ok: false, reason: 'wrong_password' };
  }
  const account = await writeAccount(house, hash, waiting.emailKey);
  if (account === undefined) return { ok: false, reason: 'token_invalid' };
  // A crash from here on leaves an account that its owner's first sign-in opens.
  await reopenAccount(house.db, house.accounts, account, house.now());
  const signedIn = await letIn(house, account, { passwordHash: waiting.passwordHash }, null);
  if (signedIn === undefined) return { ok: false, reason: 'token_invalid' };
  return { ok: true, signedIn, letters: [] };
}

/** The account's rows for the sign-up's; undefined where the link was used, or the address got an account. */
async function writeAccount(
  house: IdentityHouse,
  hash: string,
  emailKey: string,
): Promise<AccountId | undefined> {
  // Two ids of 64 random bits meet about never; a third time is a broken source of randomness.
  for (let tries = 0; tries < 3; tries += 1) {
    const accountId = bytesToHex(house.random(ACCOUNT_ID_BYTES));
    const sent = { tokenHash: hash, emailKey, accountId, now: house.now() };
    const confirmed = await confirmRow(house.db, sent);
    if (confirmed.ok) return accountId;
    if (confirmed.reason === 'email_taken') await dropSignUps(house.db, emailKey);
    if (confirmed.reason !== 'id_taken') return undefined;
  }
  throw new Error('Three random account ids were taken.');
}

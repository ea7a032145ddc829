/** A new password: by a link in a mail, or by the old one. Either ends what the old one had opened. */
import {
  changePassword as changeRow,
  credentialsOfAccount,
  findReset,
  insertReset,
  spendReset,
} from '@farebox/database';
import type { Letter } from '@farebox/mail';
import type {
  ChangePasswordRequest,
  ChangePasswordResult,
  IdentityHouse,
  Person,
  RequestResetRequest,
  RequestResetResult,
  ResetPasswordRequest,
  ResetPasswordResult,
} from './contract.ts';
import { readEmail } from './emails.ts';
import { newSession } from './entrance.ts';
import { hashFor, verifyFor } from './hashing.ts';
import { addressed, freshToken, LASTS, timeOf, tokenHash } from './house.ts';
import { passwordFlaw } from './passwords.ts';
import { allowLink, allowMail, allowProof } from './throttles.ts';

/** The same statement for an address that nobody has, with as much to write; only the letter is missing. */
export async function requestReset(
  house: IdentityHouse,
  request: RequestResetRequest,
): Promise<RequestResetResult> {
  const email = readEmail(request.email);
  if (email === undefined) return { ok: false, reason: 'email_invalid' };
  const by = { emailKey: email.key, network: request.network };
  const throttled = await allowMail(house, 'reset', by);
  if (throttled !== undefined) return throttled;
  const token = freshToken(house);
  const now = house.now();
  const owner = await insertReset(house.db, {
    tokenHash: tokenHash(token),
    emailKey: email.key,
    now,
    expiresAt: now + LASTS.reset,
  });
  if (owner === undefined) return { ok: true, letters: [] };
  const letter: Letter = { kind: 'reset_password', facts: { token }, ...addressed(owner) };
  return { ok: true, letters: [letter] };
}

/** A link that was followed with a password that won't do stays good. */
export async function resetPassword(
  house: IdentityHouse,
  request: ResetPasswordRequest,
): Promise<ResetPasswordResult> {
  const hash = tokenHash(request.token);
  const throttled = await allowLink(house, { tokenHash: hash, network: request.network });
  if (throttled !== undefined) return throttled;
  const owner = await findReset(house.db, hash, house.now());
  if (owner === undefined) return { ok: false, reason: 'token_invalid' };
  const flaw = passwordFlaw(request.password, owner.email);
  if (flaw !== undefined) return { ok: false, reason: flaw };
  const passwordHash = await hashFor(house, request.password);
  const changed = await spendReset(house.db, { tokenHash: hash, passwordHash, now: house.now() });
  if (changed === undefined) return { ok: false, reason: 'token_invalid' };
  const facts = { at: timeOf(house) };
  return { ok: true, letters: [{ kind: 'password_changed', facts, ...addressed(changed) }] };
}

export async function changePassword(
  house: IdentityHouse,
  person: Person,
  request: ChangePasswordRequest,
): Promise<ChangePasswordResult> {
  const flaw = passwordFlaw(request.next, person.email);
  if (flaw !== undefined) return { ok: false, reason: flaw };
  const throttled = await allowProof(house, person.session);
  if (throttled !== undefined) return throttled;
  const found = await credentialsOfAccount(house.db, person.account, house.now());
  const right = await verifyFor(house, request.current, found?.passwordHash);
  if (!right || found === undefined) return { ok: false, reason: 'wrong' };
  const after = await hashFor(house, request.next);
  const { signedIn, row: session } = newSession(house, person.account, null);
  const change = { before: found.passwordHash, after, session };
  if (!(await changeRow(house.db, change))) return { ok: false, reason: 'wrong' };
  const facts = { at: timeOf(house) };
  const letter: Letter = { kind: 'password_changed', facts, ...addressed(found) };
  return { ok: true, signedIn, letters: [letter] };
}

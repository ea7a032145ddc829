/** What a person may correct about themselves: their address, and the language they are written to in. */
import { insertEmailChange, setLanguage as setRow, spendEmailChange } from '@farebox/database';
import type { Letter } from '@farebox/mail';
import { isLanguage } from './accounts.ts';
import type {
  ConfirmEmailChangeResult,
  IdentityHouse,
  Person,
  RequestEmailChangeRequest,
  RequestEmailChangeResult,
  SetLanguageResult,
  Token,
} from './contract.ts';
import { maskEmail, readEmail } from './emails.ts';
import { addressed, freshToken, LASTS, tokenHash } from './house.ts';
import { allowMail } from './throttles.ts';

/**
 * Nothing changes until the new mailbox says so. That an address has an account is told to its mailbox,
 * not to whoever asked.
 */
export async function requestEmailChange(
  house: IdentityHouse,
  person: Person,
  request: RequestEmailChangeRequest,
): Promise<RequestEmailChangeResult> {
  const email = readEmail(request.email);
  if (email === undefined) return { ok: false, reason: 'email_invalid' };
  const by = { emailKey: email.key, network: request.network };
  const throttled = await allowMail(house, 'email change', by);
  if (throttled !== undefined) return throttled;
  const token = freshToken(house);
  const now = house.now();
  const taken = await insertEmailChange(house.db, {
    tokenHash: tokenHash(token),
    accountId: person.account,
    email: email.address,
    emailKey: email.key,
    now,
    expiresAt: now + LASTS.emailChange,
  });
  const mailbox = { to: email.address, language: person.language, account: person.account };
  const letter: Letter =
    taken === undefined
      ? { kind: 'confirm_new_email', facts: { token }, ...mailbox }
      : { kind: 'already_signed_up', facts: {}, ...addressed(taken) };
  return { ok: true, letters: [letter] };
}

/** The old mailbox is told, in words that don't give the new one away. Sessions stay. */
export async function confirmEmailChange(
  house: IdentityHouse,
  request: Readonly<{ token: Token }>,
): Promise<ConfirmEmailChangeResult> {
  const spent = { tokenHash: tokenHash(request.token), now: house.now() };
  const changed = await spendEmailChange(house.db, spent);
  if (changed === undefined) return { ok: false, reason: 'token_invalid' };
  const { accountId, before, after, language } = changed;
  const facts = { masked: maskEmail(after) };
  const to = addressed({ accountId, email: before, language });
  return { ok: true, account: accountId, letters: [{ kind: 'email_changed', facts, ...to }] };
}

export async function setLanguage(
  house: IdentityHouse,
  person: Person,
  language: string,
): Promise<SetLanguageResult> {
  if (!isLanguage(language)) return { ok: false, reason: 'language_invalid' };
  await setRow(house.db, person.account, language);
  return { ok: true };
}

/** Changes that users make to their own profile: the email address and the language. */
import { consumeEmailChange, insertEmailChange, updateLanguage } from '@farebox/database/users';
import type { Email } from '@farebox/mail';
import { isLanguageTag } from './accounts.ts';
import type {
  ConfirmEmailChangeRequest,
  ConfirmEmailChangeResult,
  IdentityDeps,
  RequestEmailChangeRequest,
  RequestEmailChangeResult,
  SessionUser,
  SetLanguageResult,
} from './contract.ts';
import { recipientFields } from './email-data.ts';
import { maskEmail, parseEmailAddress } from './emails.ts';
import { TTL } from './lifetimes.ts';
import { checkEmailChangeRate, checkUnknownTokenRate } from './rate-limits.ts';
import { hashToken, newToken } from './tokens.ts';

/**
 * Nothing changes until the new mailbox confirms. If the address already has an account, only its
 * mailbox is told.
 */
export async function requestEmailChange(
  deps: IdentityDeps,
  user: SessionUser,
  request: RequestEmailChangeRequest,
): Promise<RequestEmailChangeResult> {
  const email = parseEmailAddress(request.email);
  if (email === undefined) return { ok: false, reason: 'email_invalid' };
  const rateLimited = await checkEmailChangeRate(deps, {
    account: user.account,
    emailKey: email.key,
    clientIp: request.clientIp,
  });
  if (rateLimited !== undefined) return rateLimited;
  const token = newToken(deps);
  const now = deps.now();
  const existingOwner = await insertEmailChange(deps.db, {
    tokenHash: hashToken(token),
    accountId: user.account,
    email: email.address,
    emailKey: email.key,
    now,
    expiresAt: now + TTL.emailChange,
  });
  const recipient = { to: email.address, language: user.language, account: user.account };
  const message: Email =
    existingOwner === undefined
      ? { kind: 'confirm_new_email', facts: { token }, ...recipient }
      : { kind: 'already_signed_up', facts: {}, ...recipientFields(existingOwner) };
  return { ok: true, emails: [message] };
}

/** Notifies the old mailbox with the new address masked. Sessions stay. */
export async function confirmEmailChange(
  deps: IdentityDeps,
  request: ConfirmEmailChangeRequest,
): Promise<ConfirmEmailChangeResult> {
  const link = { tokenHash: hashToken(request.token), now: deps.now() };
  const changed = await consumeEmailChange(deps.db, link);
  if (changed === undefined) {
    const tooMany = await checkUnknownTokenRate(deps, request.clientIp);
    return tooMany ?? { ok: false, reason: 'token_invalid' };
  }
  const { accountId, before, after, language } = changed;
  const facts = { masked: maskEmail(after) };
  const recipient = recipientFields({ accountId, email: before, language });
  return { ok: true, account: accountId, emails: [{ kind: 'email_changed', facts, ...recipient }] };
}

export async function setLanguage(
  deps: IdentityDeps,
  user: SessionUser,
  language: string,
): Promise<SetLanguageResult> {
  if (!isLanguageTag(language)) return { ok: false, reason: 'language_invalid' };
  await updateLanguage(deps.db, user.account, language);
  return { ok: true };
}

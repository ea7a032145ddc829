/** The fields that every email of this package shares. */
import type { EmailRecipient } from '@farebox/database/users';
import type { IdentityDeps } from './contract.ts';

/** The recipient's part of an `Email`. */
export function recipientFields(recipient: EmailRecipient) {
  return {
    to: recipient.email,
    language: recipient.language,
    account: recipient.accountId,
  } as const;
}

/** The current time as emails state it, in ISO 8601. */
export function isoNow(deps: Pick<IdentityDeps, 'now'>): string {
  return new Date(deps.now()).toISOString();
}

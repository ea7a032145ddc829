/** Warns a user whose mailbox rejects our email (policy P11: users see what we know of them). */
import { findSuppression, type Suppression } from '@farebox/database/email';
import { formatTime, Note } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { SessionUser } from '@farebox/identity';
import { mailboxHash } from '@farebox/mail';
import type { FC } from 'hono/jsx';
import type { ConsoleDeps } from '../deps.ts';

/** Finds the suppression of the user's current address; earlier addresses don't matter. */
export function findAddressSuppression(
  { identity }: ConsoleDeps,
  user: SessionUser,
): Promise<Suppression | undefined> {
  return findSuppression(identity.db, mailboxHash(identity.secret, user.email));
}

export const UndeliverableBanner: FC<
  Readonly<{ suppression: Suppression | undefined; messages: Messages; language: string }>
> = ({ suppression, messages, language }) => {
  if (suppression === undefined) return null;
  const { emailBounced, emailComplained } = messages.security;
  const since = formatTime(suppression.since, language);
  return (
    <Note kind="warning">
      {suppression.reason === 'bounced' ? emailBounced(since) : emailComplained(since)}
    </Note>
  );
};

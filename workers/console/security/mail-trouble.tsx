/** Whether mail reaches the person's address, in words they can act on (policy P11: they see what we know of it). */
import { findSuppression, type Suppression } from '@farebox/database';
import type { Person } from '@farebox/identity';
import type { Texts } from '@farebox/languages';
import { mailboxHash } from '@farebox/mail';
import type { FC } from 'hono/jsx';
import type { House } from '../env.ts';
import { Note, timeText } from '../page.tsx';

/** Of the address they have now: what came back from another one is no trouble any more. */
export function troubleOf({ identity }: House, person: Person): Promise<Suppression | undefined> {
  return findSuppression(identity.db, mailboxHash(identity.secret, person.email));
}

export const MailTrouble: FC<
  Readonly<{ trouble: Suppression | undefined; texts: Texts; language: string }>
> = ({ trouble, texts, language }) => {
  if (trouble === undefined) return null;
  const { unreachable, complained } = texts.security;
  const since = timeText(trouble.since, language);
  return (
    <Note kind="warning">
      {trouble.reason === 'bounced' ? unreachable(since) : complained(since)}
    </Note>
  );
};

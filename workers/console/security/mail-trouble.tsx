/** Whether mail reaches the person's address, in words they can act on (policy P11: they see what we know of it). */
import type { Suppression } from '@farebox/database';
import type { Person } from '@farebox/identity';
import type { Texts } from '@farebox/languages';
import type { FC } from 'hono/jsx';
import type { House } from '../env.ts';
import { Note, timeText } from '../page.tsx';

export async function troubleOf(_house: House, _person: Person): Promise<Suppression | undefined> {
  return undefined;
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

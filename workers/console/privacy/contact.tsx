/** The contact address: the sender of our emails, whose replies are read. */
import type { Messages } from '@farebox/i18n';
import type { FC } from 'hono/jsx';
import type { ConsoleDeps } from '../deps.ts';

export const Contact: FC<{ deps: ConsoleDeps; messages: Messages }> = ({ deps, messages }) => (
  <p>
    {messages.privacy.contact}{' '}
    {deps.contactEmail === null ? (
      messages.privacy.contactByReply
    ) : (
      <a href={`mailto:${deps.contactEmail}`}>{deps.contactEmail}</a>
    )}
  </p>
);

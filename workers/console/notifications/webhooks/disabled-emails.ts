/**
 * Tells owners by email that their webhook was disabled. A cron sends it, so an email that did not
 * reach the queue is sent by the next run; its id is derived, so no run sends it twice.
 */
import { insertEmails } from '@farebox/database/email';
import {
  type DisabledWebhook,
  listDisabledWebhooks,
  markOwnerNotified,
} from '@farebox/database/webhooks';
import { type EmailQueue, notificationEmailId, type QueuedEmail } from '@farebox/mail';
import type { ConsoleDeps } from '../../deps.ts';
import { MAX_FAILURES } from './delivery.ts';

/** Emails per run; a batch of a queue has at most 100 messages. */
const MAX_EMAILS = 100;

type DisabledEmailDeps = Readonly<{
  identity: Pick<ConsoleDeps['identity'], 'db' | 'secret' | 'now'>;
  mail: EmailQueue;
}>;

function buildEmail(secret: Uint8Array, webhook: DisabledWebhook): QueuedEmail {
  const { id, account, endpoint, disabledAt, email: to, language } = webhook;
  const facts = { host: new URL(endpoint).host, events: MAX_FAILURES };
  return {
    id: notificationEmailId(secret, account, `webhook:${id}:${disabledAt}`),
    email: { kind: 'webhook_disabled', facts, to, language, account },
  };
}

/** Throws if the database or the queue is unavailable. */
export async function emailDisabledWebhooks({ identity, mail }: DisabledEmailDeps): Promise<void> {
  const { db, secret, now } = identity;
  const disabled = await listDisabledWebhooks(db, MAX_EMAILS);
  if (disabled.length === 0) return;
  const emails = disabled.map((webhook) => buildEmail(secret, webhook));
  const rows = emails.map(({ id, email: { kind, account } }) => ({ id, kind, accountId: account }));
  await insertEmails(db, rows, now());
  await mail.sendBatch(emails.map((body) => ({ body })));
  for (const webhook of disabled) await markOwnerNotified(db, webhook, now());
}

/**
 * Queues emails: first the row, so that an email that is never sent still shows, then the message.
 * Made for `waitUntil`: no response waits for it, and a failure is reported by a log event and the
 * row.
 */
import type { Database } from '@farebox/database';
import { insertEmails, markEmailNotSent } from '@farebox/database/email';
import { logEvent } from '@farebox/telemetry';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Email, QueuedEmail } from './contract.ts';

/** The part of a queue that is used here. */
export type EmailQueue = Readonly<{
  sendBatch(
    messages: Iterable<Readonly<{ body: QueuedEmail; delaySeconds?: number }>>,
  ): Promise<unknown>;
}>;

export type IdSource = Readonly<{ now: () => number; random: (bytes: number) => Uint8Array }>;

/**
 * The queue delivers the emails after `delayMs`, at most 12 hours
 * (https://developers.cloudflare.com/queues/configuration/batching-retries/). Their rows count as
 * queued from then on, because the age of a row says whether the link of its email has expired.
 */
export async function enqueueEmails(
  db: Database,
  queue: EmailQueue,
  emails: readonly Email[],
  { now, random }: IdSource,
  delayMs = 0,
): Promise<void> {
  if (emails.length === 0) return;
  const queuedEmails = emails.map((email) => ({ id: bytesToHex(random(16)), email }));
  const rows = queuedEmails.map(({ id, email: { kind, account } }) => ({
    id,
    kind,
    accountId: account,
  }));
  await insertEmails(db, rows, now() + delayMs);
  const delay = delayMs > 0 ? { delaySeconds: Math.ceil(delayMs / 1000) } : {};
  try {
    await queue.sendBatch(queuedEmails.map((body) => ({ body, ...delay })));
  } catch {
    for (const { id, email } of queuedEmails) {
      logEvent({ event: 'mail_failed', mail: id, kind: email.kind, reason: 'not_queued' });
      await markEmailNotSent(db, { id, state: 'failed', reason: 'not_queued', now: now() });
    }
  }
}

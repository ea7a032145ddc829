/**
 * Tells owners by email that bills of theirs were corrected: one email per account and correction.
 * The id of an email is derived from both, so a run that is repeated sends none twice.
 */
import {
  type CorrectedAccount,
  closeToldCorrections,
  insertEmails,
  listCorrectedAccounts,
  markOwnersTold,
} from '@farebox/database/email';
import { type EmailQueue, notificationEmailId, type QueuedEmail } from '@farebox/mail';
import type { ConsoleDeps } from '../deps.ts';
import { formatExactUsd } from '../mail/notifications.ts';

/**
 * Emails per run, which is every five minutes. A batch of a queue has at most 100 messages
 * (https://developers.cloudflare.com/queues/platform/limits/).
 */
const MAX_EMAILS = 100;

type CorrectionEmailDeps = Readonly<{
  identity: Pick<ConsoleDeps['identity'], 'db' | 'secret' | 'now'>;
  mail: EmailQueue;
}>;

/** Nothing for an account that was deleted. */
function buildEmail(secret: Uint8Array, corrected: CorrectedAccount): readonly QueuedEmail[] {
  const { correction, account, calls, amount, model, recipient } = corrected;
  if (recipient === null) return [];
  const id = notificationEmailId(secret, account, `correction:${correction}`);
  const facts = { calls, amount: formatExactUsd(amount), model };
  const { email: to, language } = recipient;
  return [{ id, email: { kind: 'bill_corrected', facts, to, language, account } }];
}

/** Called by the cron. Throws if the database or the queue is unavailable. */
export async function emailCorrectedAccounts(deps: CorrectionEmailDeps): Promise<void> {
  const { db, secret, now } = deps.identity;
  const corrected = await listCorrectedAccounts(db, MAX_EMAILS);
  const emails = corrected.flatMap((one) => buildEmail(secret, one));
  const rows = emails.map(({ id, email: { kind, account } }) => ({ id, kind, accountId: account }));
  await insertEmails(db, rows, now());
  if (emails.length > 0) await deps.mail.sendBatch(emails.map((body) => ({ body })));
  const last = new Map(corrected.map((one) => [one.correction, one]));
  for (const one of last.values()) await markOwnersTold(db, one);
  await closeToldCorrections(db, now());
}

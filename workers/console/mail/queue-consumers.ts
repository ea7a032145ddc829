/**
 * The consumers of two queues: emails to send, and notifications from account objects. Both deliver
 * at least once and in any order. A message that can't be handled now is retried later; a malformed
 * one is logged and dropped, because retrying would not help.
 */
import { type DeliveryOutcome, isQueuedEmail, retryLater, sendQueuedEmail } from '@farebox/mail';
import { logEvent } from '@farebox/telemetry';
import type { MailWorkerDeps } from './deps.ts';
import { handleNotification, isNotification } from './notifications.ts';

/** Concurrent sends. SES allows a new account 14 emails per second. */
const MAX_CONCURRENT_EMAILS = 4;
const MAX_CONCURRENT_NOTIFICATIONS = 4;

type MessageHandler = (message: Message<unknown>) => Promise<DeliveryOutcome>;

async function processBatch(
  batch: MessageBatch<unknown>,
  concurrency: number,
  handler: MessageHandler,
): Promise<void> {
  const pending = batch.messages.values();
  const worker = async (): Promise<void> => {
    for (const message of pending) await processMessage(message, handler);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

async function processMessage(message: Message<unknown>, handler: MessageHandler): Promise<void> {
  // The database or the ledger was unavailable; the error may contain anything, so it is not
  // logged.
  const outcome = await handler(message).catch(() => retryLater(message.attempts));
  if (outcome === 'done') message.ack();
  else message.retry({ delaySeconds: outcome.retryInSeconds });
}

function dropMalformed(where: string): DeliveryOutcome {
  logEvent({ event: 'unexpected', where, call: null });
  return 'done';
}

/** Consumes `farebox-mail`. */
export function consumeMail(batch: MessageBatch<unknown>, deps: MailWorkerDeps): Promise<void> {
  return processBatch(batch, MAX_CONCURRENT_EMAILS, async ({ body, attempts }) => {
    if (!isQueuedEmail(body)) return dropMalformed('console.mail');
    return sendQueuedEmail(deps, body, attempts);
  });
}

/** Consumes `farebox-notices`. */
export function consumeNotifications(
  batch: MessageBatch<unknown>,
  deps: MailWorkerDeps,
): Promise<void> {
  return processBatch(batch, MAX_CONCURRENT_NOTIFICATIONS, async ({ body }) => {
    if (!isNotification(body)) return dropMalformed('console.notifications');
    await handleNotification(body, deps);
    return 'done';
  });
}

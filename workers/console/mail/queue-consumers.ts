/**
 * The two queues: letters to send, and what the accounts' objects noticed. Both bring things at least
 * once and in any order; what can't be done now is asked for again later, and what makes no sense is
 * dropped with a signal, because no repetition would mend it.
 */
import { type DeliveryOutcome, isQueuedEmail, retryLater, sendQueuedEmail } from '@farebox/mail';
import { logEvent } from '@farebox/telemetry';
import type { MailWorkerDeps } from './deps.ts';
import { handleNotification, isNotification } from './notifications.ts';

/** SES lets a new account send 14 letters a second; so many are on their way at a time. */
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
  // What failed is a database or a ledger that was away, and its error may quote anything.
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

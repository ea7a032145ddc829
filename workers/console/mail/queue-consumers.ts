/**
 * The consumers of two queues and their dead-letter queues: emails to send, and notifications from
 * account objects. All deliver at least once and in any order.
 */
import { isQueuedEmail, sendQueuedEmail } from '@farebox/mail';
import { consumeQueue } from '@farebox/queues';
import type { MailWorkerDeps } from './deps.ts';
import { handleNotification, isNotification } from './notifications.ts';

/** Concurrent sends. SES allows a new account 14 emails per second. */
const MAX_CONCURRENT_EMAILS = 4;
const MAX_CONCURRENT_NOTIFICATIONS = 4;

/** Consumes `farebox-mail`. */
export function consumeMail(batch: MessageBatch<unknown>, deps: MailWorkerDeps): Promise<void> {
  return consumeQueue(batch, {
    handle: async ({ body, attempts }) =>
      isQueuedEmail(body) ? sendQueuedEmail(deps, body, attempts) : 'malformed',
    maxConcurrent: MAX_CONCURRENT_EMAILS,
    deadLetterQueue: deps.deadLetterQueues.mail,
    deadLetterDelaySeconds: deps.deadLetterDelaySeconds,
  });
}

/** Consumes `farebox-notices`. */
export function consumeNotifications(
  batch: MessageBatch<unknown>,
  deps: MailWorkerDeps,
): Promise<void> {
  return consumeQueue(batch, {
    handle: async ({ body }) => {
      if (!isNotification(body)) return 'malformed';
      await handleNotification(body, deps);
      return 'done';
    },
    maxConcurrent: MAX_CONCURRENT_NOTIFICATIONS,
    deadLetterQueue: deps.deadLetterQueues.notifications,
    deadLetterDelaySeconds: deps.deadLetterDelaySeconds,
  });
}

/** Consumes `farebox-webhooks` and its dead-letter queue. */
import { consumeQueue } from '@farebox/queues';
import { deliverEvent, isQueuedEvent } from './delivery.ts';
import type { WebhookDeps } from './deps.ts';

/** A Worker waits for the headers of at most six answers at a time (developers.cloudflare.com/workers/platform/limits). */
const MAX_CONCURRENT_POSTS = 5;

export function consumeWebhooks(batch: MessageBatch<unknown>, deps: WebhookDeps): Promise<void> {
  return consumeQueue(batch, {
    handle: async ({ body }) => (isQueuedEvent(body) ? deliverEvent(deps, body) : 'malformed'),
    maxConcurrent: MAX_CONCURRENT_POSTS,
    deadLetterQueue: deps.deadLetterQueue,
    deadLetterDelaySeconds: deps.deadLetterDelaySeconds,
  });
}

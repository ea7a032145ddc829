/**
 * The console Worker: HTTP routes, the consumers of three queues, a cron trigger, and an entrypoint for
 * the site.
 */
import { app } from './app.ts';
import { getDeps } from './deps.ts';
import type { Env } from './env.ts';
import { getMailDeps } from './mail/deps.ts';
import { consumeMail, consumeNotifications } from './mail/queue-consumers.ts';
import { getWebhookDeps } from './notifications/webhooks/deps.ts';
import { consumeWebhooks } from './notifications/webhooks/queue-consumer.ts';
import { runScheduled } from './scheduled.ts';

export { Status } from './status/entrypoint.ts';

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),
  async scheduled(_controller, env) {
    await runScheduled(getDeps(env), (url, init) => fetch(url, init));
  },
  async queue(batch, env) {
    if (batch.queue.startsWith('farebox-webhooks'))
      return consumeWebhooks(batch, getWebhookDeps(env));
    const isNotices = batch.queue.startsWith('farebox-notices');
    const consume = isNotices ? consumeNotifications : consumeMail;
    return consume(batch, getMailDeps(env));
  },
} satisfies ExportedHandler<Env>;

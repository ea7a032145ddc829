/** The dependencies of webhooks: their queue's consumer, and the pages that set one up. */
import { cachePerEnv, isLoopback, requireBinding } from '@farebox/bindings';
import type { HttpFetch } from '@farebox/mail';
import { parseDeadLetterDelay } from '@farebox/queues';
import { getDeps } from '../../deps.ts';
import type { Env } from '../../env.ts';
import type { DeliveryDeps } from './delivery.ts';
import { createResolver } from './dns.ts';
import type { EndpointRules } from './endpoint.ts';
import type { QueuedEvent } from './events.ts';

/** The part of a queue that is used here. */
export type WebhookQueue = Readonly<{
  send(body: QueuedEvent): Promise<unknown>;
}>;

export type WebhookDeps = DeliveryDeps &
  Readonly<{
    queue: WebhookQueue;
    random: (bytes: number) => Uint8Array;
    deadLetterQueue: Queue<unknown>;
    deadLetterDelaySeconds: number | null;
  }>;

const httpFetch: HttpFetch = (request) => globalThis.fetch(request);

/** Plain HTTP needs the binding and a console on this machine: a deployed one never has it. */
function createRules(env: Env): EndpointRules {
  const { consoleUrl, apiUrl, siteUrl } = getDeps(env);
  return {
    ownUrls: [consoleUrl, apiUrl, ...(siteUrl === null ? [] : [siteUrl])],
    isLocal: env.ALLOW_PLAIN_HTTP === 'true' && isLoopback(consoleUrl.hostname),
  };
}

export const getWebhookDeps = cachePerEnv((env: Env): WebhookDeps => {
  const { db, secret, now, random } = getDeps(env).identity;
  return {
    ...{ db, secret, now, random, httpFetch },
    resolveHost: createResolver(httpFetch),
    rules: createRules(env),
    queue: requireBinding(env.WEBHOOKS, 'WEBHOOKS'),
    deadLetterQueue: requireBinding(env.WEBHOOKS_DLQ, 'WEBHOOKS_DLQ'),
    deadLetterDelaySeconds: parseDeadLetterDelay(env.DEAD_LETTER_RETRY_SECONDS),
  };
});

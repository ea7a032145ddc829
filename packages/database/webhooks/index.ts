export type { WebhookOutcome } from '../schema/webhooks.ts';
export {
  type AttemptResult,
  type DueAttempt,
  deleteOldAttempts,
  findDueAttempt,
  insertTestAttempt,
  listAttempts,
  queueEvent,
  recordAttempt,
  type WebhookAttempt,
} from './attempts.ts';
export {
  type DisabledWebhook,
  deleteWebhook,
  enableWebhook,
  findWebhook,
  insertWebhook,
  listDisabledWebhooks,
  markOwnerNotified,
  rotateWebhook,
  updateEndpoint,
  updateKinds,
  type Webhook,
} from './webhooks.ts';

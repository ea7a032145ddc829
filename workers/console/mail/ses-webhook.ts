/**
 * The webhook for delivery events of Amazon SES, posted by SNS. Messages without a valid signature
 * are rejected; repeated ones change nothing. SNS retries after a 5xx and gives up after a 4xx.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
 */
import {
  confirmSubscription,
  recordSesEvent,
  type SnsError,
  type SnsMessage,
  verifySnsMessage,
} from '@farebox/mail';
import { logEvent } from '@farebox/telemetry';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { PublicEnv } from '../session.ts';
import type { MailWorkerDeps } from './deps.ts';
import { getMailDeps } from './deps.ts';

const MAX_MESSAGE_BYTES = 256 * 1024;

function reject(c: Context, reason: SnsError | 'too_large', status: 400 | 403 | 413 | 503) {
  logEvent({ event: 'sns_refused', reason });
  return c.text('Refused.', status);
}

const messageBodyLimit = bodyLimit({
  maxSize: MAX_MESSAGE_BYTES,
  onError: (c) => reject(c, 'too_large', 413),
});

const REJECTION_STATUS: Readonly<Partial<Record<SnsError, 400 | 503>>> = {
  malformed: 400,
  certificate_unreachable: 503,
};

async function handleMessage(deps: MailWorkerDeps, message: SnsMessage): Promise<void> {
  switch (message.type) {
    case 'Notification':
      await recordSesEvent(deps, message);
      return;
    case 'SubscriptionConfirmation': {
      const confirmed = await confirmSubscription(deps.httpFetch, message.subscribeUrl);
      logEvent({ event: 'sns_subscription', what: confirmed ? 'confirmed' : 'unconfirmed' });
      return;
    }
    case 'UnsubscribeConfirmation':
      logEvent({ event: 'sns_subscription', what: 'ended' });
  }
}

export const sesWebhook = new Hono<PublicEnv>();

sesWebhook.post('/hooks/ses', messageBodyLimit, async (c) => {
  const deps = getMailDeps(c.env);
  const { topics, certificates } = deps;
  const verification = await verifySnsMessage(await c.req.text(), {
    topics,
    certificates,
    now: deps.now(),
  });
  if (!verification.ok)
    return reject(c, verification.reason, REJECTION_STATUS[verification.reason] ?? 403);
  await handleMessage(deps, verification.message);
  return c.text('Taken.');
});

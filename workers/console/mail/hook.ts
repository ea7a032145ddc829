/**
 * Amazon SNS posts here what became of our mail. What it can't prove is refused; what it repeats changes
 * nothing. SNS tries again after a 5xx and gives up after a 4xx.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
 */
import {
  confirmSubscription,
  readSns,
  recordSesEvent,
  type SnsFlaw,
  type SnsMessage,
} from '@farebox/mail';
import { signal } from '@farebox/signals';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { postHouseOf } from '../env.ts';
import type { Anybody } from '../visitor.ts';
import type { PostHouse } from './house.ts';

const LARGEST_MESSAGE = 256 * 1024;

function refuse(c: Context, reason: SnsFlaw | 'too_large', status: 400 | 403 | 413 | 503) {
  signal({ event: 'sns_refused', reason });
  return c.text('Refused.', status);
}

const bounded = bodyLimit({
  maxSize: LARGEST_MESSAGE,
  onError: (c) => refuse(c, 'too_large', 413),
});

const STATUS: Readonly<Partial<Record<SnsFlaw, 400 | 503>>> = {
  malformed: 400,
  certificate_unreachable: 503,
};

async function take(house: PostHouse, message: SnsMessage): Promise<void> {
  switch (message.type) {
    case 'Notification':
      await recordSesEvent(house, message);
      return;
    case 'SubscriptionConfirmation': {
      const confirmed = await confirmSubscription(house.ask, message.subscribeUrl);
      signal({ event: 'sns_subscription', what: confirmed ? 'confirmed' : 'unconfirmed' });
      return;
    }
    case 'UnsubscribeConfirmation':
      signal({ event: 'sns_subscription', what: 'ended' });
  }
}

export const mailHook = new Hono<Anybody>();

mailHook.post('/hooks/ses', bounded, async (c) => {
  const house = postHouseOf(c.env);
  const { topics, certificates } = house;
  const verdict = await readSns(await c.req.text(), { topics, certificates, now: house.now() });
  if (!verdict.ok) return refuse(c, verdict.reason, STATUS[verdict.reason] ?? 403);
  await take(house, verdict.message);
  return c.text('Taken.');
});

/**
 * Stores a notification as a row, emails the user about it and queues it for their webhook. The ids
 * of email and event are derived from that of the notification, so a notification delivered twice
 * sends one of each, and what did not reach its queue is sent on the next delivery.
 */
import { type NotificationRecipient, recordNotification } from '@farebox/database/email';
import { queueEvent } from '@farebox/database/webhooks';
import { BUDGET_PERIODS, NOTIFICATION_KINDS, type Notification } from '@farebox/ledger';
import { type Email, notificationEmailId } from '@farebox/mail';
import { formatUsd, NANO_PER_USD, type NanoUsd } from '@farebox/money';
import * as v from 'valibot';
import { buildEvent, deriveEventId } from '../notifications/webhooks/events.ts';
import type { MailWorkerDeps } from './deps.ts';

const COUNT = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** The limits match the columns of the table. */
const NOTIFICATION: v.GenericSchema<unknown, Notification> = v.object({
  account: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  id: v.pipe(v.string(), v.regex(/^[!-~]{1,64}$/)),
  kind: v.picklist(NOTIFICATION_KINDS),
  keyId: v.nullable(COUNT),
  model: v.nullable(v.pipe(v.string(), v.regex(/^[!-~]{1,128}$/))),
  amount: v.nullable(v.bigint()),
  at: COUNT,
  budgetPeriod: v.exactOptional(v.nullable(v.picklist(BUDGET_PERIODS))),
});

export function isNotification(value: unknown): value is Notification {
  return v.is(NOTIFICATION, value);
}

const CENT = NANO_PER_USD / 100n;

/** Rounds down to the cent; amounts below a cent are shown in full. */
export function formatUsdCents(amount: NanoUsd): string {
  const magnitude = amount < 0n ? -amount : amount;
  if (magnitude > 0n && magnitude < CENT) return formatUsd(amount);
  const [whole = '0', cents = ''] = formatUsd(amount - (amount % CENT)).split('.');
  return `${whole}.${cents.padEnd(2, '0')}`;
}

/** Every digit, at least two after the point: what a person is asked to confirm, or was paid. */
export function formatExactUsd(amount: NanoUsd): string {
  const [whole = '0', fraction = ''] = formatUsd(amount).split('.');
  return `${whole}.${fraction.padEnd(2, '0')}`;
}

type NotificationContext = Readonly<{
  notification: Notification;
  recipient: NotificationRecipient;
  threshold: NanoUsd | null;
}>;

function buildEmail({ notification, recipient, threshold }: NotificationContext): Email {
  const { email: to, language, key } = recipient;
  const common = { to, language, account: notification.account } as const;
  const keyName = key?.name ?? '–';
  const amount = formatUsdCents(notification.amount ?? 0n);
  switch (notification.kind) {
    case 'low_balance': {
      const facts = { balance: amount, threshold: formatUsdCents(threshold ?? 0n) };
      return { ...common, kind: 'low_balance', facts };
    }
    case 'expensive_model':
      return {
        ...common,
        kind: 'expensive_model',
        facts: { keyName, model: notification.model ?? '–' },
      };
    case 'unusual_spending':
    case 'key_paused':
      return { ...common, kind: notification.kind, facts: { keyName, spent: amount } };
    case 'budget_low':
    case 'budget_reached': {
      const budget = notification.budgetPeriod ?? 'whole';
      return { ...common, kind: notification.kind, facts: { keyName, spent: amount, budget } };
    }
    case 'key_leaked':
      return { ...common, kind: 'key_leaked', facts: { keyName, last4: key?.last4 ?? '–' } };
  }
}

/** Returns the low-balance threshold; null where the user has turned the alert off. */
async function getThreshold(
  notification: Notification,
  deps: MailWorkerDeps,
): Promise<NanoUsd | null> {
  if (notification.kind !== 'low_balance') return null;
  return (await deps.accounts.status(notification.account))?.lowBalance ?? null;
}

async function queueWebhookEvent(
  { notification, recipient: { key }, threshold }: NotificationContext,
  { db, secret, now, webhookQueue }: MailWorkerDeps,
): Promise<void> {
  const { account, kind } = notification;
  const eventId = deriveEventId(secret, account, notification.id);
  const isDue = await queueEvent(db, { eventId, account, kind, now: now() });
  if (isDue) await webhookQueue.send(buildEvent(eventId, { notification, key, threshold }));
}

/** Throws if the database, the ledger or a queue is unavailable. */
export async function handleNotification(
  notification: Notification,
  deps: MailWorkerDeps,
): Promise<void> {
  const threshold = await getThreshold(notification, deps);
  const isUnwanted = notification.kind === 'low_balance' && threshold === null;
  const id = isUnwanted
    ? null
    : notificationEmailId(deps.secret, notification.account, notification.id);
  const recipient = await recordNotification(deps.db, notification, id, deps.now());
  if (recipient === undefined || id === null) return;
  const context = { notification, recipient, threshold };
  if (recipient.emailState === 'queued') {
    await deps.queue.sendBatch([{ body: { id, email: buildEmail(context) } }]);
  }
  await queueWebhookEvent(context, deps);
}

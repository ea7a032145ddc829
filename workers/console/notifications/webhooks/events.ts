/**
 * The events that a webhook is sent: one JSON object per notification, with what the email about it
 * says and no more. The id of an event is derived from its notification, so a notification that is
 * delivered twice is one event.
 */
import { deriveKey, keyedHash } from '@farebox/crypto';
import { NOTIFICATION_KINDS, type Notification } from '@farebox/ledger';
import { formatUsd, type NanoUsd } from '@farebox/money';

const EVENT_TYPES = [...NOTIFICATION_KINDS, 'test'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Undefined for a word of a newer release. */
export function findEventType(word: string): EventType | undefined {
  return EVENT_TYPES.find((known) => known === word);
}

export type QueuedEvent = Readonly<{ id: string; body: string }>;

/** The key of an event as its owner named it. */
export type EventKey = Readonly<{ name: string; last4: string }>;

type EventContext = Readonly<{
  notification: Notification;
  key: EventKey | null;
  /** The low-balance threshold. */
  threshold: NanoUsd | null;
}>;

/** 32 hexadecimal characters. */
export function deriveEventId(secret: Uint8Array, account: string, notificationId: string): string {
  const key = deriveKey(secret, 'farebox console: webhook events');
  return keyedHash(key, [account, notificationId]).slice(0, 32);
}

type EventEnvelope = Readonly<{ id: string; type: EventType; at: number; data: object }>;

/** `created` is in seconds since 1970, as in Stripe's events. */
function renderEvent({ id, type, at, data }: EventEnvelope): QueuedEvent {
  const created = Math.floor(at / 1000);
  return { id, body: JSON.stringify({ id: `evt_${id}`, type, created, data }) };
}

function buildKey({ notification, key }: EventContext): object | null {
  if (notification.keyId === null) return null;
  return { id: notification.keyId, name: key?.name ?? null };
}

function toUsd(amount: NanoUsd | null): string | null {
  return amount === null ? null : formatUsd(amount);
}

/** Amounts are decimal USD with every digit. */
function buildData(context: EventContext): object {
  const { notification, key, threshold } = context;
  const amount = toUsd(notification.amount);
  const keyData = buildKey(context);
  switch (notification.kind) {
    case 'low_balance':
      return { balance_usd: amount, threshold_usd: toUsd(threshold) };
    case 'expensive_model':
      return { key: keyData, model: notification.model };
    case 'unusual_spending':
    case 'key_paused':
      return { key: keyData, spent_usd: amount };
    case 'budget_low':
    case 'budget_reached':
      return {
        key: keyData,
        budget: notification.budgetPeriod ?? 'lifetime',
        spent_usd: amount,
      };
    case 'key_leaked':
      return { key: { ...keyData, last4: key?.last4 ?? null } };
  }
}

export function buildEvent(id: string, context: EventContext): QueuedEvent {
  const { kind: type, at } = context.notification;
  return renderEvent({ id, type, at, data: buildData(context) });
}

/** What “Send test event” sends. */
export function buildTestEvent(id: string, now: number): QueuedEvent {
  return renderEvent({ id, type: 'test', at: now, data: {} });
}

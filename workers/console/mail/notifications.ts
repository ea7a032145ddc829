/**
 * A notice becomes a row its owner sees and a letter to them. The letter's id is made of the notice's,
 * so a notice that comes again is not written about again, and one whose letter was lost on the way to
 * the queue is.
 */
import { type NotificationRecipient, recordNotification } from '@farebox/database/email';
import { NOTIFICATION_KINDS, type Notification } from '@farebox/ledger';
import { type Email, notificationEmailId } from '@farebox/mail';
import { formatUsd, NANO_PER_USD, type NanoUsd } from '@farebox/money';
import type { MailWorkerDeps } from './deps.ts';

function getField(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function isText(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** As the table's columns will have it. */
export function isNotification(value: unknown): value is Notification {
  const [keyId, model, amount] = [
    getField(value, 'keyId'),
    getField(value, 'model'),
    getField(value, 'amount'),
  ];
  return (
    isText(getField(value, 'account'), /^[0-9a-f]{16}$/) &&
    isText(getField(value, 'id'), /^[!-~]{1,64}$/) &&
    NOTIFICATION_KINDS.some((kind) => kind === getField(value, 'kind')) &&
    (keyId === null || isCount(keyId)) &&
    (model === null || isText(model, /^[!-~]{1,128}$/)) &&
    (amount === null || typeof amount === 'bigint') &&
    isCount(getField(value, 'at'))
  );
}

const CENT = NANO_PER_USD / 100n;

/** To the cent, downwards; what is less than a cent in full. */
export function formatUsdCents(amount: NanoUsd): string {
  const magnitude = amount < 0n ? -amount : amount;
  if (magnitude > 0n && magnitude < CENT) return formatUsd(amount);
  const [whole = '0', cents = ''] = formatUsd(amount - (amount % CENT)).split('.');
  return `${whole}.${cents.padEnd(2, '0')}`;
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
    case 'key_leaked':
      return { ...common, kind: 'key_leaked', facts: { keyName, last4: key?.last4 ?? '–' } };
  }
}

/** What the balance fell below; null where its owner no longer wants to be told. */
async function getThreshold(
  notification: Notification,
  deps: MailWorkerDeps,
): Promise<NanoUsd | null> {
  if (notification.kind !== 'low_balance') return null;
  return (await deps.accounts.status(notification.account))?.lowBalance ?? null;
}

/** Throws where the database, the ledger or the queue is away. */
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
  if (recipient === undefined || id === null || recipient.emailState !== 'queued') return;
  const email = buildEmail({ notification, recipient, threshold });
  await deps.queue.sendBatch([{ body: { id, email } }]);
}

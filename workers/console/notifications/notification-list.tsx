/** The list of open notifications with a button to dismiss each, for Alerts and the overview. */
import type { OpenNotification } from '@farebox/database/email';
import type { KeyRow } from '@farebox/database/statements';
import { formatCurrency, Time } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { BUDGET_PERIODS, NOTIFICATION_KINDS } from '@farebox/ledger';
import type { FC } from 'hono/jsx';

type NotificationProps = Readonly<{
  keys: readonly KeyRow[];
  messages: Messages;
  language: string;
}>;

export function notificationText(
  notification: OpenNotification,
  { keys, messages, language }: NotificationProps,
): string {
  const kind = NOTIFICATION_KINDS.find((known) => known === notification.kind);
  if (kind === undefined) return messages.notifications.unknownKind;
  const keyName = keys.find(({ keyId }) => keyId === notification.keyId)?.name;
  const period = BUDGET_PERIODS.find((known) => known === notification.budgetPeriod);
  return messages.notifications.kinds[kind]({
    key: keyName ?? messages.usage.deletedKey(String(notification.keyId ?? '')),
    model: notification.model ?? '',
    amount: formatCurrency(notification.amount ?? 0n, language),
    budget: messages.keys.budgetNames[period ?? 'whole'],
  });
}

export const NotificationList: FC<
  NotificationProps &
    Readonly<{ notifications: readonly OpenNotification[]; back: '/' | '/alerts' }>
> = ({ notifications, back, ...rest }) => (
  <ul class="list">
    {notifications.map((notification) => (
      <li>
        <p>
          {notificationText(notification, rest)}{' '}
          <small>{<Time at={notification.at} language={rest.language} />}</small>
        </p>
        <form class="actions" method="post" action="/alerts/dismiss">
          <input type="hidden" name="id" value={notification.id} />
          <input type="hidden" name="back" value={back} />
          {notification.keyId !== null && (
            <a href={`/keys/${notification.keyId}`}>{rest.messages.notifications.viewKey}</a>
          )}{' '}
          <button type="submit" class="plain">
            {rest.messages.notifications.dismiss}
          </button>
        </form>
      </li>
    ))}
  </ul>
);

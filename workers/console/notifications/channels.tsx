/** Where each kind of alert is sent: whether it is emailed, and a checkbox for the webhook. */
import type { EmailConsent } from '@farebox/database/privacy';
import type { Webhook } from '@farebox/database/webhooks';
import { Badge, Card } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { NOTIFICATION_KINDS, type NotificationKind } from '@farebox/ledger';
import { DEFAULT_CONSENT, REQUIRED_CONSENT } from '@farebox/mail';
import type { FC } from 'hono/jsx';

type ChannelProps = Readonly<{
  messages: Messages;
  consents: readonly EmailConsent[];
  webhook: Webhook | undefined;
}>;

const EmailState: FC<Omit<ChannelProps, 'webhook'> & Readonly<{ kind: NotificationKind }>> = (
  props,
) => {
  const { kind, messages, consents } = props;
  const consent = REQUIRED_CONSENT[kind];
  if (consent === undefined) return <>{messages.webhooks.alwaysOn}</>;
  const choice = consents.find((one) => one.kind === consent);
  const isOn = choice?.given ?? DEFAULT_CONSENT[consent];
  const { on, off } = messages.notifications;
  return <Badge kind={isOn ? 'good' : 'neutral'}>{isOn ? on : off}</Badge>;
};

const ChannelTable: FC<ChannelProps> = ({ messages, consents, webhook }) => {
  const { webhooks: t } = messages;
  return (
    <table>
      <caption class="hidden-text">{t.channels}</caption>
      <thead>
        <tr>
          <th scope="col">{t.alert}</th>
          <th scope="col">{t.email}</th>
          {webhook !== undefined && <th scope="col">{t.title}</th>}
        </tr>
      </thead>
      <tbody>
        {NOTIFICATION_KINDS.map((kind) => (
          <tr>
            <th scope="row">{t.events[kind]}</th>
            <td>
              <EmailState kind={kind} messages={messages} consents={consents} />
            </td>
            {webhook !== undefined && (
              <td>
                <input
                  type="checkbox"
                  name="kind"
                  value={kind}
                  checked={webhook.kinds.includes(kind)}
                  aria-label={`${t.title}: ${t.events[kind]}`}
                />
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
};

export const Channels: FC<ChannelProps> = (props) => {
  const { messages, webhook } = props;
  const { webhooks: t } = messages;
  return (
    <Card id="channels" title={t.channels}>
      {webhook === undefined ? (
        <>
          <ChannelTable {...props} />
          <p>
            {t.setUp} <a href="/alerts/webhook">{t.add}</a>
          </p>
        </>
      ) : (
        <form method="post" action="/alerts/webhook/alerts">
          <ChannelTable {...props} />
          <p class="actions">
            <button type="submit">{t.save}</button> <a href="/alerts/webhook">{t.manage}</a>
          </p>
        </form>
      )}
    </Card>
  );
};

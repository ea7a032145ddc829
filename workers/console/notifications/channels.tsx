/** Where each kind of alert is sent: a checkbox for email, unless it is security, and for the webhook. */
import type { EmailConsent } from '@farebox/database/privacy';
import type { Webhook } from '@farebox/database/webhooks';
import { Card, type Form } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { NOTIFICATION_KINDS, type NotificationKind } from '@farebox/ledger';
import { isConsentGiven, REQUIRED_CONSENT } from '@farebox/mail';
import type { FC } from 'hono/jsx';
import type { ConsentChoice } from '../privacy/actions.ts';

type ChannelProps = Readonly<{
  messages: Messages;
  consents: readonly EmailConsent[];
  webhook: Webhook | undefined;
}>;

function isEmailed(kind: NotificationKind, consents: readonly EmailConsent[]): boolean {
  const consent = REQUIRED_CONSENT[kind];
  return consent === undefined || isConsentGiven(consent, consents);
}

const EmailCheckbox: FC<Omit<ChannelProps, 'webhook'> & Readonly<{ kind: NotificationKind }>> = (
  props,
) => {
  const { kind, messages, consents } = props;
  const { webhooks: t } = messages;
  if (REQUIRED_CONSENT[kind] === undefined) return <>{t.alwaysOn}</>;
  const isOn = isEmailed(kind, consents);
  return (
    <>
      {isOn && <input type="hidden" name="shown_email" value={kind} />}
      <input
        type="checkbox"
        name="email"
        value={kind}
        checked={isOn}
        aria-label={`${t.email}: ${t.events[kind]}`}
      />
    </>
  );
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
              <EmailCheckbox kind={kind} messages={messages} consents={consents} />
            </td>
            {webhook !== undefined && (
              <td>
                <input
                  type="checkbox"
                  name="webhook"
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
      <p class="quiet-text">{messages.notifications.emailPreferencesText}</p>
      <form method="post" action="/alerts/channels">
        {webhook !== undefined && <input type="hidden" name="shown_webhook" value={webhook.id} />}
        <ChannelTable {...props} />
        <p class="actions">
          <button type="submit">{messages.layout.save}</button>
          {webhook !== undefined && (
            <>
              {' '}
              <a href="/alerts/webhook">{t.manage}</a>
            </>
          )}
        </p>
      </form>
      {webhook === undefined && (
        <p>
          {t.setUp} <a href="/alerts/webhook">{t.add}</a>
        </p>
      )}
    </Card>
  );
};

/**
 * The consents that the user changed on the page as it was shown. A page that was open while a
 * consent was withdrawn elsewhere must not give it again.
 */
export function parseEmailChoices(
  form: Form,
  consents: readonly EmailConsent[],
): readonly ConsentChoice[] {
  const [shown, chosen] = [form.values('shown_email'), form.values('email')];
  return NOTIFICATION_KINDS.flatMap((kind) => {
    const consent = REQUIRED_CONSENT[kind];
    const given = chosen.includes(kind);
    const isChanged = given !== shown.includes(kind) && given !== isEmailed(kind, consents);
    return consent !== undefined && isChanged ? [{ kind: consent, given }] : [];
  });
}

/** The alerts that are posted to a webhook, or undefined where the page showed no such webhook. */
export function parseWebhookKinds(
  form: Form,
  webhook: Webhook | undefined,
): readonly NotificationKind[] | undefined {
  if (webhook === undefined || form.text('shown_webhook') !== webhook.id) return undefined;
  const chosen = form.values('webhook');
  return NOTIFICATION_KINDS.filter((kind) => chosen.includes(kind));
}

/** The log of a webhook: each attempt with its time, event and result. */
import type { WebhookAttempt } from '@farebox/database/webhooks';
import { Badge, type BadgeKind, Card, EmptyState, Time } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { FC } from 'hono/jsx';
import { MAX_ATTEMPTS } from './delivery.ts';
import { findEventType } from './events.ts';

type ListProps = Readonly<{
  attempts: readonly WebhookAttempt[];
  messages: Messages;
  language: string;
}>;

function resultText({ outcome, status }: WebhookAttempt, messages: Messages): string {
  const { webhooks: t } = messages;
  if (outcome === null) return t.pending;
  return status === null ? t.outcomes[outcome] : `${t.outcomes[outcome]} (HTTP ${status})`;
}

function resultKind({ outcome }: WebhookAttempt): BadgeKind {
  if (outcome === null || outcome === 'cancelled') return 'neutral';
  return outcome === 'delivered' ? 'good' : 'bad';
}

const AttemptRow: FC<Omit<ListProps, 'attempts'> & Readonly<{ made: WebhookAttempt }>> = (
  props,
) => {
  const { made, messages, language } = props;
  const { webhooks: t } = messages;
  const type = findEventType(made.kind);
  const maxAttempts = type === 'test' ? 1 : MAX_ATTEMPTS;
  return (
    <tr>
      <th scope="row">
        {type === undefined ? made.kind : t.events[type]}
        <span class="second">
          <Time at={made.endedAt ?? made.dueAt} language={language} />
        </span>
      </th>
      <td class="from-tablet">{t.attemptNumber(made.attempt, maxAttempts)}</td>
      <td>
        <Badge kind={resultKind(made)}>{resultText(made, messages)}</Badge>
        <span class="second phone-only">{t.attemptNumber(made.attempt, maxAttempts)}</span>
      </td>
    </tr>
  );
};

export const AttemptList: FC<ListProps> = ({ attempts, messages, language }) => {
  const { webhooks: t } = messages;
  return (
    <Card id="log" title={t.log}>
      <p class="quiet-text">{t.logText}</p>
      {attempts.length === 0 ? (
        <EmptyState text={t.noAttempts} />
      ) : (
        <table>
          <caption class="hidden-text">{t.log}</caption>
          <thead>
            <tr>
              <th scope="col">{t.event}</th>
              <th scope="col" class="from-tablet">
                {t.attempt}
              </th>
              <th scope="col">{t.result}</th>
            </tr>
          </thead>
          <tbody>
            {attempts.map((made) => (
              <AttemptRow made={made} messages={messages} language={language} />
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
};

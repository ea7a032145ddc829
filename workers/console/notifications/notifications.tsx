/**
 * The Alerts screen: open notifications, the low-balance threshold (stored in the account object),
 * where alerts are sent, and consent to optional emails, each change of which leaves a receipt.
 */
import { dismissNotification, listOpenNotifications } from '@farebox/database/email';
import { type EmailConsent, listConsents, setConsent } from '@farebox/database/privacy';
import { listKeys } from '@farebox/database/statements';
import { findWebhook } from '@farebox/database/webhooks';
import { Badge, Card, EmptyState, Field, formatTime, readForm, Toast } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { CONSENT_KINDS, type ConsentKind, DEFAULT_CONSENT } from '@farebox/mail';
import { formatUsd, MAX_AMOUNT, type NanoUsd, parseUsd } from '@farebox/money';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { page } from '../layout.tsx';
import { requireSignIn, type SignedInEnv } from '../session.ts';
import { Channels } from './channels.tsx';
import { NotificationList } from './notification-list.tsx';

const MAX_NOTIFICATIONS = 100;

type LocaleProps = Readonly<{ messages: Messages; language: string }>;

const ThresholdForm: FC<LocaleProps & Readonly<{ value: string; problem: string | undefined }>> = (
  props,
) => {
  const { messages, value, problem } = props;
  return (
    <form method="post" action="/alerts/low-balance">
      <Field
        name="threshold"
        label={messages.notifications.threshold}
        hint={messages.notifications.thresholdHint}
        value={value}
        problem={problem}
        inputmode="decimal"
        maxlength={20}
        autocomplete="off"
      />
      <button type="submit">{messages.layout.save}</button>
    </form>
  );
};

function consentText(
  choice: EmailConsent | undefined,
  { messages, language }: LocaleProps,
): string {
  const { notifications: t } = messages;
  if (choice === undefined) return t.isDefault;
  const since = formatTime(choice.since, language);
  return choice.given ? t.turnedOn(since) : t.turnedOff(since);
}

const ConsentForm: FC<
  LocaleProps & Readonly<{ kind: ConsentKind; choice: EmailConsent | undefined }>
> = (props) => {
  const { kind, choice, messages } = props;
  const { notifications: t } = messages;
  const isOn = choice?.given ?? DEFAULT_CONSENT[kind];
  return (
    <li>
      <div>
        {t.consents[kind]} <Badge kind={isOn ? 'good' : 'neutral'}>{isOn ? t.on : t.off}</Badge>
        <span class="second">{consentText(choice, props)}</span>
      </div>
      <form method="post" action="/alerts/consent">
        <input type="hidden" name="kind" value={kind} />
        <button
          type="submit"
          name="choice"
          value={isOn ? 'withdraw' : 'give'}
          class="plain"
          aria-label={`${isOn ? t.turnOff : t.turnOn}: ${t.consents[kind]}`}
        >
          {isOn ? t.turnOff : t.turnOn}
        </button>
      </form>
    </li>
  );
};

const DONE_MESSAGES = {
  saved: (messages: Messages) => messages.layout.saved,
  consent: (messages: Messages) => messages.notifications.consentSaved,
  dismissed: (messages: Messages) => messages.notifications.dismissed,
} as const;

function getDoneMessage(code: string | undefined, messages: Messages): string | undefined {
  if (code === 'saved' || code === 'consent' || code === 'dismissed')
    return DONE_MESSAGES[code](messages);
  return undefined;
}

type RejectedThreshold = Readonly<{ value: string; problem: string }>;

async function notificationsPage(
  c: Context<SignedInEnv>,
  rejected?: RejectedThreshold,
): Promise<Response> {
  const { deps, user, messages, language } = c.var;
  const { db } = deps.identity;
  const { account } = user;
  const [accountStatus, consents, notifications, keys, webhook] = await Promise.all([
    deps.accounts.status(account),
    listConsents(db, account),
    listOpenNotifications(db, account, MAX_NOTIFICATIONS),
    listKeys(db, account),
    findWebhook(db, account),
  ]);
  const lowBalance = accountStatus?.lowBalance ?? null;
  const locale = { messages, language };
  const doneMessage =
    rejected === undefined ? getDoneMessage(c.req.query('done'), messages) : undefined;
  return page(
    c,
    {
      title: messages.nav.notifications,
      activePath: '/alerts',
      wide: true,
      status: rejected === undefined ? 200 : 422,
    },
    <>
      {doneMessage !== undefined && <Toast text={doneMessage} closeLabel={messages.layout.close} />}
      <Card id="open" title={messages.notifications.openNotifications}>
        {notifications.length === 0 ? (
          <EmptyState text={messages.notifications.none} />
        ) : (
          <NotificationList {...locale} notifications={notifications} keys={keys} back="/alerts" />
        )}
      </Card>
      <Card id="rules" title={messages.notifications.rules}>
        <h3>{messages.notifications.lowBalance}</h3>
        <p class="quiet-text">{messages.notifications.lowBalanceText}</p>
        <ThresholdForm
          {...locale}
          value={rejected?.value ?? (lowBalance === null ? '' : formatUsd(lowBalance))}
          problem={rejected?.problem}
        />
        <h3>{messages.notifications.keyRules}</h3>
        <p class="quiet-text">{messages.notifications.keyRulesText}</p>
        <p>
          <a href="/keys">{messages.nav.keys}</a>
        </p>
      </Card>
      <Channels messages={messages} consents={consents} webhook={webhook} />
      <Card id="mail" title={messages.notifications.emailPreferences}>
        <p class="quiet-text">{messages.notifications.emailPreferencesText}</p>
        <ul class="list">
          {CONSENT_KINDS.map((kind) => (
            <ConsentForm
              {...locale}
              kind={kind}
              choice={consents.find((one) => one.kind === kind)}
            />
          ))}
        </ul>
      </Card>
    </>,
  );
}

/** Undefined where the text is no amount; null turns the alert off. Accepts a decimal comma. */
function parseThreshold(text: string): NanoUsd | null | undefined {
  const normalized = text.trim().replace(',', '.');
  if (normalized === '') return null;
  const amount = parseUsd(normalized);
  if (amount === undefined || amount > MAX_AMOUNT) return undefined;
  return amount === 0n ? null : amount;
}

export const notificationRoutes = new Hono<SignedInEnv>();
for (const path of ['/alerts', '/alerts/*']) notificationRoutes.use(path, requireSignIn);

notificationRoutes.get('/alerts', (c) => notificationsPage(c));

notificationRoutes.post('/alerts/low-balance', async (c) => {
  const value = (await readForm(c)).text('threshold');
  const threshold = parseThreshold(value);
  if (threshold === undefined) {
    return notificationsPage(c, { value, problem: c.var.messages.notifications.thresholdInvalid });
  }
  await c.var.deps.accounts.setLowBalance(c.var.user.account, threshold);
  return c.redirect('/alerts?done=saved', 303);
});

notificationRoutes.post('/alerts/consent', async (c) => {
  const form = await readForm(c);
  const kind = CONSENT_KINDS.find((known) => known === form.text('kind'));
  const choice = form.text('choice');
  if (kind === undefined || (choice !== 'give' && choice !== 'withdraw')) {
    return c.redirect('/alerts', 303);
  }
  const { identity } = c.var.deps;
  await setConsent(identity.db, {
    account: c.var.user.account,
    kind,
    given: choice === 'give',
    receiptId: bytesToHex(identity.random(16)),
    now: identity.now(),
  });
  return c.redirect('/alerts?done=consent', 303);
});

notificationRoutes.post('/alerts/dismiss', async (c) => {
  const form = await readForm(c);
  const { identity } = c.var.deps;
  const id = form.text('id');
  // The length of the column; other ids can't exist.
  if (/^[!-~]{1,64}$/.test(id)) {
    await dismissNotification(identity.db, c.var.user.account, id, identity.now());
  }
  return c.redirect(form.text('back') === '/' ? '/' : '/alerts?done=dismissed', 303);
});

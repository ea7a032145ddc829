/**
 * The Alerts screen: open notifications, the low-balance threshold (stored in the account object)
 * and where alerts are sent. Each change of a consent to emails leaves a receipt.
 */
import { dismissNotification, listOpenNotifications } from '@farebox/database/email';
import { listConsents } from '@farebox/database/privacy';
import { listKeys } from '@farebox/database/statements';
import { findWebhook, updateKinds } from '@farebox/database/webhooks';
import { Card, EmptyState, Field, readForm, Toast } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { formatUsd, MAX_AMOUNT, type NanoUsd, parseTypedUsd } from '@farebox/money';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { describeAmbiguity } from '../ambiguous-number.ts';
import { page } from '../layout.tsx';
import { updateConsents } from '../privacy/actions.ts';
import { requireSignIn, type SignedInEnv } from '../session.ts';
import { Channels, parseEmailChoices, parseWebhookKinds } from './channels.tsx';
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
        maxlength={24}
        autocomplete="off"
      />
      <button type="submit">{messages.layout.save}</button>
    </form>
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
    </>,
  );
}

/** Undefined where the text is no amount; null turns the alert off. */
function parseThreshold(text: string): NanoUsd | null | undefined {
  if (text.trim() === '') return null;
  const typed = parseTypedUsd(text);
  if (!typed.ok || typed.amount > MAX_AMOUNT) return undefined;
  return typed.amount === 0n ? null : typed.amount;
}

export const notificationRoutes = new Hono<SignedInEnv>();
for (const path of ['/alerts', '/alerts/*']) notificationRoutes.use(path, requireSignIn);

notificationRoutes.get('/alerts', (c) => notificationsPage(c));

notificationRoutes.post('/alerts/low-balance', async (c) => {
  const value = (await readForm(c)).text('threshold');
  const threshold = parseThreshold(value);
  if (threshold === undefined) {
    const { messages } = c.var;
    const ambiguity = describeAmbiguity(value, messages);
    const problem = ambiguity ?? messages.notifications.thresholdInvalid;
    return notificationsPage(c, { value, problem });
  }
  await c.var.deps.accounts.setLowBalance(c.var.user.account, threshold);
  return c.redirect('/alerts?done=saved', 303);
});

/** Saves which alerts are emailed and which are posted to the webhook. */
notificationRoutes.post('/alerts/channels', async (c) => {
  const { deps, user } = c.var;
  const { db } = deps.identity;
  const form = await readForm(c);
  const [consents, webhook] = await Promise.all([
    listConsents(db, user.account),
    findWebhook(db, user.account),
  ]);
  const choices = parseEmailChoices(form, consents);
  await updateConsents(deps, user, choices);
  const kinds = parseWebhookKinds(form, webhook);
  if (kinds !== undefined) await updateKinds(db, user.account, kinds);
  return c.redirect(`/alerts?done=${choices.length > 0 ? 'consent' : 'saved'}`, 303);
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

/**
 * The webhook of an account: its endpoint, its signing secret and its log. The secret is shown once,
 * in the response to the form that makes it (as keys are, keys/create-key.tsx).
 */
import {
  deleteWebhook,
  enableWebhook,
  findWebhook,
  insertTestAttempt,
  insertWebhook,
  listAttempts,
  rotateWebhook,
  updateEndpoint,
  type Webhook,
} from '@farebox/database/webhooks';
import { Badge, Card, CopyButton, Field, formatTime, Note, readForm, Toast } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { NOTIFICATION_KINDS } from '@farebox/ledger';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { issueFormToken, redeemFormToken } from '../../idempotency.ts';
import { page } from '../../layout.tsx';
import { consumeRateLimit } from '../../rate-limit.ts';
import { requireRecentAuth, requireSignIn, type SignedInEnv } from '../../session.ts';
import { rateLimitedPage } from '../../sign-in/rate-limited.tsx';
import { AttemptList } from './attempt-list.tsx';
import { deliverEvent } from './delivery.ts';
import { getWebhookDeps } from './deps.ts';
import { checkResolvedHost, type EndpointProblem, parseEndpoint } from './endpoint.ts';
import { buildTestEvent } from './events.ts';
import { deriveSigningSecret } from './signature.ts';

const PATH = '/alerts/webhook';
const MAX_SHOWN_ATTEMPTS = 50;
const ROTATE_ACTION = 'rotate_webhook_secret';
/** A test is a request to a host that the owner names: few, so that nobody is flooded with them. */
const TESTS_PER_HOUR = { maxAttempts: 20, seconds: 3_600 } as const;
const CHANGES_PER_HOUR = { maxAttempts: 30, seconds: 3_600 } as const;

type Texts = Messages['webhooks'];

function getDoneMessage(code: string | undefined, messages: Messages): string | undefined {
  const { webhooks: t, layout } = messages;
  switch (code) {
    case 'saved':
      return layout.saved;
    case 'enabled':
      return t.enabled;
    case 'tested':
      return t.tested;
    default:
      return undefined;
  }
}

const DisabledNote: FC<Readonly<{ t: Texts; since: string }>> = ({ t, since }) => (
  <>
    <Note kind="warning">{t.disabledText(since)}</Note>
    <form method="post" action={`${PATH}/enable`}>
      <button type="submit">{t.enable}</button>
    </form>
  </>
);

type WebhookCardProps = Readonly<{ webhook: Webhook; messages: Messages; language: string }>;

const WebhookCard: FC<WebhookCardProps> = ({ webhook, messages, language }) => {
  const { webhooks: t } = messages;
  const { disabledAt } = webhook;
  const isEnabled = disabledAt === null;
  return (
    <Card id="endpoint" title={t.endpoint}>
      {disabledAt !== null && <DisabledNote t={t} since={formatTime(disabledAt, language)} />}
      <p>
        <code>{webhook.endpoint}</code>{' '}
        <Badge kind={isEnabled ? 'good' : 'bad'}>{isEnabled ? t.on : t.off}</Badge>
      </p>
      <form method="post" action={`${PATH}/test`} class="actions">
        <button type="submit">{t.sendTest}</button>
        <a href={`${PATH}/endpoint`}>{t.change}</a> <a href={`${PATH}/secret`}>{t.rotate}</a>{' '}
        <a href={`${PATH}/delete`}>{t.delete}</a>
      </form>
    </Card>
  );
};

async function webhookPage(c: Context<SignedInEnv>): Promise<Response> {
  const { deps, user, messages, language } = c.var;
  const { webhooks: t } = messages;
  const { db } = deps.identity;
  const [webhook, attempts] = await Promise.all([
    findWebhook(db, user.account),
    listAttempts(db, user.account, MAX_SHOWN_ATTEMPTS),
  ]);
  const doneMessage = getDoneMessage(c.req.query('done'), messages);
  const locale = { messages, language };
  return page(
    c,
    { title: t.title, activePath: '/alerts', wide: true },
    <>
      {doneMessage !== undefined && <Toast text={doneMessage} closeLabel={messages.layout.close} />}
      <p>{t.intro}</p>
      {webhook === undefined ? (
        <p>
          <a class="button" href={`${PATH}/endpoint`}>
            {t.add}
          </a>
        </p>
      ) : (
        <>
          <WebhookCard webhook={webhook} {...locale} />
          <AttemptList attempts={attempts} {...locale} />
        </>
      )}
      <p class="actions">
        <a href="/alerts">{t.chooseAlerts}</a>
        {deps.siteUrl !== null && (
          <a href={new URL('/docs/webhooks', deps.siteUrl).href}>{t.documentation}</a>
        )}
      </p>
    </>,
  );
}

type RejectedEndpoint = Readonly<{ value: string; problem: EndpointProblem }>;

async function endpointPage(
  c: Context<SignedInEnv>,
  rejected?: RejectedEndpoint,
): Promise<Response> {
  const { deps, user, messages } = c.var;
  const { webhooks: t, layout } = messages;
  const webhook = await findWebhook(deps.identity.db, user.account);
  return page(
    c,
    {
      title: webhook === undefined ? t.add : t.change,
      activePath: '/alerts',
      status: rejected === undefined ? 200 : 422,
    },
    <form method="post" action={`${PATH}/endpoint`}>
      <Field
        name="endpoint"
        label={t.endpoint}
        hint={t.endpointHint}
        value={rejected?.value ?? webhook?.endpoint ?? ''}
        problem={rejected === undefined ? undefined : t.problems[rejected.problem]}
        maxlength={255}
        autocomplete="off"
        spellcheck={false}
        required
      />
      <p>
        <button type="submit">{layout.save}</button> <a href={PATH}>{layout.cancel}</a>
      </p>
    </form>,
  );
}

function secretPage(c: Context<SignedInEnv>, secret: string, doneMessage: string) {
  const { webhooks: t, keys } = c.var.messages;
  return page(
    c,
    { title: t.secretTitle, activePath: '/alerts', scripts: ['copy'] },
    <>
      <Note kind="done">{doneMessage}</Note>
      <section class="card" aria-label={t.secretTitle}>
        <p>{t.secretText}</p>
        <output id="secret" class="key">
          {secret}
        </output>
        <p class="actions">
          <CopyButton source="secret" label={keys.copy} copied={keys.copied} />
          <a class="button plain" href={PATH}>
            {t.secretSaved}
          </a>
        </p>
      </section>
    </>,
  );
}

type Confirmation = Readonly<{
  title: string;
  text: string;
  button: string;
  path: string;
  formToken?: string;
}>;

function confirmPage(c: Context<SignedInEnv>, confirmation: Confirmation) {
  const { title, text, button, path, formToken } = confirmation;
  return page(
    c,
    { title, activePath: '/alerts' },
    <form method="post" action={`${PATH}/${path}`}>
      <p>{text}</p>
      {formToken !== undefined && <input type="hidden" name="form_token" value={formToken} />}
      <p>
        <button type="submit" class="danger">
          {button}
        </button>{' '}
        <a href={PATH}>{c.var.messages.layout.cancel}</a>
      </p>
    </form>,
  );
}

export const webhookRoutes = new Hono<SignedInEnv>();
for (const path of [PATH, `${PATH}/*`]) webhookRoutes.use(path, requireSignIn);
for (const name of ['endpoint', 'secret', 'delete'])
  webhookRoutes.use(`${PATH}/${name}`, requireRecentAuth);

webhookRoutes.get(PATH, (c) => webhookPage(c));
webhookRoutes.get(`${PATH}/endpoint`, (c) => endpointPage(c));

webhookRoutes.post(`${PATH}/endpoint`, async (c) => {
  const { deps, user, messages } = c.var;
  const { account } = user;
  const { db, now, random, secret } = deps.identity;
  const { rules, resolveHost } = getWebhookDeps(c.env);
  const throttled = await consumeRateLimit(deps.identity, account, 'webhook', CHANGES_PER_HOUR);
  if (throttled !== undefined) return rateLimitedPage(c, throttled, PATH);
  const value = (await readForm(c)).text('endpoint');
  const parsed = parseEndpoint(value, rules);
  if (!parsed.ok) return endpointPage(c, { value, problem: parsed.problem });
  const { endpoint } = parsed;
  const problem = await checkResolvedHost(endpoint, resolveHost, rules);
  if (problem !== undefined) return endpointPage(c, { value, problem });
  const id = bytesToHex(random(8));
  const webhook = { id, account, endpoint, kinds: NOTIFICATION_KINDS, now: now() };
  if (await insertWebhook(db, webhook)) {
    const signingSecret = deriveSigningSecret(secret, { id, version: 1 });
    return secretPage(c, signingSecret, messages.webhooks.added);
  }
  await updateEndpoint(db, account, endpoint);
  return c.redirect(`${PATH}?done=saved`, 303);
});

webhookRoutes.get(`${PATH}/secret`, (c) => {
  const { deps, user, messages } = c.var;
  const { webhooks: t } = messages;
  return confirmPage(c, {
    title: t.rotate,
    text: t.rotateText,
    button: t.rotate,
    path: 'secret',
    formToken: issueFormToken(deps.identity, user.account, ROTATE_ACTION),
  });
});

webhookRoutes.post(`${PATH}/secret`, async (c) => {
  const { deps, user, messages } = c.var;
  const { identity } = deps;
  const formToken = (await readForm(c)).text('form_token');
  if (!(await redeemFormToken(identity, user.account, ROTATE_ACTION, formToken)))
    return c.redirect(`${PATH}/secret`, 303);
  const rotated = await rotateWebhook(identity.db, user.account, identity.now());
  if (rotated === undefined) return c.redirect(PATH, 303);
  return secretPage(c, deriveSigningSecret(identity.secret, rotated), messages.webhooks.rotated);
});

webhookRoutes.get(`${PATH}/delete`, (c) => {
  const { webhooks: t } = c.var.messages;
  const { delete: title, deleteText: text } = t;
  return confirmPage(c, { title, text, button: title, path: 'delete' });
});

webhookRoutes.post(`${PATH}/delete`, async (c) => {
  await deleteWebhook(c.var.deps.identity.db, c.var.user.account);
  return c.redirect('/alerts?done=saved', 303);
});

webhookRoutes.post(`${PATH}/enable`, async (c) => {
  await enableWebhook(c.var.deps.identity.db, c.var.user.account);
  return c.redirect(`${PATH}?done=enabled`, 303);
});

/** Posted at once, so that the page that follows shows the result. */
webhookRoutes.post(`${PATH}/test`, async (c) => {
  const { deps, user } = c.var;
  const { identity } = deps;
  const { account } = user;
  const throttled = await consumeRateLimit(identity, account, 'webhook_test', TESTS_PER_HOUR);
  if (throttled !== undefined) return rateLimitedPage(c, throttled, PATH);
  const now = identity.now();
  const eventId = bytesToHex(identity.random(16));
  if (await insertTestAttempt(identity.db, { eventId, account, now }))
    await deliverEvent(getWebhookDeps(c.env), buildTestEvent(eventId, now));
  return c.redirect(`${PATH}?done=tested`, 303);
});

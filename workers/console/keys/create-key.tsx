/**
 * Creates and rotates keys. The key's text is shown once, in the response to the form: no redirect,
 * row, cookie or URL carries it to another page. A form submitted twice creates one key
 * (idempotency.ts).
 */
import { Card, CodeTabs, CopyButton, Note, readForm } from '@farebox/design';
import type { KeyLimits, SpendGuard } from '@farebox/ledger';
import { type Context, Hono } from 'hono';
import { issueFormToken, redeemFormToken } from '../idempotency.ts';
import { page } from '../layout.tsx';
import { notFoundPage } from '../not-found.tsx';
import { consumeRateLimit } from '../rate-limit.ts';
import { requireRecentAuth, requireSignIn, type SignedInEnv } from '../session.ts';
import { rateLimitedPage } from '../sign-in/rate-limited.tsx';
import { listSnippets } from '../snippets.ts';
import { KeyLimitDetails } from './components.tsx';
import { KeyFields } from './key-fields.tsx';
import {
  EMPTY_FORM,
  type KeyFormField,
  type KeyFormValues,
  parseKeyForm,
  readKeyForm,
} from './key-form.ts';
import { type KeyWithStatus, loadKey, loadKeys } from './load-keys.ts';
import { getCatalog, listOfferedModels, type OfferedModels } from './offered-models.ts';

/** The limit of keys per account, not counting revoked ones. */
const MAX_KEYS = 100;
/** The playground has one key of its own beside them. */
function isCounted({ state, isPageKey }: KeyWithStatus): boolean {
  return state !== 'revoked' && !isPageKey;
}
/**
 * The account object keeps revoked keys too, so creating and revoking in turn needs a limit of its
 * own.
 */
const KEYS_PER_DAY = { maxAttempts: 100, seconds: 86_400 } as const;
const CREATE_KEY_ACTION = 'create_key';

type NewSecret = Readonly<{
  apiKey: string;
  keyId: number;
  doneMessage: string;
  limits: KeyLimits;
  spendGuard: SpendGuard;
}>;

function newSecretPage(c: Context<SignedInEnv>, secret: NewSecret) {
  const { deps, messages, language } = c.var;
  const { keys: t, layout, overview } = messages;
  const { apiKey, keyId, doneMessage, limits, spendGuard } = secret;
  return page(
    c,
    { title: t.newKeyTitle, activePath: '/keys', wide: true, scripts: ['copy'] },
    <>
      <Note kind="done">{doneMessage}</Note>
      <section class="card" aria-label={t.newKeyTitle}>
        <p>{t.newKeyText}</p>
        <output id="key" class="key">
          {apiKey}
        </output>
        <p class="actions">
          <CopyButton source="key" label={t.copy} copied={t.copied} />
          <a class="button plain" href={`/keys/${keyId}`}>
            {t.keySaved}
          </a>
        </p>
      </section>
      <div class="columns">
        <Card id="use" title={t.useKey}>
          <CodeTabs
            name="client"
            legend={overview.client}
            tabs={listSnippets(deps.apiUrl, apiKey)}
            copy={{ label: layout.copyCode, copied: layout.copied }}
          />
        </Card>
        <Card id="limits" title={t.newKeyLimits}>
          <dl class="pairs">
            <KeyLimitDetails
              messages={messages}
              language={language}
              limits={limits}
              spendGuard={spendGuard}
            />
          </dl>
          <p class="quiet-text">{t.readAccess}</p>
        </Card>
      </div>
    </>,
  );
}

/** The page for a form token that was already redeemed or has expired. */
function alreadySubmittedPage(c: Context<SignedInEnv>) {
  const { keys: t } = c.var.messages;
  return page(
    c,
    { title: t.alreadySubmittedTitle, activePath: '/keys', status: 409 },
    <>
      <Note kind="warning">{t.alreadySubmittedText}</Note>
      <p>
        <a href="/keys">{t.back}</a>
      </p>
    </>,
  );
}

type Rejection = Readonly<{ errors: readonly KeyFormField[]; message?: string }>;
type FormContents = Readonly<{ values: KeyFormValues; offered: OfferedModels }>;

function createKeyPage(c: Context<SignedInEnv>, contents: FormContents, rejection?: Rejection) {
  const { deps, user, messages } = c.var;
  const { keys: t, layout } = messages;
  return page(
    c,
    { title: t.newTitle, activePath: '/keys', status: rejection === undefined ? 200 : 422 },
    <>
      {rejection !== undefined && <Note kind="problem">{rejection.message ?? t.errors.form}</Note>}
      <p>{t.readAccess}</p>
      <form method="post" action="/keys/new">
        <input
          type="hidden"
          name="form_token"
          value={issueFormToken(deps.identity, user.account, CREATE_KEY_ACTION)}
        />
        <KeyFields messages={messages} {...contents} errors={rejection?.errors ?? []} />
        <p>
          <button type="submit">{t.create}</button> <a href="/keys">{layout.cancel}</a>
        </p>
      </form>
    </>,
  );
}

export const createKeyRoutes = new Hono<SignedInEnv>();
for (const path of ['/keys/new', '/keys/:id/roll'])
  createKeyRoutes.use(path, requireSignIn, requireRecentAuth);

createKeyRoutes.get('/keys/new', async (c) => {
  const { deps, messages } = c.var;
  const [allKeys, catalog] = await Promise.all([loadKeys(c), getCatalog(deps)]);
  const unrevokedKeys = allKeys.filter(isCounted);
  if (unrevokedKeys.length >= MAX_KEYS) return c.redirect('/keys?done=limit_reached', 303);
  const name = messages.keys.firstName(unrevokedKeys.length + 1);
  const offered = listOfferedModels(catalog, deps.identity.now());
  return createKeyPage(c, { values: { ...EMPTY_FORM, name }, offered });
});

async function checkCreationLimit(c: Context<SignedInEnv>): Promise<Response | undefined> {
  const { identity } = c.var.deps;
  const throttled = await consumeRateLimit(
    identity,
    c.var.user.account,
    'keys_created',
    KEYS_PER_DAY,
  );
  return throttled === undefined ? undefined : rateLimitedPage(c, throttled, '/keys');
}

createKeyRoutes.post('/keys/new', async (c) => {
  const { deps, user, messages } = c.var;
  const form = await readForm(c);
  const now = deps.identity.now();
  const catalog = await getCatalog(deps);
  const offered = listOfferedModels(catalog, now);
  const values = readKeyForm(form, offered);
  const parsed = parseKeyForm(values, { catalog, now });
  if (!parsed.ok) return createKeyPage(c, { values, offered }, { errors: parsed.errors });
  const { account } = user;
  if (!(await redeemFormToken(deps.identity, account, CREATE_KEY_ACTION, form.text('form_token'))))
    return alreadySubmittedPage(c);
  const unrevokedKeys = (await loadKeys(c)).filter(isCounted);
  if (unrevokedKeys.length >= MAX_KEYS) return c.redirect('/keys?done=limit_reached', 303);
  const rateLimitedResponse = await checkCreationLimit(c);
  if (rateLimitedResponse !== undefined) return rateLimitedResponse;
  const { name, limits, spendGuard } = parsed;
  const created = await deps.accounts.mintKey(account, { name, limits, spendGuard });
  if (created.ok) {
    const { apiKey, keyId } = created;
    const doneMessage = messages.keys.keyCreated;
    return newSecretPage(c, { apiKey, keyId, doneMessage, limits, spendGuard });
  }
  const message = messages.keys.errors.refused;
  return createKeyPage(c, { values, offered }, { errors: [], message });
});

/** How long the previous secret stays valid, in seconds. */
const GRACE_PERIODS = ['0', '3600', '86400'] as const;
type GracePeriod = (typeof GRACE_PERIODS)[number];

function rollAction({ row }: KeyWithStatus): string {
  return `roll_key ${row.keyId}`;
}

function rollPage(c: Context<SignedInEnv>, key: KeyWithStatus) {
  const { deps, user, messages } = c.var;
  const { keys: t, layout } = messages;
  const formToken = issueFormToken(deps.identity, user.account, rollAction(key));
  const path = `/keys/${key.row.keyId}`;
  return page(
    c,
    { title: t.rollTitle(key.row.name), activePath: '/keys' },
    <>
      <p>{t.rollText}</p>
      <form method="post" action={`${path}/roll`}>
        <input type="hidden" name="form_token" value={formToken} />
        <fieldset>
          <legend>{t.graceLegend}</legend>
          {GRACE_PERIODS.map((grace: GracePeriod) => (
            <label class="choice">
              <input type="radio" name="grace" value={grace} checked={grace === '3600'} />{' '}
              {t.gracePeriods[grace]}
            </label>
          ))}
        </fieldset>
        <p>
          <button type="submit">{t.roll}</button> <a href={path}>{layout.cancel}</a>
        </p>
      </form>
    </>,
  );
}

createKeyRoutes.get('/keys/:id/roll', async (c) => {
  const key = await loadKey(c);
  if (key === undefined || key.state === 'revoked') return notFoundPage(c);
  return rollPage(c, key);
});

createKeyRoutes.post('/keys/:id/roll', async (c) => {
  const { deps, user, messages } = c.var;
  const key = await loadKey(c);
  if (key === undefined || key.state === 'revoked') return notFoundPage(c);
  const form = await readForm(c);
  const grace = GRACE_PERIODS.find((known) => known === form.text('grace'));
  if (grace === undefined) return rollPage(c, key);
  const { account } = user;
  if (!(await redeemFormToken(deps.identity, account, rollAction(key), form.text('form_token')))) {
    return alreadySubmittedPage(c);
  }
  const { keyId } = key.row;
  const rolled = await deps.accounts.rollKey(account, { keyId, graceSeconds: Number(grace) });
  if (!rolled.ok) return notFoundPage(c);
  const { limits, spendGuard } = key.status;
  const doneMessage = messages.keys.rolled[grace];
  return newSecretPage(c, { apiKey: rolled.apiKey, keyId, doneMessage, limits, spendGuard });
});

/** The pages that edit, resume and revoke a key. The account object makes each change. */
import { Note, readForm } from '@farebox/design';
import { type Context, Hono } from 'hono';
import { page } from '../layout.tsx';
import { notFoundPage } from '../not-found.tsx';
import { requireRecentAuth, requireSignIn, type SignedInEnv } from '../session.ts';
import { KeyFields } from './key-fields.tsx';
import {
  type KeyFormField,
  type KeyFormValues,
  parseKeyForm,
  readKeyForm,
  toFormValues,
} from './key-form.ts';
import { type KeyWithStatus, loadKey } from './load-keys.ts';
import { getCatalog, listOfferedModels, type OfferedModels } from './offered-models.ts';

export const editKeyRoutes = new Hono<SignedInEnv>();
for (const path of ['/keys/:id/edit', '/keys/:id/resume']) {
  editKeyRoutes.use(path, requireSignIn, requireRecentAuth);
}
editKeyRoutes.use('/keys/:id/revoke', requireSignIn);

/** Returns the user's own key; undefined where there is none or it is revoked. */
async function loadUnrevokedKey(c: Context<SignedInEnv>): Promise<KeyWithStatus | undefined> {
  const key = await loadKey(c);
  return key?.state === 'revoked' ? undefined : key;
}

function editPage(
  c: Context<SignedInEnv>,
  key: KeyWithStatus,
  contents: Readonly<{ values: KeyFormValues; offered: OfferedModels }>,
  rejection?: Readonly<{ errors: readonly KeyFormField[]; message?: string }>,
) {
  const { messages } = c.var;
  const { keys: t, layout } = messages;
  const path = `/keys/${key.row.keyId}`;
  return page(
    c,
    {
      title: t.editTitle(key.row.name),
      activePath: '/keys',
      status: rejection === undefined ? 200 : 422,
    },
    <>
      {rejection !== undefined && <Note kind="problem">{rejection.message ?? t.errors.form}</Note>}
      <form method="post" action={`${path}/edit`}>
        <KeyFields messages={messages} {...contents} errors={rejection?.errors ?? []} />
        <p>
          <button type="submit">{layout.save}</button> <a href={path}>{layout.cancel}</a>
        </p>
      </form>
    </>,
  );
}

editKeyRoutes.get('/keys/:id/edit', async (c) => {
  const key = await loadUnrevokedKey(c);
  if (key === undefined) return notFoundPage(c);
  const { deps } = c.var;
  const offered = listOfferedModels(await getCatalog(deps), deps.identity.now());
  const { limits, spendGuard } = key.status;
  return editPage(c, key, {
    values: toFormValues(key.row.name, limits, spendGuard, offered),
    offered,
  });
});

editKeyRoutes.post('/keys/:id/edit', async (c) => {
  const key = await loadUnrevokedKey(c);
  if (key === undefined) return notFoundPage(c);
  const { deps, user, messages } = c.var;
  const now = deps.identity.now();
  const catalog = await getCatalog(deps);
  const offered = listOfferedModels(catalog, now);
  const values = readKeyForm(await readForm(c), offered);
  const parsed = parseKeyForm(values, { catalog, now }, key.status);
  if (!parsed.ok) return editPage(c, key, { values, offered }, { errors: parsed.errors });
  const { name, limits, spendGuard } = parsed;
  const { keyId } = key.row;
  const current = key.status.spendGuard;
  // Setting an unchanged spend guard again would end a pause.
  const unchanged =
    spendGuard.alertMultiple === current.alertMultiple &&
    spendGuard.pauseMultiple === current.pauseMultiple;
  const change = { name, limits, ...(unchanged ? {} : { spendGuard }) };
  const changed = await deps.accounts.updateKey(user.account, keyId, change);
  if (changed.ok) return c.redirect(`/keys/${keyId}?done=changed`, 303);
  const message = messages.keys.errors.refused;
  return editPage(c, key, { values, offered }, { errors: [], message });
});

type Confirmation = Readonly<{
  title: string;
  text: string;
  button: string;
  path: string;
  danger: boolean;
}>;

function confirmPage(c: Context<SignedInEnv>, key: KeyWithStatus, confirmation: Confirmation) {
  const { layout } = c.var.messages;
  const path = `/keys/${key.row.keyId}`;
  return page(
    c,
    { title: confirmation.title, activePath: '/keys' },
    <>
      <p>{confirmation.text}</p>
      <form method="post" action={`${path}/${confirmation.path}`}>
        <p>
          <button type="submit" class={confirmation.danger ? 'danger' : undefined}>
            {confirmation.button}
          </button>{' '}
          <a href={path}>{layout.cancel}</a>
        </p>
      </form>
    </>,
  );
}

editKeyRoutes.get('/keys/:id/resume', async (c) => {
  const key = await loadUnrevokedKey(c);
  if (key === undefined) return notFoundPage(c);
  const { keys: t } = c.var.messages;
  return confirmPage(c, key, {
    title: t.resumeTitle(key.row.name),
    text: t.resumeText,
    button: t.resume,
    path: 'resume',
    danger: false,
  });
});

editKeyRoutes.post('/keys/:id/resume', async (c) => {
  const key = await loadUnrevokedKey(c);
  if (key === undefined) return notFoundPage(c);
  const { keyId } = key.row;
  await c.var.deps.accounts.resumeKey(c.var.user.account, keyId);
  return c.redirect(`/keys/${keyId}?done=resumed`, 303);
});

editKeyRoutes.get('/keys/:id/revoke', async (c) => {
  const key = await loadUnrevokedKey(c);
  if (key === undefined) return notFoundPage(c);
  const { keys: t } = c.var.messages;
  return confirmPage(c, key, {
    title: t.revokeTitle(key.row.name),
    text: t.revokeText,
    button: t.revoke,
    path: 'revoke',
    danger: true,
  });
});

editKeyRoutes.post('/keys/:id/revoke', async (c) => {
  const key = await loadKey(c);
  if (key === undefined) return notFoundPage(c);
  // Also for a key that is already revoked: the call repairs a row in Postgres that is out of date.
  await c.var.deps.accounts.revokeKey(c.var.user.account, key.row.keyId);
  return c.redirect('/keys?done=revoked', 303);
});

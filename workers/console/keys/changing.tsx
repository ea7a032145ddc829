/** What is done to a key that exists: other limits, its brake off, its end. The ledger does it; here it is asked for. */
import { type Context, Hono } from 'hono';
import { readForm } from '../forms.ts';
import { missing } from '../missing.tsx';
import { Note, page } from '../page.tsx';
import { recentlyProven, type Somebody, signedIn } from '../visitor.ts';
import { readTyped, type Typed, type TypedField, typedOf, understand } from './asked.ts';
import { KeyFields } from './fields.tsx';
import { namedKey, type OwnKey } from './own.ts';

export const keyChanging = new Hono<Somebody>();
for (const path of ['/keys/:id/edit', '/keys/:id/resume']) {
  keyChanging.use(path, signedIn, recentlyProven);
}
keyChanging.use('/keys/:id/revoke', signedIn);

/** The person's own and still of use; undefined otherwise. */
async function liveKey(c: Context<Somebody>): Promise<OwnKey | undefined> {
  const key = await namedKey(c);
  return key?.state === 'revoked' ? undefined : key;
}

function editPage(
  c: Context<Somebody>,
  key: OwnKey,
  typed: Typed,
  refused?: Readonly<{ flaws: readonly TypedField[]; said?: string }>,
) {
  const { texts } = c.var;
  const { keys: t, frame } = texts;
  const path = `/keys/${key.row.keyId}`;
  return page(
    c,
    { title: t.editTitle(key.row.name), here: '/keys', status: refused === undefined ? 200 : 422 },
    <>
      {refused !== undefined && <Note kind="problem">{refused.said ?? t.problems.form}</Note>}
      <form method="post" action={`${path}/edit`}>
        <KeyFields texts={texts} typed={typed} flaws={refused?.flaws ?? []} />
        <p>
          <button type="submit">{frame.save}</button> <a href={path}>{frame.cancel}</a>
        </p>
      </form>
    </>,
  );
}

keyChanging.get('/keys/:id/edit', async (c) => {
  const key = await liveKey(c);
  if (key === undefined) return missing(c);
  return editPage(c, key, typedOf(key.row.name, key.standing.limits, key.standing.brakes));
});

keyChanging.post('/keys/:id/edit', async (c) => {
  const key = await liveKey(c);
  if (key === undefined) return missing(c);
  const { house, person, texts } = c.var;
  const typed = readTyped(await readForm(c));
  const asked = understand(typed, house.identity.now(), key.standing);
  if (!asked.ok) return editPage(c, key, typed, { flaws: asked.flaws });
  const { name, limits, brakes } = asked;
  const { keyId } = key.row;
  const before = key.standing.brakes;
  // Brakes that are told again, unchanged, would take a pause off.
  const same = brakes.noticeAt === before.noticeAt && brakes.pauseAt === before.pauseAt;
  const change = { name, limits, ...(same ? {} : { brakes }) };
  const changed = await house.accounts.changeKey(person.account, keyId, change);
  if (changed.ok) return c.redirect(`/keys/${keyId}?done=changed`, 303);
  return editPage(c, key, typed, { flaws: [], said: texts.keys.problems.refused });
});

type Asked = Readonly<{
  title: string;
  text: string;
  button: string;
  path: string;
  danger: boolean;
}>;

function confirmPage(c: Context<Somebody>, key: OwnKey, asked: Asked) {
  const { frame } = c.var.texts;
  const path = `/keys/${key.row.keyId}`;
  return page(
    c,
    { title: asked.title, here: '/keys' },
    <>
      <p>{asked.text}</p>
      <form method="post" action={`${path}/${asked.path}`}>
        <p>
          <button type="submit" class={asked.danger ? 'danger' : undefined}>
            {asked.button}
          </button>{' '}
          <a href={path}>{frame.cancel}</a>
        </p>
      </form>
    </>,
  );
}

keyChanging.get('/keys/:id/resume', async (c) => {
  const key = await liveKey(c);
  if (key === undefined) return missing(c);
  const { keys: t } = c.var.texts;
  return confirmPage(c, key, {
    title: t.resumeTitle(key.row.name),
    text: t.resumeText,
    button: t.resume,
    path: 'resume',
    danger: false,
  });
});

keyChanging.post('/keys/:id/resume', async (c) => {
  const key = await liveKey(c);
  if (key === undefined) return missing(c);
  const { keyId } = key.row;
  await c.var.house.accounts.resumeKey(c.var.person.account, keyId);
  return c.redirect(`/keys/${keyId}?done=resumed`, 303);
});

keyChanging.get('/keys/:id/revoke', async (c) => {
  const key = await liveKey(c);
  if (key === undefined) return missing(c);
  const { keys: t } = c.var.texts;
  return confirmPage(c, key, {
    title: t.revokeTitle(key.row.name),
    text: t.revokeText,
    button: t.revoke,
    path: 'revoke',
    danger: true,
  });
});

keyChanging.post('/keys/:id/revoke', async (c) => {
  const key = await namedKey(c);
  if (key === undefined) return missing(c);
  // Also where it is revoked already: asking again writes a row that was late.
  await c.var.house.accounts.revokeKey(c.var.person.account, key.row.keyId);
  return c.redirect('/keys?done=revoked', 303);
});

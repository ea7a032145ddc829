/**
 * The account's keys, and one of them. Looking needs no more than being signed in, and neither does revoking,
 * which has to be quick; what makes a key worth more asks who one is first.
 */
import type { Texts } from '@farebox/languages';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { missing } from '../missing.tsx';
import { Note, page } from '../page.tsx';
import { type Somebody, signedIn } from '../visitor.ts';
import { keyChanging } from './changing.tsx';
import { keyMaking } from './making.tsx';
import { namedKey, type OwnKey, ownKeys } from './own.ts';
import { Ending, KeyState, Limits, type Reader, Spending } from './parts.tsx';

export const keys = new Hono<Somebody>();
for (const path of ['/keys', '/keys/*']) keys.use(path, signedIn);
keys.route('/', keyMaking);
keys.route('/', keyChanging);

function doneText(word: string | undefined, texts: Texts): string | undefined {
  const said: Readonly<Record<string, string>> = texts.keys.done;
  return word !== undefined && Object.hasOwn(said, word) ? said[word] : undefined;
}

const Listed: FC<Reader & { own: OwnKey }> = (props) => {
  const { own, texts } = props;
  return (
    <li>
      <h2>
        <a href={`/keys/${own.row.keyId}`}>{own.row.name}</a>
      </h2>
      <p>
        <KeyState {...props} />
      </p>
      <dl class="pairs">
        <Ending {...props} />
        {own.state !== 'revoked' && <Spending {...props} />}
      </dl>
      {own.state === 'paused' && (
        <p>
          <a href={`/keys/${own.row.keyId}/resume`}>{texts.keys.resume}</a>
        </p>
      )}
    </li>
  );
};

keys.get('/keys', async (c) => {
  const { texts, language } = c.var;
  const { keys: t } = texts;
  const all = await ownKeys(c);
  const revoked = all.filter(({ state }) => state === 'revoked');
  const live = all.filter(({ state }) => state !== 'revoked');
  const reader = { texts, language };
  const word = c.req.query('done');
  const done = doneText(word, texts);
  return page(
    c,
    { title: texts.frame.keys, here: '/keys' },
    <>
      {done !== undefined && <Note kind={word === 'full' ? 'warning' : 'done'}>{done}</Note>}
      <p>{t.intro}</p>
      <p>
        <a class="button" href="/keys/new">
          {t.create}
        </a>
      </p>
      {live.length === 0 && <p>{t.none}</p>}
      <ul class="keys">
        {live.map((own) => (
          <Listed {...reader} own={own} />
        ))}
      </ul>
      {revoked.length > 0 && (
        <details>
          <summary>{t.revokedKeys(String(revoked.length))}</summary>
          <ul class="keys">
            {revoked.map((own) => (
              <Listed {...reader} own={own} />
            ))}
          </ul>
        </details>
      )}
    </>,
  );
});

const Deeds: FC<{ own: OwnKey; texts: Texts }> = ({ own, texts }) => {
  const { keys: t } = texts;
  const path = `/keys/${own.row.keyId}`;
  return (
    <ul>
      {own.state === 'paused' && (
        <li>
          <a href={`${path}/resume`}>{t.resume}</a>
        </li>
      )}
      <li>
        <a href={`${path}/edit`}>{t.edit}</a>
      </li>
      <li>
        <a href={`${path}/roll`}>{t.roll}</a>
      </li>
      <li>
        <a href={`${path}/revoke`}>{t.revoke}</a>
      </li>
    </ul>
  );
};

keys.get('/keys/:id', async (c) => {
  const own = await namedKey(c);
  if (own === undefined) return missing(c);
  const { texts, language } = c.var;
  const reader = { texts, language };
  const done = doneText(c.req.query('done'), texts);
  return page(
    c,
    { title: own.row.name, here: '/keys' },
    <>
      {done !== undefined && <Note kind="done">{done}</Note>}
      <p>
        <KeyState {...reader} own={own} />
      </p>
      {own.state === 'paused' && <Note kind="warning">{texts.keys.pausedText}</Note>}
      <dl class="pairs">
        <Ending {...reader} own={own} />
        <Spending {...reader} own={own} />
        <Limits {...reader} own={own} />
      </dl>
      {own.state !== 'revoked' && <Deeds own={own} texts={texts} />}
      <p>
        <a href={`/calls?key=${own.row.keyId}`}>{texts.keys.calls}</a>
      </p>
      <p>
        <a href="/keys">{texts.keys.back}</a>
      </p>
    </>,
  );
});

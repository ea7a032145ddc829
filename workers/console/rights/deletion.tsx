/**
 * Leaving. What it does, and what becomes of money and of rows, is said before; the address is typed, so that
 * nobody does it by a slip; and the last page has all that can be known afterwards.
 */
import { type Context, Hono } from 'hono';
import { type Deleted, deleteAccount } from '../deletions.ts';
import { readForm } from '../forms.ts';
import { Field, Money, Note, page } from '../page.tsx';
import { forgetBrowser, recentlyProven, type Somebody, signedIn } from '../visitor.ts';
import { Contact } from './contact.tsx';
import { isOwnAddress } from './deeds.ts';

export const deletion = new Hono<Somebody>();
deletion.use('/rights/deletion', signedIn, recentlyProven);

async function askPage(c: Context<Somebody>, wrong: boolean) {
  const { house, person, texts } = c.var;
  const { rights: t, frame } = texts;
  const standing = await house.accounts.standing(person.account);
  return page(
    c,
    { title: t.deleteTitle, here: '/rights', status: wrong ? 422 : 200 },
    <>
      <p>{t.deleteIntro}</p>
      <ul>
        {t.deleteWhat.map((line) => (
          <li>{line}</li>
        ))}
      </ul>
      <h2>{t.balanceTitle}</h2>
      <p>
        {t.balanceNow} <Money amount={standing?.posted ?? 0n} />
      </p>
      {(standing?.posted ?? 0n) > 0n && <Note kind="warning">{t.balanceText}</Note>}
      <Contact house={house} texts={texts} />
      <h2>{t.staysTitle}</h2>
      <p>{t.staysText}</p>
      <form method="post" action="/rights/deletion">
        <Field
          name="email"
          type="email"
          label={t.typeEmail}
          hint={person.email}
          problem={wrong ? t.typeEmailWrong : undefined}
          autocomplete="off"
          required
        />
        <p>
          <button type="submit" class="danger">
            {t.deleteSubmit}
          </button>{' '}
          <a href="/rights">{frame.cancel}</a>
        </p>
      </form>
    </>,
  );
}

/** The last page: nobody is signed in any more, and nothing of it can be had again. */
function gonePage(c: Context<Somebody>, account: string, { receipt, closed }: Deleted) {
  const { rights: t } = c.var.texts;
  // The frame around it is a stranger's from here on.
  const strangers: Context = c;
  strangers.set('person', null);
  return page(
    c,
    { title: t.goneTitle },
    <>
      <Note kind="done">{closed === null ? t.goneSoon : t.goneNow}</Note>
      <p>{t.goneKeep}</p>
      <dl class="pairs">
        <div>
          <dt>{t.receipt}</dt>
          <dd>
            <code>{receipt}</code>
          </dd>
        </div>
        <div>
          <dt>{t.accountId}</dt>
          <dd>
            <code>{account}</code>
          </dd>
        </div>
        {closed !== null && (
          <div>
            <dt>{t.balanceLeft}</dt>
            <dd>
              <Money amount={closed.posted} />
            </dd>
          </div>
        )}
      </dl>
      <p>{t.staysText}</p>
    </>,
  );
}

deletion.get('/rights/deletion', (c) => askPage(c, false));

deletion.post('/rights/deletion', async (c) => {
  const { house, person } = c.var;
  const typed = (await readForm(c)).text('email');
  if (!isOwnAddress(person, typed)) return askPage(c, true);
  const deleted = await deleteAccount(house, person.account);
  forgetBrowser(c);
  return gonePage(c, person.account, deleted);
});

/** A person's rights on one page: see, correct, withdraw, leave, complain; and the receipts of what was used. */
import { listReceipts, type MailChoice, mailChoices, type Receipt } from '@farebox/database';
import { LANGUAGE_NAMES, LANGUAGES, type Texts } from '@farebox/languages';
import { CONSENT_KINDS, type ConsentKind, GIVEN_BY_DEFAULT } from '@farebox/mail';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { readForm } from '../forms.ts';
import { Money, Note, page, Time } from '../page.tsx';
import { keepLanguage, type Somebody, signedIn } from '../visitor.ts';
import { rightsApi } from './api.ts';
import { Contact } from './contact.tsx';
import { data } from './data.tsx';
import { chooseKind, correctLanguage } from './deeds.ts';
import { deletion } from './deletion.tsx';

const MOST_RECEIPTS = 100;

export const rights = new Hono<Somebody>();
for (const path of ['/rights', '/rights/*']) rights.use(path, signedIn);
rights.route('/', data);
rights.route('/', deletion);
rights.route('/', rightsApi);

type Reader = Readonly<{ texts: Texts; language: string }>;

const LanguageForm: FC<Reader> = ({ texts, language }) => (
  <form method="post" action="/rights/language">
    <fieldset>
      <legend>{texts.rights.language}</legend>
      {LANGUAGES.map((code) => (
        <label class="choice" lang={code}>
          <input type="radio" name="language" value={code} checked={code === language} />{' '}
          {LANGUAGE_NAMES[code]}
        </label>
      ))}
      <p>
        <button type="submit">{texts.frame.save}</button>
      </p>
    </fieldset>
  </form>
);

const Consent: FC<{ texts: Texts; kind: ConsentKind; choice: MailChoice | undefined }> = (
  props,
) => {
  const { texts, kind, choice } = props;
  const { alerts } = texts;
  const on = choice?.given ?? GIVEN_BY_DEFAULT[kind];
  return (
    <form method="post" action="/rights/consents">
      <fieldset>
        <legend>{alerts.consents[kind]}</legend>
        <input type="hidden" name="kind" value={kind} />
        <p>
          <strong>{on ? alerts.on : alerts.off}</strong>{' '}
          <button type="submit" name="choice" value={on ? 'withdraw' : 'give'} class="plain">
            {on ? alerts.withdraw : alerts.give}
          </button>
        </p>
      </fieldset>
    </form>
  );
};

/** A word of ours, or the word itself where a release ahead wrote it. */
function wordOf(words: Readonly<Record<string, string>>, word: string): string {
  return (Object.hasOwn(words, word) ? words[word] : undefined) ?? word;
}

const Receipts: FC<Reader & { receipts: readonly Receipt[] }> = ({ texts, language, receipts }) => {
  const { rights: t } = texts;
  if (receipts.length === 0) return <p>{t.noReceipts}</p>;
  return (
    <section class="scroll" tabindex={0} aria-label={t.receipts}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t.when}</th>
            <th scope="col">{t.whatRight}</th>
            <th scope="col">{t.byWhom}</th>
            <th scope="col">{t.receipt}</th>
          </tr>
        </thead>
        <tbody>
          {receipts.map(({ id, kind, about, actor, at }) => (
            <tr>
              <td>
                <Time at={at} language={language} />
              </td>
              <td>
                {wordOf(t.kinds, kind)}
                {about !== null && <>: {wordOf(t.abouts, about)}</>}
              </td>
              <td>{wordOf(t.actors, actor)}</td>
              <td>
                <code>{id}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
};

const Complaint: FC<{ texts: Texts }> = ({ texts }) => (
  <>
    <h2>{texts.rights.complainTitle}</h2>
    <p>
      {texts.rights.complain} <a href="https://www.pdpc.gov.sg">https://www.pdpc.gov.sg</a>
    </p>
  </>
);

const DONE_WORDS = ['language', 'consent'] as const;

rights.get('/rights', async (c) => {
  const { house, person, texts, language } = c.var;
  const { rights: t } = texts;
  const { db } = house.identity;
  const [standing, choices, receipts] = await Promise.all([
    house.accounts.standing(person.account),
    mailChoices(db, person.account),
    listReceipts(db, person.account, MOST_RECEIPTS),
  ]);
  const done = DONE_WORDS.find((word) => word === c.req.query('done'));
  return page(
    c,
    { title: texts.frame.rights, here: '/rights' },
    <>
      {done !== undefined && <Note kind="done">{t.done[done]}</Note>}
      <h2>{t.dataTitle}</h2>
      <dl class="pairs">
        <div>
          <dt>{t.email}</dt>
          <dd>
            {person.email} <a href="/security/email">{t.correct}</a>
          </dd>
        </div>
        <div>
          <dt>{t.accountId}</dt>
          <dd>
            <code>{person.account}</code>
          </dd>
        </div>
        <div>
          <dt>{t.balance}</dt>
          <dd>
            <Money amount={standing?.posted ?? 0n} />
          </dd>
        </div>
      </dl>
      <p>
        <a href="/rights/data">{t.seeAll}</a>
      </p>
      <h2>{t.correctTitle}</h2>
      <p>{t.correctText}</p>
      <LanguageForm texts={texts} language={language} />
      <h2>{t.consentsTitle}</h2>
      <p>{texts.alerts.mailText}</p>
      {CONSENT_KINDS.map((kind) => (
        <Consent texts={texts} kind={kind} choice={choices.find((one) => one.kind === kind)} />
      ))}
      <h2>{t.receipts}</h2>
      <Receipts texts={texts} language={language} receipts={receipts} />
      <h2>{t.deleteTitle}</h2>
      <p>{t.deleteShort}</p>
      <p>
        <a href="/rights/deletion">{t.deleteGo}</a>
      </p>
      <h2>{t.contactTitle}</h2>
      <Contact house={house} texts={texts} />
      <Complaint texts={texts} />
    </>,
  );
});

rights.post('/rights/language', async (c) => {
  const { house, person } = c.var;
  const wanted = (await readForm(c)).text('language');
  const known = LANGUAGES.find((code) => code === wanted);
  if (known === undefined) return c.redirect('/rights', 303);
  await correctLanguage(house, person, known);
  keepLanguage(c, known);
  return c.redirect('/rights?done=language', 303);
});

rights.post('/rights/consents', async (c) => {
  const { house, person } = c.var;
  const form = await readForm(c);
  const kind = CONSENT_KINDS.find((known) => known === form.text('kind'));
  const choice = form.text('choice');
  if (kind === undefined || (choice !== 'give' && choice !== 'withdraw')) {
    return c.redirect('/rights', 303);
  }
  await chooseKind(house, person, { kind, given: choice === 'give' });
  return c.redirect('/rights?done=consent', 303);
});

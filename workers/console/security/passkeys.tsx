/** Passkeys and security keys: which there are, another one, one less. Their names are their owner's own words. */
import {
  type AddPasskeyResult,
  addPasskey,
  beginPasskey,
  factors,
  type PasskeyRow,
  removePasskey,
} from '@farebox/identity';
import type { Texts } from '@farebox/languages';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { readForm } from '../forms.ts';
import { postLetters } from '../letters.ts';
import { Field, Note, timeText } from '../page.tsx';
import { PasskeyQuestion } from '../sign-in/factor-forms.tsx';
import { readAnswer } from '../sign-in/proofs.ts';
import { recentlyProven, type Somebody, signedIn } from '../visitor.ts';
import { securityPage } from './frame.tsx';
import { codesPage } from './recovery-codes.tsx';
import { relyingParty } from './relying-party.ts';

const PATH = '/security/passkeys';
const LONGEST_NAME = 64;

export const passkeys = new Hono<Somebody>();
passkeys.use(`${PATH}/*`, signedIn, recentlyProven);

type Shown = Readonly<{ texts: Texts; language: string }>;

const Passkey: FC<Shown & { row: PasskeyRow }> = ({ texts, language, row }) => {
  const { security: t } = texts;
  const used = row.usedAt === null ? t.passkeyNever : timeText(row.usedAt, language);
  return (
    <li>
      <p>
        <strong>{row.name}</strong>
        <br />
        {t.passkeyAdded}: {timeText(row.createdAt, language)}
        <br />
        {t.passkeyUsed}: {used}
      </p>
      <form method="post" action={`${PATH}/remove`}>
        <input type="hidden" name="passkey" value={row.credentialId} />
        <button type="submit" class="plain" aria-label={t.passkeyRemoveOne(row.name)}>
          {t.passkeyRemove}
        </button>
      </form>
    </li>
  );
};

const Passkeys: FC<Shown & { rows: readonly PasskeyRow[] }> = ({ texts, language, rows }) => {
  if (rows.length === 0) return <p>{texts.security.passkeysNone}</p>;
  return (
    <ul>
      {rows.map((row) => (
        <Passkey texts={texts} language={language} row={row} />
      ))}
    </ul>
  );
};

type Problem = Extract<AddPasskeyResult, { ok: false }>['reason'];

async function passkeysPage(c: Context<Somebody>, name = '', problem?: Problem) {
  const { house, person, texts, language } = c.var;
  const { security: t } = texts;
  const { passkeys: rows } = await factors(house.identity, person);
  return securityPage(
    c,
    { title: t.passkeysTitle, status: problem === undefined ? 200 : 422 },
    <>
      <p>{t.passkeysIntro}</p>
      {problem === 'wrong' && <Note kind="problem">{t.passkeyWrong}</Note>}
      <Passkeys texts={texts} language={language} rows={rows} />
      <h2>{t.passkeyAddTitle}</h2>
      <form method="post" action={PATH}>
        <Field
          name="name"
          label={t.passkeyName}
          hint={t.passkeyNameHint}
          value={name}
          problem={problem === 'too_long' ? t.passkeyTooLong : undefined}
          autocomplete="off"
          maxlength={LONGEST_NAME}
        />
        <p>
          <button type="submit">{t.passkeyAdd}</button>
        </p>
      </form>
    </>,
  );
}

passkeys.get(PATH, (c) => passkeysPage(c));

passkeys.post(PATH, async (c) => {
  const { house, person, texts } = c.var;
  const name = (await readForm(c)).text('name');
  if (name.trim().length > LONGEST_NAME) return passkeysPage(c, name, 'too_long');
  const options = await beginPasskey(house.identity, relyingParty(c), person);
  return securityPage(
    c,
    { title: texts.security.passkeyAddTitle, scripts: ['passkey'] },
    <PasskeyQuestion
      texts={texts}
      verb="create"
      options={options}
      action={`${PATH}/add`}
      fields={{ name }}
      back={PATH}
    />,
  );
});

passkeys.post(`${PATH}/add`, async (c) => {
  const { house, person, texts } = c.var;
  const form = await readForm(c);
  const name = form.text('name');
  const sent = { name, response: readAnswer(form.text('response')) };
  const result = await addPasskey(house.identity, relyingParty(c), person, sent);
  if (!result.ok) return passkeysPage(c, name, result.reason);
  postLetters(c, result.letters);
  if (result.recoveryCodes === null) return c.redirect('/security?done=passkey_added', 303);
  return codesPage(c, result.recoveryCodes, texts.security.done.passkey_added);
});

passkeys.post(`${PATH}/remove`, async (c) => {
  const { house, person } = c.var;
  const credentialId = (await readForm(c)).text('passkey');
  const { letters } = await removePasskey(house.identity, person, credentialId);
  postLetters(c, letters);
  return c.redirect('/security?done=passkey_removed', 303);
});

/** Where somebody comes back to after proving themselves, or after choosing another language. */
passkeys.get(`${PATH}/*`, (c) => c.redirect(PATH, 303));

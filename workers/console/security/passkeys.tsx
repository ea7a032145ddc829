/** Lists, adds and removes passkeys and security keys. The user chooses their names. */
import { Field, formatTime, Note, readForm } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import {
  type AddPasskeyResult,
  addPasskey,
  beginPasskeyRegistration,
  getFactorsStatus,
  type PasskeyInfo,
  removePasskey,
} from '@farebox/identity';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { sendEmailsAfterResponse } from '../send-emails.ts';
import { requireRecentFactor, requireSignIn, type SignedInEnv } from '../session.ts';
import { PasskeyChallenge } from '../sign-in/factor-forms.tsx';
import { parseAuthenticatorResponse } from '../sign-in/parse-factor.ts';
import { securityPage } from './layout.tsx';
import { recoveryCodesPage } from './recovery-codes.tsx';
import { getRelyingParty } from './relying-party.ts';

const PATH = '/security/passkeys';
const MAX_NAME_LENGTH = 64;

export const passkeyRoutes = new Hono<SignedInEnv>();
passkeyRoutes.use(`${PATH}/*`, requireSignIn, requireRecentFactor);

type LocaleProps = Readonly<{ messages: Messages; language: string }>;

const PasskeyItem: FC<LocaleProps & { row: PasskeyInfo }> = ({ messages, language, row }) => {
  const { security: t } = messages;
  const used = row.usedAt === null ? t.passkeyNeverUsed : formatTime(row.usedAt, language);
  return (
    <li>
      <p>
        <strong>{row.name}</strong>
        <br />
        {t.passkeyAdded}: {formatTime(row.createdAt, language)}
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

const PasskeyList: FC<LocaleProps & { rows: readonly PasskeyInfo[] }> = ({
  messages,
  language,
  rows,
}) => {
  if (rows.length === 0) return <p>{messages.security.passkeysNone}</p>;
  return (
    <ul>
      {rows.map((row) => (
        <PasskeyItem messages={messages} language={language} row={row} />
      ))}
    </ul>
  );
};

type Problem = Extract<AddPasskeyResult, { ok: false }>['reason'];

async function passkeysPage(c: Context<SignedInEnv>, name = '', problem?: Problem) {
  const { deps, user, messages, language } = c.var;
  const { security: t } = messages;
  const { passkeys: rows } = await getFactorsStatus(deps.identity, user);
  return securityPage(
    c,
    { title: t.passkeysTitle, status: problem === undefined ? 200 : 422 },
    <>
      <p>{t.passkeysIntro}</p>
      {problem === 'invalid_credentials' && <Note kind="problem">{t.passkeyInvalid}</Note>}
      <PasskeyList messages={messages} language={language} rows={rows} />
      <h2>{t.passkeyAddTitle}</h2>
      <form method="post" action={PATH}>
        <Field
          name="name"
          label={t.passkeyName}
          hint={t.passkeyNameHint}
          value={name}
          problem={problem === 'too_long' ? t.passkeyNameTooLong : undefined}
          autocomplete="off"
          maxlength={MAX_NAME_LENGTH}
        />
        <p>
          <button type="submit">{t.passkeyAdd}</button>
        </p>
      </form>
    </>,
  );
}

passkeyRoutes.get(PATH, (c) => passkeysPage(c));

passkeyRoutes.post(PATH, async (c) => {
  const { deps, user, messages } = c.var;
  const name = (await readForm(c)).text('name');
  if (name.trim().length > MAX_NAME_LENGTH) return passkeysPage(c, name, 'too_long');
  const options = await beginPasskeyRegistration(deps.identity, getRelyingParty(c), user);
  return securityPage(
    c,
    { title: messages.security.passkeyAddTitle, scripts: ['passkey'] },
    <PasskeyChallenge
      messages={messages}
      verb="create"
      options={options}
      action={`${PATH}/add`}
      fields={{ name }}
      back={PATH}
    />,
  );
});

passkeyRoutes.post(`${PATH}/add`, async (c) => {
  const { deps, user, messages } = c.var;
  const form = await readForm(c);
  const name = form.text('name');
  const params = { name, response: parseAuthenticatorResponse(form.text('response')) };
  const result = await addPasskey(deps.identity, getRelyingParty(c), user, params);
  if (!result.ok) return passkeysPage(c, name, result.reason);
  sendEmailsAfterResponse(c, result.emails);
  if (result.recoveryCodes === null) return c.redirect('/security?done=passkey_added', 303);
  return recoveryCodesPage(c, result.recoveryCodes, messages.security.done.passkey_added);
});

passkeyRoutes.post(`${PATH}/remove`, async (c) => {
  const { deps, user } = c.var;
  const credentialId = (await readForm(c)).text('passkey');
  const { emails } = await removePasskey(deps.identity, user, credentialId);
  sendEmailsAfterResponse(c, emails);
  return c.redirect('/security?done=passkey_removed', 303);
});

/** GET of a POST-only path, reached after reauthentication or a change of language. */
passkeyRoutes.get(`${PATH}/*`, (c) => c.redirect(PATH, 303));

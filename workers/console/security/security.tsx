/**
 * The Security screen: email address and its deliverability, password, second factors, and
 * sessions. Changes have pages of their own, except ending a session.
 */
import { formatTime, Note, readForm, Time } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import {
  endOtherSessions,
  endSession,
  type FactorsStatus,
  getFactorsStatus,
  listSessions,
  type SessionInfo,
} from '@farebox/identity';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { page } from '../layout.tsx';
import { requireSignIn, type SignedInEnv } from '../session.ts';
import { findAddressSuppression, UndeliverableBanner } from './undeliverable-banner.tsx';

export const securityRoutes = new Hono<SignedInEnv>();
securityRoutes.use('/security/*', requireSignIn);

type LocaleProps = Readonly<{ messages: Messages; language: string }>;

const FactorList: FC<{ messages: Messages; factorStatus: FactorsStatus }> = ({
  messages,
  factorStatus,
}) => {
  const { security: t } = messages;
  const { totp, passkeys, recoveryCodesLeft } = factorStatus;
  return (
    <>
      <h2>{t.twoFactor}</h2>
      <p>{t.twoFactorText}</p>
      <ul>
        <li>
          <a href="/security/totp">{t.totp}</a>: {totp ? t.on : t.off}
        </li>
        <li>
          <a href="/security/passkeys">{t.passkeys}</a>:{' '}
          {passkeys.length === 0 ? t.off : t.count(passkeys.length)}
        </li>
        <li>
          <a href="/security/recovery-codes">{t.codes}</a>: {t.remaining(recoveryCodesLeft)}
        </li>
      </ul>
    </>
  );
};

const SessionItem: FC<LocaleProps & { row: SessionInfo }> = ({ messages, language, row }) => {
  const { security: t } = messages;
  return (
    <li>
      <p>
        {t.signedInAt}: <Time at={row.createdAt} language={language} />
        <br />
        {t.lastActive}: <Time at={row.seenAt} language={language} />
      </p>
      {row.current ? (
        <p>{t.currentSession}</p>
      ) : (
        <form method="post" action="/security/sessions/end">
          <input type="hidden" name="session" value={row.handle} />
          <button
            type="submit"
            class="plain"
            aria-label={t.endSessionStarted(formatTime(row.createdAt, language))}
          >
            {t.endSession}
          </button>
        </form>
      )}
    </li>
  );
};

/** A list, because on a phone a table would hide the button that ends a session. */
const SessionList: FC<LocaleProps & { rows: readonly SessionInfo[] }> = ({
  messages,
  language,
  rows,
}) => {
  const { security: t } = messages;
  return (
    <>
      <h2>{t.sessions}</h2>
      <p class="hint">{t.sessionsText}</p>
      <ul>
        {rows.map((row) => (
          <SessionItem messages={messages} language={language} row={row} />
        ))}
      </ul>
      {rows.length > 1 && (
        <form method="post" action="/security/sessions/end-others">
          <p>
            <button type="submit">{t.endOtherSessions}</button>
          </p>
        </form>
      )}
    </>
  );
};

/** Returns the message for the code after `?done=`; undefined for unknown codes. */
function getDoneMessage(c: Context<SignedInEnv>): string | undefined {
  const code = c.req.query('done') ?? '';
  const doneMessages: Readonly<Record<string, string>> = c.var.messages.security.done;
  return Object.hasOwn(doneMessages, code) ? doneMessages[code] : undefined;
}

securityRoutes.get('/security', async (c) => {
  const { deps, user, messages, language } = c.var;
  const [rows, factorStatus, suppression] = await Promise.all([
    listSessions(deps.identity, user),
    getFactorsStatus(deps.identity, user),
    findAddressSuppression(deps, user),
  ]);
  const { security: t } = messages;
  const doneMessage = getDoneMessage(c);
  return page(
    c,
    { title: t.title, activePath: '/security' },
    <>
      {doneMessage !== undefined && <Note kind="done">{doneMessage}</Note>}
      <h2>{t.email}</h2>
      <UndeliverableBanner suppression={suppression} messages={messages} language={language} />
      <p>
        {user.email} <a href="/security/email">{t.emailChange}</a>
      </p>
      <h2>{t.password}</h2>
      <p>
        <a href="/security/password">{t.passwordChange}</a>
      </p>
      <FactorList messages={messages} factorStatus={factorStatus} />
      <SessionList messages={messages} language={language} rows={rows} />
    </>,
  );
});

securityRoutes.post('/security/sessions/end', async (c) => {
  const { deps, user } = c.var;
  await endSession(deps.identity, user, (await readForm(c)).text('session'));
  return c.redirect('/security?done=session_ended', 303);
});

securityRoutes.post('/security/sessions/end-others', async (c) => {
  await endOtherSessions(c.var.deps.identity, c.var.user);
  return c.redirect('/security?done=other_sessions_ended', 303);
});

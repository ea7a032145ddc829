/**
 * The Security screen: email address and its deliverability, password, second factors, and
 * sessions. Changes have pages of their own, except naming and ending a session.
 */
import { Badge, Card, Note, readForm, Toast } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import {
  endOtherSessions,
  endSession,
  type FactorsStatus,
  getFactorsStatus,
  listSessions,
  nameSession,
} from '@farebox/identity';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { page } from '../layout.tsx';
import { requireSignIn, type SignedInEnv } from '../session.ts';
import { describeBrowser } from './browser-name.ts';
import { SessionList } from './session-list.tsx';
import { findAddressSuppression, UndeliverableBanner } from './undeliverable-banner.tsx';

export const securityRoutes = new Hono<SignedInEnv>();
securityRoutes.use('/security/*', requireSignIn);

const FactorList: FC<{ messages: Messages; factorStatus: FactorsStatus }> = ({
  messages,
  factorStatus,
}) => {
  const { security: t } = messages;
  const { totp, passkeys, recoveryCodesLeft } = factorStatus;
  // Without a factor there are no codes, and "0 remaining" would read as a fault.
  const hasFactor = totp || passkeys.length > 0;
  return (
    <>
      <p class="quiet-text">{t.twoFactorText}</p>
      <ul class="list">
        <li>
          <a href="/security/totp">{t.totp}</a>
          <Badge kind={totp ? 'good' : 'neutral'}>{totp ? t.on : t.off}</Badge>
        </li>
        <li>
          <a href="/security/passkeys">{t.passkeys}</a>
          <Badge kind={passkeys.length > 0 ? 'good' : 'neutral'}>
            {passkeys.length === 0 ? t.off : t.count(passkeys.length)}
          </Badge>
        </li>
        {hasFactor && (
          <li>
            <a href="/security/recovery-codes">{t.codes}</a>
            <Badge kind={recoveryCodesLeft > 0 ? 'good' : 'warn'}>
              {t.remaining(recoveryCodesLeft)}
            </Badge>
          </li>
        )}
      </ul>
    </>
  );
};

/** Returns the message for the code after `?done=`; undefined for unknown codes. */
function getDoneMessage(c: Context<SignedInEnv>): string | undefined {
  const code = c.req.query('done') ?? '';
  const doneMessages: Readonly<Record<string, string>> = c.var.messages.security.done;
  return Object.hasOwn(doneMessages, code) ? doneMessages[code] : undefined;
}

async function securityScreen(c: Context<SignedInEnv>, nameProblem?: string) {
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
    {
      title: t.title,
      activePath: '/security',
      wide: true,
      status: nameProblem === undefined ? 200 : 422,
    },
    <>
      {doneMessage !== undefined && <Toast text={doneMessage} closeLabel={messages.layout.close} />}
      <UndeliverableBanner suppression={suppression} messages={messages} language={language} />
      <div class="columns">
        <Card id="sign-in" title={t.signIn}>
          <ul class="list">
            <li>
              <div>
                {t.email}
                <span class="second">{user.email}</span>
              </div>
              <a href="/security/email">{t.emailChange}</a>
            </li>
            <li>
              <span>{t.password}</span>
              <a href="/security/password">{t.passwordChange}</a>
            </li>
          </ul>
        </Card>
        <Card id="factors" title={t.twoFactor}>
          <FactorList messages={messages} factorStatus={factorStatus} />
        </Card>
      </div>
      <Card id="sessions" title={t.sessions}>
        {nameProblem !== undefined && <Note kind="problem">{nameProblem}</Note>}
        <SessionList
          messages={messages}
          language={language}
          rows={rows}
          suggestedName={describeBrowser(c.req.header('user-agent') ?? '')}
        />
      </Card>
    </>,
  );
}

securityRoutes.get('/security', (c) => securityScreen(c));

securityRoutes.post('/security/sessions/name', async (c) => {
  const { deps, user, messages } = c.var;
  const form = await readForm(c);
  const session = { handle: form.text('session'), name: form.text('name') };
  const result = await nameSession(deps.identity, user, session);
  if (!result.ok) return securityScreen(c, messages.security.sessionNameTooLong);
  return c.redirect('/security?done=session_named', 303);
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

/** GET of a POST-only path, reached after a change of language. */
securityRoutes.get('/security/sessions/*', (c) => c.redirect('/security', 303));

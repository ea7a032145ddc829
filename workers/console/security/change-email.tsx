/**
 * Requests a change of the email address, which takes effect once the new mailbox has confirmed it.
 */
import { readForm } from '@farebox/design';
import { requestEmailChange } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { CredentialForm } from '../credential-form.tsx';
import { sendEmailsAfterResponse } from '../send-emails.ts';
import { getClientIp, requireRecentFactor, requireSignIn, type SignedInEnv } from '../session.ts';
import { rateLimitedPage } from '../sign-in/rate-limited.tsx';
import { securityPage } from './layout.tsx';

export const changeEmailRoutes = new Hono<SignedInEnv>();
changeEmailRoutes.use('/security/email', requireSignIn, requireRecentFactor);

function changeEmailPage(c: Context<SignedInEnv>, newEmail: string, invalid: boolean) {
  const { security: t, signUp } = c.var.messages;
  return securityPage(
    c,
    { title: t.emailTitle, status: invalid ? 422 : 200 },
    <>
      <p>{t.emailIntro}</p>
      <p>{t.currentEmail(c.var.user.email)}</p>
      <CredentialForm
        action="/security/email"
        submit={t.emailSubmit}
        fields={[
          {
            input: 'newEmail',
            label: t.newEmail,
            value: newEmail,
            problem: invalid ? signUp.errors.email_invalid : undefined,
          },
        ]}
      />
    </>,
  );
}

changeEmailRoutes.get('/security/email', (c) => changeEmailPage(c, '', false));

changeEmailRoutes.post('/security/email', async (c) => {
  const { deps, user } = c.var;
  const newEmail = (await readForm(c)).text('email');
  const params = { email: newEmail, clientIp: getClientIp(c) };
  const result = await requestEmailChange(deps.identity, user, params);
  if (result.ok) {
    sendEmailsAfterResponse(c, result.emails);
    return c.redirect('/security?done=email_requested', 303);
  }
  if (result.reason === 'rate_limited') return rateLimitedPage(c, result, '/security/email');
  return changeEmailPage(c, newEmail, true);
});

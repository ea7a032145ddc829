/**
 * Resets a forgotten password with a link sent by email. The responses don't reveal whether an
 * address has an account. Submitting the form uses the link up; opening it does not.
 */
import { Note, readForm } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { requestPasswordReset, resetPassword } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { CredentialForm } from '../credential-form.tsx';
import { page } from '../layout.tsx';
import { sendEmailsAfterResponse } from '../send-emails.ts';
import { clearSessionCookie, clientIp, type PublicEnv } from '../session.ts';
import { rateLimitedPage } from '../sign-in/rate-limited.tsx';

export const resetPasswordRoutes = new Hono<PublicEnv>();

function forgotPasswordPage(c: Context<PublicEnv>, email: string, invalid: boolean) {
  const { recovery, signUp } = c.var.messages;
  return page(
    c,
    { title: recovery.title, status: invalid ? 422 : 200 },
    <>
      <p>{recovery.intro}</p>
      <CredentialForm
        action="/forgot"
        submit={recovery.submit}
        fields={[
          {
            input: 'username',
            label: signUp.email,
            value: email,
            problem: invalid ? signUp.errors.email_invalid : undefined,
          },
        ]}
      />
    </>,
  );
}

function checkEmailPage(c: Context<PublicEnv>) {
  const { recovery } = c.var.messages;
  return page(
    c,
    { title: recovery.checkEmailTitle },
    <>
      <Note kind="done">{recovery.checkEmailText}</Note>
      <p>{recovery.checkEmailHint}</p>
    </>,
  );
}

resetPasswordRoutes.get('/forgot', (c) =>
  c.req.query('done') === 'sent' ? checkEmailPage(c) : forgotPasswordPage(c, '', false),
);

resetPasswordRoutes.post('/forgot', async (c) => {
  const email = (await readForm(c)).text('email');
  const result = await requestPasswordReset(c.var.deps.identity, { email, ipPrefix: clientIp(c) });
  if (result.ok) {
    sendEmailsAfterResponse(c, result.emails);
    return c.redirect('/forgot?done=sent', 303);
  }
  if (result.reason === 'rate_limited') return rateLimitedPage(c, result, '/forgot');
  return forgotPasswordPage(c, email, true);
});

type ResetPasswordError = Exclude<
  keyof Messages['signUp']['errors'],
  'email_invalid' | 'language_invalid' | 'incorrect_password' | 'token_invalid'
>;

function resetPasswordPage(c: Context<PublicEnv>, token: string, error?: ResetPasswordError) {
  const { recovery, signUp } = c.var.messages;
  return page(
    c,
    { title: recovery.resetTitle, status: error === undefined ? 200 : 422 },
    <>
      <p>{recovery.resetIntro}</p>
      <CredentialForm
        action="/reset"
        submit={recovery.resetSubmit}
        hidden={{ token }}
        fields={[
          {
            input: 'newPassword',
            label: recovery.newPassword,
            hint: signUp.passwordHint,
            problem: error === undefined ? undefined : signUp.errors[error],
          },
        ]}
      />
    </>,
  );
}

function invalidLinkPage(c: Context<PublicEnv>) {
  const { recovery } = c.var.messages;
  return page(
    c,
    { title: recovery.resetTitle, status: 422 },
    <>
      <Note kind="problem">{recovery.resetInvalid}</Note>
      <p>
        <a href="/forgot">{recovery.resetRequestAgain}</a>
      </p>
    </>,
  );
}

resetPasswordRoutes.get('/reset', (c) => {
  const token = c.req.query('token') ?? '';
  return token === '' ? invalidLinkPage(c) : resetPasswordPage(c, token);
});

resetPasswordRoutes.post('/reset', async (c) => {
  const form = await readForm(c);
  const token = form.text('token');
  const params = { token, password: form.text('password'), ipPrefix: clientIp(c) };
  const result = await resetPassword(c.var.deps.identity, params);
  if (result.ok) {
    sendEmailsAfterResponse(c, result.emails);
    clearSessionCookie(c);
    return c.redirect('/sign-in?done=password_reset', 303);
  }
  if (result.reason === 'rate_limited') return rateLimitedPage(c, result, null);
  return result.reason === 'token_invalid'
    ? invalidLinkPage(c)
    : resetPasswordPage(c, token, result.reason);
});

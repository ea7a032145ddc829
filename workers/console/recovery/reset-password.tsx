/**
 * Resets a forgotten password with a link sent by email. The responses don't reveal whether an
 * address has an account. Submitting the form uses the link up; opening it does not.
 */
import { Note, readForm } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { requestPasswordReset, resetPassword } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import {
  CHALLENGE_SCRIPTS,
  createFormChallenge,
  type FormChallenge,
  readChallengeAnswer,
} from '../challenge/challenge.tsx';
import { CredentialForm } from '../credential-form.tsx';
import { page } from '../layout.tsx';
import { sendEmailsAfterResponse } from '../send-emails.ts';
import { clearSessionCookie, getClientIp, type PublicEnv } from '../session.ts';
import { rateLimitedPage } from '../sign-in/rate-limited.tsx';

export const resetPasswordRoutes = new Hono<PublicEnv>();

type ForgotPasswordPageProps = Readonly<{
  email: string;
  invalid?: boolean;
  formChallenge?: FormChallenge;
}>;

function forgotPasswordPage(c: Context<PublicEnv>, props: ForgotPasswordPageProps) {
  const { email, invalid = false, formChallenge } = props;
  const { recovery, signUp } = c.var.messages;
  return page(
    c,
    {
      title: recovery.title,
      status: formChallenge !== undefined ? 429 : invalid ? 422 : 200,
      scripts: formChallenge === undefined ? [] : CHALLENGE_SCRIPTS,
    },
    <>
      <p>{recovery.intro}</p>
      <CredentialForm
        action="/forgot"
        submit={recovery.submit}
        challenge={formChallenge && { messages: c.var.messages, formChallenge }}
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

function checkEmailPage(c: Context<PublicEnv>, delayed: boolean) {
  const { recovery, challenge } = c.var.messages;
  return page(
    c,
    { title: recovery.checkEmailTitle },
    <>
      <Note kind="done">{recovery.checkEmailText}</Note>
      {delayed && <Note kind="warning">{challenge.delayed}</Note>}
      <p>{recovery.checkEmailHint}</p>
    </>,
  );
}

resetPasswordRoutes.get('/forgot', (c) => {
  const done = c.req.query('done');
  if (done === 'sent' || done === 'delayed') return checkEmailPage(c, done === 'delayed');
  return forgotPasswordPage(c, { email: '' });
});

resetPasswordRoutes.post('/forgot', async (c) => {
  const form = await readForm(c);
  const email = form.text('email');
  const result = await requestPasswordReset(c.var.deps.identity, {
    email,
    clientIp: getClientIp(c),
    ...readChallengeAnswer(form),
  });
  if (result.ok) {
    sendEmailsAfterResponse(c, result.emails, result.delayMs);
    return c.redirect(`/forgot?done=${result.delayMs > 0 ? 'delayed' : 'sent'}`, 303);
  }
  if (result.reason === 'rate_limited') return rateLimitedPage(c, result, '/forgot');
  if (result.reason === 'challenge_required') {
    const formChallenge = createFormChallenge(c, result, { canDelay: true });
    return forgotPasswordPage(c, { email, formChallenge });
  }
  return forgotPasswordPage(c, { email, invalid: true });
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
  const params = { token, password: form.text('password'), clientIp: getClientIp(c) };
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

/** Changes the password. All other sessions end; this one continues with new cookies. */
import { readForm } from '@farebox/design';
import { type ChangePasswordResult, changePassword } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { CredentialForm } from '../credential-form.tsx';
import { sendEmailsAfterResponse } from '../send-emails.ts';
import { requireSignIn, type SignedInEnv, setSessionCookies } from '../session.ts';
import { rateLimitedPage } from '../sign-in/rate-limited.tsx';
import { securityPage } from './layout.tsx';

export const changePasswordRoutes = new Hono<SignedInEnv>();
changePasswordRoutes.use('/security/password', requireSignIn);

type ChangePasswordError = Exclude<
  Extract<ChangePasswordResult, { ok: false }>['reason'],
  'rate_limited'
>;

function changePasswordPage(c: Context<SignedInEnv>, error?: ChangePasswordError) {
  const { security: t, signUp } = c.var.messages;
  const newPasswordError =
    error === undefined || error === 'invalid_credentials' ? undefined : signUp.errors[error];
  return securityPage(
    c,
    { title: t.passwordTitle, status: error === undefined ? 200 : 422 },
    <>
      <p>{t.passwordIntro}</p>
      <CredentialForm
        action="/security/password"
        submit={t.passwordChange}
        username={c.var.user.email}
        fields={[
          {
            input: 'currentPassword',
            label: t.currentPassword,
            problem: error === 'invalid_credentials' ? t.currentWrong : undefined,
          },
          {
            input: 'newPassword',
            label: t.newPassword,
            hint: signUp.passwordHint,
            problem: newPasswordError,
          },
        ]}
      />
    </>,
  );
}

changePasswordRoutes.get('/security/password', (c) => changePasswordPage(c));

changePasswordRoutes.post('/security/password', async (c) => {
  const { deps, user } = c.var;
  const form = await readForm(c);
  const result = await changePassword(deps.identity, user, {
    current: form.text('current'),
    next: form.text('password'),
  });
  if (result.ok) {
    setSessionCookies(c, result.signedIn);
    sendEmailsAfterResponse(c, result.emails);
    return c.redirect('/security?done=password_changed', 303);
  }
  if (result.reason === 'rate_limited') return rateLimitedPage(c, result, '/security/password');
  return changePasswordPage(c, result.reason);
});

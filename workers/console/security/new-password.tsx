/** A new password by the old one. Every other session ends; this one goes on under fresh cookies. */
import { type ChangePasswordResult, changePassword } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { readForm } from '../forms.ts';
import { postLetters } from '../letters.ts';
import { Field } from '../page.tsx';
import { throttledPage } from '../sign-in/throttled.tsx';
import { keepSession, networkOf, type Somebody, signedIn } from '../visitor.ts';
import { securityPage } from './frame.tsx';

export const newPassword = new Hono<Somebody>();
newPassword.use('/security/password', signedIn);

type Flaw = Exclude<Extract<ChangePasswordResult, { ok: false }>['reason'], 'throttled'>;

function passwordForm(c: Context<Somebody>, flaw?: Flaw) {
  const { security: t, signUp } = c.var.texts;
  const ofNew = flaw === undefined || flaw === 'wrong' ? undefined : signUp.problems[flaw];
  return securityPage(
    c,
    { title: t.passwordTitle, status: flaw === undefined ? 200 : 422 },
    <>
      <p>{t.passwordIntro}</p>
      <form method="post" action="/security/password">
        <input type="email" autocomplete="username" value={c.var.person.email} hidden readonly />
        <Field
          name="current"
          type="password"
          label={t.currentPassword}
          problem={flaw === 'wrong' ? t.currentWrong : undefined}
          autocomplete="current-password"
          required
        />
        <Field
          name="password"
          type="password"
          label={t.newPassword}
          hint={signUp.passwordHint}
          problem={ofNew}
          autocomplete="new-password"
          required
        />
        <p>
          <button type="submit">{t.passwordChange}</button>
        </p>
      </form>
    </>,
  );
}

newPassword.get('/security/password', (c) => passwordForm(c));

newPassword.post('/security/password', async (c) => {
  const { house, person } = c.var;
  const form = await readForm(c);
  const result = await changePassword(house.identity, person, {
    current: form.text('current'),
    next: form.text('password'),
    network: networkOf(c),
  });
  if (result.ok) {
    keepSession(c, result.signedIn);
    postLetters(c, result.letters);
    return c.redirect('/security?done=password', 303);
  }
  if (result.reason === 'throttled') return throttledPage(c, result, '/security/password');
  return passwordForm(c, result.reason);
});

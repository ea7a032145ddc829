/** Asking for another address. Nothing changes before the new mailbox has said so. */
import { requestEmailChange } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { readForm } from '../forms.ts';
import { postLetters } from '../letters.ts';
import { Field } from '../page.tsx';
import { throttledPage } from '../sign-in/throttled.tsx';
import { networkOf, recentlyProven, type Somebody, signedIn } from '../visitor.ts';
import { securityPage } from './frame.tsx';

export const email = new Hono<Somebody>();
email.use('/security/email', signedIn, recentlyProven);

function emailForm(c: Context<Somebody>, typed: string, invalid: boolean) {
  const { security: t, signUp } = c.var.texts;
  return securityPage(
    c,
    { title: t.emailTitle, status: invalid ? 422 : 200 },
    <>
      <p>{t.emailIntro}</p>
      <p>{t.emailNow(c.var.person.email)}</p>
      <form method="post" action="/security/email">
        <Field
          name="email"
          type="email"
          label={t.newEmail}
          value={typed}
          problem={invalid ? signUp.problems.email_invalid : undefined}
          autocomplete="email"
          required
        />
        <p>
          <button type="submit">{t.emailSubmit}</button>
        </p>
      </form>
    </>,
  );
}

email.get('/security/email', (c) => emailForm(c, '', false));

email.post('/security/email', async (c) => {
  const { house, person } = c.var;
  const typed = (await readForm(c)).text('email');
  const asked = { email: typed, network: networkOf(c) };
  const result = await requestEmailChange(house.identity, person, asked);
  if (result.ok) {
    postLetters(c, result.letters);
    return c.redirect('/security?done=asked', 303);
  }
  if (result.reason === 'throttled') return throttledPage(c, result, '/security/email');
  return emailForm(c, typed, true);
});

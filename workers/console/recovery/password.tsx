/**
 * A forgotten password: a link in a mail, and with it a new one. Whether an address has an account shows
 * in nothing that is answered here. The link is used up by the form, never by being looked at.
 */
import { requestReset, resetPassword } from '@farebox/identity';
import type { Texts } from '@farebox/languages';
import { type Context, Hono } from 'hono';
import { readForm } from '../forms.ts';
import { postLetters } from '../letters.ts';
import { Field, Note, page } from '../page.tsx';
import { throttledPage } from '../sign-in/throttled.tsx';
import { type Anybody, forgetSession, networkOf } from '../visitor.ts';

export const forgotten = new Hono<Anybody>();

function forgotForm(c: Context<Anybody>, email: string, invalid: boolean) {
  const { recovery, signUp } = c.var.texts;
  return page(
    c,
    { title: recovery.title, status: invalid ? 422 : 200 },
    <>
      <p>{recovery.intro}</p>
      <form method="post" action="/forgot">
        <Field
          name="email"
          type="email"
          label={signUp.email}
          value={email}
          problem={invalid ? signUp.problems.email_invalid : undefined}
          autocomplete="username"
          required
        />
        <p>
          <button type="submit">{recovery.submit}</button>
        </p>
      </form>
    </>,
  );
}

function lookIntoMailbox(c: Context<Anybody>) {
  const { recovery } = c.var.texts;
  return page(
    c,
    { title: recovery.sentTitle },
    <>
      <Note kind="done">{recovery.sent}</Note>
      <p>{recovery.sentNothing}</p>
    </>,
  );
}

forgotten.get('/forgot', (c) =>
  c.req.query('done') === 'sent' ? lookIntoMailbox(c) : forgotForm(c, '', false),
);

forgotten.post('/forgot', async (c) => {
  const email = (await readForm(c)).text('email');
  const result = await requestReset(c.var.house.identity, { email, network: networkOf(c) });
  if (result.ok) {
    postLetters(c, result.letters);
    return c.redirect('/forgot?done=sent', 303);
  }
  if (result.reason === 'throttled') return throttledPage(c, result, '/forgot');
  return forgotForm(c, email, true);
});

type Flaw = Exclude<
  keyof Texts['signUp']['problems'],
  'email_invalid' | 'language_invalid' | 'wrong_password' | 'token_invalid'
>;

function resetForm(c: Context<Anybody>, token: string, flaw?: Flaw) {
  const { recovery, signUp } = c.var.texts;
  return page(
    c,
    { title: recovery.resetTitle, status: flaw === undefined ? 200 : 422 },
    <>
      <p>{recovery.resetIntro}</p>
      <form method="post" action="/reset">
        <input type="hidden" name="token" value={token} />
        <Field
          name="password"
          type="password"
          label={recovery.newPassword}
          hint={signUp.passwordHint}
          problem={flaw === undefined ? undefined : signUp.problems[flaw]}
          autocomplete="new-password"
          required
        />
        <p>
          <button type="submit">{recovery.resetSubmit}</button>
        </p>
      </form>
    </>,
  );
}

function noSuchLink(c: Context<Anybody>) {
  const { recovery } = c.var.texts;
  return page(
    c,
    { title: recovery.resetTitle, status: 422 },
    <>
      <Note kind="problem">{recovery.resetInvalid}</Note>
      <p>
        <a href="/forgot">{recovery.resetAgain}</a>
      </p>
    </>,
  );
}

forgotten.get('/reset', (c) => {
  const token = c.req.query('token') ?? '';
  return token === '' ? noSuchLink(c) : resetForm(c, token);
});

forgotten.post('/reset', async (c) => {
  const form = await readForm(c);
  const token = form.text('token');
  const sent = { token, password: form.text('password'), network: networkOf(c) };
  const result = await resetPassword(c.var.house.identity, sent);
  if (result.ok) {
    postLetters(c, result.letters);
    forgetSession(c);
    return c.redirect('/sign-in?done=reset', 303);
  }
  if (result.reason === 'throttled') return throttledPage(c, result, null);
  return result.reason === 'token_invalid' ? noSuchLink(c) : resetForm(c, token, result.reason);
});

/**
 * Signing up: an address and a password, then a link in a mail, then the password again. Whether the
 * address has an account already is said to its mailbox alone; this page answers the same.
 */
import { confirmSignUp, signUp } from '@farebox/identity';
import type { Texts } from '@farebox/languages';
import { type Context, Hono } from 'hono';
import { readForm } from '../forms.ts';
import { postLetters } from '../letters.ts';
import { Field, Note, page } from '../page.tsx';
import { enter } from '../sign-in/entering.ts';
import { throttledPage } from '../sign-in/throttled.tsx';
import { type Anybody, networkOf } from '../visitor.ts';

type Problem = keyof Texts['signUp']['problems'];

export const signingUp = new Hono<Anybody>();

function signUpForm(c: Context<Anybody>, email: string, problem?: Problem) {
  const { signUp: texts } = c.var.texts;
  const said = problem === undefined ? undefined : texts.problems[problem];
  const ofEmail = problem === 'email_invalid';
  const ofPage = problem === 'language_invalid';
  return page(
    c,
    { title: texts.title, status: problem === undefined ? 200 : 422 },
    <>
      <p>{texts.intro}</p>
      {ofPage && <Note kind="problem">{said}</Note>}
      <form method="post" action="/sign-up">
        <Field
          name="email"
          type="email"
          label={texts.email}
          value={email}
          problem={ofEmail ? said : undefined}
          autocomplete="username"
          required
        />
        <Field
          name="password"
          type="password"
          label={texts.password}
          hint={texts.passwordHint}
          problem={ofEmail || ofPage ? undefined : said}
          autocomplete="new-password"
          required
        />
        <p>
          <button type="submit">{texts.submit}</button>
        </p>
      </form>
      <p>
        <a href="/sign-in">{texts.have}</a>
      </p>
    </>,
  );
}

function lookIntoMailbox(c: Context<Anybody>) {
  const { signUp: texts } = c.var.texts;
  return page(
    c,
    { title: texts.sentTitle },
    <>
      <Note kind="done">{texts.sent}</Note>
      <p>{texts.sentNothing}</p>
      <p>
        <a href="/sign-up">{texts.again}</a>
      </p>
    </>,
  );
}

signingUp.get('/sign-up', (c) => {
  if (c.var.person !== null) return c.redirect('/', 303);
  return c.req.query('done') === 'sent' ? lookIntoMailbox(c) : signUpForm(c, '');
});

signingUp.post('/sign-up', async (c) => {
  const form = await readForm(c);
  const email = form.text('email');
  const result = await signUp(c.var.house.identity, {
    email,
    password: form.text('password'),
    language: c.var.language,
    network: networkOf(c),
  });
  if (result.ok) {
    postLetters(c, result.letters);
    return c.redirect('/sign-up?done=sent', 303);
  }
  if (result.reason === 'throttled') return throttledPage(c, result, '/sign-up');
  return signUpForm(c, email, result.reason);
});

function confirmForm(c: Context<Anybody>, token: string, wrong: boolean) {
  const { signUp: texts } = c.var.texts;
  return page(
    c,
    { title: texts.confirmTitle, status: wrong ? 422 : 200 },
    <>
      <p>{texts.confirmIntro}</p>
      <form method="post" action="/confirm">
        <input type="hidden" name="token" value={token} />
        <Field
          name="password"
          type="password"
          label={texts.password}
          problem={wrong ? texts.problems.wrong_password : undefined}
          autocomplete="current-password"
          required
        />
        <p>
          <button type="submit">{texts.confirm}</button>
        </p>
      </form>
      <p>{texts.notMine}</p>
    </>,
  );
}

function noSuchLink(c: Context<Anybody>) {
  const { signUp: texts } = c.var.texts;
  return page(
    c,
    { title: texts.confirmTitle, status: 422 },
    <>
      <Note kind="problem">{texts.problems.token_invalid}</Note>
      <p>
        <a href="/sign-up">{texts.again}</a>
      </p>
    </>,
  );
}

/** Looking at the link uses nothing up: mail scanners follow links. */
signingUp.get('/confirm', (c) => {
  const token = c.req.query('token') ?? '';
  return token === '' ? noSuchLink(c) : confirmForm(c, token, false);
});

signingUp.post('/confirm', async (c) => {
  const form = await readForm(c);
  const token = form.text('token');
  const result = await confirmSignUp(c.var.house.identity, {
    token,
    password: form.text('password'),
    network: networkOf(c),
  });
  if (result.ok) return enter(c, result, '/');
  if (result.reason === 'throttled') return throttledPage(c, result, null);
  return result.reason === 'wrong_password' ? confirmForm(c, token, true) : noSuchLink(c);
});

/**
 * Signing in and out. A wrong address and a wrong password are one answer; after it only a path of this
 * console is followed. What was typed as a password is never written into a page.
 */
import { signIn, signOut } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { readForm } from '../forms.ts';
import { Field, Note, page } from '../page.tsx';
import {
  type Anybody,
  deviceOf,
  forgetSession,
  keepStep,
  localPath,
  networkOf,
} from '../visitor.ts';
import { enter } from './entering.ts';
import { throttledPage } from './throttled.tsx';

export const signingIn = new Hono<Anybody>();

type Shown = Readonly<{ email: string; next: string; wrong: boolean }>;

function signInForm(c: Context<Anybody>, { email, next, wrong }: Shown) {
  const { signIn: texts } = c.var.texts;
  const done = wrong ? undefined : c.req.query('done');
  return page(
    c,
    { title: texts.title, status: wrong ? 422 : 200 },
    <>
      {(done === 'out' || done === 'reset') && <Note kind="done">{texts.done[done]}</Note>}
      {done === 'expired' && <Note kind="warning">{texts.done.expired}</Note>}
      <form method="post" action="/sign-in">
        <input type="hidden" name="next" value={next} />
        <Field
          name="email"
          type="email"
          label={texts.email}
          value={email}
          autocomplete="username"
          required
        />
        <Field
          name="password"
          type="password"
          label={texts.password}
          problem={wrong ? texts.wrong : undefined}
          autocomplete="current-password"
          required
        />
        <p>
          <button type="submit">{texts.submit}</button>
        </p>
      </form>
      <p>
        <a href="/forgot">{texts.forgot}</a>
      </p>
      <p>
        <a href="/sign-up">{texts.none}</a>
      </p>
    </>,
  );
}

signingIn.get('/sign-in', (c) => {
  const next = localPath(c.req.query('next'));
  if (c.var.person !== null) return c.redirect(next, 303);
  return signInForm(c, { email: '', next, wrong: false });
});

signingIn.post('/sign-in', async (c) => {
  const form = await readForm(c);
  const email = form.text('email');
  const next = localPath(form.text('next'));
  const result = await signIn(c.var.house.identity, {
    email,
    password: form.text('password'),
    network: networkOf(c),
    device: deviceOf(c),
  });
  if (!result.ok) {
    if (result.reason === 'wrong') return signInForm(c, { email, next, wrong: true });
    return throttledPage(c, result, `/sign-in?next=${encodeURIComponent(next)}`);
  }
  if ('signedIn' in result) return enter(c, result, next);
  keepStep(c, result.step);
  return c.redirect(`/sign-in/second?next=${encodeURIComponent(next)}`, 303);
});

signingIn.post('/sign-out', async (c) => {
  const { house, session } = c.var;
  if (session !== null) await signOut(house.identity, session);
  forgetSession(c);
  return c.redirect('/sign-in?done=out', 303);
});

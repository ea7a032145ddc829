/**
 * Signs in and out. A wrong address and a wrong password get the same response. After signing in,
 * only paths of this console are valid targets. A typed password is never written into a page.
 */
import { Note, readForm } from '@farebox/design';
import { signIn, signOut } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import {
  CHALLENGE_SCRIPTS,
  createFormChallenge,
  type FormChallenge,
  readChallengeAnswer,
} from '../challenge/challenge.tsx';
import { CredentialForm } from '../credential-form.tsx';
import { page } from '../layout.tsx';
import {
  clearSessionCookie,
  getClientIp,
  getDeviceCookie,
  localPath,
  type PublicEnv,
  setMfaCookie,
} from '../session.ts';
import { completeSignIn } from './complete-sign-in.ts';
import { rateLimitedPage } from './rate-limited.tsx';

export const signInRoutes = new Hono<PublicEnv>();

type SignInPageProps = Readonly<{
  email: string;
  next: string;
  wrong: boolean;
  formChallenge?: FormChallenge;
}>;

function signInPage(c: Context<PublicEnv>, props: SignInPageProps) {
  const { email, next, wrong, formChallenge } = props;
  const { signIn: messages } = c.var.messages;
  const status = formChallenge !== undefined ? 429 : wrong ? 422 : 200;
  const done = wrong ? undefined : c.req.query('done');
  return page(
    c,
    {
      title: messages.title,
      status,
      scripts: formChallenge === undefined ? [] : CHALLENGE_SCRIPTS,
    },
    <>
      {(done === 'signed_out' || done === 'password_reset') && (
        <Note kind="done">{messages.done[done]}</Note>
      )}
      {done === 'expired' && <Note kind="warning">{messages.done.expired}</Note>}
      <CredentialForm
        action="/sign-in"
        submit={messages.submit}
        hidden={{ next }}
        challenge={formChallenge && { messages: c.var.messages, formChallenge }}
        fields={[
          { input: 'username', label: messages.email, value: email },
          {
            input: 'password',
            label: messages.password,
            problem: wrong ? messages.wrongCredentials : undefined,
          },
        ]}
      />
      <p>
        <a href="/forgot">{messages.forgot}</a>
      </p>
      <p>
        <a href="/sign-up">{messages.noAccount}</a>
      </p>
    </>,
  );
}

signInRoutes.get('/sign-in', async (c) => {
  const next = localPath(c.req.query('next'));
  if (c.var.user !== null) return c.redirect(next, 303);
  return signInPage(c, { email: '', next, wrong: false });
});

signInRoutes.post('/sign-in', async (c) => {
  const form = await readForm(c);
  const email = form.text('email');
  const next = localPath(form.text('next'));
  const result = await signIn(c.var.deps.identity, {
    email,
    password: form.text('password'),
    clientIp: getClientIp(c),
    device: getDeviceCookie(c),
    proofOfWork: readChallengeAnswer(form).proofOfWork,
  });
  if (!result.ok) {
    if (result.reason === 'invalid_credentials') return signInPage(c, { email, next, wrong: true });
    if (result.reason === 'challenge_required') {
      const formChallenge = createFormChallenge(c, result, { canDelay: false });
      return signInPage(c, { email, next, wrong: false, formChallenge });
    }
    return rateLimitedPage(c, result, `/sign-in?next=${encodeURIComponent(next)}`);
  }
  if ('signedIn' in result) return completeSignIn(c, result, next);
  setMfaCookie(c, result.mfaToken);
  return c.redirect(`/sign-in/second?next=${encodeURIComponent(next)}`, 303);
});

signInRoutes.post('/sign-out', async (c) => {
  const { deps, session } = c.var;
  if (session !== null) await signOut(deps.identity, session);
  clearSessionCookie(c);
  return c.redirect('/sign-in?done=signed_out', 303);
});

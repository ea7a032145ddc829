/**
 * Signs up: email address and password, a link sent by email, then the password again. The response
 * is the same for an address that has an account; only its mailbox is told.
 */
import { Note, readForm } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { confirmSignUp, signUp } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import {
  CHALLENGE_SCRIPTS,
  createFormChallenge,
  type FormChallenge,
  readChallengeAnswer,
} from '../challenge/challenge.tsx';
import { CredentialForm } from '../credential-form.tsx';
import { page } from '../layout.tsx';
import { startPage } from '../overview/start-page.tsx';
import { sendEmailsAfterResponse } from '../send-emails.ts';
import { getClientIp, type PublicEnv } from '../session.ts';
import { beginSession } from '../sign-in/complete-sign-in.ts';
import { rateLimitedPage } from '../sign-in/rate-limited.tsx';

type SignUpProblem = keyof Messages['signUp']['errors'];

export const signUpRoutes = new Hono<PublicEnv>();

type SignUpPageProps = Readonly<{
  email: string;
  problem?: SignUpProblem;
  formChallenge?: FormChallenge;
}>;

function signUpPage(c: Context<PublicEnv>, { email, problem, formChallenge }: SignUpPageProps) {
  const { signUp: messages } = c.var.messages;
  const message = problem === undefined ? undefined : messages.errors[problem];
  const isEmailProblem = problem === 'email_invalid';
  const isPageProblem = problem === 'language_invalid';
  return page(
    c,
    {
      title: messages.title,
      status: formChallenge !== undefined ? 429 : problem !== undefined ? 422 : 200,
      scripts: formChallenge === undefined ? [] : CHALLENGE_SCRIPTS,
    },
    <>
      <p>{messages.intro}</p>
      {isPageProblem && <Note kind="problem">{message}</Note>}
      <CredentialForm
        action="/sign-up"
        submit={messages.submit}
        challenge={formChallenge && { messages: c.var.messages, formChallenge }}
        fields={[
          {
            input: 'username',
            label: messages.email,
            value: email,
            problem: isEmailProblem ? message : undefined,
          },
          {
            input: 'newPassword',
            label: messages.password,
            hint: messages.passwordHint,
            problem: isEmailProblem || isPageProblem ? undefined : message,
          },
        ]}
      />
      <p>
        <a href="/sign-in">{messages.haveAccount}</a>
      </p>
    </>,
  );
}

function checkEmailPage(c: Context<PublicEnv>, delayed: boolean) {
  const { signUp: messages, challenge } = c.var.messages;
  return page(
    c,
    { title: messages.checkEmailTitle },
    <>
      <Note kind="done">{messages.checkEmailText}</Note>
      {delayed && <Note kind="warning">{challenge.delayed}</Note>}
      <p>{messages.checkEmailHint}</p>
      <p>
        <a href="/sign-up">{messages.signUpAgain}</a>
      </p>
    </>,
  );
}

signUpRoutes.get('/sign-up', async (c) => {
  if (c.var.user !== null) return c.redirect('/', 303);
  const done = c.req.query('done');
  if (done === 'sent' || done === 'delayed') return checkEmailPage(c, done === 'delayed');
  return signUpPage(c, { email: '' });
});

signUpRoutes.post('/sign-up', async (c) => {
  const form = await readForm(c);
  const email = form.text('email');
  const result = await signUp(c.var.deps.identity, {
    email,
    password: form.text('password'),
    language: c.var.language,
    clientIp: getClientIp(c),
    ...readChallengeAnswer(form),
  });
  if (result.ok) {
    sendEmailsAfterResponse(c, result.emails, result.delayMs);
    return c.redirect(`/sign-up?done=${result.delayMs > 0 ? 'delayed' : 'sent'}`, 303);
  }
  if (result.reason === 'rate_limited') return rateLimitedPage(c, result, '/sign-up');
  if (result.reason === 'challenge_required') {
    const formChallenge = createFormChallenge(c, result, { canDelay: true });
    return signUpPage(c, { email, formChallenge });
  }
  return signUpPage(c, { email, problem: result.reason });
});

function confirmPage(c: Context<PublicEnv>, token: string, wrong: boolean) {
  const { signUp: messages } = c.var.messages;
  return page(
    c,
    { title: messages.confirmTitle, status: wrong ? 422 : 200 },
    <>
      <p>{messages.confirmIntro}</p>
      <CredentialForm
        action="/confirm"
        submit={messages.confirm}
        hidden={{ token }}
        fields={[
          {
            input: 'password',
            label: messages.password,
            problem: wrong ? messages.errors.incorrect_password : undefined,
          },
        ]}
      />
      <p>{messages.notYou}</p>
    </>,
  );
}

/** A reload of the start page leads here as well, so who is signed in is led on to the overview. */
function invalidLinkPage(c: Context<PublicEnv>) {
  const { signUp: messages, overview } = c.var.messages;
  return page(
    c,
    { title: messages.confirmTitle, status: 422 },
    <>
      <Note kind="problem">{messages.errors.token_invalid}</Note>
      {c.var.user !== null ? (
        <p>
          <a href="/">{overview.continueToOverview}</a>
        </p>
      ) : (
        <>
          <p>
            <a href="/sign-in">{messages.haveAccount}</a>
          </p>
          <p>
            <a href="/sign-up">{messages.signUpAgain}</a>
          </p>
        </>
      )}
    </>,
  );
}

/** Opening the link does not use it up, because mail scanners follow links. */
signUpRoutes.get('/confirm', async (c) => {
  const token = c.req.query('token') ?? '';
  // The start page answers this path, and its form for the language comes back to it.
  if (token === '' && c.var.user !== null) return c.redirect('/', 303);
  return token === '' ? invalidLinkPage(c) : confirmPage(c, token, false);
});

signUpRoutes.post('/confirm', async (c) => {
  const form = await readForm(c);
  const token = form.text('token');
  const result = await confirmSignUp(c.var.deps.identity, {
    token,
    password: form.text('password'),
    clientIp: getClientIp(c),
  });
  if (result.ok) {
    await beginSession(c, result);
    return startPage(c, result.signedIn);
  }
  if (result.reason === 'rate_limited') return rateLimitedPage(c, result, null);
  return result.reason === 'incorrect_password' ? confirmPage(c, token, true) : invalidLinkPage(c);
});

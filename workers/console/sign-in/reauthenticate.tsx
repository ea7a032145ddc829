/** Reauthentication of a signed-in user before a sensitive action: by password, code or passkey. */
import { type Form, readForm } from '@farebox/design';
import {
  beginPasskeyReauth,
  getFactorsStatus,
  type ReauthCredential,
  reauthenticate,
} from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { CredentialForm } from '../credential-form.tsx';
import { page } from '../layout.tsx';
import { getRelyingParty } from '../security/relying-party.ts';
import { sendEmailsAfterResponse } from '../send-emails.ts';
import { clientIp, localPath, requireSignIn, type SignedInEnv } from '../session.ts';
import { type FactorKind, PasskeyChallenge, PasskeyForm, TotpForm } from './factor-forms.tsx';
import { parseFactor } from './parse-factor.ts';
import { rateLimitedPage } from './rate-limited.tsx';

export const reauthRoutes = new Hono<SignedInEnv>();
reauthRoutes.use('/prove/*', requireSignIn);

type WrongCredential = FactorKind | 'password';

async function reauthPage(c: Context<SignedInEnv>, next: string, wrong?: WrongCredential) {
  const { deps, user, messages } = c.var;
  const { signIn } = messages;
  const factorStatus = await getFactorsStatus(deps.identity, user);
  const formProps = {
    messages,
    action: '/prove',
    next,
    wrong: wrong === 'password' ? undefined : wrong,
  };
  return page(
    c,
    { title: signIn.reauthTitle, status: wrong === undefined ? 200 : 422 },
    <>
      <p>{signIn.reauthIntro}</p>
      <CredentialForm
        action="/prove"
        submit={signIn.reauthSubmit}
        hidden={{ kind: 'password', next }}
        username={user.email}
        fields={[
          {
            input: 'password',
            label: signIn.password,
            problem: wrong === 'password' ? signIn.passwordWrong : undefined,
          },
        ]}
      />
      {factorStatus.totp && <TotpForm {...formProps} />}
      {factorStatus.passkeys.length > 0 && <PasskeyForm {...formProps} />}
    </>,
  );
}

function parseProof(form: Form): ReauthCredential {
  if (form.text('kind') !== 'password') return parseFactor(form);
  return { password: form.text('password') };
}

reauthRoutes.get('/prove', (c) => reauthPage(c, localPath(c.req.query('next'))));

reauthRoutes.post('/prove', async (c) => {
  const { deps, user, session } = c.var;
  const form = await readForm(c);
  const next = localPath(form.text('next'));
  const proof = parseProof(form);
  const { identity } = deps;
  const result = await reauthenticate(
    identity,
    getRelyingParty(c),
    user,
    session,
    proof,
    clientIp(c),
  );
  if (result.ok) {
    sendEmailsAfterResponse(c, result.emails);
    return c.redirect(next, 303);
  }
  if (result.reason === 'invalid_credentials') {
    return reauthPage(c, next, 'kind' in proof ? proof.kind : 'password');
  }
  return rateLimitedPage(c, result, `/prove?next=${encodeURIComponent(next)}`);
});

reauthRoutes.post('/prove/passkey', async (c) => {
  const { deps, user, messages } = c.var;
  const next = localPath((await readForm(c)).text('next'));
  const back = `/prove?next=${encodeURIComponent(next)}`;
  const options = await beginPasskeyReauth(deps.identity, getRelyingParty(c), user);
  if (options === undefined) return c.redirect(back, 303);
  return page(
    c,
    { title: messages.signIn.passkeyTitle, scripts: ['passkey'] },
    <PasskeyChallenge
      messages={messages}
      verb="get"
      options={options}
      action="/prove"
      fields={{ kind: 'passkey', next }}
      back={back}
    />,
  );
});
reauthRoutes.get('/prove/passkey', (c) => c.redirect('/prove', 303));

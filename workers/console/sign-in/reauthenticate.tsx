/**
 * Reauthentication of a signed-in user before a sensitive action, at two paths: `/prove` accepts
 * the password, a code or a passkey; `/prove/factor` only a second factor or a recovery code.
 */
import { type Form, readForm } from '@farebox/design';
import {
  beginPasskeyReauth,
  type FactorsStatus,
  getFactorsStatus,
  type ReauthCredential,
  reauthenticate,
} from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { CredentialForm } from '../credential-form.tsx';
import { page } from '../layout.tsx';
import { getRelyingParty } from '../security/relying-party.ts';
import { sendEmailsAfterResponse } from '../send-emails.ts';
import { localPath, requireSignIn, type SignedInEnv } from '../session.ts';
import {
  type FactorKind,
  PasskeyChallenge,
  PasskeyForm,
  RecoveryForm,
  TotpForm,
} from './factor-forms.tsx';
import { parseFactor } from './parse-factor.ts';
import { rateLimitedPage } from './rate-limited.tsx';

const ANY_PATH = '/prove';
const FACTOR_PATH = '/prove/factor';
type ReauthPath = typeof ANY_PATH | typeof FACTOR_PATH;

type WrongCredential = FactorKind | 'password';

function withNext(path: ReauthPath, next: string): string {
  return `${path}?next=${encodeURIComponent(next)}`;
}

async function reauthPage(
  c: Context<SignedInEnv>,
  path: ReauthPath,
  next: string,
  wrong?: WrongCredential,
) {
  const { deps, user, messages } = c.var;
  const { signIn } = messages;
  const factors = await getFactorsStatus(deps.identity, user);
  const onlyFactors = path === FACTOR_PATH;
  if (onlyFactors && !hasFactor(factors)) return c.redirect(withNext(ANY_PATH, next), 303);
  const formProps = {
    messages,
    action: path,
    next,
    wrong: wrong === 'password' ? undefined : wrong,
  };
  return page(
    c,
    { title: signIn.reauthTitle, status: wrong === undefined ? 200 : 422 },
    <>
      <p>{onlyFactors ? signIn.factorIntro : signIn.reauthIntro}</p>
      {!onlyFactors && (
        <CredentialForm
          action={path}
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
      )}
      {factors.totp && <TotpForm {...formProps} />}
      {factors.passkeys.length > 0 && <PasskeyForm {...formProps} />}
      {onlyFactors && factors.recoveryCodesLeft > 0 && <RecoveryForm {...formProps} />}
    </>,
  );
}

function hasFactor({ totp, passkeys }: FactorsStatus): boolean {
  return totp || passkeys.length > 0;
}

function parseCredential(form: Form): ReauthCredential {
  if (form.text('kind') !== 'password') return parseFactor(form);
  return { password: form.text('password') };
}

async function submitCredential(c: Context<SignedInEnv>, path: ReauthPath) {
  const { deps, user } = c.var;
  const form = await readForm(c);
  const next = localPath(form.text('next'));
  const credential = parseCredential(form);
  const rp = getRelyingParty(c);
  const result = await reauthenticate(deps.identity, rp, user, credential);
  if (result.ok) {
    sendEmailsAfterResponse(c, result.emails);
    return c.redirect(next, 303);
  }
  if (result.reason === 'invalid_credentials') {
    return reauthPage(c, path, next, 'kind' in credential ? credential.kind : 'password');
  }
  return rateLimitedPage(c, result, withNext(path, next));
}

async function passkeyPage(c: Context<SignedInEnv>, path: ReauthPath) {
  const { deps, user, messages } = c.var;
  const next = localPath((await readForm(c)).text('next'));
  const back = withNext(path, next);
  const options = await beginPasskeyReauth(deps.identity, getRelyingParty(c), user);
  if (options === undefined) return c.redirect(back, 303);
  return page(
    c,
    { title: messages.signIn.passkeyTitle, scripts: ['passkey'] },
    <PasskeyChallenge
      messages={messages}
      verb="get"
      options={options}
      action={path}
      fields={{ kind: 'passkey', next }}
      back={back}
    />,
  );
}

export const reauthRoutes = new Hono<SignedInEnv>();
reauthRoutes.use('/prove/*', requireSignIn);
for (const path of [ANY_PATH, FACTOR_PATH] as const) {
  reauthRoutes.get(path, (c) => reauthPage(c, path, localPath(c.req.query('next'))));
  reauthRoutes.post(path, (c) => submitCredential(c, path));
  reauthRoutes.post(`${path}/passkey`, (c) => passkeyPage(c, path));
  reauthRoutes.get(`${path}/passkey`, (c) => c.redirect(path, 303));
}

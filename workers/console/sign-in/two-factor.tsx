/**
 * The second step of signing in, after a correct password. The cookie of the pending sign-in is
 * valid for this page only, for ten minutes and a few attempts.
 */
import { readForm } from '@farebox/design';
import { beginPasskeyAssertion, getMfaFactors, verifySecondFactor } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { page } from '../layout.tsx';
import { getRelyingParty } from '../security/relying-party.ts';
import { getDeviceCookie, getMfaCookie, localPath, type PublicEnv } from '../session.ts';
import { completeSignIn } from './complete-sign-in.ts';
import {
  type FactorKind,
  PasskeyChallenge,
  PasskeyForm,
  RecoveryForm,
  TotpForm,
} from './factor-forms.tsx';
import { parseFactor } from './parse-factor.ts';
import { rateLimitedPage } from './rate-limited.tsx';

export const twoFactorRoutes = new Hono<PublicEnv>();

const PATH = '/sign-in/second';
const EXPIRED = '/sign-in?done=expired';

async function factorsPage(c: Context<PublicEnv>, next: string, wrong?: FactorKind) {
  const { deps, messages } = c.var;
  const mfaToken = getMfaCookie(c);
  const factors = mfaToken === null ? undefined : await getMfaFactors(deps.identity, mfaToken);
  if (factors === undefined) return c.redirect(EXPIRED, 303);
  const formProps = { messages, action: PATH, next, wrong };
  return page(
    c,
    { title: messages.signIn.twoFactorTitle, status: wrong === undefined ? 200 : 422 },
    <>
      <p>{messages.signIn.twoFactorIntro}</p>
      {factors.totp && <TotpForm {...formProps} />}
      {factors.passkey && <PasskeyForm {...formProps} />}
      {factors.recoveryCode && <RecoveryForm {...formProps} />}
      <p>
        <a href="/sign-in">{messages.signIn.startOver}</a>
      </p>
    </>,
  );
}

function retryPath(next: string): string {
  return `${PATH}?next=${encodeURIComponent(next)}`;
}

twoFactorRoutes.get(PATH, (c) => factorsPage(c, localPath(c.req.query('next'))));

twoFactorRoutes.post(PATH, async (c) => {
  const form = await readForm(c);
  const mfaToken = getMfaCookie(c);
  if (mfaToken === null) return c.redirect(EXPIRED, 303);
  const next = localPath(form.text('next'));
  const factor = parseFactor(form);
  const params = { mfaToken, factor, device: getDeviceCookie(c) };
  const result = await verifySecondFactor(c.var.deps.identity, getRelyingParty(c), params);
  if (result.ok) return completeSignIn(c, result, next);
  if (result.reason === 'rate_limited') return rateLimitedPage(c, result, retryPath(next));
  if (result.reason === 'mfa_token_invalid') return c.redirect(EXPIRED, 303);
  return factorsPage(c, next, factor.kind);
});

/** A POST, because each challenge is stored when it is issued. */
twoFactorRoutes.post(`${PATH}/passkey`, async (c) => {
  const { deps, messages } = c.var;
  const next = localPath((await readForm(c)).text('next'));
  const mfaToken = getMfaCookie(c);
  const options =
    mfaToken === null
      ? undefined
      : await beginPasskeyAssertion(deps.identity, getRelyingParty(c), mfaToken);
  if (options === undefined) return c.redirect(retryPath(next), 303);
  return page(
    c,
    { title: messages.signIn.passkeyTitle, scripts: ['passkey'] },
    <PasskeyChallenge
      messages={messages}
      verb="get"
      options={options}
      action={PATH}
      fields={{ kind: 'passkey', next }}
      back={retryPath(next)}
    />,
  );
});
twoFactorRoutes.get(`${PATH}/passkey`, (c) => c.redirect(PATH, 303));

/**
 * The half-open door: the password was right, and the account has a second factor. The step's cookie is
 * worth nothing but this page, for ten minutes and a few tries.
 */
import { askPasskey, proveSecondFactor, stepFactors } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { readForm } from '../forms.ts';
import { page } from '../page.tsx';
import { relyingParty } from '../security/relying-party.ts';
import { type Anybody, deviceOf, localPath, networkOf, stepOf } from '../visitor.ts';
import { enter } from './entering.ts';
import {
  type FactorKind,
  PasskeyForm,
  PasskeyQuestion,
  RecoveryForm,
  TotpForm,
} from './factor-forms.tsx';
import { readFactor } from './proofs.ts';
import { throttledPage } from './throttled.tsx';

export const secondStep = new Hono<Anybody>();

const PATH = '/sign-in/second';
const EXPIRED = '/sign-in?done=expired';

async function factorsPage(c: Context<Anybody>, next: string, wrong?: FactorKind) {
  const { house, texts } = c.var;
  const step = stepOf(c);
  const factors = step === null ? undefined : await stepFactors(house.identity, step);
  if (factors === undefined) return c.redirect(EXPIRED, 303);
  const parts = { texts, action: PATH, next, wrong };
  return page(
    c,
    { title: texts.signIn.secondTitle, status: wrong === undefined ? 200 : 422 },
    <>
      <p>{texts.signIn.secondIntro}</p>
      {factors.totp && <TotpForm {...parts} />}
      {factors.passkey && <PasskeyForm {...parts} />}
      {factors.recoveryCode && <RecoveryForm {...parts} />}
      <p>
        <a href="/sign-in">{texts.signIn.back}</a>
      </p>
    </>,
  );
}

function again(next: string): string {
  return `${PATH}?next=${encodeURIComponent(next)}`;
}

secondStep.get(PATH, (c) => factorsPage(c, localPath(c.req.query('next'))));

secondStep.post(PATH, async (c) => {
  const form = await readForm(c);
  const step = stepOf(c);
  if (step === null) return c.redirect(EXPIRED, 303);
  const next = localPath(form.text('next'));
  const proof = readFactor(form);
  const sent = { step, proof, network: networkOf(c), device: deviceOf(c) };
  const result = await proveSecondFactor(c.var.house.identity, relyingParty(c), sent);
  if (result.ok) return enter(c, result, next);
  if (result.reason === 'throttled') return throttledPage(c, result, again(next));
  if (result.reason === 'step_invalid') return c.redirect(EXPIRED, 303);
  return factorsPage(c, next, proof.kind);
});

/** A question is written down when it is put, so it is asked for by POST. */
secondStep.post(`${PATH}/passkey`, async (c) => {
  const { house, texts } = c.var;
  const next = localPath((await readForm(c)).text('next'));
  const step = stepOf(c);
  const options =
    step === null ? undefined : await askPasskey(house.identity, relyingParty(c), step);
  if (options === undefined) return c.redirect(again(next), 303);
  return page(
    c,
    { title: texts.signIn.passkeyTitle, scripts: ['passkey'] },
    <PasskeyQuestion
      texts={texts}
      verb="get"
      options={options}
      action={PATH}
      fields={{ kind: 'passkey', next }}
      back={again(next)}
    />,
  );
});
secondStep.get(`${PATH}/passkey`, (c) => c.redirect(PATH, 303));

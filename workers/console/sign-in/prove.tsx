/** Who is signed in shows again that it is them, before something dear: by password, code or passkey. */
import { askPasskeyToProve, factors, type Proof, prove } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { type Form, readForm } from '../forms.ts';
import { postLetters } from '../letters.ts';
import { Field, page } from '../page.tsx';
import { relyingParty } from '../security/relying-party.ts';
import { localPath, networkOf, type Somebody, signedIn } from '../visitor.ts';
import { type FactorKind, PasskeyForm, PasskeyQuestion, TotpForm } from './factor-forms.tsx';
import { readFactor } from './proofs.ts';
import { throttledPage } from './throttled.tsx';

export const proving = new Hono<Somebody>();
proving.use('/prove/*', signedIn);

type Wrong = FactorKind | 'password';

async function provePage(c: Context<Somebody>, next: string, wrong?: Wrong) {
  const { house, person, texts } = c.var;
  const { signIn } = texts;
  const standing = await factors(house.identity, person);
  const parts = { texts, action: '/prove', next, wrong: wrong === 'password' ? undefined : wrong };
  return page(
    c,
    { title: signIn.proveTitle, status: wrong === undefined ? 200 : 422 },
    <>
      <p>{signIn.proveIntro}</p>
      <form method="post" action="/prove">
        <input type="hidden" name="kind" value="password" />
        <input type="hidden" name="next" value={next} />
        <input type="email" autocomplete="username" value={person.email} hidden readonly />
        <Field
          name="password"
          type="password"
          label={signIn.password}
          problem={wrong === 'password' ? signIn.passwordWrong : undefined}
          autocomplete="current-password"
          required
        />
        <p>
          <button type="submit">{signIn.proveSubmit}</button>
        </p>
      </form>
      {standing.totp && <TotpForm {...parts} />}
      {standing.passkeys.length > 0 && <PasskeyForm {...parts} />}
    </>,
  );
}

function readProof(form: Form): Proof {
  if (form.text('kind') !== 'password') return readFactor(form);
  return { password: form.text('password') };
}

proving.get('/prove', (c) => provePage(c, localPath(c.req.query('next'))));

proving.post('/prove', async (c) => {
  const { house, person, session } = c.var;
  const form = await readForm(c);
  const next = localPath(form.text('next'));
  const proof = readProof(form);
  const { identity } = house;
  const result = await prove(identity, relyingParty(c), person, session, proof, networkOf(c));
  if (result.ok) {
    postLetters(c, result.letters);
    return c.redirect(next, 303);
  }
  if (result.reason === 'wrong') {
    return provePage(c, next, 'kind' in proof ? proof.kind : 'password');
  }
  return throttledPage(c, result, `/prove?next=${encodeURIComponent(next)}`);
});

proving.post('/prove/passkey', async (c) => {
  const { house, person, texts } = c.var;
  const next = localPath((await readForm(c)).text('next'));
  const back = `/prove?next=${encodeURIComponent(next)}`;
  const options = await askPasskeyToProve(house.identity, relyingParty(c), person);
  if (options === undefined) return c.redirect(back, 303);
  return page(
    c,
    { title: texts.signIn.passkeyTitle, scripts: ['passkey'] },
    <PasskeyQuestion
      texts={texts}
      verb="get"
      options={options}
      action="/prove"
      fields={{ kind: 'passkey', next }}
      back={back}
    />,
  );
});
proving.get('/prove/passkey', (c) => c.redirect('/prove', 303));

/**
 * An authenticator app: the secret is in the answer to the POST that asked for it, as a code to scan, a
 * text to type and a link to open, and counts for nothing until a first code proved the app has it.
 */
import { beginTotp, confirmTotp, factors, removeTotp } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { readForm } from '../forms.ts';
import { postLetters } from '../letters.ts';
import { Field } from '../page.tsx';
import { recentlyProven, type Somebody, signedIn } from '../visitor.ts';
import { securityPage } from './frame.tsx';
import { QrCode } from './qr.tsx';
import { codesPage } from './recovery-codes.tsx';

const PATH = '/security/totp';

export const totp = new Hono<Somebody>();
totp.use(`${PATH}/*`, signedIn, recentlyProven);

totp.get(PATH, async (c) => {
  const { house, person, texts } = c.var;
  const { security: t } = texts;
  const standing = await factors(house.identity, person);
  const form = standing.totp ? (
    <form method="post" action={`${PATH}/remove`}>
      <p>{t.totpIsOn}</p>
      <p>
        <button type="submit" class="danger">
          {t.totpRemove}
        </button>
      </p>
    </form>
  ) : (
    <form method="post" action={PATH}>
      <p>{t.totpIntro}</p>
      <p>
        <button type="submit">{t.totpBegin}</button>
      </p>
    </form>
  );
  return securityPage(c, { title: t.totpTitle }, form);
});

/** Four by four, as people read letters to themselves; apps take it with spaces. */
function inFours(secret: string): string {
  return secret.replace(/.{4}(?!$)/g, '$& ');
}

async function offerPage(c: Context<Somebody>, wrong: boolean) {
  const { house, person, texts } = c.var;
  const { security: t } = texts;
  const { totp: confirmed } = await factors(house.identity, person);
  if (confirmed) return c.redirect(PATH, 303);
  const { secret, uri } = await beginTotp(house.identity, person);
  return securityPage(
    c,
    { title: t.totpScan, status: wrong ? 422 : 200 },
    <>
      <p>
        <QrCode text={uri} label={t.totpQr} />
      </p>
      <p>
        {t.totpType} <code id="secret">{inFours(secret)}</code>
      </p>
      <p>
        <a href={uri}>{t.totpOpen}</a>
      </p>
      <form method="post" action={`${PATH}/confirm`}>
        <Field
          name="code"
          label={t.totpCode}
          problem={wrong ? t.totpWrong : undefined}
          autocomplete="one-time-code"
          inputmode="numeric"
          required
        />
        <p>
          <button type="submit">{t.totpConfirm}</button>
        </p>
      </form>
    </>,
  );
}

totp.post(PATH, (c) => offerPage(c, false));

totp.post(`${PATH}/confirm`, async (c) => {
  const { house, person, texts } = c.var;
  const code = (await readForm(c)).text('code');
  const result = await confirmTotp(house.identity, person, code);
  if (!result.ok) return result.reason === 'wrong' ? offerPage(c, true) : c.redirect(PATH, 303);
  postLetters(c, result.letters);
  if (result.recoveryCodes.length === 0) return c.redirect('/security?done=totp_added', 303);
  return codesPage(c, result.recoveryCodes, texts.security.done.totp_added);
});

totp.post(`${PATH}/remove`, async (c) => {
  const { letters } = await removeTotp(c.var.house.identity, c.var.person);
  postLetters(c, letters);
  return c.redirect('/security?done=totp_removed', 303);
});

/** Where somebody comes back to after proving themselves, or after choosing another language. */
totp.get(`${PATH}/*`, (c) => c.redirect(PATH, 303));

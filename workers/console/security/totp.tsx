/**
 * Sets up and removes an authenticator app. The secret is shown once, in the response to the POST,
 * as a QR code, a text and a link. It takes effect once a first code has been verified.
 */
import { Field, readForm } from '@farebox/design';
import { beginTotp, confirmTotp, getFactorsStatus, removeTotp } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { sendEmailsAfterResponse } from '../send-emails.ts';
import { requireRecentFactor, requireSignIn, type SignedInEnv } from '../session.ts';
import { securityPage } from './layout.tsx';
import { QrCode } from './qr.tsx';
import { recoveryCodesPage } from './recovery-codes.tsx';

const PATH = '/security/totp';

export const totpRoutes = new Hono<SignedInEnv>();
totpRoutes.use(`${PATH}/*`, requireSignIn, requireRecentFactor);

totpRoutes.get(PATH, async (c) => {
  const { deps, user, messages } = c.var;
  const { security: t } = messages;
  const factorStatus = await getFactorsStatus(deps.identity, user);
  const form = factorStatus.totp ? (
    <form method="post" action={`${PATH}/remove`}>
      <p>{t.totpEnabled}</p>
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
        <button type="submit">{t.totpSetUp}</button>
      </p>
    </form>
  );
  return securityPage(c, { title: t.totpTitle }, form);
});

/** Groups the secret by four characters for reading; apps accept the spaces. */
function groupByFour(secret: string): string {
  return secret.replace(/.{4}(?!$)/g, '$& ');
}

async function totpSetupPage(c: Context<SignedInEnv>, wrong: boolean) {
  const { deps, user, messages } = c.var;
  const { security: t } = messages;
  const { totp: confirmed } = await getFactorsStatus(deps.identity, user);
  if (confirmed) return c.redirect(PATH, 303);
  const { secret, uri } = await beginTotp(deps.identity, user);
  return securityPage(
    c,
    { title: t.totpScan, status: wrong ? 422 : 200 },
    <>
      <p>
        <QrCode text={uri} label={t.totpQr} />
      </p>
      <p>
        {t.totpManualEntry} <code id="secret">{groupByFour(secret)}</code>
      </p>
      <p>
        <a href={uri}>{t.totpOpenApp}</a>
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

totpRoutes.post(PATH, (c) => totpSetupPage(c, false));

totpRoutes.post(`${PATH}/confirm`, async (c) => {
  const { deps, user, messages } = c.var;
  const code = (await readForm(c)).text('code');
  const result = await confirmTotp(deps.identity, user, code);
  if (!result.ok)
    return result.reason === 'invalid_credentials' ? totpSetupPage(c, true) : c.redirect(PATH, 303);
  sendEmailsAfterResponse(c, result.emails);
  if (result.recoveryCodes.length === 0) return c.redirect('/security?done=totp_added', 303);
  return recoveryCodesPage(c, result.recoveryCodes, messages.security.done.totp_added);
});

totpRoutes.post(`${PATH}/remove`, async (c) => {
  const { emails } = await removeTotp(c.var.deps.identity, c.var.user);
  sendEmailsAfterResponse(c, emails);
  return c.redirect('/security?done=totp_removed', 303);
});

/** GET of a POST-only path, reached after reauthentication or a change of language. */
totpRoutes.get(`${PATH}/*`, (c) => c.redirect(PATH, 303));

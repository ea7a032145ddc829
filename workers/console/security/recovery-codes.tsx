/**
 * Generates recovery codes. They are shown once, in the response to the form: no redirect, row or
 * cookie carries them to another page.
 */
import { CopyButton, Note } from '@farebox/design';
import { getFactorsStatus, regenerateRecoveryCodes } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { page } from '../layout.tsx';
import { sendEmailsAfterResponse } from '../send-emails.ts';
import { requireRecentFactor, requireSignIn, type SignedInEnv } from '../session.ts';
import { securityPage } from './layout.tsx';

export const recoveryCodeRoutes = new Hono<SignedInEnv>();
recoveryCodeRoutes.use('/security/recovery-codes', requireSignIn, requireRecentFactor);

/** `done` confirms the action that generated the codes. */
export function recoveryCodesPage(
  c: Context<SignedInEnv>,
  codes: readonly string[],
  doneMessage?: string,
) {
  const { security: t } = c.var.messages;
  const list = codes.join('\n');
  const file = `data:text/plain;charset=utf-8,${encodeURIComponent(`${t.codesFileHeader}\n\n${list}\n`)}`;
  return page(
    c,
    { title: t.codesShownTitle, activePath: '/security', scripts: ['copy'] },
    <>
      {doneMessage !== undefined && <Note kind="done">{doneMessage}</Note>}
      <p>{t.codesShown}</p>
      <pre id="codes">{list}</pre>
      <p>
        <a class="button" download="farebox-recovery-codes.txt" href={file}>
          {t.codesDownload}
        </a>{' '}
        <CopyButton source="codes" label={t.codesCopy} copied={t.codesCopied} plain />
      </p>
      <p>
        <a href="/security">{t.codesSaved}</a>
      </p>
    </>,
  );
}

recoveryCodeRoutes.get('/security/recovery-codes', async (c) => {
  const { deps, user, messages } = c.var;
  const { security: t } = messages;
  const { totp, passkeys, recoveryCodesLeft } = await getFactorsStatus(deps.identity, user);
  const hasFactor = totp || passkeys.length > 0;
  return securityPage(
    c,
    { title: t.codesTitle },
    <>
      <p>{t.codesIntro}</p>
      {hasFactor ? (
        <form method="post" action="/security/recovery-codes">
          <p>
            {t.codes}: {t.remaining(recoveryCodesLeft)}
          </p>
          <p>
            <button type="submit">{t.codesGenerate}</button>
          </p>
        </form>
      ) : (
        <p>{t.codesNone}</p>
      )}
    </>,
  );
});

recoveryCodeRoutes.post('/security/recovery-codes', async (c) => {
  const { codes, emails } = await regenerateRecoveryCodes(c.var.deps.identity, c.var.user);
  if (codes.length === 0) return c.redirect('/security/recovery-codes', 303);
  sendEmailsAfterResponse(c, emails);
  return recoveryCodesPage(c, codes);
});

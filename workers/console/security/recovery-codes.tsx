/**
 * Recovery codes. They are in the one answer that made them and nowhere else: no redirect, no row and no
 * cookie could carry them to another page.
 */
import { factors, newRecoveryCodes } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { postLetters } from '../letters.ts';
import { Note, page } from '../page.tsx';
import { recentlyProven, type Somebody, signedIn } from '../visitor.ts';
import { securityPage } from './frame.tsx';

export const recoveryCodes = new Hono<Somebody>();
recoveryCodes.use('/security/recovery-codes', signedIn, recentlyProven);

/** `done` says what they came with. */
export function codesPage(c: Context<Somebody>, codes: readonly string[], done?: string) {
  const { security: t } = c.var.texts;
  const list = codes.join('\n');
  const file = `data:text/plain;charset=utf-8,${encodeURIComponent(`${t.codesFile}\n\n${list}\n`)}`;
  return page(
    c,
    { title: t.codesShownTitle, here: '/security', scripts: ['copy-codes'] },
    <>
      {done !== undefined && <Note kind="done">{done}</Note>}
      <p>{t.codesShown}</p>
      <pre id="codes">{list}</pre>
      <p>
        <a class="button" download="farebox-recovery-codes.txt" href={file}>
          {t.codesDownload}
        </a>{' '}
        <button type="button" class="plain" id="copy-codes" hidden>
          {t.codesCopy}
        </button>{' '}
        <span id="codes-copied" role="status" data-text={t.codesCopied}></span>
      </p>
      <p>
        <a href="/security">{t.codesKept}</a>
      </p>
    </>,
  );
}

recoveryCodes.get('/security/recovery-codes', async (c) => {
  const { house, person, texts } = c.var;
  const { security: t } = texts;
  const { totp, passkeys, recoveryCodesLeft } = await factors(house.identity, person);
  const useful = totp || passkeys.length > 0;
  return securityPage(
    c,
    { title: t.codesTitle },
    <>
      <p>{t.codesIntro}</p>
      {useful ? (
        <form method="post" action="/security/recovery-codes">
          <p>
            {t.codes}: {t.left(recoveryCodesLeft)}
          </p>
          <p>
            <button type="submit">{t.codesMake}</button>
          </p>
        </form>
      ) : (
        <p>{t.codesNone}</p>
      )}
    </>,
  );
});

recoveryCodes.post('/security/recovery-codes', async (c) => {
  const { codes, letters } = await newRecoveryCodes(c.var.house.identity, c.var.person);
  if (codes.length === 0) return c.redirect('/security/recovery-codes', 303);
  postLetters(c, letters);
  return codesPage(c, codes);
});

/**
 * The page that verifies a signed statement, for anyone who has one: without an account, and without
 * sending the file.
 */
import { Card } from '@farebox/design';
import { Hono } from 'hono';
import { page } from '../layout.tsx';
import type { PublicEnv } from '../session.ts';

export const verifyRoutes = new Hono<PublicEnv>();

verifyRoutes.get('/verify', async (c) => {
  const { verify: t } = c.var.messages;
  const { deps } = c.var;
  const keys = await deps.accounts.statementKeys();
  const { working, valid, invalid, notChained, problems } = t;
  const data = { keys, texts: { working, valid, invalid, notChained, problems } };
  const keysUrl = new URL('/.well-known/farebox-keys.json', deps.apiUrl).href;
  return page(
    c,
    { title: t.title, scripts: ['verify-statement'] },
    <Card id="statement" title={t.fileTitle}>
      <p>{t.intro}</p>
      <form id="verify" hidden data-verify={JSON.stringify(data)}>
        <label for="file">{t.file}</label>
        <input id="file" name="file" type="file" accept=".jsonl,application/jsonl" />
      </form>
      <noscript>
        <p>{t.noScript}</p>
      </noscript>
      <p id="result" role="status" />
      <p class="quiet-text">
        {t.keys} <a href={keysUrl}>{keysUrl}</a>
      </p>
    </Card>,
  );
});

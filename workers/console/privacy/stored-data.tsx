/** The list of all tables with data about the user: contents, retention, and download. */
import { EXPORTED_TABLES, type ExportedTable, parseExportedTable } from '@farebox/database/privacy';
import { readForm } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { page } from '../layout.tsx';
import { notFoundPage } from '../not-found.tsx';
import { consumeRateLimit } from '../rate-limit.ts';
import { requireRecentAuth, requireSignIn, type SignedInEnv } from '../session.ts';
import { rateLimitedPage } from '../sign-in/rate-limited.tsx';
import { EXPORTS_PER_HOUR, recordExport } from './actions.ts';
import { csvExport, jsonExport } from './export.ts';

export const storedDataRoutes = new Hono<SignedInEnv>();
storedDataRoutes.use('/rights/data', requireSignIn);
storedDataRoutes.use('/rights/data/export', requireSignIn, requireRecentAuth);

const ALL_TABLES = 'all';

const StoredTable: FC<{ table: ExportedTable; messages: Messages }> = ({ table, messages }) => {
  const { privacy: t } = messages;
  const { contents, retention } = t.tables[table];
  return (
    <li>
      <div>
        <h3>
          <code>{table}</code>
        </h3>
        <p>{contents}</p>
        <p class="hint">
          {t.retention}: {retention}
        </p>
      </div>
      <button
        type="submit"
        class="plain"
        name="what"
        value={table}
        aria-label={t.csvForTable(table)}
      >
        {t.csv}
      </button>
    </li>
  );
};

storedDataRoutes.get('/rights/data', (c) => {
  const { messages } = c.var;
  const { privacy: t } = messages;
  return page(
    c,
    { title: t.dataTitle, activePath: '/rights' },
    <>
      <p>{t.dataIntro}</p>
      <form method="post" action="/rights/data/export">
        <p>
          <button type="submit" name="what" value={ALL_TABLES}>
            {t.json}
          </button>
        </p>
        <p class="hint">{t.exportHint}</p>
        <ul class="list">
          {EXPORTED_TABLES.map((table) => (
            <StoredTable table={table} messages={messages} />
          ))}
        </ul>
      </form>
      <p>
        <a href="/transactions.jsonl">{t.signedStatement}</a>
      </p>
      <h2>{t.otherStoresTitle}</h2>
      <p>{t.otherStoresText}</p>
      <p>
        <a href="/rights">{t.back}</a>
      </p>
    </>,
  );
});

// Reauthentication returns to this path with GET.
storedDataRoutes.get('/rights/data/export', (c) => c.redirect('/rights/data', 303));

storedDataRoutes.post('/rights/data/export', async (c) => {
  const { deps, user } = c.var;
  const requested = (await readForm(c)).text('what');
  const table = parseExportedTable(requested);
  if (requested !== ALL_TABLES && table === undefined) return notFoundPage(c);
  const rateLimited = await consumeRateLimit(
    deps.identity,
    user.account,
    'exports',
    EXPORTS_PER_HOUR,
  );
  if (rateLimited !== undefined) return rateLimitedPage(c, rateLimited, '/rights/data');
  await recordExport(deps, user, requested);
  return table === undefined ? jsonExport(deps, user) : csvExport(deps, user, table);
});

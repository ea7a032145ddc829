/** Everything that is held, table by table: in words, for how long, and to take along. */
import { EXPORTED_TABLES, type ExportedTable, exportedTable } from '@farebox/database';
import type { Texts } from '@farebox/languages';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { readForm } from '../forms.ts';
import { missing } from '../missing.tsx';
import { countOne } from '../once.ts';
import { page } from '../page.tsx';
import { throttledPage } from '../sign-in/throttled.tsx';
import { recentlyProven, type Somebody, signedIn } from '../visitor.ts';
import { EXPORTS_AN_HOUR, exported } from './deeds.ts';
import { csvExport, jsonExport } from './export.ts';

export const data = new Hono<Somebody>();
data.use('/rights/data', signedIn);
data.use('/rights/data/export', signedIn, recentlyProven);

const ALL = 'all';

const Held: FC<{ table: ExportedTable; texts: Texts }> = ({ table, texts }) => {
  const { rights: t } = texts;
  const { what, kept } = t.tables[table];
  return (
    <li>
      <h3>
        <code>{table}</code>
      </h3>
      <p>{what}</p>
      <p class="hint">
        {t.kept}: {kept}
      </p>
      <button type="submit" class="plain" name="what" value={table} aria-label={t.csvOf(table)}>
        {t.csv}
      </button>
    </li>
  );
};

data.get('/rights/data', (c) => {
  const { texts } = c.var;
  const { rights: t } = texts;
  return page(
    c,
    { title: t.dataTitle, here: '/rights' },
    <>
      <p>{t.dataIntro}</p>
      <form method="post" action="/rights/data/export">
        <p>
          <button type="submit" name="what" value={ALL}>
            {t.json}
          </button>
        </p>
        <p class="hint">{t.exportHint}</p>
        <ul class="keys">
          {EXPORTED_TABLES.map((table) => (
            <Held table={table} texts={texts} />
          ))}
        </ul>
      </form>
      <h2>{t.elsewhereTitle}</h2>
      <p>{t.elsewhere}</p>
      <p>
        <a href="/rights">{t.back}</a>
      </p>
    </>,
  );
});

// Who had to prove who they are comes back by GET.
data.get('/rights/data/export', (c) => c.redirect('/rights/data', 303));

data.post('/rights/data/export', async (c) => {
  const { house, person } = c.var;
  const what = (await readForm(c)).text('what');
  const table = exportedTable(what);
  if (what !== ALL && table === undefined) return missing(c);
  const full = await countOne(house.identity, person.account, 'exports', EXPORTS_AN_HOUR);
  if (full !== undefined) return throttledPage(c, full, '/rights/data');
  await exported(house, person, what);
  return table === undefined ? jsonExport(house, person) : csvExport(house, person, table);
});

/** The menu of the documentation. On a phone it is closed, and opens without a script. */
import type { Language } from '@farebox/i18n';
import type { FC } from 'hono/jsx';
import { siteMessagesFor } from '../texts/index.ts';
import { DOCS_SECTIONS, type DocsSection, type Page, toUrlPath } from './page.ts';

export type DocsEntry = Readonly<{
  section: DocsSection;
  language: Language;
  path: string;
  urlPath: string;
  title: string;
}>;

/** Each page in the reader's language, or in English where it is in English only. */
function chooseLanguage(entries: readonly DocsEntry[], language: Language): DocsEntry[] {
  const translated = new Set(
    entries.filter((entry) => entry.language === language).map(({ path }) => path),
  );
  return entries.filter(
    (entry) =>
      entry.language === language || (entry.language === 'en' && !translated.has(entry.path)),
  );
}

const Entries: FC<Readonly<{ entries: readonly DocsEntry[]; page: Page }>> = ({
  entries,
  page,
}) => {
  const { sections } = siteMessagesFor(page.language).docs;
  const chosen = chooseLanguage(entries, page.language);
  return (
    <>
      {DOCS_SECTIONS.map((section) => {
        const listed = chosen.filter((entry) => entry.section === section);
        return listed.length === 0 ? null : (
          <>
            <h2>{sections[section]}</h2>
            <ul>
              {listed.map(({ urlPath, path, title }) => (
                <li>
                  <a href={urlPath} aria-current={path === page.path ? 'page' : undefined}>
                    {title}
                  </a>
                </li>
              ))}
            </ul>
          </>
        );
      })}
    </>
  );
};

/** Works with the script only; without one, the page it leads to lists every page. */
const Search: FC<{ page: Page }> = ({ page }) => {
  const { search: t } = siteMessagesFor(page.language);
  return (
    <search>
      <form
        class="search"
        action={toUrlPath(page.language, '/docs')}
        data-index={`/search/${page.language}.json`}
        data-none={t.none}
        data-failed={t.failed}
      >
        <label for="search">{t.label}</label>
        <input id="search" type="search" name="q" autocomplete="off" class="ym-disable-keys" />
        <div role="status" data-results></div>
      </form>
    </search>
  );
};

export const DocsMenu: FC<Readonly<{ entries: readonly DocsEntry[]; page: Page }>> = (props) => {
  const { menu } = siteMessagesFor(props.page.language).docs;
  return (
    <nav class="docs-menu" aria-label={menu}>
      <Search page={props.page} />
      <details>
        <summary>{menu}</summary>
        <Entries {...props} />
      </details>
    </nav>
  );
};

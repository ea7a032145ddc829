/** The document around every page: head, header, footer, and the question about analytics. */
import { LANGUAGE_NAMES, LANGUAGES, type Language } from '@farebox/i18n';
import { raw } from 'hono/html';
import type { Child, FC, PropsWithChildren } from 'hono/jsx';
import { siteMessagesFor } from '../texts/index.ts';
import { type DocsEntry, DocsMenu } from './docs-menu.tsx';
import { type Page, toMarkdownUrlPath, toUrlPath } from './page.ts';
import type { SiteSettings } from './settings.ts';

export type LayoutContext = Readonly<{
  settings: SiteSettings;
  /** The languages that a page exists in. */
  getLanguages: (path: string) => readonly Language[];
  docs: readonly DocsEntry[];
}>;

type FrameProps = Readonly<{ page: Page; context: LayoutContext }>;

/** The address of a page in a language, or in English where it is in English only. */
function toTranslatedPath(context: LayoutContext, language: Language, path: string): string {
  return toUrlPath(context.getLanguages(path).includes(language) ? language : 'en', path);
}

/** A link's text says where it leads to another language. */
function toLinkText(
  context: LayoutContext,
  language: Language,
  path: string,
  name: string,
): string {
  return context.getLanguages(path).includes(language)
    ? name
    : siteMessagesFor(language).inEnglish(name);
}

/**
 * Returns the counter of a page's views; null where none is loaded. The page for a wrong address has
 * none: Metrika would be told the address, and a visitor may type anything.
 */
function getCounter({ page, context }: FrameProps): string | null {
  return page.path === '/404' ? null : context.settings.metrikaCounter;
}

const Head: FC<FrameProps> = ({ page, context }) => {
  const { settings, getLanguages } = context;
  const urls = getLanguages(page.path).map(
    (language) => [language, settings.siteUrl + toUrlPath(language, page.path)] as const,
  );
  const scripts = [
    ...(page.scripts ?? []),
    ...(getCounter({ page, context }) === null ? [] : ['analytics']),
  ];
  return (
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>{page.path === '/' ? `Farebox · ${page.title}` : `${page.title} · Farebox`}</title>
      <meta name="description" content={page.description} />
      <link rel="stylesheet" href="/style.css" />
      <link rel="icon" href="/icon.svg" type="image/svg+xml" />
      <link rel="canonical" href={settings.siteUrl + toUrlPath(page.language, page.path)} />
      {urls.length > 1 &&
        urls.map(([language, url]) => <link rel="alternate" hreflang={language} href={url} />)}
      {urls.length > 1 && (
        <link rel="alternate" hreflang="x-default" href={settings.siteUrl + page.path} />
      )}
      {page.path === '/status' && (
        <link rel="alternate" type="application/atom+xml" href="/status.atom" />
      )}
      <link
        rel="alternate"
        type="text/markdown"
        href={toMarkdownUrlPath(page.language, page.path)}
      />
      {scripts.map((name) => (
        <script type="module" src={`/scripts/${name}.js`}></script>
      ))}
    </head>
  );
};

const NAV_PATHS = [
  ['prices', '/prices'],
  ['docs', '/docs'],
  ['trust', '/trust'],
  ['status', '/status'],
] as const;

const Header: FC<FrameProps> = ({ page, context }) => {
  const t = siteMessagesFor(page.language);
  const { consoleUrl } = context.settings;
  return (
    <header class="site-header">
      <p class="brand">
        <a href={toUrlPath(page.language, '/')}>
          <img src="/icon.svg" width="28" height="28" alt="" />
          Farebox
        </a>
      </p>
      <nav aria-label={t.mainMenu}>
        <ul>
          {NAV_PATHS.map(([name, path]) => (
            <li>
              <a
                href={toTranslatedPath(context, page.language, path)}
                aria-current={page.path === path ? 'page' : undefined}
              >
                {t.nav[name]}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <p class="actions">
        <a href={`${consoleUrl}/sign-in`}>{t.nav.signIn}</a>
        <a class="button" href={`${consoleUrl}/sign-up`}>
          {t.nav.signUp}
        </a>
      </p>
    </header>
  );
};

const FOOTER_PATHS = [
  ['billing', '/billing'],
  ['deposits', '/deposits'],
  ['comparison', '/comparison'],
  ['benchmark', '/benchmark'],
  ['changelog', '/changelog'],
  ['privacy', '/privacy'],
  ['terms', '/terms'],
  ['refunds', '/refunds'],
  ['contact', '/contact'],
] as const;

const LanguageLinks: FC<FrameProps> = ({ page, context }) => {
  const languages = context.getLanguages(page.path);
  return (
    <ul aria-label={siteMessagesFor(page.language).language}>
      {LANGUAGES.map((language) => (
        <li>
          <a
            href={toUrlPath(language, languages.includes(language) ? page.path : '/')}
            lang={language}
            hreflang={language}
            aria-current={language === page.language ? 'true' : undefined}
          >
            {LANGUAGE_NAMES[language]}
          </a>
        </li>
      ))}
    </ul>
  );
};

const SHORT_COMMIT = 12;

/** Where the code is, and which commit of it runs; nothing where the operator names no place. */
const SourceLink: FC<FrameProps> = ({ page, context: { settings } }) => {
  const { footer: t } = siteMessagesFor(page.language);
  const { sourceUrl, commit } = settings;
  if (sourceUrl === null) return null;
  return (
    <p class="source">
      <a href={sourceUrl}>{t.sourceCode}</a>
      {commit !== null && `, ${t.commit(commit.slice(0, SHORT_COMMIT))}`}
    </p>
  );
};

const Footer: FC<FrameProps> = ({ page, context }) => {
  const { footer: t } = siteMessagesFor(page.language);
  return (
    <footer class="site-footer">
      <nav aria-label={t.label}>
        <ul>
          {FOOTER_PATHS.map(([name, path]) => (
            <li>
              <a href={toTranslatedPath(context, page.language, path)}>
                {toLinkText(context, page.language, path, t[name])}
              </a>
            </li>
          ))}
          {getCounter({ page, context }) !== null && (
            <li>
              <button type="button" data-consent="ask" hidden>
                {t.analyticsChoice}
              </button>
            </li>
          )}
        </ul>
      </nav>
      <LanguageLinks page={page} context={context} />
      <SourceLink page={page} context={context} />
    </footer>
  );
};

/** Hidden until the script has found that nobody answered yet. Both answers look and work alike. */
const Consent: FC<FrameProps & Readonly<{ counter: string }>> = ({ page, context, counter }) => {
  const { consent: t } = siteMessagesFor(page.language);
  return (
    <section class="consent" aria-label={t.label} data-counter={counter} hidden>
      <p>
        {t.question} <a href={toTranslatedPath(context, page.language, '/privacy')}>{t.details}</a>
      </p>
      <div>
        <button type="button" data-consent="yes">
          {t.yes}
        </button>
        <button type="button" data-consent="no">
          {t.no}
        </button>
      </div>
    </section>
  );
};

const Meta: FC<FrameProps> = ({ page }) => {
  const t = siteMessagesFor(page.language);
  return (
    <p class="meta">
      {page.updatedOn !== null && (
        <>
          {t.lastUpdated}: <time datetime={page.updatedOn}>{page.updatedOn}</time> ·{' '}
        </>
      )}
      <a href={toMarkdownUrlPath(page.language, page.path)}>{t.viewAsMarkdown}</a>
    </p>
  );
};

const Article: FC<PropsWithChildren<FrameProps>> = ({ page, context, children }) => (
  <div class="article">
    <h1>{page.title}</h1>
    {children}
    <Meta page={page} context={context} />
  </div>
);

function renderMain({ page, context }: FrameProps): Child {
  const article = (
    <Article page={page} context={context}>
      {raw(page.body.html)}
    </Article>
  );
  if (page.section === null) return article;
  return (
    <div class="with-menu">
      <DocsMenu entries={context.docs} page={page} />
      {article}
    </div>
  );
}

/** Renders a page as an HTML document. */
export function renderDocument(page: Page, context: LayoutContext): string {
  const counter = getCounter({ page, context });
  const document = (
    <html lang={page.language}>
      <Head page={page} context={context} />
      <body>
        <a class="skip" href="#main">
          {siteMessagesFor(page.language).skipToContent}
        </a>
        <Header page={page} context={context} />
        <main id="main" class="site-main">
          {renderMain({ page, context })}
        </main>
        <Footer page={page} context={context} />
        {counter !== null && <Consent page={page} context={context} counter={counter} />}
      </body>
    </html>
  );
  return `<!doctype html>${String(document)}`;
}

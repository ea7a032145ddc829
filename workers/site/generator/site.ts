/** The whole site as files: pages with their Markdown, styles, scripts, search, and discovery. */
import { ICON } from '@farebox/design';
import { LANGUAGES, type Language } from '@farebox/i18n';
import { siteMessagesFor } from '../texts/index.ts';
import { buildApiPages } from './api-pages.ts';
import { buildContentPages } from './content-pages.ts';
import { buildContentParts } from './content-parts.ts';
import { renderLlms, renderRobots, renderSitemap } from './discovery.ts';
import { buildDocumentationPages } from './documentation-pages.ts';
import { COPIED_FILES } from './documents.ts';
import { type LayoutContext, renderDocument } from './layout.tsx';
import { type Page, toMarkdownUrlPath, toUrlPath } from './page.ts';
import { buildSearchIndex } from './search-index.ts';
import { renderHeaders } from './security-headers.ts';
import { LOCAL_API_URL, type SiteSettings } from './settings.ts';
import { SITE_SCRIPTS } from './site-scripts.ts';
import type { SiteSource } from './source.ts';
import { SITE_STYLESHEET } from './stylesheet.ts';

/** `path` starts with a slash and is where the file is served, but for pages' `.html`. */
export type SiteFile = Readonly<{ path: string; text: string }>;

function buildNotFoundPage(): Page {
  const { notFound } = siteMessagesFor('en');
  const others = LANGUAGES.map((language) => {
    const { home, text } = siteMessagesFor(language).notFound;
    const path = toUrlPath(language, '/');
    return {
      html: `<p lang="${language}">${text} <a href="${path}">${home}</a></p>`,
      markdown: `${text} [${home}](${path})`,
    };
  });
  return {
    path: '/404',
    language: 'en',
    title: notFound.title,
    description: notFound.text,
    body: {
      html: others.map(({ html }) => html).join(''),
      markdown: others.map(({ markdown }) => markdown).join('\n\n'),
    },
    updatedOn: null,
    section: null,
  };
}

/** Every page of the site, in every language it exists in. */
export function buildPages(source: SiteSource, settings: SiteSettings): Page[] {
  return [
    ...buildContentPages(source, buildContentParts(source, settings)),
    ...buildApiPages(source),
    ...buildDocumentationPages(source, settings.apiUrl),
    buildNotFoundPage(),
  ];
}

function buildLayoutContext(pages: readonly Page[], settings: SiteSettings): LayoutContext {
  const languages = new Map<string, Language[]>();
  for (const { path, language } of pages) {
    languages.set(path, [...(languages.get(path) ?? []), language]);
  }
  return {
    settings,
    getLanguages: (path) => languages.get(path) ?? ['en'],
    docs: pages.flatMap(({ section, isInMenu = true, path, language, title }) =>
      section === null || !isInMenu
        ? []
        : [{ section, path, language, urlPath: toUrlPath(language, path), title }],
    ),
  };
}

function toHtmlFile(urlPath: string): string {
  return urlPath.endsWith('/') ? `${urlPath}index.html` : `${urlPath}.html`;
}

function renderPage(page: Page, context: LayoutContext): SiteFile[] {
  const markdown = `# ${page.title}\n\n${page.body.markdown.trim()}\n`;
  return [
    {
      path: toHtmlFile(toUrlPath(page.language, page.path)),
      text: renderDocument(page, context),
    },
    { path: toMarkdownUrlPath(page.language, page.path), text: markdown },
  ];
}

function buildAssets(source: SiteSource, settings: SiteSettings): SiteFile[] {
  const hasAnalytics = settings.metrikaCounter !== null;
  const scripts = Object.entries(SITE_SCRIPTS).filter(
    ([name]) => hasAnalytics || name !== 'analytics',
  );
  return [
    { path: '/style.css', text: SITE_STYLESHEET },
    { path: '/icon.svg', text: ICON },
    { path: '/_headers', text: renderHeaders(hasAnalytics) },
    ...scripts.map(([name, text]) => ({ path: `/scripts/${name}.js`, text })),
    ...[...source.copied].map(([file, text]) => ({
      path: COPIED_FILES[file] ?? '',
      // A generated client calls the server that the document names.
      text: file === 'docs/openapi.json' ? text.replaceAll(LOCAL_API_URL, settings.apiUrl) : text,
    })),
  ];
}

/** Builds every file of the site. */
export function buildSite(source: SiteSource, settings: SiteSettings): SiteFile[] {
  const pages = buildPages(source, settings);
  const context = buildLayoutContext(pages, settings);
  const found = pages.filter(({ path }) => path !== '/404');
  return [
    ...pages.flatMap((page) => renderPage(page, context)),
    ...buildAssets(source, settings),
    ...LANGUAGES.map((language) => ({
      path: `/search/${language}.json`,
      text: JSON.stringify(buildSearchIndex(found, language)),
    })),
    { path: '/sitemap.xml', text: renderSitemap(found, context.getLanguages, settings.siteUrl) },
    { path: '/robots.txt', text: renderRobots(settings.siteUrl) },
    { path: '/llms.txt', text: renderLlms(found, settings) },
  ];
}

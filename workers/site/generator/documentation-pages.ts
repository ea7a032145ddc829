/** The pages made of the repository's documents, in English. */
import { createDocumentLinks, listSiteDocuments, type SiteDocument } from './documents.ts';
import { createRenderer, parseArticle, rewriteLinks } from './markdown.ts';
import type { Page } from './page.ts';
import { LOCAL_API_URL } from './settings.ts';
import type { SiteSource } from './source.ts';

const SCRIPTS = ['search'];

function toPage(
  document: SiteDocument,
  documents: readonly SiteDocument[],
  source: SiteSource,
  apiUrl: string,
): Page {
  const text = source.documents.get(document.file) ?? '';
  // The guides are copied as they stand, so they name the gateway of this site.
  const isGuide = document.section === 'clients';
  const article = parseArticle(isGuide ? text.replaceAll(LOCAL_API_URL, apiUrl) : text);
  const resolve = createDocumentLinks(document.file, documents);
  const render = createRenderer(resolve);
  return {
    path: document.path,
    language: 'en',
    title: article.title,
    description: article.description,
    body: { html: render(article.text), markdown: rewriteLinks(article.text, resolve) },
    updatedOn: source.changedOn.get(document.file) ?? null,
    section: document.section,
    scripts: SCRIPTS,
    isInMenu: document.isInMenu,
  };
}

/** The list of records, which are too many for the menu. */
function buildRecordIndex(records: readonly Page[]): Page {
  const markdown = records.map(({ title, path }) => `- [${title}](${path})`).join('\n');
  return {
    path: '/docs/decisions',
    language: 'en',
    title: 'Decisions',
    description: 'What was decided while Farebox was built, what was measured, what was rejected.',
    body: { html: createRenderer((href) => href)(markdown), markdown },
    updatedOn:
      records
        .map(({ updatedOn }) => updatedOn ?? '')
        .sort()
        .at(-1) || null,
    section: 'internals',
    scripts: SCRIPTS,
  };
}

function buildChangelog(source: SiteSource, documents: readonly SiteDocument[]): Page {
  const article = parseArticle(source.documents.get('CHANGELOG.md') ?? '');
  const resolve = createDocumentLinks('CHANGELOG.md', documents);
  const render = createRenderer(resolve);
  return {
    path: '/changelog',
    language: 'en',
    title: article.title,
    description: 'What changed for users and operators.',
    body: { html: render(article.text), markdown: rewriteLinks(article.text, resolve) },
    updatedOn: source.changedOn.get('CHANGELOG.md') ?? null,
    section: null,
  };
}

export function buildDocumentationPages(source: SiteSource, apiUrl: string): Page[] {
  const documents = listSiteDocuments([...source.documents.keys()]);
  const pages = documents.map((document) => toPage(document, documents, source, apiUrl));
  const records = pages.filter(({ path }) => path.startsWith('/docs/decisions/'));
  return [...pages, buildRecordIndex(records), buildChangelog(source, documents)];
}

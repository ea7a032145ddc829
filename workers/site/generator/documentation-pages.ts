/** The pages made of the repository's documents, in English. */
import { createDocumentLinks, listSiteDocuments, type SiteDocument } from './documents.ts';
import { createRenderer, parseArticle } from './markdown.ts';
import type { Page } from './page.ts';
import type { SiteSource } from './source.ts';

const SCRIPTS = ['search'];

function toPage(
  document: SiteDocument,
  documents: readonly SiteDocument[],
  source: SiteSource,
): Page {
  const article = parseArticle(source.documents.get(document.file) ?? '');
  const render = createRenderer(createDocumentLinks(document.file, documents));
  return {
    path: document.path,
    language: 'en',
    title: article.title,
    description: article.description,
    body: { html: render(article.text), markdown: article.text },
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
  const render = createRenderer(createDocumentLinks('CHANGELOG.md', documents));
  return {
    path: '/changelog',
    language: 'en',
    title: article.title,
    description: 'What changed for users and operators.',
    body: { html: render(article.text), markdown: article.text },
    updatedOn: source.changedOn.get('CHANGELOG.md') ?? null,
    section: null,
  };
}

export function buildDocumentationPages(source: SiteSource): Page[] {
  const documents = listSiteDocuments([...source.documents.keys()]);
  const pages = documents.map((document) => toPage(document, documents, source));
  const records = pages.filter(({ path }) => path.startsWith('/docs/decisions/'));
  return [...pages, buildRecordIndex(records), buildChangelog(source, documents)];
}

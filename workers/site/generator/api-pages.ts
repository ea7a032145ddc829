/** The API reference and the catalogue of errors, from docs/openapi.json, in every language. */
import { LANGUAGES, type Language } from '@farebox/i18n';
import { siteMessagesFor } from '../texts/index.ts';
import {
  type OpenApi,
  renderApiIndex,
  renderShared,
  renderTag,
  SCHEMAS_PATH,
  toReferencePath,
} from './api-reference.tsx';
import { translateApiText } from './api-texts.ts';
import { renderTable } from './content-table.tsx';
import { errorExplanationsFor } from './error-explanations.ts';
import { toErrorPath, toErrorUrlPath } from './error-paths.ts';
import { createRenderer, type LinkResolver, rewriteLinks } from './markdown.ts';
import { type Page, type Rendered, toUrlPath } from './page.ts';
import type { SiteSource } from './source.ts';

const OPENAPI_FILE = 'docs/openapi.json';

/** Whether a path is of a page that this module builds, in every language. */
export function isApiPath(path: string): boolean {
  return /^\/docs\/(api|errors)(\/|$)/.test(path);
}

/** Pages of the documentation that exist in English only. */
const ENGLISH_ONLY = ['/docs/dialects'];

type ApiSource = Readonly<{ document: OpenApi; updatedOn: string | null }>;

function buildReference({ document, updatedOn }: ApiSource, language: Language): Page[] {
  const { api: t } = siteMessagesFor(language);
  const shared = { language, updatedOn, section: 'api', scripts: ['search'] } as const;
  const tags = document.tags.map(({ name, description = '' }) => ({
    ...shared,
    path: toReferencePath(name),
    title: `API: ${translateApiText(name, language)}`,
    description: translateApiText(description, language),
    body: renderTag(document, name, language),
  }));
  return [
    {
      ...shared,
      path: '/docs/api',
      title: t.title,
      description: t.description,
      body: renderApiIndex(document, language),
    },
    ...tags,
    {
      ...shared,
      path: SCHEMAS_PATH,
      title: `API: ${t.shared}`,
      description: t.sharedDescription,
      body: renderShared(document, language),
    },
  ];
}

/** What the link of an error leads to that a provider wrote, which has no code of ours. */
const PROVIDER_ERROR = 'upstream_refused';

function describeStatus(document: OpenApi, code: string, language: Language): string {
  const { errors: t } = siteMessagesFor(language);
  const facts = document['x-errors']?.[code];
  if (facts === undefined) return t.providersStatus;
  const status = String(facts.status);
  return facts.retryable ? t.retryable(status) : t.final(status);
}

function createLinks(language: Language): LinkResolver {
  return (href) => (ENGLISH_ONLY.includes(href) ? href : toUrlPath(language, href));
}

function renderMarkdown(markdown: string, language: Language): Rendered {
  const links = createLinks(language);
  return { html: createRenderer(links)(markdown), markdown: rewriteLinks(markdown, links) };
}

function buildErrorPage({ document, updatedOn }: ApiSource, code: string, language: Language) {
  const { errors: t } = siteMessagesFor(language);
  const { cause, remedy } = errorExplanationsFor(language)[code] ?? { cause: '', remedy: '' };
  const markdown = [
    describeStatus(document, code, language),
    `## ${t.why}\n\n${cause}`,
    `## ${t.remedy}\n\n${remedy}`,
    t.more,
  ].join('\n\n');
  return {
    path: toErrorPath(code),
    language,
    title: code,
    description: cause,
    body: renderMarkdown(markdown, language),
    updatedOn,
    section: 'api',
    scripts: ['search'],
    isInMenu: false,
  } satisfies Page;
}

function buildErrorIndex({ document, updatedOn }: ApiSource, language: Language): Page {
  const { errors: t } = siteMessagesFor(language);
  const intro = renderMarkdown(t.intro, language);
  const table = renderTable({
    head: [t.code, t.status, t.retry, t.cause],
    rows: listErrorPages(document).map((code) => [
      { text: code, href: toErrorUrlPath(code, language), isCode: true },
      String(document['x-errors']?.[code]?.status ?? '4xx'),
      document['x-errors']?.[code]?.retryable === true ? t.yes : t.no,
      (errorExplanationsFor(language)[code]?.cause ?? '').replaceAll('`', ''),
    ]),
    phoneLayout: 'stacked',
  });
  return {
    path: '/docs/errors',
    language,
    title: t.title,
    description: t.description,
    body: {
      html: intro.html + table.html,
      markdown: `${intro.markdown}\n\n${table.markdown}`,
    },
    updatedOn,
    section: 'api',
    scripts: ['search'],
  };
}

/** The codes of the document and the provider's own errors, in alphabetical order. */
export function listErrorPages(document: OpenApi): string[] {
  const codes = (document.components.schemas.ErrorCode?.enum ?? []).map(String);
  return [...codes, PROVIDER_ERROR].sort();
}

export function buildApiPages(source: SiteSource): Page[] {
  const document: OpenApi = JSON.parse(source.copied.get(OPENAPI_FILE) ?? '{}');
  const api = { document, updatedOn: source.changedOn.get(OPENAPI_FILE) ?? null };
  const codes = listErrorPages(document);
  return LANGUAGES.flatMap((language) => [
    ...buildReference(api, language),
    buildErrorIndex(api, language),
    ...codes.map((code) => buildErrorPage(api, code, language)),
  ]);
}

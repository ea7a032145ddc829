/** A page of the site, as the generator writes it: HTML, and the Markdown beside it. */
import type { Language } from '@farebox/i18n';

/** HTML for browsers and Markdown for programs, of the same content. */
export type Rendered = Readonly<{ html: string; markdown: string }>;

export type Page = Readonly<{
  /** Without a language: `/`, `/prices`, `/docs/errors`. */
  path: string;
  language: Language;
  title: string;
  /** One sentence, for search engines and llms.txt. */
  description: string;
  body: Rendered;
  /** The day of the last change of the page's source, YYYY-MM-DD; null where it is not known. */
  updatedOn: string | null;
  /** Names of files in `/scripts`; the page works without them. */
  scripts?: readonly string[];
  /** Lets the page use the full width, for tables. */
  isWide?: boolean;
  /** The part of the documentation that lists it; null for a page of the site itself. */
  section: DocsSection | null;
  /** False for a page of the documentation that other pages link to; true if absent. */
  isInMenu?: boolean;
}>;

/** The parts of the documentation, in the order of its menu. */
export const DOCS_SECTIONS = [
  'start',
  'clients',
  'api',
  'account',
  'operators',
  'internals',
] as const;
export type DocsSection = (typeof DOCS_SECTIONS)[number];

/** English has no prefix: its addresses are the ones that other sites link to. */
export function toUrlPath(language: Language, path: string): string {
  return language === 'en' ? path : `/${language}${path}`;
}

/** The path of the Markdown beside a page. */
export function toMarkdownUrlPath(language: Language, path: string): string {
  const urlPath = toUrlPath(language, path);
  return urlPath.endsWith('/') ? `${urlPath}index.md` : `${urlPath}.md`;
}

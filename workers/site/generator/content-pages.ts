/** The pages whose text is a Markdown file per language in `content`. */
import { LANGUAGES, type Language } from '@farebox/i18n';
import { siteMessagesFor } from '../texts/index.ts';
import { isApiPath } from './api-pages.ts';
import { type Blocks, fillValues, renderContent, type Values } from './blocks.ts';
import type { LinkResolver } from './markdown.ts';
import { parseArticle } from './markdown.ts';
import { type DocsSection, type Page, toUrlPath } from './page.ts';
import { CONTENT_FOLDER, type SiteSource } from './source.ts';

type ContentPage = Readonly<{
  /** The name of the file. */
  name: string;
  path: string;
  section?: DocsSection;
  scripts?: readonly string[];
  isWide?: boolean;
}>;

const CONTENT_PAGES: readonly ContentPage[] = [
  { name: 'home', path: '/' },
  { name: 'prices', path: '/prices', scripts: ['prices'], isWide: true },
  { name: 'billing', path: '/billing' },
  { name: 'deposits', path: '/deposits' },
  { name: 'comparison', path: '/comparison' },
  { name: 'benchmark', path: '/benchmark' },
  { name: 'trust', path: '/trust' },
  { name: 'status', path: '/status' },
  { name: 'privacy', path: '/privacy' },
  { name: 'terms', path: '/terms' },
  { name: 'refunds', path: '/refunds' },
  { name: 'contact', path: '/contact' },
  { name: 'docs', path: '/docs', section: 'start', scripts: ['search'] },
  { name: 'quickstart', path: '/docs/quickstart', section: 'start', scripts: ['search'] },
];

/** Which languages each content page exists in, by path. */
export function listContentLanguages(source: SiteSource): ReadonlyMap<string, readonly Language[]> {
  return new Map(
    CONTENT_PAGES.map(({ name, path }) => [
      path,
      LANGUAGES.filter((language) => source.content.has(`${language}/${name}`)),
    ]),
  );
}

/** Links of content name pages without a language: they lead to the reader's, or to English. */
function createContentLinks(
  language: Language,
  languages: ReadonlyMap<string, readonly Language[]>,
): LinkResolver {
  return (href) => {
    if (!href.startsWith('/')) return href;
    const [path = '', fragment] = href.split('#');
    const hasLanguage = isApiPath(path) || languages.get(path)?.includes(language) === true;
    const target = toUrlPath(hasLanguage ? language : 'en', path);
    return fragment === undefined ? target : `${target}#${fragment}`;
  };
}

export type ContentParts = Readonly<{
  getValues: (language: Language) => Values;
  getBlocks: (language: Language) => Blocks;
}>;

/** The description of a page whose first sentence does not say what it is about. */
function findDescription(name: string, language: Language): string | undefined {
  return new Map(Object.entries(siteMessagesFor(language).descriptions)).get(name);
}

export function buildContentPages(source: SiteSource, parts: ContentParts): Page[] {
  const languages = listContentLanguages(source);
  return CONTENT_PAGES.flatMap(({ name, section = null, ...page }) =>
    (languages.get(page.path) ?? []).map((language): Page => {
      const [values, blocks] = [parts.getValues(language), parts.getBlocks(language)];
      const text = source.content.get(`${language}/${name}`) ?? '';
      // Its first sentence becomes the description, which has values too.
      const article = parseArticle(fillValues(text, values, blocks));
      const links = createContentLinks(language, languages);
      return {
        ...page,
        language,
        section,
        title: article.title,
        description: findDescription(name, language) ?? article.description,
        body: renderContent(article.text, values, blocks, links),
        updatedOn: source.changedOn.get(`${CONTENT_FOLDER}/${language}/${name}.md`) ?? null,
      };
    }),
  );
}

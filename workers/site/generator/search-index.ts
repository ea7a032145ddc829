/**
 * The search index: each section of each page as plain text. All of it is some tens of kilobytes
 * compressed, so a browser loads it once and scans it, in any language, without a word list.
 */
import type { Language } from '@farebox/i18n';
import { toHeadingId } from './markdown.ts';
import { type Page, toUrlPath } from './page.ts';

/** Address, title of the page, heading of the section, text. Short, because it is repeated. */
export type SearchEntry = readonly [url: string, title: string, heading: string, text: string];

/** The text of Markdown without its marks. */
function toPlainText(markdown: string): string {
  return markdown
    .replace(/^```.*$/gm, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^[|:\s-]+$/gm, ' ')
    .replace(/[`*|#]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

function toEntries(page: Page): SearchEntry[] {
  const url = toUrlPath(page.language, page.path);
  const [intro = '', ...sections] = page.body.markdown.split(/^##+ /m);
  return [
    [url, page.title, '', toPlainText(intro)] as const,
    ...sections.map((section): SearchEntry => {
      const [heading = '', ...lines] = section.split('\n');
      const title = toPlainText(heading);
      return [`${url}#${toHeadingId(title)}`, page.title, title, toPlainText(lines.join('\n'))];
    }),
  ];
}

/** Pages in the language, and those that exist in English only. Records of decisions stay out. */
export function buildSearchIndex(pages: readonly Page[], language: Language): SearchEntry[] {
  const translated = new Set(
    pages.filter((page) => page.language === language).map(({ path }) => path),
  );
  return pages
    .filter(
      (page) =>
        page.language === language || (page.language === 'en' && !translated.has(page.path)),
    )
    .filter(({ path }) => !/^\/docs\/(decisions|bench)\//.test(path) && path !== '/404')
    .flatMap(toEntries);
}

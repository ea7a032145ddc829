/**
 * Renders Markdown of the repository as HTML under the site's rules: no raw HTML, headings with
 * stable ids, wide tables and code that scroll by keyboard, and links that lead to pages of the site
 * or to none.
 */
import { Marked, type Tokens } from 'marked';
import { escapeMarkup } from '../escape.ts';

/** Returns where a link of the source leads on the site, or undefined if it leads nowhere there. */
export type LinkResolver = (href: string) => string | undefined;

/** The part of a code block's info string that names its language. */
function parseCodeLanguage(info: string | undefined): string {
  return info?.trim().split(/\s+/)[0] ?? '';
}

/** The id of a heading, as code hosts make it, so that links into a document work on both. */
export function toHeadingId(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

/** Gives each heading of one document its own id. */
class HeadingIds {
  readonly #used = new Map<string, number>();

  next(text: string): string {
    const id = toHeadingId(text);
    const count = this.#used.get(id) ?? 0;
    this.#used.set(id, count + 1);
    return count === 0 ? id : `${id}-${count}`;
  }
}

function renderCode({ text, lang }: Tokens.Code): string {
  const language = parseCodeLanguage(lang);
  const attribute = language === '' ? '' : ` data-language="${escapeMarkup(language)}"`;
  return `<pre tabindex="0"${attribute}><code>${escapeMarkup(text)}\n</code></pre>\n`;
}

function renderLink(html: string, href: string, resolve: LinkResolver): string {
  const target = resolve(href);
  return target === undefined ? html : `<a href="${escapeMarkup(target)}">${html}</a>`;
}

/** A table of so many columns is narrow text on a phone, which shows its rows as labelled lines. */
const MIN_STACKED_COLUMNS = 3;

function createMarked(resolve: LinkResolver): Marked {
  const ids = new HeadingIds();
  return new Marked({
    gfm: true,
    renderer: {
      html: ({ text }) => escapeMarkup(text),
      code: renderCode,
      heading({ tokens, depth, text }) {
        const id = ids.next(text.replace(/[`*]/g, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1'));
        // The page's title is its only heading of the first level.
        const level = Math.max(depth, 2);
        return `<h${level} id="${escapeMarkup(id)}">${this.parser.parseInline(tokens)}</h${level}>\n`;
      },
      link({ tokens, href }) {
        return renderLink(this.parser.parseInline(tokens), href, resolve);
      },
      table({ header, rows }) {
        const isStacked = header.length >= MIN_STACKED_COLUMNS;
        const toCell = ({ tokens }: Tokens.TableCell, index: number) => {
          const label = stripInlineMarkup(header[index]?.text ?? '');
          const attribute = isStacked ? ` data-label="${escapeMarkup(label)}"` : '';
          return `<td${attribute}>${this.parser.parseInline(tokens)}</td>`;
        };
        const head = header.map(({ tokens }) => `<th>${this.parser.parseInline(tokens)}</th>`);
        const body = rows.map((row) => `<tr>${row.map(toCell).join('')}</tr>\n`);
        const open = isStacked ? '<table class="stacked">' : '<table>';
        return `<div class="scroll" tabindex="0">${open}\n<thead>\n<tr>${head.join('')}</tr>\n</thead>\n<tbody>\n${body.join('')}</tbody></table></div>\n`;
      },
      image({ href, text }) {
        const target = resolve(href);
        const alt = escapeMarkup(text);
        return target === undefined ? alt : `<img src="${escapeMarkup(target)}" alt="${alt}">`;
      },
    },
  });
}

/** A link of Markdown outside of code; its text may contain code. An image is no link. */
const FENCE = /^(```[\s\S]*?^```$)/m;
const LINK = /(?<!!)\[((?:`[^`]*`|[^\][`])*)\]\(([^()\s]+)\)/g;

/** Rewrites the links of Markdown as the page beside it has them; one that leads nowhere is text. */
export function rewriteLinks(source: string, resolve: LinkResolver): string {
  return source
    .split(FENCE)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part.replace(LINK, (_, text: string, href: string) => {
            const target = resolve(href);
            return target === undefined ? text : `[${text}](${target})`;
          }),
    )
    .join('');
}

/** Renders the parts of one document: ids of headings are unique among them. */
export function createRenderer(resolve: LinkResolver): (source: string) => string {
  const marked = createMarked(resolve);
  return (source) => marked.parse(source, { async: false });
}

export type Article = Readonly<{ title: string; description: string; text: string }>;

function stripInlineMarkup(text: string): string {
  return text
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Cuts a description at the end of a sentence. */
function firstSentence(text: string): string {
  const sentence = /^.{20,}?(?:\.(?=\s|$)|。)/su.exec(text)?.[0] ?? text;
  return sentence.length > 200 ? `${sentence.slice(0, 199)}…` : sentence;
}

/** Splits a document into its title, the first sentence below it, and the text below the title. */
export function parseArticle(source: string): Article {
  const [, title = '', text = ''] = /^#\s+(.+)\n([\s\S]*)$/.exec(source.trimStart()) ?? [];
  const paragraph =
    text.split(/\n{2,}/).find((part) => /^\s*(?!Status: )[\p{L}\p{N}*`[]/u.test(part)) ?? '';
  return {
    title: stripInlineMarkup(title),
    description: firstSentence(stripInlineMarkup(paragraph)),
    text: text.trim(),
  };
}

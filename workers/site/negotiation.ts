/**
 * Chooses between a page and the Markdown beside it by the request's Accept header (RFC 9110 section
 * 12.5.1). Coding agents ask for Markdown; browsers never do. Pure.
 */

type MediaRange = Readonly<{ type: string; quality: number }>;

function parseAccept(accept: string): MediaRange[] {
  return accept.split(',').map((part) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const quality = weight === undefined ? 1 : Number(weight.slice(2));
    return { type, quality: Number.isNaN(quality) ? 0 : quality };
  });
}

/** Returns whether Markdown is named and weighs at least as much as HTML does. */
export function prefersMarkdown(accept: string | null): boolean {
  if (accept === null) return false;
  const ranges = parseAccept(accept);
  const weigh = (...types: string[]) =>
    Math.max(0, ...ranges.filter(({ type }) => types.includes(type)).map(({ quality }) => quality));
  const markdown = weigh('text/markdown', 'text/x-markdown');
  return markdown > 0 && markdown >= weigh('text/html', 'application/xhtml+xml');
}

/** Returns the path of the Markdown beside a page, or undefined if the path names a file. */
export function toMarkdownPath(path: string): string | undefined {
  if (path.endsWith('/')) return `${path}index.md`;
  return /\.[a-z]+$/.test(path) ? undefined : `${path}.md`;
}

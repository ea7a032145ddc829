/**
 * The parts of a content file that the build computes. A line `{{name}}` stands for a block, which
 * has HTML and Markdown of its own; `{{name}}` inside a line stands for a short value.
 */
import { createRenderer, type LinkResolver, rewriteLinks } from './markdown.ts';
import type { Rendered } from './page.ts';

export type Blocks = Readonly<Record<string, Rendered>>;
export type Values = Readonly<Record<string, string>>;

const BLOCK_LINE = /^\{\{([\w-]+)\}\}$/m;

/** Fills in the short values. Throws if a name is unknown, so that no page shows a placeholder. */
export function fillValues(text: string, values: Values, blocks: Blocks): string {
  return text.replace(/\{\{([\w-]+)\}\}/g, (placeholder, name: string) => {
    if (Object.hasOwn(blocks, name)) return placeholder;
    const value = values[name];
    if (value === undefined) throw new Error(`no value for ${placeholder}`);
    return value;
  });
}

/** Renders a content file with its blocks. */
export function renderContent(
  source: string,
  values: Values,
  blocks: Blocks,
  resolve: LinkResolver,
): Rendered {
  const filled = fillValues(source, values, blocks);
  const parts = filled.split(BLOCK_LINE);
  const render = createRenderer(resolve);
  const rendered = parts.map((part, index): Rendered => {
    const block = index % 2 === 1 ? blocks[part] : undefined;
    return block ?? { html: render(part), markdown: rewriteLinks(part, resolve) };
  });
  return {
    html: rendered.map(({ html }) => html).join(''),
    markdown: rendered.map(({ markdown }) => markdown.trim()).join('\n\n'),
  };
}

/** Accessibility of a page in a browser, by axe's rules of WCAG 2.2, levels A and AA. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

export type Violation = Readonly<{ id: string; impact: string | null; target: string }>;

export async function findViolations(page: Page): Promise<readonly Violation[]> {
  // The content policy would block an injected script element; evaluate bypasses it, as an
  // extension does.
  if (await page.evaluate("!('axe' in globalThis)")) await page.evaluate(AXE);
  return page.evaluate(async (tags) => {
    const options = { runOnly: { type: 'tag', values: tags } };
    const run: unknown = await Reflect.get(globalThis, 'axe').run(options);
    const violations: { id: string; impact: string | null; nodes: { html: string }[] }[] =
      Reflect.get(Object(run), 'violations');
    return violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      target: nodes[0]?.html.slice(0, 200) ?? '',
    }));
  }, AXE_TAGS);
}

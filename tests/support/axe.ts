/** Accessibility of a page in a browser, by axe's rules of WCAG 2.2, levels A and AA. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

export type Violation = Readonly<{ id: string; impact: string | null; target: string }>;

/**
 * The rules of those levels that look at colors. The design's dark scheme changes nothing else: its
 * stylesheet names a scheme only in `light-dark()`, which CSS allows for colors alone.
 */
const COLOR_RULES = ['color-contrast', 'link-in-text-block'];

/** Runs every rule, or the rules about colors only, on the page as it is shown now. */
export async function findViolations(
  page: Page,
  rules: 'all' | 'colors' = 'all',
): Promise<readonly Violation[]> {
  // The content policy would block an injected script element; evaluate bypasses it, as an
  // extension does.
  if (await page.evaluate("!('axe' in globalThis)")) await page.evaluate(AXE);
  const runOnly =
    rules === 'all' ? { type: 'tag', values: AXE_TAGS } : { type: 'rule', values: COLOR_RULES };
  return page.evaluate(
    async (options) => {
      const run: unknown = await Reflect.get(globalThis, 'axe').run(options);
      const violations: { id: string; impact: string | null; nodes: { html: string }[] }[] =
        Reflect.get(Object(run), 'violations');
      return violations.map(({ id, impact, nodes }) => ({
        id,
        impact,
        target: nodes[0]?.html.slice(0, 200) ?? '',
      }));
    },
    { runOnly },
  );
}

/** Runs every rule in light and those about colors in dark, and leaves the page in dark. */
export async function findViolationsInSchemes(
  page: Page,
): Promise<readonly (Violation & { scheme: 'light' | 'dark' })[]> {
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await findViolations(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await findViolations(page, 'colors');
  return [
    ...light.map((violation) => ({ ...violation, scheme: 'light' as const })),
    ...dark.map((violation) => ({ ...violation, scheme: 'dark' as const })),
  ];
}

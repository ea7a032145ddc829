/** The table of docs/privacy-as-tests.md as the trust page shows it, read from the document. */
import type { Language } from '@farebox/i18n';
import { siteMessagesFor } from '../texts/index.ts';
import { renderTable } from './content-table.tsx';
import type { Rendered } from './page.ts';

const ROW = /^\| (?<promise>[^|]+) \| (?<software>[^|]+) \| `(?<file>[^`]+)` "(?<title>.+)" \|$/gm;

export type PolicyTest = Readonly<{ promise: string; software: string; test: string }>;

/** Titles of tests that run for several cases have a place for the case's name. */
function withoutPlaceholders(title: string): string {
  return title.replace(/\$\{[^}]*\}|%[sdij]/g, '…');
}

export function parsePolicyTests(document: string): PolicyTest[] {
  return [...document.matchAll(ROW)].map(({ groups = {} }) => ({
    promise: groups.promise ?? '',
    software: groups.software ?? '',
    test: `${groups.file ?? ''}: ${withoutPlaceholders(groups.title ?? '')}`,
  }));
}

export function renderPolicyTests(tests: readonly PolicyTest[], language: Language): Rendered {
  const { trust: t } = siteMessagesFor(language);
  return renderTable({
    head: [t.promise, t.software, t.test],
    rows: tests.map(({ promise, software, test }) => [
      promise,
      software,
      { text: test, isCode: true },
    ]),
  });
}

/** Documents that name tests: the last column of a row is a file and the title of one of its tests. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

export type DocumentedTest = Readonly<{ row: string; file: string; title: string }>;

/** Reads the tests that the table of a document names; `row` is the row's first column. */
export function readDocumentedTests(path: string): readonly DocumentedTest[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const rows = text.matchAll(/^\| ([^|]+) \|[^\n]*\| `([^`]+)` "(.+)" \|$/gm);
  return [...rows].map(([, row = '', file = '', title = '']) => ({ row, file, title }));
}

/** Returns why a named test does not protect anything, or undefined if it exists and runs. */
export function checkDocumentedTest({ file, title }: DocumentedTest): string | undefined {
  const path = join(ROOT, file);
  if (!existsSync(path)) return `${file} does not exist`;
  const source = readFileSync(path, 'utf8');
  const at = source.indexOf(title);
  if (at < 0) return `${file} has no test "${title}"`;
  const isSkipped = /\.(skip|todo)\b/.test(source.slice(Math.max(0, at - 40), at));
  return isSkipped ? `"${title}" is skipped` : undefined;
}

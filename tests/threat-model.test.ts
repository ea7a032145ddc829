/** Every test that docs/threat-model.md names exists, by its title, and is not skipped. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkDocumentedTest, readDocumentedTests } from './support/documented-tests.ts';

const PATH = 'docs/threat-model.md';
const ROWS = readDocumentedTests(PATH);

describe('the threat model', () => {
  it('names a test in every row', () => {
    const text = readFileSync(join(import.meta.dirname, '..', PATH), 'utf8');
    const tableRows = text.split('\n').filter((line) => line.startsWith('| '));
    // Two lines are the header and its rule.
    expect(ROWS).toHaveLength(tableRows.length - 2);
  });

  it.each(ROWS)('is right that $file has the test "$title"', (row) => {
    expect(checkDocumentedTest(row)).toBeUndefined();
  });
});

/** Every test that docs/privacy-as-tests.md names exists, by its title, and is not skipped. */
import { describe, expect, it } from 'vitest';
import { checkDocumentedTest, readDocumentedTests } from './support/documented-tests.ts';

const ROWS = readDocumentedTests('docs/privacy-as-tests.md').filter(({ row }) => /^P\d/.test(row));

/** The promises that the software keeps today; P16 to P20 come with the public site. */
const IMPLEMENTED = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 21, 22, 23, 24, 25, 26, 27, 28, 29,
];

describe('each promise of the privacy policy', () => {
  it('has at least one test', () => {
    const numbers = ROWS.flatMap(({ row }) => [...row.matchAll(/P(\d+)/g)]).map(([, number]) =>
      Number(number),
    );
    expect(IMPLEMENTED.filter((number) => !numbers.includes(number))).toEqual([]);
  });

  it.each(ROWS)('$row: $file "$title"', (row) => {
    expect(checkDocumentedTest(row)).toBeUndefined();
  });
});

/** Every test that docs/privacy-as-tests.md names exists, by its title, and is not skipped. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const ROWS = [
  ...readFileSync(join(ROOT, 'docs/privacy-as-tests.md'), 'utf8').matchAll(
    /^\| (P\d+[^|]*|P\d+) \|[^|]+\| `([^`]+)` "(.+)" \|$/gm,
  ),
].map(([, promise = '', file = '', title = '']) => ({ promise, file, title }));

/** The promises that the software keeps today; P16 to P20 come with the public site. */
const IMPLEMENTED = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 21, 22, 23, 24, 25, 26, 27, 28, 29,
];

describe('each promise of the privacy policy', () => {
  it('has at least one test', () => {
    const numbers = ROWS.flatMap(({ promise }) => [...promise.matchAll(/P(\d+)/g)]).map(
      ([, number]) => Number(number),
    );
    expect(IMPLEMENTED.filter((number) => !numbers.includes(number))).toEqual([]);
  });

  it.each(ROWS)('$promise: $file "$title"', ({ file, title }) => {
    const path = join(ROOT, file);
    expect(existsSync(path)).toBe(true);
    const source = readFileSync(path, 'utf8');
    const at = source.indexOf(title);
    expect(at).toBeGreaterThan(-1);
    expect(source.slice(Math.max(0, at - 40), at)).not.toMatch(/\.(skip|todo)\b/);
  });
});

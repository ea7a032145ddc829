/**
 * The feature table of tests/conformance/README.md and the SDK tests name each other completely.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

function read(file: string): string {
  return readFileSync(join(import.meta.dirname, file), 'utf8');
}

const ROWS = [...read('README.md').matchAll(/^\| [^|]+ \| `([^`]+)` \| (.+) \|$/gm)].map(
  ([, file = '', title = '']) => ({ file, title }),
);

describe('the conformance table', () => {
  it.each(ROWS)('names an existing test: $file "$title"', ({ file, title }) => {
    expect(read(file)).toContain(title);
  });

  const files = [
    'openai-sdk.test.ts',
    'anthropic-sdk.test.ts',
    'genai-sdk.test.ts',
    'gemini-cli.test.ts',
    'codex.test.ts',
    'claude-code.test.ts',
    'opencode.test.ts',
    'cline.test.ts',
    'responses.test.ts',
    'responses-socket.test.ts',
    'operations-sdk.test.ts',
  ];
  it.each(files)('lists every test of %s', (file) => {
    const titles = [...read(file).matchAll(/^ {2}it(?:\.\w+)?\(\s*'([^']+)'/gm)].map(
      ([, title]) => title,
    );
    const listed = ROWS.filter((row) => row.file === file).map(({ title }) => title);
    expect(titles.filter((title) => title === undefined || !listed.includes(title))).toEqual([]);
  });
});

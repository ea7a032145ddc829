import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compileToken, TOKEN_FILE } from './compile.ts';

it('the test token’s code is compiled from its source', () => {
  expect(JSON.parse(readFileSync(TOKEN_FILE, 'utf8'))).toEqual({ code: compileToken() });
});

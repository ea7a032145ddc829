import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compileToken, TOKEN_FILE } from './compile.ts';

it('the token on this machine’s networks is what its source says', () => {
  expect(JSON.parse(readFileSync(TOKEN_FILE, 'utf8'))).toEqual({ code: compileToken() });
});

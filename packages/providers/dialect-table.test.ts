/** docs/dialects.md says what the specs say. */
import { expect, it } from 'vitest';
import { writeDialectTable } from './dialect-table.testing.ts';

it('docs/dialects.md has the endpoints, features and fields of every dialect', async () => {
  await expect(writeDialectTable()).toMatchFileSnapshot('../../docs/dialects.md');
});

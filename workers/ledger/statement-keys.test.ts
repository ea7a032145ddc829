/** The keys of statements in a Worker whose first import of a key fails. */
import { expect, it, vi } from 'vitest';
import { listStatementKeys } from './statement-keys.ts';

it('the keys of statements are imported again after an import that failed', async () => {
  const env = { STATEMENT_SECRETS: `1:${'7'.repeat(64)}` };
  const importKey = vi.spyOn(crypto.subtle, 'importKey');
  importKey.mockRejectedValueOnce(new Error('no memory'));
  await expect(listStatementKeys(env)).rejects.toThrow('no memory');
  importKey.mockRestore();
  const { keys } = await listStatementKeys(env);
  expect(keys.map(({ kid }) => kid)).toEqual(['1']);
});

/** What docs/storage.md, of which the privacy policy is made, says of the account object. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { migrate } from './tables.ts';

function listTables(): readonly unknown[] {
  const database = new DatabaseSync(':memory:');
  const sql: SqlStorage = Object({
    exec: (statement: string, ...values: readonly (number | string)[]) => {
      const rows = database.prepare(statement).all(...values);
      return { one: () => rows[0], toArray: () => rows };
    },
  });
  migrate(sql, 0);
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  return tables.map(({ name }) => name).sort();
}

it('docs/storage.md lists exactly the tables of an account object', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/storage.md'), 'utf8');
  const section = page.split(/^## /m).find((text) => text.startsWith('The account object')) ?? '';
  const listed = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  expect(listed.sort()).toEqual(listTables());
});

/** The search for a text in every table, by which the canary proves that none was stored. */
import type { AccountId } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';

type TableRow = { table_name: string; has_account: boolean };

/** Returns the account of a call; null until its row has arrived. */
export async function findCallAccount(db: Database, call: string): Promise<AccountId | null> {
  const { rows } = await queryOrThrow(
    db.execute<{ account_id: string }>(sql`select account_id from calls where id = ${call}`),
  );
  return rows[0]?.account_id ?? null;
}

async function listTables(db: Database): Promise<readonly TableRow[]> {
  const { rows } = await queryOrThrow(
    db.execute<TableRow>(sql`select t.table_name::text, exists (select from
        information_schema.columns c where c.table_schema = t.table_schema
          and c.table_name = t.table_name and c.column_name = 'account_id') as has_account
      from information_schema.tables t
      where t.table_schema = 'public' and t.table_type = 'BASE TABLE' order by t.table_name`),
  );
  return rows;
}

/**
 * Returns the tables with a row that has `text` in any column, also as bytes. Of tables that have an
 * account in each row, only the rows of `account` are read: a table of all calls would take minutes.
 */
export async function findTablesWithText(
  db: Database,
  text: string,
  account: AccountId,
): Promise<readonly string[]> {
  const found: string[] = [];
  const hex = Buffer.from(text).toString('hex');
  for (const { table_name: name, has_account: hasAccount } of await listTables(db)) {
    const owner = hasAccount ? sql`t.account_id = ${account} and` : sql``;
    const { rows } = await queryOrThrow(
      db.execute(sql`select 1 from ${sql.identifier(name)} t where ${owner}
        (position(${text} in t::text) > 0 or position(${hex} in t::text) > 0) limit 1`),
    );
    if (rows.length > 0) found.push(name);
  }
  return found;
}

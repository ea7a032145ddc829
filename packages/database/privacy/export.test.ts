/** Checks that the data export leaves out no table and no row, and contains no secret. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Database } from '../connection/index.ts';
import {
  beginDeletion,
  EXPORTED_TABLES,
  exportRows,
  getExportedColumns,
  listReceipts,
  listUnfinishedDeletions,
  markWiped,
  NOT_EXPORTED,
} from './index.ts';

const SCHEMA = join(import.meta.dirname, '../schema');
const TABLES = readdirSync(SCHEMA)
  .flatMap((name) => [...readFileSync(join(SCHEMA, name), 'utf8').matchAll(/pgTable\(\s*'(\w+)'/g)])
  .map(([, name = '']) => name);

describe('the data export', () => {
  it('includes every table except those with a stated reason', () => {
    expect(TABLES.length).toBeGreaterThan(20);
    expect([...EXPORTED_TABLES, ...Object.keys(NOT_EXPORTED)].sort()).toEqual([...TABLES].sort());
  });

  it('contains no secret, no hash of one, and no operator’s name', () => {
    const columns = EXPORTED_TABLES.flatMap((table) =>
      getExportedColumns(table).map((column) => `${table}.${column}`),
    );
    const secret =
      /hash|secret|public_key|credential|token_|password|operator$|proposed_by|decided_by|(approved|exported|reported)_by/;
    // The token counts of a call are not secrets.
    const offences = columns
      // Hashes of a public chain's transactions and blocks are public.
      .filter((name) => !/^(deposits\.(tx|block)|refunds\.tx)_hash$/.test(name))
      // The hash of an entry is of its own data, which the export has too.
      .filter((name) => name !== 'ledger_entries.hash')
      // A duration: milliseconds to the first token of an answer.
      .filter((name) => name !== 'calls.first_token_ms')
      .filter((name) => secret.test(name.split('.')[1] ?? ''));
    expect(offences).toEqual([]);
    expect(columns).toContain('identities.email');
    expect(columns).toContain('api_keys.last4');
  });

  it('has every table listed in docs/storage.md', () => {
    const storage = readFileSync(join(import.meta.dirname, '../../../docs/storage.md'), 'utf8');
    expect(
      TABLES.filter((table) => !new RegExp(`^\\| \`${table}\` +\\|`, 'm').test(storage)),
    ).toEqual([]);
  });
});

describe('privacy queries on a database', () => {
  const OWN_ACCOUNT = 'aaaaaaaaaaaaaaaa';
  const OTHER_ACCOUNT = 'bbbbbbbbbbbbbbbb';
  const ENTRY_COUNT = 1_203;
  let database: EmptyDatabase;
  let db: Database;

  beforeAll(async () => {
    database = await createEmptyDatabase();
    db = connect(database.url);
    const off = 'set local session_replication_role = replica';
    for (const statement of [
      `insert into accounts (id, created_at) values ('${OWN_ACCOUNT}', now()), ('${OTHER_ACCOUNT}', now())`,
      `insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at)
        select a, i, 'local:' || i, 'credit', 1, i, now()
        from generate_series(1, ${ENTRY_COUNT}) i, unnest(array['${OWN_ACCOUNT}', '${OTHER_ACCOUNT}']) a`,
      `insert into usage_days (account_id, day, key_id, model, calls, input_tokens, output_tokens, charged)
        select a, i / 7, i % 7, 'openai/m', 1, 1, 1, 1
        from generate_series(1, ${ENTRY_COUNT}) i, unnest(array['${OWN_ACCOUNT}', '${OTHER_ACCOUNT}']) a`,
      `insert into emails (id, account_id, kind, state, queued_at)
        select lpad(to_hex(i), 32, '0'), case when i % 2 = 0 then '${OWN_ACCOUNT}' else '${OTHER_ACCOUNT}' end,
          'new_device', 'sent', '2026-11-01' from generate_series(1, ${ENTRY_COUNT}) i`,
      `insert into email_events (id, email_id, kind, at)
        select 'e' || id, id, 'delivery', now() from emails`,
      `insert into suppressions (mailbox_hash, reason, since) values
        ('${'1'.repeat(64)}', 'bounced', now()), ('${'2'.repeat(64)}', 'bounced', now())`,
    ]) {
      await db.batch([db.execute(off), db.execute(statement)]);
    }
  }, 120_000);
  afterAll(() => database?.close());

  async function all(table: (typeof EXPORTED_TABLES)[number]): Promise<(readonly unknown[])[]> {
    const rows: (readonly unknown[])[] = [];
    const subject = { account: OWN_ACCOUNT, mailboxHash: '1'.repeat(64) };
    for await (const batch of exportRows(db, table, subject)) rows.push(...batch);
    return rows;
  }

  it('export every table over several pages, with the rows of one account only', async () => {
    const counts = new Map<string, number>();
    for (const table of EXPORTED_TABLES) counts.set(table, (await all(table)).length);
    expect(Object.fromEntries([...counts].filter(([, count]) => count > 0))).toEqual({
      accounts: 1,
      ledger_entries: ENTRY_COUNT,
      usage_days: ENTRY_COUNT,
      emails: Math.floor(ENTRY_COUNT / 2),
      email_events: Math.floor(ENTRY_COUNT / 2),
      suppressions: 1,
    });
    const seqs = (await all('ledger_entries')).map((row) => row[1]);
    expect(seqs).toEqual(Array.from({ length: ENTRY_COUNT }, (_, index) => index + 1));
    const ownRows = await all('emails');
    expect(new Set(ownRows.map(([id]) => id)).size).toBe(ownRows.length);
  });

  it('begin a deletion once, list it until it is finished, and keep its receipt', async () => {
    const first = { account: OTHER_ACCOUNT, receiptId: 'a'.repeat(32), now: Date.now() };
    expect(await listUnfinishedDeletions(db, 10)).toEqual([]);
    expect(await beginDeletion(db, first)).toBe(first.receiptId);
    expect(await beginDeletion(db, { ...first, receiptId: 'b'.repeat(32) })).toBe(first.receiptId);
    expect(await listUnfinishedDeletions(db, 10)).toEqual([OTHER_ACCOUNT]);
    await markWiped(db, OWN_ACCOUNT, Date.now());
    await markWiped(db, OTHER_ACCOUNT, Date.now());
    expect(await listUnfinishedDeletions(db, 10)).toEqual([]);
    const receipts = await listReceipts(db, OTHER_ACCOUNT, 10);
    expect(receipts.map(({ id, kind, actor }) => ({ id, kind, actor }))).toEqual([
      { id: first.receiptId, kind: 'account_deleted', actor: 'user' },
    ]);
    expect(await listReceipts(db, OWN_ACCOUNT, 10)).toEqual([]);
  });
});

/** No table is forgotten when a person asks for everything, no secret goes with it, and all rows do. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EmptyDatabase, emptyDatabase } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  beginDeletion,
  connect,
  type Database,
  EXPORTED_TABLES,
  exportedColumns,
  exportRows,
  listReceipts,
  markWiped,
  NOT_EXPORTED,
  unfinishedDeletions,
} from './index.ts';

const TABLES = readdirSync(import.meta.dirname)
  .filter((name) => /^schema.*\.ts$/.test(name) && !name.includes('.test.'))
  .flatMap((name) => [
    ...readFileSync(join(import.meta.dirname, name), 'utf8').matchAll(/pgTable\(\s*'(\w+)'/g),
  ])
  .map(([, name = '']) => name);

describe('what is exported', () => {
  it('is every table there is, but for those with a reason', () => {
    expect(TABLES.length).toBeGreaterThan(20);
    expect([...EXPORTED_TABLES, ...Object.keys(NOT_EXPORTED)].sort()).toEqual([...TABLES].sort());
  });

  it('holds no secret, nothing made of one, and nobody else’s name', () => {
    const columns = EXPORTED_TABLES.flatMap((table) =>
      exportedColumns(table).map((column) => `${table}.${column}`),
    );
    const secret =
      /hash|secret|public_key|credential|token_|password|operator$|proposed_by|decided_by/;
    // The count of tokens of a call is no token of anybody's.
    const offences = columns
      // What a public chain calls a transaction and a block.
      .filter((name) => !/^deposits\.(tx|block)_hash$/.test(name))
      .filter((name) => secret.test(name.split('.')[1] ?? ''));
    expect(offences).toEqual([]);
    expect(columns).toContain('identities.email');
    expect(columns).toContain('api_keys.last4');
  });

  it('is what the documentation of storage lists', () => {
    const storage = readFileSync(join(import.meta.dirname, '../../docs/storage.md'), 'utf8');
    expect(
      TABLES.filter((table) => !new RegExp(`^\\| \`${table}\` +\\|`, 'm').test(storage)),
    ).toEqual([]);
  });
});

describe('in a database', () => {
  const MINE = 'aaaaaaaaaaaaaaaa';
  const OTHER = 'bbbbbbbbbbbbbbbb';
  const LINES = 1_203;
  let database: EmptyDatabase;
  let db: Database;

  beforeAll(async () => {
    database = await emptyDatabase();
    db = connect(database.url);
    const off = 'set local session_replication_role = replica';
    for (const statement of [
      `insert into accounts (id, created_at) values ('${MINE}', now()), ('${OTHER}', now())`,
      `insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at)
        select a, i, 'local:' || i, 'credit', 1, i, now()
        from generate_series(1, ${LINES}) i, unnest(array['${MINE}', '${OTHER}']) a`,
      `insert into usage_days (account_id, day, key_id, model, calls, input_tokens, output_tokens, charged)
        select a, i / 7, i % 7, 'openai/m', 1, 1, 1, 1
        from generate_series(1, ${LINES}) i, unnest(array['${MINE}', '${OTHER}']) a`,
      `insert into mails (id, account_id, kind, state, queued_at)
        select lpad(to_hex(i), 32, '0'), case when i % 2 = 0 then '${MINE}' else '${OTHER}' end,
          'new_device', 'sent', '2026-11-01' from generate_series(1, ${LINES}) i`,
      `insert into mail_events (id, mail_id, kind, at)
        select 'e' || id, id, 'delivery', now() from mails`,
      `insert into suppressions (mailbox_hash, reason, since) values
        ('${'1'.repeat(64)}', 'bounced', now()), ('${'2'.repeat(64)}', 'bounced', now())`,
    ]) {
      await db.batch([db.execute(off), db.execute(statement)]);
    }
  }, 120_000);
  afterAll(() => database?.close());

  async function all(table: (typeof EXPORTED_TABLES)[number]): Promise<(readonly unknown[])[]> {
    const rows: (readonly unknown[])[] = [];
    const whose = { account: MINE, mailboxHash: '1'.repeat(64) };
    for await (const batch of exportRows(db, table, whose)) rows.push(...batch);
    return rows;
  }

  it('every table can be read, over more than one page, and only the account’s own rows', async () => {
    const counts = new Map<string, number>();
    for (const table of EXPORTED_TABLES) counts.set(table, (await all(table)).length);
    expect(Object.fromEntries([...counts].filter(([, count]) => count > 0))).toEqual({
      accounts: 1,
      ledger_entries: LINES,
      usage_days: LINES,
      mails: Math.floor(LINES / 2),
      mail_events: Math.floor(LINES / 2),
      suppressions: 1,
    });
    const seqs = (await all('ledger_entries')).map((row) => row[1]);
    expect(seqs).toEqual(Array.from({ length: LINES }, (_, index) => index + 1));
    const mine = await all('mails');
    expect(new Set(mine.map(([id]) => id)).size).toBe(mine.length);
  });

  it('a deletion begins once, waits to be finished, and keeps its receipt', async () => {
    const first = { account: OTHER, receiptId: 'a'.repeat(32), now: Date.now() };
    expect(await unfinishedDeletions(db, 10)).toEqual([]);
    expect(await beginDeletion(db, first)).toBe(first.receiptId);
    expect(await beginDeletion(db, { ...first, receiptId: 'b'.repeat(32) })).toBe(first.receiptId);
    expect(await unfinishedDeletions(db, 10)).toEqual([OTHER]);
    await markWiped(db, MINE, Date.now());
    await markWiped(db, OTHER, Date.now());
    expect(await unfinishedDeletions(db, 10)).toEqual([]);
    const receipts = await listReceipts(db, OTHER, 10);
    expect(receipts.map(({ id, kind, actor }) => ({ id, kind, actor }))).toEqual([
      { id: first.receiptId, kind: 'account_deleted', actor: 'person' },
    ]);
    expect(await listReceipts(db, MINE, 10)).toEqual([]);
  });
});

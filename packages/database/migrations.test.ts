/**
 * The last migrations on a database that already has rows, and the result against drizzle's
 * snapshot, on PGlite and on a real PostgreSQL where the machine has one.
 */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEmptyDatabase, type EmptyDatabase, migrate, startPostgres } from '@farebox/local';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Database } from './connection/index.ts';
import {
  listDepositsInReview,
  listOpenDifferences,
  listWaitingDeposits,
  readChainStates,
  readRescan,
} from './deposits/index.ts';
import { listEmailDeliveries, listOpenNotifications } from './email/index.ts';
import { findGeneration } from './ledger/index.ts';
import { readHealth } from './operators/index.ts';
import { listReceipts } from './privacy/index.ts';

const MIGRATIONS = join(import.meta.dirname, '../../migrations');
const FIRST_RENAME = '0005_plain_names.sql';
const FILES = readdirSync(MIGRATIONS)
  .filter((name) => name.endsWith('.sql'))
  .sort();
const NEW_FILES = FILES.slice(FILES.indexOf(FIRST_RENAME));

const ACCOUNT = 'aaaaaaaaaaaaaaaa';
const HASH = 'b'.repeat(64);
const AT = Date.UTC(2026, 10, 1);
const TIMESTAMP = `'${new Date(AT).toISOString()}'`;
const CALL_ID = '5'.repeat(32);
const CHAIN_ADDRESS = `0x${'1'.repeat(40)}`;

function transfer(index: number, state: string, amount: string, foundBy: string, reason = 'null') {
  return `insert into deposits (chain, tx_hash, log_index, block_number, block_hash, contract, sender,
      recipient, account_id, units, amount, state, reason, found_by, seen_at)
    values ('bsc', '0x${HASH}', ${index}, 7, '0x${HASH}', 'c', 's', '${CHAIN_ADDRESS}', '${ACCOUNT}',
      5, ${amount}, '${state}', ${reason}, '${foundBy}', ${TIMESTAMP})`;
}

/** One row at least in every table that the rename touches, with every value that it changes. */
const OLD_ROWS = [
  `insert into accounts (id, created_at) values ('${ACCOUNT}', ${TIMESTAMP})`,
  `insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at) values
    ('${ACCOUNT}', 1, 'local:1', 'credit', 100, 100, ${TIMESTAMP}),
    ('${ACCOUNT}', 2, '${CALL_ID}', 'charge', -7, 93, ${TIMESTAMP})`,
  `insert into calls (account_id, id, seq, key_id, model, provider, dialect, stream, http_status,
      status, reason, input_uncached, cache_read, cache_write_5m, cache_write_1h, output,
      output_reasoning, input_uncached_price, cache_read_price, cache_write_5m_price,
      cache_write_1h_price, output_price, fees, charged, shortfall, created_at, settled_at)
    values ('${ACCOUNT}', '${CALL_ID}', 2, 7, 'openai/gpt', 'openai', 'chat', true, 200, 'settled',
      'provider_reported', 1, 2, 3, 4, 5, 0, 10, 20, 30, 40, 50, '[]', 7, 0, ${TIMESTAMP},
      ${TIMESTAMP})`,
  `insert into sweeps values (${TIMESTAMP}, 1, 2, 3, 4, 5)`,
  `insert into throttle_counters values ('bucket', 3, ${TIMESTAMP})`,
  `insert into notices (account_id, id, kind, key_id, model, at) values
    ('${ACCOUNT}', 'dear_model:7', 'dear_model', 7, 'openai/o1', ${TIMESTAMP}),
    ('${ACCOUNT}', 'low_balance:1', 'low_balance', null, null, ${TIMESTAMP})`,
  `insert into mails (id, account_id, kind, state, reason, queued_at) values
    ('${'1'.repeat(32)}', '${ACCOUNT}', 'dear_model', 'sent', null, ${TIMESTAMP}),
    ('${'2'.repeat(32)}', '${ACCOUNT}', 'low_balance', 'complained', 'unsaid', ${TIMESTAMP})`,
  `insert into mail_events values ('e1', '${'1'.repeat(32)}', 'send', ${TIMESTAMP})`,
  `insert into mail_tokens (token_hash, account_id, purpose, created_at, expires_at)
    values ('${HASH}', '${ACCOUNT}', 'reset', ${TIMESTAMP}, ${TIMESTAMP})`,
  `insert into sessions (token_hash, account_id, handle, created_at, seen_at, proved_at, expires_at)
    values ('${HASH}', '${ACCOUNT}', '${ACCOUNT}', ${TIMESTAMP}, ${TIMESTAMP}, ${TIMESTAMP}, ${TIMESTAMP})`,
  `insert into passkey_challenges values ('${HASH}', '${ACCOUNT}', 'prove', ${TIMESTAMP})`,
  `insert into receipts (id, account_id, kind, actor, at) values
    ('${'3'.repeat(32)}', '${ACCOUNT}', 'data_exported', 'person', ${TIMESTAMP}),
    ('${'4'.repeat(32)}', '${ACCOUNT}', 'consent_withdrawn', 'link', ${TIMESTAMP})`,
  `insert into chain_cursors (chain, next_block, "window", looked_at, trouble, reread_next, reread_until,
      reread_at) values ('bsc', 100, 10, ${TIMESTAMP}, 'providers_disagree', 8, 9, ${TIMESTAMP})`,
  transfer(0, 'seen', 'null', 'scan'),
  transfer(1, 'held', '5', 'reread', "'barred_sender'"),
  transfer(2, 'held', '5', 'claim', "'not_on_chain'"),
  transfer(3, 'credited', '5', 'audit'),
  `insert into deposit_differences
      (chain, address, kind, audited_at, held, swept, recorded, reread_below, settled_at) values
    ('bsc', '${CHAIN_ADDRESS}', 'books', ${TIMESTAMP}, 1, 2, 3, 44, null),
    ('bsc', '${CHAIN_ADDRESS}', 'balance', ${TIMESTAMP}, 1, 2, 3, null, ${TIMESTAMP})`,
];

type Snapshot = Readonly<{
  tables: Readonly<
    Record<
      string,
      Readonly<{
        name: string;
        columns: Readonly<
          Record<string, Readonly<{ name: string; type: string; primaryKey: boolean }>>
        >;
        indexes: object;
        foreignKeys: object;
        compositePrimaryKeys: object;
        uniqueConstraints: object;
        checkConstraints: object;
      }>
    >
  >;
}>;

/**
 * Every column with its type and every name of a constraint or an index, as drizzle expects them.
 */
function expectedNames(): readonly string[] {
  const file = readdirSync(join(MIGRATIONS, 'meta'))
    .filter((name) => name.endsWith('_snapshot.json'))
    .sort()
    .at(-1);
  const snapshot: Snapshot = JSON.parse(readFileSync(join(MIGRATIONS, 'meta', file ?? ''), 'utf8'));
  return Object.values(snapshot.tables)
    .flatMap((table) => {
      const columns = Object.values(table.columns);
      const names = [
        table.indexes,
        table.foreignKeys,
        table.compositePrimaryKeys,
        table.uniqueConstraints,
        table.checkConstraints,
      ].flatMap((group) => Object.keys(group));
      return [
        ...columns.map(({ name, type }) => `${table.name}.${name} ${type.replaceAll(' ', '')}`),
        ...columns.filter(({ primaryKey }) => primaryKey).map(() => `${table.name}_pkey`),
        ...names,
      ];
    })
    .sort();
}

async function actualNames(db: Database): Promise<readonly string[]> {
  const { rows } = await db.execute<{ name: string }>(sql`
    with tables as (
      select oid, relname from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'farebox_migrations'
    )
    select relname || '.' || attname || ' ' || replace(replace(format_type(atttypid, atttypmod),
        'character varying', 'varchar'), ' ', '') as name
      from tables join pg_attribute on attrelid = tables.oid and attnum > 0 and not attisdropped
    union all select conname from tables join pg_constraint on conrelid = tables.oid
      where contype in ('c', 'f', 'p', 'u')
    union all select i.relname from tables join pg_index on indrelid = tables.oid
      join pg_class i on i.oid = indexrelid
      where not exists (select 1 from pg_constraint where conindid = indexrelid and contype in ('p', 'u'))`);
  return rows.map(({ name }) => name).sort();
}

const postgres = await startPostgres();
if (postgres === null) process.stdout.write('No PostgreSQL on this machine: PGlite only.\n');
afterAll(async () => postgres?.stop());
const choices = [
  { name: 'PGlite', choice: 'pglite-memory' as const },
  ...(postgres === null
    ? []
    : [{ name: 'PostgreSQL', choice: { postgres: postgres.connectionString } }]),
];

describe.each(choices)('migrating a database with rows, on $name', ({ choice }) => {
  const oldFolder = mkdtempSync(join(tmpdir(), 'farebox-migrations-'));
  let database: EmptyDatabase;
  let db: Database;
  let applied: readonly string[];

  const values = async (statement: string) => {
    const { rows } = await db.execute<Record<string, unknown>>(sql.raw(statement));
    return rows.map((row) => Object.values(row));
  };

  beforeAll(async () => {
    for (const name of FILES.filter((file) => file < FIRST_RENAME)) {
      copyFileSync(join(MIGRATIONS, name), join(oldFolder, name));
    }
    database = await createEmptyDatabase(choice, oldFolder);
    db = connect(database.url);
    for (const statement of OLD_ROWS) await db.execute(sql.raw(statement));
    applied = await migrate(database.directUrl, MIGRATIONS);
  });
  afterAll(async () => {
    await database.close();
    rmSync(oldFolder, { recursive: true });
  });

  it('applies the new files once, in order', async () => {
    expect(applied).toEqual(NEW_FILES);
    expect(await migrate(database.directUrl, MIGRATIONS)).toEqual([]);
  });

  it('ends with the columns, types, constraints and indexes of the snapshot', async () => {
    expect(await actualNames(db)).toEqual(expectedNames());
  });

  it('keeps every row of a renamed table', async () => {
    const counts = await values(`select (select count(*)::int from reconciliation_runs) a,
      (select count from rate_limit_counters where bucket = 'bucket') b,
      (select count(*)::int from notifications) c, (select count(*)::int from emails) d,
      (select count(*)::int from email_events where email_id = '${'1'.repeat(32)}') e,
      (select count(*)::int from email_tokens) f, (select count(*)::int from sessions) g,
      (select count(*)::int from deposits) h, (select count(*)::int from receipts) i`);
    expect(counts).toEqual([[1, 3, 2, 2, 1, 1, 1, 4, 2]]);
  });

  it('replaces stored values and leaves the other values as they are', async () => {
    expect(await values('select state, reason, found_by from deposits order by log_index')).toEqual(
      [
        ['pending', null, 'scan'],
        ['in_review', 'blocked_sender', 'rescan'],
        ['in_review', 'not_on_chain', 'claim'],
        ['credited', null, 'audit'],
      ],
    );
    expect(await values('select purpose from passkey_challenges')).toEqual([['reauthenticate']]);
    expect(await values('select kind, reason from emails order by id')).toEqual([
      ['expensive_model', null],
      ['low_balance', 'unspecified'],
    ]);
    const receipts = await listReceipts(db, ACCOUNT, 9);
    expect(receipts.map(({ actor }) => actor).sort()).toEqual(['link', 'user']);
    const notifications = await listOpenNotifications(db, ACCOUNT, 9);
    expect(notifications.map(({ kind }) => kind).sort()).toEqual([
      'expensive_model',
      'low_balance',
    ]);
  });

  it('lets the queries read what was written before', async () => {
    expect(await readRescan(db, 'bsc')).toEqual({ blocks: { next: 8, last: 9 }, endedAt: AT });
    expect(await readChainStates(db)).toMatchObject([
      { chain: 'bsc', lastPolledAt: AT, lastError: 'providers_disagree', lastRescanAt: AT },
    ]);
    expect(await listOpenDifferences(db, 'bsc', 9)).toMatchObject([
      { kind: 'ledger', rescanBelow: 44, held: 1n },
    ]);
    expect(await listDepositsInReview(db, 9)).toHaveLength(2);
    expect(await listWaitingDeposits(db)).toMatchObject([
      { state: 'in_review', count: 2 },
      { state: 'pending', count: 1 },
    ]);
    expect(await listEmailDeliveries(db, ACCOUNT, 9)).toHaveLength(2);
    expect(await findGeneration(db, ACCOUNT, CALL_ID)).toMatchObject({
      usage: { cache_write_5m: 3, cache_write_30m: 0, cache_write_1h: 4, cache_write_12h: 0 },
      prices: { cache_write_1h: 40n, cache_write_12h: 0n, output: 50n },
      priceRule: null,
    });
    const health = await readHealth(db, AT + 1);
    expect(health.reconciliation).toMatchObject({ runs: 1, accounts: 1, unfinished: 5 });
    expect(health.emails).toHaveLength(2);
  });

  it.each([
    `update deposits set state = 'held' where log_index = 3`,
    `update deposits set state = 'seen', amount = null where log_index = 3`,
    `update receipts set actor = 'person'`,
    `update passkey_challenges set purpose = 'prove'`,
    `update deposit_differences set kind = 'books' where resolved_at is null`,
  ])('refuses an old value: %s', async (statement) => {
    await expect(db.execute(sql.raw(statement))).rejects.toThrow();
  });
});

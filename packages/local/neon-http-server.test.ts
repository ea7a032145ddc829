/** The endpoint through Neon's driver, over PGlite and, if installed, over PostgreSQL. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalDatabase, openDatabase } from './database.ts';
import { migrate } from './migrate.ts';
import { getCacheDir, ROOT } from './paths.ts';
import { startPostgres, type TemporaryPostgres } from './postgres.ts';

// Only packages/database may depend on the driver. This test needs it as the endpoint's client.
const driver = createRequire(join(ROOT, 'packages/database/package.json'))(
  '@neondatabase/serverless',
);
driver.neonConfig.fetchEndpoint = (host: string, port: number) => `http://${host}:${port}/sql`;
driver.neonConfig.useSecureWebSocket = false;
driver.neonConfig.wsProxy = (host: string, port: number) => `${host}:${port}/v2`;
driver.neonConfig.pipelineTLS = false;
driver.neonConfig.pipelineConnect = false;

/** `end` doesn't wait for the server, so a later `stop` may still cut an idle connection. */
function createPool(connectionString: string) {
  const pool = new driver.Pool({ connectionString, max: 4 });
  pool.on('error', () => {});
  return pool;
}

const folder = mkdtempSync(join(tmpdir(), 'farebox-endpoint-'));
const cacheDir = getCacheDir(ROOT);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const postgres: TemporaryPostgres | null = await startPostgres();
afterAll(async () => {
  await postgres?.stop();
});
if (postgres === null) process.stdout.write('PostgreSQL is not installed: testing PGlite only.\n');

const backends = [
  { name: 'PGlite', choice: 'pglite-memory' as const },
  ...(postgres === null
    ? []
    : [{ name: 'PostgreSQL', choice: { postgres: postgres.connectionString } }]),
];

describe.each(backends)('the Neon driver over $name', ({ choice }) => {
  let database: LocalDatabase;

  beforeAll(async () => {
    database = await openDatabase({ choice, stateDir: folder, cacheDir, port: 0 });
    await driver.neon(database.url)`create table things (id bigint primary key, note text)`;
  });
  afterAll(async () => {
    await database.close();
  });

  it('round-trips a bigint, a null and a quote exactly', async () => {
    const sql = driver.neon(database.url);
    const rows = await sql.query(
      'insert into things values ($1, $2), ($3, $4) returning id, note',
      ['9007199254740993', "it's", '2', null],
    );
    expect(rows).toEqual([
      { id: '9007199254740993', note: "it's" },
      { id: '2', note: null },
    ]);
  });

  it('runs a batch in one transaction and rolls it back on an error', async () => {
    const sql = driver.neon(database.url);
    const batch = sql.transaction([
      sql`insert into things values (10, 'kept?')`,
      sql`insert into things values (10, 'twice')`,
    ]);
    await expect(batch).rejects.toMatchObject({ code: '23505', constraint: 'things_pkey' });
    expect(await sql`select count(*)::int as count from things where id = 10`).toEqual([
      { count: 0 },
    ]);
  });

  it('applies the isolation level of a batch', async () => {
    const sql = driver.neon(database.url);
    const [rows] = await sql.transaction([sql`show transaction_isolation`], {
      isolationLevel: 'Serializable',
    });
    expect(rows).toEqual([{ transaction_isolation: 'serializable' }]);
  });

  it('commits and rolls back over a WebSocket while other clients wait', async () => {
    const pool = createPool(database.url);
    const client = await pool.connect();
    await client.query('begin');
    await client.query({
      name: 'put',
      text: 'insert into things values ($1, $2)',
      values: [20, 'a'],
    });
    const outside = driver.neon(database.url)`select count(*)::int as count from things`;
    await client.query('rollback');
    await outside;
    await client.query('begin');
    await client.query({
      name: 'put',
      text: 'insert into things values ($1, $2)',
      values: [21, 'b'],
    });
    await client.query('commit');
    client.release();
    await pool.end();
    const sql = driver.neon(database.url);
    expect(await sql`select id from things where id in (20, 21)`).toEqual([{ id: '21' }]);
  });

  it('serves clients that use the same statement name', async () => {
    const pool = createPool(database.url);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        pool.query({ name: 'same', text: 'select $1::int as n', values: [index] }),
      ),
    );
    expect(answers.map(({ rows }) => rows[0].n)).toEqual(Array.from({ length: 12 }, (_, n) => n));
    await pool.end();
  });

  it('is unreachable after stop, and keeps committed rows after start', async () => {
    const sql = driver.neon(database.url);
    await database.stop();
    await expect(sql`select 1`).rejects.toThrow();
    await database.start();
    expect(await sql`select id from things where id = 21`).toEqual([{ id: '21' }]);
  });

  it('applies each migration once and as a whole', async () => {
    const migrations = mkdtempSync(join(folder, 'migrations-'));
    writeFileSync(
      join(migrations, '0000_a.sql'),
      'create table a (x int);\ncreate table b (x int);',
    );
    expect(await migrate(database.directUrl, migrations)).toEqual(['0000_a.sql']);
    expect(await migrate(database.directUrl, migrations)).toEqual([]);
    writeFileSync(join(migrations, '0001_c.sql'), 'create table c (x int); select nonsense;');
    await expect(migrate(database.directUrl, migrations)).rejects.toThrow();
    const sql = driver.neon(database.url);
    expect(await sql`select to_regclass('c') as c, to_regclass('b')::text as b`).toEqual([
      { c: null, b: 'b' },
    ]);
    rmSync(join(migrations, '0001_c.sql'));
    writeFileSync(join(migrations, '0000_a.sql'), 'create table other (x int);');
    await expect(migrate(database.directUrl, migrations)).rejects.toThrow(/was changed/);
  });
});

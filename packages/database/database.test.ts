/**
 * Queries of several owners with the real driver, on PGlite and on a real PostgreSQL where the
 * machine has one. Only the latter can show concurrent writers.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type { Entry } from '@farebox/ledger';
import { NO_LIMITS } from '@farebox/ledger';
import { NOT_REPORTED } from '@farebox/ledger/call-columns';
import { startPostgres } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Database, DatabaseError } from './connection/index.ts';
import {
  accountsToReconcile,
  activateKey,
  findGeneration,
  getAccountTotals,
  ingestEntries,
  insertPendingKey,
  listEntries,
  markKeyRevoked,
  storeHashes,
} from './ledger/index.ts';
import { finishPlan, insertCorrection, proposeAdjustment } from './operators/index.ts';
import { listKeys } from './statements/index.ts';
import { findIdentity, insertAccount, markAccountOpened } from './users/index.ts';

const ROOT = join(import.meta.dirname, '../..');
const NOW = Date.UTC(2026, 10, 23, 12);

type Field = Readonly<{ name: string; dataTypeID: number }>;
type Rows = Readonly<{ rows: readonly unknown[][]; fields: readonly Field[] }>;
type Statement = Readonly<{ query: string; params: unknown[] }>;
type Backend = Readonly<{
  run(statements: readonly Statement[]): Promise<readonly Rows[]>;
  exec(text: string): Promise<unknown>;
  close(): Promise<void>;
}>;

/** Every value as PostgreSQL's text, which is what the driver requests from its endpoint. */
const asText = (text: string) => text;
/**
 * PGlite parses these types by default: bool, int8, int2, int4, json, varchar[], timestamptz,
 * jsonb.
 */
const READ_BY_PGLITE = [16, 20, 21, 23, 114, 1015, 1184, 3802];
const allAsText = Object.fromEntries(READ_BY_PGLITE.map((type) => [type, asText]));

async function openPglite(): Promise<Backend> {
  const db = await PGlite.create('memory://');
  const options = { rowMode: 'array', parsers: allAsText } as const;
  return {
    run: (statements) =>
      db.transaction(async (tx) => {
        const results: Rows[] = [];
        for (const { query, params } of statements) {
          results.push(await tx.query<unknown[]>(query, params, options));
        }
        return results;
      }),
    exec: (text) => db.exec(text),
    close: () => db.close(),
  };
}

type PgClient = Readonly<{ query(what: unknown): Promise<Rows>; release(): void }>;
type PgPool = Readonly<{
  connect(): Promise<PgClient>;
  on(event: 'error', listener: () => void): void;
  end(): Promise<void>;
}>;

async function openPostgres(): Promise<Backend | undefined> {
  const postgres = await startPostgres();
  if (postgres === null) return undefined;
  // pg is a dependency of packages/local; here it only serves the stand-in endpoint.
  const pg = createRequire(join(ROOT, 'packages/local/package.json'))('pg');
  const pool: PgPool = new pg.Pool({ connectionString: postgres.connectionString, max: 16 });
  // An idle connection may see the server end before the pool has released it.
  pool.on('error', () => {});
  const run = async (statements: readonly Statement[]) => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const results: Rows[] = [];
      for (const { query, params } of statements) {
        const types = { getTypeParser: () => asText };
        results.push(await client.query({ text: query, values: params, rowMode: 'array', types }));
      }
      await client.query('COMMIT');
      return results;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  };
  const exec = async (text: string) => {
    const client = await pool.connect();
    await client.query(text).finally(() => client.release());
  };
  const close = async () => {
    await pool.end();
    await postgres.stop();
  };
  return { run, exec, close };
}

/** The part of Neon's HTTP protocol that drizzle uses. */
async function serve(backend: Backend): Promise<{ server: Server; port: number }> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const payload: Statement & { queries?: Statement[] } = JSON.parse(body);
    try {
      const results = await backend.run(payload.queries ?? [payload]);
      const answers = results.map(({ rows, fields }) => ({
        command: 'SELECT',
        rowCount: rows.length,
        rowAsArray: true,
        rows,
        fields,
      }));
      response.end(JSON.stringify(payload.queries ? { results: answers } : answers[0]));
    } catch (error) {
      response.statusCode = 400;
      response.end(JSON.stringify({ ...Object(error), message: String(error) }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, port: address.port };
}

const postgres = await openPostgres();
if (postgres === undefined) process.stdout.write('No PostgreSQL on this machine: PGlite only.\n');
const backends = [
  { name: 'PGlite', backend: await openPglite() },
  ...(postgres === undefined ? [] : [{ name: 'PostgreSQL', backend: postgres }]),
];

let accountCount = 0;
function nextAccountId(): string {
  accountCount += 1;
  return accountCount.toString(16).padStart(16, '0');
}

function callId(account: string, seq: number): string {
  return account.slice(-8) + seq.toString(16).padStart(24, '0');
}

function buildCall(account: string, seq: number, charged: bigint): NonNullable<Entry['call']> {
  return {
    id: callId(account, seq),
    keyId: 7,
    model: 'openai/gpt-4o-mini',
    provider: 'openai',
    dialect: 'chat',
    stream: true,
    httpStatus: 200,
    status: 'settled',
    reason: 'provider_reported',
    usage: {
      input_uncached: 3,
      cache_read: 0,
      cache_write_5m: 0,
      cache_write_30m: 4,
      cache_write_1h: 0,
      cache_write_12h: 5,
      output: 9_007_199_254_740_991,
      output_reasoning: 1,
    },
    prices: {
      input_uncached: 150_000_000n,
      cache_read: 75_000_000n,
      cache_write_5m: 0n,
      cache_write_30m: 1n,
      cache_write_1h: 0n,
      cache_write_12h: 2n,
      output: 600_000_000n,
    },
    priceRule: '2026-11-23/standard',
    providerCost: null,
    marginBasisPoints: null,
    firstTokenMs: null,
    totalMs: null,
    fees: [{ kind: 'web_search', count: 2, nano_usd_per_million: 10_000_000_000_000n }],
    charged,
    shortfall: 0n,
    createdAt: NOW + seq,
    settledAt: NOW + seq + 1,
  };
}

/** Entries of an account: one credit, then `length` - 1 charges of 1, 2, 3... nano-USD. */
function buildLedger(account: string, length: number): Entry[] {
  let posted = 1_000_000_000n;
  return Array.from({ length }, (_, index): Entry => {
    const seq = index + 1;
    const base = { seq, at: NOW + seq };
    if (seq === 1) {
      return {
        ...base,
        id: 'local:1',
        kind: 'credit',
        delta: posted,
        postedAfter: posted,
        call: null,
      };
    }
    posted -= BigInt(seq);
    const call = buildCall(account, seq, BigInt(seq));
    const delta = -BigInt(seq);
    return { ...base, id: call.id, kind: 'charge', delta, postedAfter: posted, call };
  });
}

function entryAt(entries: readonly Entry[], index: number): Entry {
  const entry = entries[index];
  if (entry === undefined) throw new Error('no such line');
  return entry;
}

describe.each(backends)('database queries on $name', ({ backend }) => {
  let db: Database;
  let server: Server;
  let statements = 0;

  beforeAll(async () => {
    const files = readdirSync(join(ROOT, 'migrations')).filter((name) => name.endsWith('.sql'));
    for (const name of files.sort()) {
      await backend.exec(readFileSync(join(ROOT, 'migrations', name), 'utf8'));
    }
    const counted = {
      ...backend,
      run: (payload: readonly Statement[]) => {
        statements += payload.length;
        return backend.run(payload);
      },
    };
    const served = await serve(counted);
    server = served.server;
    db = connect(`postgresql://farebox:hidden@127.0.0.1:${served.port}/postgres`);
  });
  afterAll(async () => {
    server.close();
    await backend.close();
  });

  async function newAccount(email?: string): Promise<string> {
    const accountId = nextAccountId();
    const address = email ?? `${accountId}@example.com`;
    const personal = { email: address, emailKey: address, passwordHash: '$', language: 'en' };
    const result = await insertAccount(db, { accountId, ...personal, verified: true, now: NOW });
    expect(result).toEqual({ ok: true });
    return accountId;
  }

  it('gives an email address to one account and writes nothing for a second one', async () => {
    const accountId = await newAccount('ada@example.com');
    const second = nextAccountId();
    const personal = { email: 'Ada@example.com', emailKey: 'ada@example.com', passwordHash: '$' };
    const params = { ...personal, language: 'en', verified: false, now: NOW };
    expect(await insertAccount(db, { ...params, accountId: second })).toEqual({
      ok: false,
      reason: 'email_taken',
    });
    const free = { ...params, emailKey: 'other@example.com' };
    expect(await insertAccount(db, { ...free, accountId })).toEqual({
      ok: false,
      reason: 'id_taken',
    });
    expect(await accountsToReconcile(db, { after: '', limit: 1000 })).not.toContain(second);
    expect(await findIdentity(db, 'ada@example.com')).toMatchObject({ accountId, opened: false });
    await markAccountOpened(db, accountId, NOW);
    expect(await findIdentity(db, 'ada@example.com')).toMatchObject({
      opened: true,
      verified: true,
    });
  });

  it('lists every account for reconciliation once, in pages', async () => {
    await newAccount();
    await newAccount();
    const all = await accountsToReconcile(db, { after: '', limit: 1000 });
    const visited: string[] = [];
    for (let after = ''; ; after = visited.at(-1) ?? '') {
      const slice = await accountsToReconcile(db, { after, limit: 1 });
      if (slice.length === 0) break;
      visited.push(...slice);
    }
    expect(visited).toEqual(all);
    expect(new Set(visited).size).toBe(visited.length);
  });

  it('moves a key from pending to active to revoked and never back', async () => {
    const accountId = await newAccount();
    const limits = { ...NO_LIMITS, budget: 9_007_199_254_740_991n, models: ['openai/gpt-4o-mini'] };
    const key = { accountId, keyId: 4_294_967_295, name: "O'Brien's", last4: 'aZ09' };
    const pending = { ...key, secretHash: 'ab'.repeat(32), limits, now: NOW };
    expect(await insertPendingKey(db, pending)).toEqual({ ok: true });
    expect(await insertPendingKey(db, pending)).toEqual({ ok: false, reason: 'id_taken' });
    expect(await insertPendingKey(db, { ...pending, accountId: 'f'.repeat(16) })).toEqual({
      ok: false,
      reason: 'account_unknown',
    });
    expect(await listKeys(db, accountId)).toEqual([]);
    expect(await activateKey(db, accountId, key.keyId, NOW)).toEqual({ ok: true });
    expect(await activateKey(db, accountId, key.keyId, NOW + 1)).toEqual({ ok: true });
    const [row] = await listKeys(db, accountId);
    expect(row).toMatchObject({ name: "O'Brien's", state: 'active', limits, createdAt: NOW });
    expect(await markKeyRevoked(db, accountId, key.keyId, NOW + 2)).toEqual({ ok: true });
    expect(await markKeyRevoked(db, accountId, key.keyId, NOW + 3)).toEqual({ ok: true });
    expect(await listKeys(db, accountId)).toMatchObject([{ state: 'revoked', revokedAt: NOW + 2 }]);
    expect(await activateKey(db, accountId, key.keyId, NOW)).toEqual({
      ok: false,
      reason: 'revoked',
    });
    expect(await markKeyRevoked(db, accountId, 1, NOW)).toEqual({ ok: false, reason: 'unknown' });
  });

  it('reads entries back as they were delivered, also an expiry that was settled late', async () => {
    const account = await newAccount();
    const entries = buildLedger(account, 3);
    const settled = entryAt(entries, 2);
    const call = buildCall(account, 3, 0n);
    const expired: Entry = {
      ...settled,
      delta: 0n,
      postedAfter: settled.postedAfter + 3n,
      call: {
        ...call,
        ...NOT_REPORTED,
        status: 'void',
        reason: 'expired_unsettled',
        settledAt: settled.at,
      },
    };
    const late: Entry = { ...settled, seq: 4, id: `${call.id}:late` };
    const delivered = [...entries.slice(0, 2), expired, late];
    expect(await ingestEntries(db, account, delivered)).toMatchObject({ ok: true });
    expect(await listEntries(db, account, 0, 10)).toEqual(delivered);
    expect(await listEntries(db, account, 1, 1)).toEqual([delivered[1]]);
  });

  it('stores each hash once: delivered with its entry, after it, or again with it', async () => {
    const account = await newAccount();
    const [first, second, third] = ['a', 'b', 'c'].map((digit) => digit.repeat(64));
    const entries = buildLedger(account, 3);
    const chained = entries.map((entry, index) => ({
      ...entry,
      hash: [first, second, third][index] ?? '',
    }));
    await ingestEntries(db, account, entries.slice(0, 2));
    await storeHashes(db, account, [{ seq: 1, hash: 'a'.repeat(64) }]);
    await storeHashes(db, account, [{ seq: 1, hash: 'd'.repeat(64) }]);
    expect(await ingestEntries(db, account, chained)).toEqual({ ok: true, acknowledged: 3 });
    const stored = await listEntries(db, account, 0, 10);
    expect(stored.map(({ hash }) => hash)).toEqual([first, second, third]);
  });

  it('stores 1,000 entries in four statements and accepts repeated deliveries', async () => {
    const account = await newAccount();
    const entries = buildLedger(account, 1000);
    statements = 0;
    expect(await ingestEntries(db, account, entries)).toEqual({ ok: true, acknowledged: 1000 });
    expect(statements).toBe(4);
    const posted = entryAt(entries, 999).postedAfter;
    const totals = { entries: 1000, lastSeq: 1000, posted };
    expect(await getAccountTotals(db, account)).toEqual(totals);
    const again = await ingestEntries(db, account, entries.slice(900));
    expect(again).toEqual({ ok: true, acknowledged: 1000 });
    expect(await getAccountTotals(db, account)).toEqual(totals);
    const { keyId: _, ...generation } = buildCall(account, 2, 2n);
    expect(await findGeneration(db, account, callId(account, 2))).toEqual(generation);
    expect(await findGeneration(db, await newAccount(), callId(account, 2))).toBeUndefined();
  });

  it('refuses a delivery with a gap and stores none of its entries', async () => {
    const account = await newAccount();
    const entries = buildLedger(account, 10);
    const gap = { ok: false, reason: 'gap' };
    expect(await ingestEntries(db, account, entries.slice(1))).toEqual(gap);
    await ingestEntries(db, account, entries.slice(0, 3));
    expect(await ingestEntries(db, account, entries.slice(4))).toEqual(gap);
    expect(await ingestEntries(db, account, [entryAt(entries, 3), entryAt(entries, 5)])).toEqual(
      gap,
    );
    expect(await getAccountTotals(db, account)).toMatchObject({ entries: 3, lastSeq: 3 });
  });

  it('refuses entries that differ from stored ones or whose balances do not add up', async () => {
    const account = await newAccount();
    const entries = buildLedger(account, 6);
    await ingestEntries(db, account, entries.slice(0, 3));
    const third = entryAt(entries, 2);
    const fourth = entryAt(entries, 3);
    const wrong: readonly (readonly Entry[])[] = [
      [{ ...third, id: 'another' }, fourth],
      [{ ...third, delta: third.delta - 1n }],
      [{ ...third, postedAfter: third.postedAfter + 1n }],
      [fourth, { ...entryAt(entries, 4), postedAfter: fourth.postedAfter }],
      [{ ...fourth, postedAfter: fourth.postedAfter - 1n }],
      [{ ...fourth, id: third.id }],
    ];
    for (const batch of wrong) {
      expect(await ingestEntries(db, account, batch)).toEqual({ ok: false, reason: 'mismatch' });
    }
    const unknownAccount = await ingestEntries(db, 'f'.repeat(16), entries);
    expect(unknownAccount).toEqual({ ok: false, reason: 'mismatch' });
    expect(await getAccountTotals(db, account)).toMatchObject({ entries: 3 });
  });

  it('replaces an expired call by its late settlement, in the same delivery or a later one', async () => {
    for (const together of [true, false]) {
      const account = await newAccount();
      const entries = buildLedger(account, 2);
      const early = entryAt(entries, 1);
      if (early.call === null) throw new Error('no call');
      const call = {
        ...early.call,
        charged: 1n,
        shortfall: 5n,
        reason: 'provider_reported',
      } as const;
      const expired = {
        ...early,
        call: { ...early.call, reason: 'expired_at_checkpoint' } as const,
      };
      const postedAfter = early.postedAfter + 1n;
      const id = `${early.id}:late`;
      const late: Entry = { ...early, seq: 3, id, delta: 1n, postedAfter, call };
      const deliveries = together
        ? [[entryAt(entries, 0), expired, late]]
        : [[entryAt(entries, 0), expired], [late]];
      for (const batch of deliveries) {
        expect((await ingestEntries(db, account, batch)).ok).toBe(true);
      }
      await ingestEntries(db, account, [expired]);
      expect(await findGeneration(db, account, early.id.slice(0, 32))).toMatchObject({
        reason: 'provider_reported',
        charged: 1n,
        shortfall: 5n,
      });
    }
  });

  it('stores one ledger when concurrent deliveries overlap', async () => {
    for (let round = 0; round < 5; round += 1) {
      const account = await newAccount();
      const entries = buildLedger(account, 600);
      await ingestEntries(db, account, entries.slice(0, 10));
      const senders = [0, 5, 10, 10, 10, 3, 10, 0].map((from) =>
        ingestEntries(db, account, entries.slice(from, 200 + from * 40)),
      );
      for (const delivery of await Promise.all(senders)) expect(delivery.ok).toBe(true);
      expect(await getAccountTotals(db, account)).toEqual({
        entries: 600,
        lastSeq: 600,
        posted: entryAt(entries, 599).postedAfter,
      });
    }
  });

  it('accepts at most one of two concurrent deliveries that fork', async () => {
    for (let round = 0; round < 10; round += 1) {
      const account = await newAccount();
      const entries = buildLedger(account, 100);
      const forked = entries.map((entry, index) =>
        index < 20 ? entry : { ...entry, postedAfter: entry.postedAfter - 1n },
      );
      forked[20] = { ...entryAt(forked, 20), delta: entryAt(forked, 20).delta - 1n };
      await ingestEntries(db, account, entries.slice(0, 20));
      const [one, other] = await Promise.all([
        ingestEntries(db, account, entries.slice(20, 60)),
        ingestEntries(db, account, forked.slice(20, 100)),
      ]);
      expect([one.ok, other.ok].sort()).toEqual([false, true]);
      const { posted, entries: stored, lastSeq } = await getAccountTotals(db, account);
      expect(stored).toBe(lastSeq);
      expect(posted).toBe(entryAt(one.ok ? entries : forked, lastSeq - 1).postedAfter);
    }
  });

  it('counts an adjustment and a correction that are proposed at once toward one limit', async () => {
    const accountId = await newAccount();
    await db.execute(`create or replace function be_slow() returns trigger language plpgsql as
      'begin perform pg_sleep(0.5); return new; end'`);
    await db.execute(`create trigger be_slow before insert on adjustments for each row
      when (new.account_id = '${accountId}') execute function be_slow()`);
    const common = { reason: 'a wrong bill', now: NOW, limits: { account: 50n, operator: 500n } };
    const id = accountId.padStart(32, 'a');
    const by = 'bob@example.com';
    const expected = { calls: 1, amount: 30n };
    const planned = [{ accountId, callId: callId(accountId, 1), amount: 30n }];
    await insertCorrection(db, { ...common, id, rule: null, expected, by }, planned);
    const [adjusted, corrected] = await Promise.all([
      proposeAdjustment(db, { ...common, id, accountId, delta: 30n, by: 'ada@example.com' }),
      finishPlan(db, { ...common, id, by }),
    ]);
    if (!adjusted.ok) throw new Error('not proposed');
    const states = [adjusted.adjustment.state, corrected?.state ?? 'deleted'];
    expect(states.toSorted()).toEqual(['approved', 'proposed']);
  });

  it('accepts surcharges of words and whole numbers only', async () => {
    const fee = { kind: 'web_search', count: 1, nano_usd_per_million: '10' };
    const accepted = async (fees: unknown) => {
      const account = await newAccount();
      await ingestEntries(db, account, buildLedger(account, 2));
      const text = JSON.stringify(fees).replaceAll("'", "''");
      const update = `update calls set fees = '${text}' where account_id = '${account}'`;
      return Promise.resolve(backend.exec(update)).then(
        () => true,
        () => false,
      );
    };
    expect(await accepted([fee, fee])).toBe(true);
    expect(await accepted([])).toBe(true);
    const content = 'tell me a story';
    const refused = [
      content,
      [content],
      { content },
      [{ ...fee, content }],
      [{ ...fee, kind: content }],
      [{ ...fee, kind: [content] }],
      [{ ...fee, count: content }],
      [{ ...fee, nano_usd_per_million: content }],
      [[{ ...fee }]],
      [{ kind: 'web_search' }],
      Array.from({ length: 17 }, () => fee),
    ];
    for (const fees of refused) expect([fees, await accepted(fees)]).toEqual([fees, false]);
  });
});

describe('an unreachable database', () => {
  const unreachable = connect('postgresql://farebox:hidden@127.0.0.1:1/postgres');

  it('answers a delivery with unreachable', async () => {
    const delivery = await ingestEntries(
      unreachable,
      '0'.repeat(16),
      buildLedger('0'.repeat(16), 3),
    );
    expect(delivery).toEqual({ ok: false, reason: 'unreachable' });
  });

  it('leaves statements and parameters out of its errors', async () => {
    const error: unknown = await findIdentity(unreachable, 'ada@example.com').catch(
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(DatabaseError);
    const text = `${error} ${JSON.stringify(error)} ${error instanceof Error ? error.stack : ''}`;
    expect(text).not.toMatch(/ada@|hidden|select|cause/i);
  });

  it('refuses an invalid URL without repeating it in the error', () => {
    expect(() => connect('hidden')).toThrow(/^The database URL is not a URL with a host\.$/);
  });
});

/** What repeated statements read of rows that grow in number, as PostgreSQL counts them. */
import { createEmptyDatabase } from '@farebox/local';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect, type Database } from './connection/index.ts';
import { listSweepTotals } from './deposits/index.ts';
import { getAccountTotals, outlineStatement } from './ledger/index.ts';
import { listLastUsedDays } from './statements/index.ts';

const ACCOUNT = 'a'.repeat(16);
const ENTRIES = 20_000;
const FIRST = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;

type Plan = Readonly<{
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: readonly Plan[];
}>;

function sumRows(plan: Plan): number {
  const below = (plan.Plans ?? []).reduce((sum, child) => sum + sumRows(child), 0);
  if (plan['Relation Name'] === undefined) return below;
  const rows = plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0);
  return below + rows * plan['Actual Loops'];
}

/** The rows of tables that the statements of `work` read. */
async function countRowsRead(work: () => Promise<unknown>): Promise<number> {
  const sent: Parameters<typeof fetch>[] = [];
  const real = globalThis.fetch;
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation((url, init) => {
    sent.push([url, init]);
    return real(url, init);
  });
  await work();
  spy.mockRestore();
  let rows = 0;
  for (const [url, init] of sent) {
    const { query, params } = JSON.parse(String(init?.body));
    // PostgreSQL scans a table as small as this one because that is faster.
    const index = { query: 'set local enable_seqscan = off', params: [] };
    const explain = { query: `explain (analyze, format json) ${query}`, params };
    const body = JSON.stringify({ queries: [index, explain] });
    const answer = await real(url, { ...init, body, signal: null });
    const { results } = JSON.parse(await answer.text());
    const [cell] = Object.values(results[1].rows[0]);
    const [{ Plan: plan }] = typeof cell === 'string' ? JSON.parse(cell) : cell;
    rows += sumRows(plan);
  }
  return rows;
}

describe('of an account with 20,000 entries', () => {
  let empty: Awaited<ReturnType<typeof createEmptyDatabase>>;
  let db: Database;

  beforeAll(async () => {
    empty = await createEmptyDatabase();
    db = connect(empty.url);
    await db.execute(sql`insert into accounts (id, created_at) values (${ACCOUNT}, now())`);
    await db.execute(sql`insert into ledger_entries
        (account_id, seq, id, kind, delta, posted_after, at, hash)
      select ${ACCOUNT}, n, 'local:' || n, 'credit', 1, n,
        to_timestamp(${FIRST / 1000}::bigint + (n - 1) * 60), lpad(to_hex(n), 64, '0')
      from generate_series(1, ${ENTRIES}::int) as n`);
    await db.execute(sql`insert into usage_days
        (account_id, day, key_id, model, calls, input_tokens, output_tokens, charged)
      select ${ACCOUNT}, day, key, 'openai/gpt', 1, 1, 1, 1
      from generate_series(1, 400) as day, generate_series(1, 20) as key where day % key = 0`);
    await db.execute(sql`analyze`);
  });
  afterAll(() => empty.close());

  it('the totals read the newest ones, and are those of all', async () => {
    const totals = { entries: ENTRIES, lastSeq: ENTRIES, posted: BigInt(ENTRIES) };
    expect(await getAccountTotals(db, ACCOUNT)).toEqual(totals);
    expect(await getAccountTotals(db, ACCOUNT, 300)).toEqual(totals);
    expect(await countRowsRead(() => getAccountTotals(db, ACCOUNT, 300))).toBeLessThan(310);
  });

  it('the last days of its keys read one row of each', async () => {
    const days = await listLastUsedDays(db, ACCOUNT);
    expect([...days].sort(([a], [b]) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => [index + 1, 400 - (400 % (index + 1))]),
    );
    expect(await countRowsRead(() => listLastUsedDays(db, ACCOUNT))).toBeLessThan(30);
  });

  it('the outline of a statement reads those of its period', async () => {
    const at = (minutes: number) => FIRST + minutes * MINUTE_MS;
    const outline = (since: number | null, before: number | null) => () =>
      outlineStatement(db, ACCOUNT, { since, before });
    expect(await outline(at(1_000), at(1_010))()).toEqual({
      range: { first: 1_001, last: 1_010 },
      unchained: 0,
    });
    expect(await outline(at(19_990), null)()).toMatchObject({
      range: { first: 19_991, last: 20_000 },
    });
    expect(await outline(null, at(2))()).toMatchObject({ range: { first: 1, last: 2 } });
    expect(await outline(at(50_000), at(60_000))()).toEqual({ range: null, unchained: 0 });
    expect(await outline(null, null)()).toMatchObject({ range: { first: 1, last: 20_000 } });
    expect(await countRowsRead(outline(at(1_000), at(1_010)))).toBeLessThan(100);
    expect(await countRowsRead(outline(at(19_990), null))).toBeLessThan(100);
  });
});

describe('of 20,000 sweeps, one a minute', () => {
  let empty: Awaited<ReturnType<typeof createEmptyDatabase>>;
  let db: Database;
  const TO = `0x${'c'.repeat(40)}`;

  beforeAll(async () => {
    empty = await createEmptyDatabase();
    db = connect(empty.url);
    await db.execute(sql`insert into swept_deposits
        (chain, tx_hash, address, units, reported_at, state, destination)
      select 'polygon', '0x' || lpad(to_hex(n), 64, '0'), ${`0x${'a'.repeat(40)}`}, n,
        to_timestamp(${FIRST / 1000}::bigint + n * 60),
        case n when 5 then 'reported' when 7 then 'contradicted' else 'confirmed' end,
        case when n not in (5, 7) then ${TO} end
      from generate_series(1, 20000) as n`);
    await db.execute(sql`analyze`);
  });
  afterAll(() => empty.close());

  it('the operators’ sums read those not confirmed, and the confirmed ones since a time', async () => {
    const since = FIRST + 19_991 * MINUTE_MS;
    const polygon = { chain: 'polygon', destination: null, count: 1 };
    expect(await listSweepTotals(db, since, 10)).toEqual([
      { ...polygon, state: 'confirmed', destination: TO, count: 10, units: 199_955n },
      { ...polygon, state: 'contradicted', units: 7n },
      { ...polygon, state: 'reported', units: 5n },
    ]);
    expect(await countRowsRead(() => listSweepTotals(db, since, 10))).toBeLessThan(30);
  });
});

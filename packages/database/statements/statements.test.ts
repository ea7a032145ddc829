/**
 * Queries of one account among the rows of many: their results, and that none reads rows it does
 * not return. The plans are PostgreSQL's, of the statements that were sent.
 */

import { SETTLE_REASONS } from '@farebox/ledger';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect, type Database } from '../connection/index.ts';
import { dismissNotification, listOpenNotifications } from '../email/index.ts';
import { listConsents, setConsents } from '../privacy/index.ts';
import {
  CALL_BUCKETS,
  CALL_ENDINGS,
  type CallCursor,
  type CallFilter,
  type CallPage,
  findCallRecord,
  listBalanceTransactions,
  listCalls,
  listKeys,
  listLastUsedDays,
  nextPageCursor,
  sumDailySpend,
  sumDailyUsage,
  summarizeCalls,
  sumUsage,
  toEndingKind,
} from './index.ts';

const ACCOUNTS = 20;
const CALLS_EACH = 600;
const FIRST_AT = Date.UTC(2026, 8, 1);
const FIRST_DAY = FIRST_AT / 86_400_000;

let database: EmptyDatabase;
let db: Database;

function accountAt(index: number): string {
  return index.toString(16).padStart(16, '0');
}
const OWN_ACCOUNT = accountAt(7);

/** An account's calls are an hour apart; call i was charged i nano-USD. */
const SEED_STATEMENTS = [
  `insert into accounts (id, created_at)
    select lpad(to_hex(a), 16, '0'), now() from generate_series(1, ${ACCOUNTS}) a`,
  `insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at)
    select lpad(to_hex(a), 16, '0'), i, case when i = 1 then 'local:1' else lpad(to_hex(i), 32, '0') end,
      case when i % 250 = 1 then 'credit' else 'charge' end, case when i % 250 = 1 then 1000000 else -i end,
      1000000, to_timestamp(${FIRST_AT / 1000} + i * 3600)
    from generate_series(1, ${ACCOUNTS}) a, generate_series(1, ${CALLS_EACH}) i`,
  `insert into calls (account_id, id, seq, key_id, model, provider, dialect, stream, http_status, status,
      reason, fees, charged, shortfall, created_at)
    select account_id, lpad(to_hex(seq), 32, '0'), seq, seq % 3, 'openai/m' || seq % 2, 'openai', 'chat', false,
      case when seq % 10 = 0 then 500 else 200 end, 'settled', 'provider_reported', '[]', seq, 0, at
    from ledger_entries`,
  `insert into usage_days (account_id, day, key_id, model, calls, input_tokens, output_tokens, charged)
    select account_id, floor(extract(epoch from created_at) / 86400)::int, key_id, model, count(*), 0, 0, sum(charged)
    from calls group by 1, 2, 3, 4`,
  `insert into notifications (account_id, id, kind, at)
    select lpad(to_hex(a), 16, '0'), 'n' || i, 'low_balance', now()
    from generate_series(1, ${ACCOUNTS}) a, generate_series(1, 100) i`,
  `insert into api_keys (account_id, key_id, name, last4, secret_hash, state, created_at)
    select lpad(to_hex(a), 16, '0'), i, 'k', 'abcd', repeat('0', 64), 'active', now()
    from generate_series(1, ${ACCOUNTS}) a, generate_series(0, 9) i`,
];

beforeAll(async () => {
  database = await createEmptyDatabase();
  db = connect(database.url);
  // The entries are no valid ledger: the constraints on their order are not tested here.
  const off = 'set local session_replication_role = replica';
  for (const statement of SEED_STATEMENTS) await db.batch([db.execute(off), db.execute(statement)]);
  await db.execute('analyze');
}, 120_000);
afterAll(() => database?.close());

describe('the list of calls', () => {
  it('pages through the calls of one account once each, newest first', async () => {
    const seen: string[] = [];
    let before: CallCursor | null = null;
    for (;;) {
      const page: Awaited<ReturnType<typeof listCalls>> = await listCalls(db, OWN_ACCOUNT, {
        filter: {},
        before,
        limit: 300,
      });
      seen.push(...page.calls.map(({ generation: bill }) => bill.id));
      if (page.next === null) break;
      before = page.next;
    }
    expect(seen).toHaveLength(CALLS_EACH);
    expect(new Set(seen).size).toBe(CALLS_EACH);
    expect(seen).toEqual([...seen].sort().reverse());
  });

  it('filters by key, model, outcome and time', async () => {
    const from = FIRST_AT + 100 * 3_600_000;
    const filter = {
      keyId: 0,
      model: 'openai/m0',
      outcome: 'succeeded' as const,
      from,
      until: from + 36e5 * 60,
    };
    const page = await listCalls(db, OWN_ACCOUNT, { filter, before: null, limit: 100 });
    const expected = Array.from({ length: 60 }, (_, index) => 100 + index)
      .filter((seq) => seq % 3 === 0 && seq % 2 === 0 && seq % 10 !== 0)
      .reverse();
    expect(page.calls.map(({ generation: bill }) => Number(bill.charged))).toEqual(expected);
  });

  it('splits an export into files that contain every call once', async () => {
    const page = { filter: {}, before: null, limit: 400 };
    const cut = await nextPageCursor(db, OWN_ACCOUNT, page);
    const first = await listCalls(db, OWN_ACCOUNT, page);
    expect(cut?.id).toBe(first.calls.at(-1)?.generation.id);
    expect(await nextPageCursor(db, OWN_ACCOUNT, { ...page, limit: CALLS_EACH })).toBeNull();
    expect(
      await nextPageCursor(db, OWN_ACCOUNT, { ...page, limit: CALLS_EACH - 1 }),
    ).not.toBeNull();
  });

  it.each([
    ['key', { keyId: 4 }],
    ['model', { model: 'openai/rare' }],
    ['outcome', { outcome: 'failed' }],
  ] as const)(
    'finds every call of a rare %s in searches that are each bounded',
    async (_, filter) => {
      const account = accountAt(13);
      await db.execute(`update calls set key_id = 4, model = 'openai/rare', http_status = 503
      where account_id = '${account}' and seq in (5, 301)`);
      await db.execute(`update calls set http_status = 200
      where account_id = '${account}' and seq not in (5, 301)`);
      await db.execute(`insert into usage_days (account_id, day, key_id, model, calls, input_tokens,
        output_tokens, charged)
      select account_id, floor(extract(epoch from created_at) / 86400)::int, key_id, model, 1, 0, 0, 0
      from calls where account_id = '${account}' and key_id = 4 on conflict do nothing`);
      const seqs: number[] = [];
      const files: number[] = [];
      let before: CallCursor | null = null;
      do {
        const page = { filter, before, limit: 10 };
        const list: CallPage = await listCalls(db, account, page, 40);
        seqs.push(...list.calls.map(({ generation }) => Number(generation.charged)));
        expect(list.isPartial).toBe(list.next !== null);
        expect(await nextPageCursor(db, account, page, 40)).toEqual(list.next);
        files.push(list.calls.length);
        before = list.next;
      } while (before !== null);
      expect(seqs).toEqual([301, 5]);
      // A key and a model are searched from the days on which they were called.
      expect(files.length).toBeLessThanOrEqual('outcome' in filter ? CALLS_EACH / 40 : 9);
    },
  );

  it('sums up no more calls than it may search', async () => {
    const summary = await summarizeCalls(db, OWN_ACCOUNT, { outcome: 'failed' }, 100, 40);
    expect(summary?.endings.map(({ httpStatus, calls }) => [httpStatus, calls])).toEqual([
      [500, 4],
    ]);
  });

  it('finds a call only for its own account', async () => {
    const id = (7).toString(16).padStart(32, '0');
    expect((await findCallRecord(db, OWN_ACCOUNT, id))?.generation.charged).toBe(7n);
    expect(await findCallRecord(db, 'f'.repeat(16), id)).toBeUndefined();
  });
});

describe('the calls that were cut', () => {
  it.each([
    ['that the client did not wait for', 499, 'not_sent'],
    ['that ended with an estimate', 200, 'estimated_after_upstream_cut'],
  ])('include one %s, and no call that failed otherwise', async (_, status, reason) => {
    const account = accountAt(status === 499 ? 11 : 12);
    await db.execute(`update calls set http_status = ${status}, reason = '${reason}'
      where account_id = '${account}' and seq = 7`);
    const page = { filter: { outcome: 'cut' }, before: null, limit: 10 } as const;
    const cut = await listCalls(db, account, page);
    expect(cut.calls.map(({ generation }) => generation.httpStatus)).toEqual([status]);
  });
});

describe('the ending of a call', () => {
  it('is the same in SQL as in code, whatever its status and reason, and exactly one', async () => {
    const account = accountAt(14);
    const statuses = [null, 200, 400, 402, 404, 408, 413, 422, 429, 499, 500, 502, 503, 504, 529];
    const ended = statuses.flatMap((httpStatus) =>
      [null, ...SETTLE_REASONS].map((reason) => ({ httpStatus, reason })),
    );
    expect(ended.length).toBeLessThanOrEqual(CALLS_EACH);
    for (const [index, { httpStatus, reason }] of ended.entries())
      await db.execute(sql`update calls set http_status = ${httpStatus}, reason = ${reason}
        where account_id = ${account} and seq = ${index + 1}`);
    const from = FIRST_AT;
    const until = FIRST_AT + (ended.length + 0.5) * 3_600_000;
    const found = new Map<number, string>();
    for (const ending of CALL_ENDINGS) {
      const page = { filter: { ending, from, until }, before: null, limit: CALLS_EACH } as const;
      for (const { generation } of (await listCalls(db, account, page)).calls) {
        const seq = Number(generation.charged);
        expect(found.has(seq), `call ${seq} has two endings`).toBe(false);
        found.set(seq, ending);
      }
    }
    expect(ended.map((_, index) => found.get(index + 1))).toEqual(ended.map(toEndingKind));
  });
});

describe('a summary of calls', () => {
  it('counts the newest calls that match, at most the limit, by ending and by time', async () => {
    const summary = await summarizeCalls(db, OWN_ACCOUNT, {}, 100);
    const newest = Array.from({ length: 100 }, (_, index) => CALLS_EACH - index);
    const failed = newest.filter((seq) => seq % 10 === 0);
    const total = (seqs: readonly number[]) => BigInt(seqs.reduce((sum, seq) => sum + seq, 0));
    const endings = [...(summary?.endings ?? [])].sort((a, b) => b.calls - a.calls);
    const reason = 'provider_reported';
    expect(endings).toEqual([
      {
        ...{ httpStatus: 200, reason, calls: 90 },
        charged: total(newest.filter((seq) => seq % 10 !== 0)),
      },
      { httpStatus: 500, reason, calls: failed.length, charged: total(failed) },
    ]);
    const buckets = summary?.buckets ?? [];
    expect(buckets.reduce((sum, { calls }) => sum + calls, 0)).toBe(100);
    expect(buckets.reduce((sum, bucket) => sum + bucket.failed, 0)).toBe(failed.length);
    for (const { index } of buckets) {
      expect(index).toBeGreaterThanOrEqual(0);
      expect(index).toBeLessThan(CALL_BUCKETS);
    }
    expect(summary?.from).toBe(FIRST_AT + (CALLS_EACH - 99) * 3_600_000);
  });

  it('is absent where no call matches', async () => {
    expect(await summarizeCalls(db, OWN_ACCOUNT, { keyId: 99 }, 100)).toBeUndefined();
    expect(await summarizeCalls(db, 'f'.repeat(16), {}, 100)).toBeUndefined();
  });

  it('puts a single call into one part of the time', async () => {
    const summary = await summarizeCalls(db, OWN_ACCOUNT, {}, 1);
    expect(summary?.buckets).toEqual([{ index: 0, calls: 1, failed: 1 }]);
  });
});

describe('usage by day and group', () => {
  it('equals the sums by day, for one key and for one model as well', async () => {
    const span = { from: FIRST_DAY, to: FIRST_DAY + 400 };
    const byModel = await sumDailyUsage(db, OWN_ACCOUNT, span, { by: 'model' });
    const days = await sumUsage(db, OWN_ACCOUNT, span, 'day');
    for (const { group, calls, charged } of days) {
      const rows = byModel.filter(({ day }) => String(day) === group);
      expect(rows.reduce((sum, row) => sum + row.calls, 0)).toBe(calls);
      expect(rows.reduce((sum, row) => sum + row.charged, 0n)).toBe(charged);
    }
    const keyOnly = await sumDailyUsage(db, OWN_ACCOUNT, span, { by: 'model', keyId: 1 });
    expect(keyOnly.reduce((sum, row) => sum + row.calls, 0)).toBe(CALLS_EACH / 3);
    const model = 'openai/m0';
    const modelOnly = await sumDailyUsage(db, OWN_ACCOUNT, span, { by: 'key', model });
    expect(modelOnly.reduce((sum, row) => sum + row.calls, 0)).toBe(CALLS_EACH / 2);
  });

  it('tells the last day on which each key was used', async () => {
    // The keys take turns, so each of the last three calls is the last of its key.
    const toDay = (seq: number) => Math.floor((FIRST_AT + seq * 3_600_000) / 86_400_000);
    const lastCalls = [CALLS_EACH - 2, CALLS_EACH - 1, CALLS_EACH];
    const expected = lastCalls.map((seq) => [seq % 3, toDay(seq)]);
    expect([...(await listLastUsedDays(db, OWN_ACCOUNT)).entries()].sort()).toEqual(
      expected.sort(),
    );
  });
});

describe('usage sums and balance transactions', () => {
  it('equal the sums of the calls', async () => {
    const span = { from: FIRST_DAY, to: FIRST_DAY + 400 };
    const all = BigInt((CALLS_EACH * (CALLS_EACH + 1)) / 2);
    for (const by of ['day', 'key', 'model'] as const) {
      const sums = await sumUsage(db, OWN_ACCOUNT, span, by);
      expect(sums.reduce((total, { charged }) => total + charged, 0n)).toBe(all);
      expect(sums.reduce((total, { calls }) => total + calls, 0)).toBe(CALLS_EACH);
    }
    const [day] = await sumUsage(db, OWN_ACCOUNT, { from: FIRST_DAY, to: FIRST_DAY }, 'day');
    expect(day).toMatchObject({ group: String(FIRST_DAY), calls: 23, charged: 276n });
  });

  it('leave out charges and come newest first', async () => {
    const page = await listBalanceTransactions(db, OWN_ACCOUNT, { beforeSeq: null, limit: 3 });
    expect(page.map(({ seq }) => seq)).toEqual([501, 251, 1]);
    const rest = await listBalanceTransactions(db, OWN_ACCOUNT, { beforeSeq: 251, limit: 3 });
    expect(rest.map(({ id, delta }) => [id, delta])).toEqual([['local:1', 1_000_000n]]);
  });
});

describe('consents and notifications', () => {
  it('keep the owner’s last choice', async () => {
    const choose = (given: boolean, receiptId: string) =>
      setConsents(db, OWN_ACCOUNT, [{ kind: 'keys', given, receiptId }], FIRST_AT);
    await choose(true, 'a'.repeat(32));
    await choose(false, 'b'.repeat(32));
    expect(await listConsents(db, OWN_ACCOUNT)).toEqual([
      { kind: 'keys', given: false, since: FIRST_AT },
    ]);
    expect(await listConsents(db, accountAt(1))).toEqual([]);
  });

  it('are dismissed only for their own account', async () => {
    await dismissNotification(db, OWN_ACCOUNT, 'n1', FIRST_AT);
    const ids = async (account: string) =>
      (await listOpenNotifications(db, account, 100)).map(({ id }) => id);
    expect(await ids(OWN_ACCOUNT)).not.toContain('n1');
    expect(await ids(accountAt(1))).toContain('n1');
  });
});

type Plan = Readonly<{ 'Node Type': string; 'Relation Name'?: string; Plans?: readonly Plan[] }>;

function flattenPlan(plan: Plan): readonly Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(flattenPlan)];
}

type SentStatement = Readonly<{ url: string; init: RequestInit; query: string; params: unknown[] }>;

/** Returns the statements that `work` sends to the database. */
async function captureStatements(work: () => Promise<unknown>): Promise<readonly SentStatement[]> {
  const sent: SentStatement[] = [];
  const real = globalThis.fetch;
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation((url, init = {}) => {
    const { query, params } = JSON.parse(String(init.body));
    sent.push({ url: String(url), init, query, params });
    return real(url, init);
  });
  await work();
  spy.mockRestore();
  return sent;
}

async function explainStatement({
  url,
  init,
  query,
  params,
}: SentStatement): Promise<readonly Plan[]> {
  // PostgreSQL scans a table as small as this one because that is faster; here it must use an
  // index.
  const index = { query: 'set local enable_seqscan = off', params: [] };
  const explain = { query: `explain (format json) ${query}`, params };
  const body = JSON.stringify({ queries: [index, explain] });
  const answer = await fetch(url, { ...init, body, signal: null });
  const { results } = JSON.parse(await answer.text());
  const [cell] = Object.values(results[1].rows[0]);
  const [{ Plan: plan }] = typeof cell === 'string' ? JSON.parse(cell) : cell;
  return flattenPlan(plan);
}

const SPAN = { from: FIRST_DAY + 20, to: FIRST_DAY + 33 };
const FILTERS: readonly [string, CallFilter][] = [
  ['key', { keyId: 1 }],
  ['model', { model: 'openai/m1' }],
  ['outcome', { outcome: 'failed' }],
  ['ending', { ending: 'provider_failed' }],
  [
    'key, model, outcome and period',
    {
      ...{ keyId: 1, model: 'openai/m1', outcome: 'succeeded' },
      from: FIRST_AT,
      until: FIRST_AT + 600 * 3_600_000,
    },
  ],
];
const QUERIES: readonly [string, () => Promise<unknown>][] = [
  ['usage of 14 days', () => sumUsage(db, OWN_ACCOUNT, SPAN, 'day')],
  ['the latest calls', () => listCalls(db, OWN_ACCOUNT, { filter: {}, before: null, limit: 5 })],
  ['open notices', () => listOpenNotifications(db, OWN_ACCOUNT, 10)],
  ['keys', () => listKeys(db, OWN_ACCOUNT)],
  ['credits', () => listBalanceTransactions(db, OWN_ACCOUNT, { beforeSeq: null, limit: 50 })],
  ['usage by day and model', () => sumDailyUsage(db, OWN_ACCOUNT, SPAN, { by: 'model' })],
  ['the last day of each key', () => listLastUsedDays(db, OWN_ACCOUNT)],
  ['a summary of the newest calls', () => summarizeCalls(db, OWN_ACCOUNT, {}, 100)],
  ['usage of one key by day and kind', () => sumDailySpend(db, OWN_ACCOUNT, SPAN, { keyId: 1 })],
  ['usage by day and key', () => sumDailyUsage(db, OWN_ACCOUNT, SPAN, { by: 'key', model: 'm' })],
  ...FILTERS.flatMap(([name, filter]): [string, () => Promise<unknown>][] => [
    [`calls of one ${name}`, () => listCalls(db, OWN_ACCOUNT, { filter, before: null, limit: 5 })],
    [`a summary of one ${name}`, () => summarizeCalls(db, OWN_ACCOUNT, filter, 100)],
    [
      `the files of one ${name}`,
      () => nextPageCursor(db, OWN_ACCOUNT, { filter, before: null, limit: 5 }),
    ],
  ]),
  ['one call', () => findCallRecord(db, OWN_ACCOUNT, 'a'.repeat(32))],
];

describe('the query plan', () => {
  it.each(QUERIES)('uses an index for %s', async (_, read) => {
    const sent = await captureStatements(read);
    expect(sent).toHaveLength(1);
    for (const statement of sent) {
      const nodes = await explainStatement(statement);
      expect(nodes.map((node) => node['Node Type'])).not.toContain('Seq Scan');
    }
  });

  it.each([['every call', {}], ...FILTERS])(
    'reads the calls of %s in the order of the index, bounded and without sorting',
    async (_, filter) => {
      const [latest] = await captureStatements(() =>
        listCalls(db, OWN_ACCOUNT, { filter, before: { at: FIRST_AT * 2, id: 'f' }, limit: 5 }),
      );
      if (latest === undefined) throw new Error('nothing was sent');
      const nodes = (await explainStatement(latest)).map((node) => node['Node Type']);
      expect(nodes).not.toContain('Sort');
      expect(nodes.filter((node) => node === 'Limit').length).toBeGreaterThanOrEqual(2);
      expect(nodes.filter((node) => node === 'Index Scan')).toHaveLength(1);
    },
  );
});

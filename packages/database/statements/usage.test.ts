/**
 * Checks that the sums by day equal the calls under concurrent deliveries, and that the console's
 * queries use indexes. On PGlite, and on a real PostgreSQL where there is one: only there are
 * deliveries concurrent.
 */
import type { AccountId, Entry } from '@farebox/ledger';
import { createEmptyDatabase, startPostgres } from '@farebox/local';
import {
  BUCKETS,
  NO_USAGE,
  pricesFromJson,
  SURCHARGE_KINDS,
  savedByCache,
  splitCharge,
} from '@farebox/money';
import { type SQL, sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Database } from '../connection/index.ts';
import { ingestEntries } from '../ledger/index.ts';
import { insertAccount } from '../users/index.ts';
import {
  findCallRecord,
  listBalanceTransactions,
  listCalls,
  listPastBalances,
  nextPageCursor,
  sumDailySpend,
  sumUsage,
} from './index.ts';

const SEED = 20261124;
const DAY_MS = 86_400_000;
const FIRST_DAY = Date.UTC(2026, 10, 20);
const LATER = FIRST_DAY + 100 * DAY_MS;

const postgres = await startPostgres();
if (postgres === null) process.stdout.write('No PostgreSQL on this machine: PGlite only.\n');
process.stdout.write(`seed ${SEED}\n`);
const choices = [
  { name: 'PGlite', choice: undefined },
  ...(postgres === null
    ? []
    : [{ name: 'PostgreSQL', choice: { postgres: postgres.connectionString } }]),
];
afterAll(async () => postgres?.stop());

type CallSpec = Readonly<{
  day: number;
  keyId: number;
  model: string;
  cost: number;
  /** Expired first with this charge, and settled later. */
  late: number | null;
}>;

const arbitraryCall: fc.Arbitrary<CallSpec> = fc.record({
  day: fc.integer({ min: 0, max: 2 }),
  keyId: fc.integer({ min: 1, max: 2 }),
  model: fc.constantFrom('openai/gpt', 'xai/grok'),
  cost: fc.integer({ min: 0, max: 90 }),
  late: fc.option(fc.integer({ min: 0, max: 90 }), { freq: 2 }),
});

const SEARCH = { kind: 'web_search', count: 2, nano_usd_per_million: 1_500_000n } as const;

function buildCall(call: CallSpec, n: number, charged: bigint, billed: boolean): Entry['call'] {
  const usage = {
    ...NO_USAGE,
    input_uncached: n,
    cache_read: 1,
    cache_write_5m: 2,
    cache_write_1h: 3,
  };
  const prices = pricesFromJson(
    Object.fromEntries(BUCKETS.map((bucket, index) => [bucket, `${9 - index}00000`])),
  );
  const createdAt = FIRST_DAY + call.day * DAY_MS + n;
  return {
    id: n.toString(16).padStart(32, '0'),
    keyId: call.keyId,
    model: call.model,
    provider: 'openai',
    dialect: 'chat',
    stream: false,
    httpStatus: billed ? 200 : null,
    status: 'settled',
    reason: billed ? 'provider_reported' : 'expired_at_checkpoint',
    usage: billed ? { ...usage, output: 2 * n, output_reasoning: 1 } : null,
    prices: billed ? prices : null,
    priceRule: billed ? '2026-11-23/standard' : null,
    providerCost: null,
    marginBasisPoints: null,
    firstTokenMs: null,
    totalMs: null,
    fees: call.cost % 3 === 0 ? [SEARCH] : [],
    charged,
    shortfall: 0n,
    createdAt,
    settledAt: createdAt + 1,
  };
}

/** The entries as an account object writes them: late settlements after everything else. */
function buildEntries(calls: readonly CallSpec[]): readonly Entry[] {
  const entries: Entry[] = [];
  let posted = 0n;
  const add = (id: string, kind: Entry['kind'], delta: bigint, call: Entry['call']): void => {
    posted += delta;
    const seq = entries.length + 1;
    entries.push({ seq, id, kind, delta, postedAfter: posted, at: LATER + seq, call });
  };
  add('local:1', 'credit', 1_000_000n, null);
  for (const [n, call] of calls.entries()) {
    const charged = BigInt(call.late ?? call.cost);
    const bill = buildCall(call, n + 1, charged, call.late === null);
    add(bill?.id ?? '', 'charge', -charged, bill);
  }
  for (const [n, call] of calls.entries()) {
    if (call.late === null) continue;
    const bill = buildCall(call, n + 1, BigInt(call.cost), true);
    add(`${bill?.id}:late`, 'charge', BigInt(call.late - call.cost), bill);
  }
  return entries;
}

describe.each(choices)('usage days on $name', ({ name, choice }) => {
  let empty: Awaited<ReturnType<typeof createEmptyDatabase>>;
  let db: Database;
  let accounts = 0;

  beforeAll(async () => {
    empty = await createEmptyDatabase(choice);
    db = connect(empty.url);
  });
  afterAll(() => empty.close());

  async function newAccount(): Promise<AccountId> {
    accounts += 1;
    const accountId = accounts.toString(16).padStart(16, '0');
    const email = `${accountId}@example.com`;
    const identity = { email, emailKey: email, passwordHash: '$', language: 'en', verified: true };
    expect(await insertAccount(db, { accountId, ...identity, now: FIRST_DAY })).toEqual({
      ok: true,
    });
    return accountId;
  }

  /** Rows that only one of the two sides has. */
  async function differences(account: AccountId): Promise<readonly unknown[]> {
    const days = sql`select day, key_id, model, calls::bigint, input_tokens::numeric,
      output_tokens::numeric, charged::numeric from usage_days where account_id = ${account}`;
    const sums = sql`select floor(extract(epoch from created_at) / 86400)::int, key_id, model, count(*),
      sum(coalesce(input_uncached + cache_read + cache_write_5m + cache_write_1h, 0)),
      sum(coalesce(output, 0)), sum(charged)
      from calls where account_id = ${account} group by 1, 2, 3`;
    const result = await db.execute(
      sql`(${days} except ${sums}) union all (${sums} except ${days})`,
    );
    return result.rows;
  }

  /** What the stored sums must have of each day: of each call, its last bill. */
  function expectedSpend(entries: readonly Entry[]) {
    const bills = new Map<string, NonNullable<Entry['call']>>();
    for (const { call } of entries) if (call !== null) bills.set(call.id, call);
    const days = new Map<number, { kinds: Record<string, bigint>; cacheSaved: bigint }>();
    for (const bill of bills.values()) {
      const day = Math.floor(bill.createdAt / DAY_MS);
      const sums = days.get(day) ?? { kinds: {}, cacheSaved: 0n };
      for (const [kind, amount] of Object.entries(splitCharge(bill)))
        sums.kinds[kind] = (sums.kinds[kind] ?? 0n) + amount;
      sums.cacheSaved += savedByCache(bill);
      days.set(day, sums);
    }
    return [...days]
      .sort(([a], [b]) => a - b)
      .map(([day, sums]) => ({ day, ...sums, unknown: 0n }));
  }

  it('count each call once in its day, however the entries are delivered and repeated', async () => {
    const plan = fc.record({
      calls: fc.array(arbitraryCall, { minLength: 1, maxLength: 12 }),
      cuts: fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 6 }),
      senders: fc.integer({ min: 1, max: 3 }),
    });
    const ingestAndCompare = async ({
      calls,
      cuts,
      senders,
    }: typeof plan extends fc.Arbitrary<infer T> ? T : never) => {
      const account = await newAccount();
      const entries = buildEntries(calls);
      for (let from = 0, round = 0; from < entries.length; round += 1) {
        const upTo = from + (cuts[round % cuts.length] ?? 1);
        // Each delivery begins one entry earlier or ends one entry later than the previous one.
        const sent = Array.from({ length: senders }, (_, sender) =>
          ingestEntries(db, account, entries.slice(Math.max(0, from - sender), upTo + sender)),
        );
        await Promise.all(sent);
        // A delivery that the race refused is ignored: the object would send it again.
        expect(await ingestEntries(db, account, entries.slice(from, upTo))).toMatchObject({
          ok: true,
        });
        expect(await differences(account)).toEqual([]);
        from = upTo;
      }
      const spend = await sumDailySpend(db, account, { from: 0, to: 100_000 }, {});
      expect([...spend].sort((a, b) => a.day - b.day)).toEqual(expectedSpend(entries));
    };
    await fc.assert(fc.asyncProperty(plan, ingestAndCompare), {
      seed: SEED,
      numRuns: name === 'PGlite' ? 6 : 60,
    });
  });

  it('subtract what a late settlement returns, in a delivery of its own', async () => {
    const account = await newAccount();
    const call: CallSpec = { day: 0, keyId: 1, model: 'openai/gpt', cost: 10, late: 70 };
    for (const entry of buildEntries([call])) await ingestEntries(db, account, [entry]);
    expect(await differences(account)).toEqual([]);
    const span = { from: 0, to: 100_000 };
    expect(await sumUsage(db, account, span, 'model')).toEqual([
      { group: 'openai/gpt', calls: 1, inputTokens: 7, outputTokens: 2, charged: 10n },
    ]);
  });

  it('are of calls with any surcharge that the product charges', async () => {
    const account = await newAccount();
    const entries = SURCHARGE_KINDS.map((kind, index): Entry => {
      const call = { day: 0, keyId: 1, model: 'openai/gpt', cost: 1, late: null };
      const bill = buildCall(call, index + 1, 0n, true);
      const fees = [{ kind, count: 1, nano_usd_per_million: 1n }];
      const seq = index + 1;
      const line = { seq, id: bill?.id ?? '', kind: 'charge', delta: 0n, postedAfter: 0n } as const;
      return { ...line, at: LATER + seq, call: bill && { ...bill, fees } };
    });
    expect(await ingestEntries(db, account, entries)).toEqual({
      ok: true,
      acknowledged: SURCHARGE_KINDS.length,
    });
  });

  it('keep a charge apart whose kinds are not known, until its late settlement tells them', async () => {
    const account = await newAccount();
    const call: CallSpec = { day: 0, keyId: 1, model: 'openai/gpt', cost: 4, late: 70 };
    const entries = buildEntries([call]);
    await ingestEntries(db, account, entries.slice(0, 2));
    await db.execute(sql`update usage_days set other_charged = 0 where account_id = ${account}`);
    const span = { from: 0, to: 100_000 };
    expect(await sumDailySpend(db, account, span, {})).toMatchObject([{ unknown: 70n }]);
    await ingestEntries(db, account, entries.slice(2));
    expect(await sumDailySpend(db, account, span, {})).toEqual(expectedSpend(entries));
  });

  // Plans differ little; the real PostgreSQL is used where there is one.
  if (name !== choices.at(-1)?.name) return;

  describe('with 50,000 calls of other accounts and 1,000 of its own', () => {
    let account: AccountId;

    beforeAll(async () => {
      account = await newAccount();
      await insertCalls(db, account, 1_000);
      const others = await Promise.all(Array.from({ length: 50 }, newAccount));
      await copyTo(others);
      await insertDeposits(others);
      await db.execute(sql`analyze`);
    });

    /** 100 deposits each: the statement joins them for their fee. */
    async function insertDeposits(accounts: readonly AccountId[]): Promise<void> {
      await db.execute(sql`insert into deposits (chain, tx_hash, log_index, block_number, block_hash,
          contract, sender, recipient, account_id, units, state, found_by, seen_at)
        select 'polygon', '0x' || lpad(to_hex(o.n * 100 + s), 64, '0'), 0, 1, '0x0', '0x1', '0x2',
          '0x3', o.other, 1, 'pending', 'scan', now()
        from jsonb_array_elements_text(${JSON.stringify(accounts)}::jsonb)
            with ordinality as o(other, n), generate_series(0, 99) as s`);
    }

    /** Copies the same ledger to other accounts. */
    async function copyTo(others: readonly AccountId[]): Promise<void> {
      const entries = sql.raw('seq, id, kind, delta, posted_after, at');
      const bills = sql.raw(`id, seq, key_id, model, provider, dialect, stream, http_status, status,
        reason, input_uncached, cache_read, cache_write_5m, cache_write_1h, output, output_reasoning,
        fees, charged, shortfall, created_at, settled_at`);
      const days = sql.raw('day, key_id, model, calls, input_tokens, output_tokens, charged');
      const copyTable = (table: string, columns: SQL) =>
        db.execute(sql`insert into ${sql.identifier(table)} (account_id, ${columns})
          select o.other, ${columns} from ${sql.identifier(table)},
            jsonb_array_elements_text(${JSON.stringify(others)}::jsonb) as o(other)
          where account_id = ${account}`);
      await db.batch([
        copyTable('ledger_entries', entries),
        copyTable('calls', bills),
        copyTable('usage_days', days),
      ]);
    }

    const queries: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['usage by day', () => sumUsage(db, account, { from: 20_000, to: 30_000 }, 'day')],
      ['usage by key', () => sumUsage(db, account, { from: 20_000, to: 30_000 }, 'key')],
      ['usage by model', () => sumUsage(db, account, { from: 20_000, to: 30_000 }, 'model')],
      [
        'spend by kind',
        () => sumDailySpend(db, account, { from: 20_000, to: 30_000 }, { keyId: 1 }),
      ],
      ['the newest calls', () => listCalls(db, account, { filter: {}, before: null, limit: 50 })],
      ['calls before', () => listCalls(db, account, { filter: {}, before: BEFORE, limit: 50 })],
      [
        'calls by key',
        () => listCalls(db, account, { filter: { keyId: 1 }, before: BEFORE, limit: 50 }),
      ],
      ['calls by all', () => listCalls(db, account, { filter: EVERY, before: BEFORE, limit: 50 })],
      ['the cut', () => nextPageCursor(db, account, { filter: {}, before: null, limit: 500 })],
      ['one call', () => findCallRecord(db, account, '0'.repeat(32))],
      [
        'the newest money',
        () => listBalanceTransactions(db, account, { beforeSeq: null, limit: 50 }),
      ],
      ['past balances', () => listPastBalances(db, account, [FIRST_DAY, LATER])],
      ['money before', () => listBalanceTransactions(db, account, { beforeSeq: 900, limit: 50 })],
    ];

    it.each(queries)('read %s by an index', async (_, query) => {
      const plan = await explainQuery(db, query);
      expect(plan).not.toContain('Seq Scan');
      expect(plan).toMatch(/Index (Only )?Scan|Bitmap Index Scan/);
    });

    it('page through every call once, newest first', async () => {
      const visited: string[] = [];
      for (let before: Parameters<typeof listCalls>[2]['before'] = null; ; ) {
        const page = await listCalls(db, account, { filter: {}, before, limit: 190 });
        visited.push(...page.calls.map(({ generation: bill }) => bill.id));
        if (page.next === null) break;
        before = page.next;
      }
      expect(new Set(visited).size).toBe(1_000);
      expect(visited).toHaveLength(1_000);
    });
  });
});

const BEFORE = { at: FIRST_DAY + 40 * DAY_MS, id: 'f'.repeat(32) };
const EVERY = {
  keyId: 1,
  model: 'openai/gpt',
  outcome: 'succeeded' as const,
  from: FIRST_DAY,
  until: LATER,
};

/** `count` calls, five in the same millisecond, a credit first and another after each hundred. */
async function insertCalls(db: Database, account: AccountId, count: number): Promise<void> {
  const entries: Entry[] = [];
  let posted = 0n;
  const add = (entry: Pick<Entry, 'id' | 'kind' | 'delta' | 'call'>): void => {
    posted += entry.delta;
    const seq = entries.length + 1;
    entries.push({ ...entry, seq, postedAfter: posted, at: LATER + seq });
  };
  for (let n = 0; n < count; n += 1) {
    if (n % 100 === 0) add({ id: `local:${n}`, kind: 'credit', delta: 1_000_000n, call: null });
    const spec = { day: n % 90, keyId: n % 3, model: n % 2 ? 'openai/gpt' : 'xai/grok', cost: 1 };
    const bill = buildCall({ ...spec, late: null }, n - (n % 5), 1n, true);
    if (bill === null) continue;
    const call = { ...bill, id: (n + 1).toString(16).padStart(32, '0') };
    add({ id: call.id, kind: 'charge', delta: -1n, call });
  }
  expect(await ingestEntries(db, account, entries)).toMatchObject({ ok: true });
}

/** Returns PostgreSQL's plan of the statement that `query` sends, with the same parameters. */
async function explainQuery(db: Database, query: () => Promise<unknown>): Promise<string> {
  const real = globalThis.fetch;
  const captured: string[] = [];
  globalThis.fetch = (input, init) => {
    if (typeof init?.body === 'string') captured.push(init.body);
    return real(input, init);
  };
  await query().finally(() => {
    globalThis.fetch = real;
  });
  expect(captured).toHaveLength(1);
  const body: { query: string; params: unknown[] } = JSON.parse(captured[0] ?? '');
  globalThis.fetch = (input, init) =>
    real(input, { ...init, body: JSON.stringify({ ...body, query: `explain ${body.query}` }) });
  const plan = await db.execute(sql`explain select 1`).finally(() => {
    globalThis.fetch = real;
  });
  return JSON.stringify(plan.rows);
}

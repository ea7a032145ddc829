/** The migration that gives the days before it their spend by kind, from the calls that are kept. */
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEmptyDatabase, migrate } from '@farebox/local';
import {
  mapBuckets,
  mapSpendKinds,
  NO_USAGE,
  type Prices,
  SURCHARGE_KINDS,
  type Surcharge,
  savedByCache,
  splitCharge,
  type Usage,
} from '@farebox/money';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Database } from '../connection/index.ts';
import { sumDailySpend } from '../statements/index.ts';

const MIGRATIONS = join(import.meta.dirname, '../../../migrations');
const BACKFILL = '0019_usage_kinds.sql';
const ACCOUNT = 'aaaaaaaaaaaaaaaa';
const FIRST_DAY = 20_000;
const DAY_MS = 86_400_000;

type OldCall = Readonly<{
  usage: Usage | null;
  prices: Prices | null;
  fees: readonly Surcharge[];
  charged: bigint;
}>;

const PRICES: Prices = {
  ...mapBuckets(() => 0n),
  input_uncached: 3_000_001n,
  cache_read: 300_007n,
  cache_write_5m: 3_750_011n,
  cache_write_30m: 4_000_013n,
  cache_write_1h: 6_000_017n,
  cache_write_12h: 7_000_019n,
  output: 15_000_023n,
};
const USAGE: Usage = {
  input_uncached: 11,
  cache_read: 1_303,
  cache_write_5m: 17,
  cache_write_30m: 19,
  cache_write_1h: 23,
  cache_write_12h: 29,
  output: 31,
  output_reasoning: 3,
};
/** The table then refused a kind with a digit in its name. */
const OLD_KINDS = SURCHARGE_KINDS.filter((kind) => !/\d/.test(kind));
const FEES = OLD_KINDS.map((kind, index) => ({
  kind,
  count: index + 1,
  nano_usd_per_million: BigInt(100_003 * (index + 2)),
}));

/** One call a day. */
const CALLS: readonly (readonly [string, OldCall])[] = [
  ['tokens of every bucket', { usage: USAGE, prices: PRICES, fees: [], charged: 1_508n }],
  ['half of the cost', { usage: USAGE, prices: PRICES, fees: [], charged: 700n }],
  ['more than the cost', { usage: USAGE, prices: PRICES, fees: [], charged: 5_000n }],
  ['no charge', { usage: USAGE, prices: PRICES, fees: [], charged: 0n }],
  ['no token counts', { usage: null, prices: PRICES, fees: [], charged: 70n }],
  ['no bill', { usage: null, prices: null, fees: [], charged: 71n }],
  ['a free model', { usage: NO_USAGE, prices: PRICES, fees: [], charged: 0n }],
  ...Array.from({ length: Math.ceil(FEES.length / 8) }, (_, part) => {
    const fees = FEES.slice(part * 8, part * 8 + 8);
    const call = { usage: USAGE, prices: PRICES, fees, charged: 1_600n };
    return [`surcharges, part ${part + 1}`, call] as const;
  }),
  [
    'a cached price above the other',
    {
      usage: USAGE,
      prices: { ...PRICES, cache_read: 9_000_000n },
      fees: [],
      charged: 3n,
    },
  ],
];

async function insertOldCall(db: Database, call: OldCall, index: number): Promise<void> {
  const { usage, prices, charged } = call;
  const id = index.toString(16).padStart(32, '0');
  const at = new Date((FIRST_DAY + index) * DAY_MS + 86_399_999).toISOString();
  const fees = call.fees.map((fee) => ({
    ...fee,
    nano_usd_per_million: fee.nano_usd_per_million.toString(),
  }));
  const seq = index + 2;
  const count = (bucket: keyof Usage) => usage?.[bucket] ?? null;
  const price = (bucket: keyof Prices) => prices?.[bucket].toString() ?? null;
  await db.execute(sql`insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at)
    select ${ACCOUNT}, ${seq}, ${id}, 'charge', ${-charged}, posted_after - ${charged}, ${at}
    from ledger_entries where seq = ${seq - 1}`);
  await db.execute(sql`insert into calls (account_id, id, seq, key_id, model, provider, dialect,
      stream, status, input_uncached, cache_read, cache_write_5m, cache_write_30m, cache_write_1h,
      cache_write_12h, output, output_reasoning, input_uncached_price, cache_read_price,
      cache_write_5m_price, cache_write_30m_price, cache_write_1h_price, cache_write_12h_price,
      output_price, fees, charged, shortfall, created_at)
    values (${ACCOUNT}, ${id}, ${seq}, 1, 'openai/gpt', 'openai', 'chat', true, 'settled',
      ${count('input_uncached')}, ${count('cache_read')}, ${count('cache_write_5m')},
      ${count('cache_write_30m')}, ${count('cache_write_1h')}, ${count('cache_write_12h')},
      ${count('output')}, ${count('output_reasoning')}, ${price('input_uncached')},
      ${price('cache_read')}, ${price('cache_write_5m')}, ${price('cache_write_30m')},
      ${price('cache_write_1h')}, ${price('cache_write_12h')}, ${price('output')},
      ${JSON.stringify(fees)}::jsonb, ${charged}, 0, ${at})`);
  await insertOldDay(db, FIRST_DAY + index, charged);
}

async function insertOldDay(db: Database, day: number, charged: bigint): Promise<void> {
  await db.execute(sql`insert into usage_days (account_id, day, key_id, model, calls, input_tokens,
      output_tokens, charged)
    values (${ACCOUNT}, ${day}, 1, 'openai/gpt', 1, 1, 1, ${charged})`);
}

describe('the spend by kind of days before it was kept', () => {
  const oldFolder = mkdtempSync(join(tmpdir(), 'farebox-backfill-'));
  let database: Awaited<ReturnType<typeof createEmptyDatabase>>;
  let db: Database;

  const sumDay = (day: number) => sumDailySpend(db, ACCOUNT, { from: day, to: day }, {});

  beforeAll(async () => {
    for (const name of readdirSync(MIGRATIONS)) {
      if (name.endsWith('.sql') && name < BACKFILL)
        copyFileSync(join(MIGRATIONS, name), join(oldFolder, name));
    }
    database = await createEmptyDatabase('pglite-memory', oldFolder);
    db = connect(database.url);
    await db.execute(sql`insert into accounts (id, created_at) values (${ACCOUNT}, now())`);
    await db.execute(sql`insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at)
      values (${ACCOUNT}, 1, 'local:1', 'credit', 1000000, 1000000, now())`);
    for (const [index, [, call]] of CALLS.entries()) await insertOldCall(db, call, index);
    await insertOldDay(db, FIRST_DAY - 1, 44n);
    await migrate(database.directUrl, MIGRATIONS);
  });
  afterAll(async () => {
    await database.close();
    rmSync(oldFolder, { recursive: true });
  });

  it.each(CALLS.map(([name, call], index) => [name, call, index] as const))(
    'is that of its call with %s',
    async (_, call, index) => {
      expect(await sumDay(FIRST_DAY + index)).toEqual([
        {
          day: FIRST_DAY + index,
          kinds: splitCharge(call),
          unknown: 0n,
          cacheSaved: savedByCache(call),
        },
      ]);
    },
  );

  it('is unknown where the calls are not kept', async () => {
    expect(await sumDay(FIRST_DAY - 1)).toEqual([
      {
        day: FIRST_DAY - 1,
        kinds: mapSpendKinds(() => 0n),
        unknown: 44n,
        cacheSaved: 0n,
      },
    ]);
  });
});

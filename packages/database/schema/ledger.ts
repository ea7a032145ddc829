/** The tables of API keys and of the ledger, its calls and their sums. */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  unique,
  varchar,
} from 'drizzle-orm/pg-core';
import { accountId, instant } from './accounts.ts';

const nanoUsd = (name: string) => bigint(name, { mode: 'bigint' });
const tokens = (name: string) => bigint(name, { mode: 'number' });

export const apiKeys = pgTable(
  'api_keys',
  {
    accountId: accountId(),
    keyId: bigint('key_id', { mode: 'number' }).notNull(),
    /** The name its owner gave it. */
    name: varchar('name', { length: 64 }).notNull(),
    last4: varchar('last4', { length: 4 }).notNull(),
    secretHash: varchar('secret_hash', { length: 64 }).notNull(),
    state: varchar('state', { length: 8 }).notNull(),
    budget: nanoUsd('budget'),
    expiresAt: instant('expires_at'),
    models: varchar('models', { length: 128 }).array(),
    callsPerMinute: integer('calls_per_minute'),
    concurrentCalls: integer('concurrent_calls'),
    dayBudget: nanoUsd('day_budget'),
    weekBudget: nanoUsd('week_budget'),
    monthBudget: nanoUsd('month_budget'),
    /** nano-USD per million output tokens of the models that the key may call. */
    maxOutputPrice: nanoUsd('max_output_price'),
    createdAt: instant('created_at').notNull(),
    activatedAt: instant('activated_at'),
    revokedAt: instant('revoked_at'),
  },
  (t) => [
    primaryKey({ columns: [t.accountId, t.keyId] }),
    check('api_keys_key_id_range', sql`${t.keyId} between 0 and 4294967295`),
    check('api_keys_last4_shape', sql`${t.last4} ~ '^[0-9A-Za-z]{4}$'`),
    check('api_keys_secret_hash_shape', sql`${t.secretHash} ~ '^[0-9a-f]{64}$'`),
    check('api_keys_state', sql`${t.state} in ('pending', 'active', 'revoked')`),
    check('api_keys_revoked_at', sql`(${t.state} = 'revoked') = (${t.revokedAt} is not null)`),
    check('api_keys_models', sql`cardinality(${t.models}) <= 500`),
    check('api_keys_budget', sql`${t.budget} >= 0`),
    check(
      'api_keys_period_budgets',
      sql`least(${t.dayBudget}, ${t.weekBudget}, ${t.monthBudget}) >= 0`,
    ),
    check('api_keys_max_output_price', sql`${t.maxOutputPrice} >= 0`),
    // Operators search for a key by the characters that its owner can see.
    index('api_keys_last4').on(t.last4),
  ],
);

/**
 * Ledger entries, insert-only. The table itself enforces that entries are contiguous from 1 and
 * that each running balance is the previous one plus the delta: an entry references its predecessor
 * by (account, seq - 1, balance before), so concurrent deliveries can leave neither a gap nor a
 * fork.
 */
export const ledgerEntries = pgTable(
  'ledger_entries',
  {
    accountId: accountId(),
    seq: bigint('seq', { mode: 'number' }).notNull(),
    /** The id of the call, or the source of the money such as `chain:txHash:logIndex`. */
    id: varchar('id', { length: 160 }).notNull(),
    kind: varchar('kind', { length: 16 }).notNull(),
    delta: nanoUsd('delta').notNull(),
    postedAfter: nanoUsd('posted_after').notNull(),
    at: instant('at').notNull(),
    /** SHA-256 that chains the entry to the one before; null until it is chained (docs/statements.md). */
    hash: varchar('hash', { length: 64 }),
    previousSeq: bigint('previous_seq', { mode: 'number' }).generatedAlwaysAs(
      sql`nullif(seq - 1, 0)`,
    ),
    postedBefore: nanoUsd('posted_before').generatedAlwaysAs(sql`posted_after - delta`),
  },
  (t) => [
    primaryKey({ columns: [t.accountId, t.seq] }),
    unique('ledger_entries_id').on(t.accountId, t.id),
    unique('ledger_entries_balance').on(t.accountId, t.seq, t.postedAfter),
    foreignKey({
      name: 'ledger_entries_predecessor',
      columns: [t.accountId, t.previousSeq, t.postedBefore],
      foreignColumns: [t.accountId, t.seq, t.postedAfter],
    }),
    check(
      'ledger_entries_first',
      sql`${t.seq} > 1 or (${t.seq} = 1 and ${t.postedAfter} = ${t.delta})`,
    ),
    check('ledger_entries_never_negative', sql`${t.postedAfter} between 0 and 9007199254740991`),
    check('ledger_entries_kind', sql`${t.kind} in ('credit', 'charge', 'adjustment', 'refund')`),
    check(
      'ledger_entries_sign',
      // A late settlement returns what expiry overcharged; no other charge adds money.
      sql`(${t.kind} <> 'credit' or ${t.delta} > 0) and (${t.kind} <> 'refund' or ${t.delta} < 0) and (${t.kind} <> 'charge' or ${t.delta} <= 0 or ${t.id} like '%:late')`,
    ),
    check('ledger_entries_id_shape', sql`${t.id} ~ '^[!-~]+$'`),
    check('ledger_entries_hash_shape', sql`${t.hash} ~ '^[0-9a-f]{64}$'`),
    // For the list of balance transactions: a small part of the entries.
    index('ledger_entries_money').on(t.accountId, t.seq).where(sql`${t.kind} <> 'charge'`),
  ],
);

/**
 * Metadata of ended calls: usage, prices and reason. Reasons match a pattern and not a list, so
 * that a ledger one release ahead is not blocked; `fees` may hold only our own words and whole
 * numbers.
 */
export const calls = pgTable(
  'calls',
  {
    accountId: accountId(),
    id: varchar('id', { length: 32 }).notNull(),
    /** The entry that last wrote the row: a late settlement replaces what expiry wrote. */
    seq: bigint('seq', { mode: 'number' }).notNull(),
    keyId: bigint('key_id', { mode: 'number' }).notNull(),
    model: varchar('model', { length: 128 }).notNull(),
    provider: varchar('provider', { length: 64 }).notNull(),
    dialect: varchar('dialect', { length: 16 }).notNull(),
    stream: boolean('stream').notNull(),
    httpStatus: smallint('http_status'),
    status: varchar('status', { length: 8 }).notNull(),
    reason: varchar('reason', { length: 40 }),
    inputUncached: tokens('input_uncached'),
    cacheRead: tokens('cache_read'),
    cacheWrite5m: tokens('cache_write_5m'),
    cacheWrite30m: tokens('cache_write_30m'),
    cacheWrite1h: tokens('cache_write_1h'),
    cacheWrite12h: tokens('cache_write_12h'),
    output: tokens('output'),
    outputReasoning: tokens('output_reasoning'),
    inputUncachedPrice: nanoUsd('input_uncached_price'),
    cacheReadPrice: nanoUsd('cache_read_price'),
    cacheWrite5mPrice: nanoUsd('cache_write_5m_price'),
    cacheWrite30mPrice: nanoUsd('cache_write_30m_price'),
    cacheWrite1hPrice: nanoUsd('cache_write_1h_price'),
    cacheWrite12hPrice: nanoUsd('cache_write_12h_price'),
    outputPrice: nanoUsd('output_price'),
    /** The version of the price list and the rule and factors that gave the prices. */
    priceRule: varchar('price_rule', { length: 160 }),
    /** What the provider itself says that it charged; null where it says nothing. */
    providerCost: nanoUsd('provider_cost'),
    /** The platform's margin in the prices, in hundredths of a percent; null of older calls. */
    marginBasisPoints: smallint('margin_basis_points'),
    /** Milliseconds from the arrival of the request; null of calls before they were kept. */
    firstTokenMs: integer('first_token_ms'),
    totalMs: integer('total_ms'),
    fees: jsonb('fees').notNull(),
    charged: nanoUsd('charged').notNull(),
    shortfall: nanoUsd('shortfall').notNull(),
    createdAt: instant('created_at').notNull(),
    settledAt: instant('settled_at'),
  },
  (t) => [
    primaryKey({ columns: [t.accountId, t.id] }),
    unique('calls_entry').on(t.accountId, t.seq),
    foreignKey({
      name: 'calls_of_entry',
      columns: [t.accountId, t.seq],
      foreignColumns: [ledgerEntries.accountId, ledgerEntries.seq],
    }),
    index('calls_latest').on(t.accountId, t.createdAt, t.id),
    // The daily recomputation reads the calls of a day in this order.
    index('calls_created').on(t.createdAt, t.id),
    // A support request names a call by its id alone.
    index('calls_id').on(t.id),
    // Amounts absorbed by the platform: few calls, of which operators list the latest.
    index('calls_shortfalls').on(t.createdAt).where(sql`${t.shortfall} > 0`),
    check('calls_id_shape', sql`${t.id} ~ '^[0-9a-f]{32}$'`),
    check('calls_names_shape', sql`${t.model} ~ '^[!-~]+$' and ${t.provider} ~ '^[!-~]+$'`),
    check('calls_dialect_shape', sql`${t.dialect} ~ '^[a-z_]+$'`),
    check('calls_price_rule_shape', sql`${t.priceRule} ~ '^[!-~]+$'`),
    check('calls_status', sql`${t.status} in ('settled', 'void')`),
    check('calls_reason_shape', sql`${t.reason} ~ '^[a-z0-9_]+$'`),
    check('calls_money', sql`${t.charged} >= 0 and ${t.shortfall} >= 0`),
    check('calls_provider_cost', sql`${t.providerCost} >= 0`),
    check('calls_durations', sql`least(${t.firstTokenMs}, ${t.totalMs}) >= 0`),
    check('calls_margin', sql`${t.marginBasisPoints} between 0 and 10000`),
    check(
      'calls_usage',
      sql`least(${t.inputUncached}, ${t.cacheRead}, ${t.cacheWrite5m}, ${t.cacheWrite30m}, ${t.cacheWrite1h}, ${t.cacheWrite12h}, ${t.output}, ${t.outputReasoning}) >= 0`,
    ),
    check(
      'calls_fees_shape',
      sql`jsonb_typeof(${t.fees}) = 'array'
        and jsonb_array_length(${t.fees}) between 0 and 16
        and jsonb_array_length(${t.fees}) = jsonb_array_length(jsonb_path_query_array(${t.fees}, 'strict $[*] ? (@.kind like_regex "^[a-z0-9_]{1,32}$" && @.count >= 0 && @.nano_usd_per_million like_regex "^[0-9]{1,18}$")', '{}', true))
        and not jsonb_path_exists(${t.fees}, 'lax $[*].keyvalue() ? (@.key != "kind" && @.key != "count" && @.key != "nano_usd_per_million")', '{}', true)`,
    ),
  ],
);

/**
 * Usage by day, key and model: sums of `calls`, updated by the statement that inserts them, so that
 * a chart reads as many rows as it draws.
 */
export const usageDays = pgTable(
  'usage_days',
  {
    accountId: accountId(),
    /** Whole days since 1970-01-01, UTC. */
    day: integer('day').notNull(),
    keyId: bigint('key_id', { mode: 'number' }).notNull(),
    model: varchar('model', { length: 128 }).notNull(),
    calls: integer('calls').notNull(),
    /** All input, cached or not. */
    inputTokens: tokens('input_tokens').notNull(),
    outputTokens: tokens('output_tokens').notNull(),
    charged: nanoUsd('charged').notNull(),
    /**
     * What is spent by kind (`splitCharge` of packages/money). What `charged` has beside these is
     * unknown: of calls before the kinds were kept, whose rows no longer exist.
     */
    inputCharged: nanoUsd('input_charged').notNull().default(sql`0`),
    cacheReadCharged: nanoUsd('cache_read_charged').notNull().default(sql`0`),
    cacheWriteCharged: nanoUsd('cache_write_charged').notNull().default(sql`0`),
    outputCharged: nanoUsd('output_charged').notNull().default(sql`0`),
    otherCharged: nanoUsd('other_charged').notNull().default(sql`0`),
    /** What cache reads saved (`savedByCache`). */
    cacheSaved: nanoUsd('cache_saved').notNull().default(sql`0`),
  },
  (t) => [
    primaryKey({ columns: [t.accountId, t.day, t.keyId, t.model] }),
    // The last day of each key: one row of a key's, not all days of the account.
    index('usage_days_key').on(t.accountId, t.keyId, t.day),
    check('usage_days_model_shape', sql`${t.model} ~ '^[!-~]+$'`),
    check(
      'usage_days_sums',
      sql`least(${t.calls}, ${t.inputTokens}, ${t.outputTokens}, ${t.charged}) >= 0`,
    ),
    check(
      'usage_days_kinds',
      sql`least(${t.inputCharged}, ${t.cacheReadCharged}, ${t.cacheWriteCharged}, ${t.outputCharged}, ${t.otherCharged}, ${t.cacheSaved}) >= 0`,
    ),
  ],
);

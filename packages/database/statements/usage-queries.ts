/** Sums of usage by day, key and model, read from `usage_days`. */
import type { AccountId, KeyId } from '@farebox/ledger';
import { mapSpendKinds, type NanoUsd, SPEND_KINDS, type SpendByKind } from '@farebox/money';
import { and, eq, gte, lte, sql, sum } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { usageDays } from '../schema/ledger.ts';

/** Whole days since 1970-01-01, UTC, both inclusive. */
export type DayRange = Readonly<{ from: number; to: number }>;

export type UsageSum = Readonly<{
  /** The day or key as decimal text, or the model's name. */
  group: string;
  calls: number;
  inputTokens: number;
  outputTokens: number;
  charged: NanoUsd;
}>;

const GROUP_COLUMNS = { day: usageDays.day, key: usageDays.keyId, model: usageDays.model } as const;
export type UsageGroup = keyof typeof GROUP_COLUMNS;

/** The columns of a sum by group. */
function sumColumns(by: UsageGroup) {
  return {
    group: sql<string>`${GROUP_COLUMNS[by]}::text`,
    calls: sum(usageDays.calls).mapWith(Number),
    inputTokens: sum(usageDays.inputTokens).mapWith(Number),
    outputTokens: sum(usageDays.outputTokens).mapWith(Number),
    charged: sum(usageDays.charged).mapWith(BigInt),
  };
}

/** Returns sums in no particular order; a group without usage has no row. */
export async function sumUsage(
  db: Database,
  account: AccountId,
  range: DayRange,
  by: UsageGroup,
): Promise<readonly UsageSum[]> {
  const rows = await queryOrThrow(
    db
      .select(sumColumns(by))
      .from(usageDays)
      .where(matchUsage(account, range, {}))
      .groupBy(GROUP_COLUMNS[by]),
  );
  return rows.map(toUsageSum);
}

type SumRow = Readonly<{
  group: string;
  calls: number | null;
  inputTokens: number | null;
  outputTokens: number | null;
  charged: bigint | null;
}>;

function toUsageSum(row: SumRow): UsageSum {
  return {
    group: row.group,
    calls: row.calls ?? 0,
    inputTokens: row.inputTokens ?? 0,
    outputTokens: row.outputTokens ?? 0,
    charged: row.charged ?? 0n,
  };
}

/** What sums may be limited to. */
export type UsageFilter = Readonly<{ keyId?: KeyId | undefined; model?: string | undefined }>;

/** What a sum by day is split into, and what it may be limited to. */
export type DailyUsageQuery = UsageFilter & Readonly<{ by: Exclude<UsageGroup, 'day'> }>;

function matchUsage(account: AccountId, range: DayRange, { keyId, model }: UsageFilter) {
  return and(
    eq(usageDays.accountId, account),
    gte(usageDays.day, range.from),
    lte(usageDays.day, range.to),
    keyId === undefined ? undefined : eq(usageDays.keyId, keyId),
    model === undefined ? undefined : eq(usageDays.model, model),
  );
}

/** A sum of one day and one key or model. */
export type DailyUsageSum = UsageSum & Readonly<{ day: number }>;

/** Returns sums by day and key or model, in no particular order. */
export async function sumDailyUsage(
  db: Database,
  account: AccountId,
  range: DayRange,
  { by, ...filter }: DailyUsageQuery,
): Promise<readonly DailyUsageSum[]> {
  const rows = await queryOrThrow(
    db
      .select({ day: usageDays.day, ...sumColumns(by) })
      .from(usageDays)
      .where(matchUsage(account, range, filter))
      .groupBy(usageDays.day, GROUP_COLUMNS[by]),
  );
  return rows.map((row) => ({ day: row.day, ...toUsageSum(row) }));
}

/** What was spent, by kind; kinds and `unknown` add up to the charges. */
export type KindSpend = Readonly<{
  kinds: SpendByKind;
  /** Charged by calls whose kinds are not known: their rows ended before the kinds were kept. */
  unknown: NanoUsd;
  /** What cache reads saved, of the calls whose kinds are known. */
  cacheSaved: NanoUsd;
}>;

/** What was spent on a day. */
export type DailySpend = KindSpend & Readonly<{ day: number }>;
/** What was spent on a day, by a key or on a model, named as in `UsageSum`. */
export type GroupSpend = KindSpend & Readonly<{ group: string }>;

const KIND_COLUMNS = {
  input: sum(usageDays.inputCharged).mapWith(BigInt),
  cache_read: sum(usageDays.cacheReadCharged).mapWith(BigInt),
  cache_write: sum(usageDays.cacheWriteCharged).mapWith(BigInt),
  output: sum(usageDays.outputCharged).mapWith(BigInt),
  other: sum(usageDays.otherCharged).mapWith(BigInt),
  charged: sum(usageDays.charged).mapWith(BigInt),
  cacheSaved: sum(usageDays.cacheSaved).mapWith(BigInt),
};
type KindRow = Readonly<Record<keyof typeof KIND_COLUMNS, bigint | null>>;

function toKindSpend(row: KindRow): KindSpend {
  const kinds = mapSpendKinds((kind) => row[kind] ?? 0n);
  const known = SPEND_KINDS.reduce((total, kind) => total + kinds[kind], 0n);
  return { kinds, unknown: (row.charged ?? 0n) - known, cacheSaved: row.cacheSaved ?? 0n };
}

/** Returns what was spent by day, in no particular order. */
export async function sumDailySpend(
  db: Database,
  account: AccountId,
  range: DayRange,
  filter: UsageFilter,
): Promise<readonly DailySpend[]> {
  const rows = await queryOrThrow(
    db
      .select({ day: usageDays.day, ...KIND_COLUMNS })
      .from(usageDays)
      .where(matchUsage(account, range, filter))
      .groupBy(usageDays.day),
  );
  return rows.map((row) => ({ day: row.day, ...toKindSpend(row) }));
}

/** Returns what was spent by day, key or model, in no particular order. */
export async function sumGroupSpend(
  db: Database,
  account: AccountId,
  range: DayRange,
  { by, ...filter }: UsageFilter & Readonly<{ by: UsageGroup }>,
): Promise<readonly GroupSpend[]> {
  const rows = await queryOrThrow(
    db
      .select({ group: sql<string>`${GROUP_COLUMNS[by]}::text`, ...KIND_COLUMNS })
      .from(usageDays)
      .where(matchUsage(account, range, filter))
      .groupBy(GROUP_COLUMNS[by]),
  );
  return rows.map((row) => ({ group: row.group, ...toKindSpend(row) }));
}

/**
 * Returns the last day on which each key was used, by the key's id. It goes from the newest row of
 * one key to that of the next, however many days and models lie between.
 */
export async function listLastUsedDays(
  db: Database,
  account: AccountId,
): Promise<ReadonlyMap<KeyId, number>> {
  const newestFirst = sql`order by key_id desc, day desc limit 1`;
  const { rows } = await queryOrThrow(
    db.execute<{ key_id: string | number; day: number }>(sql`
      with recursive used as (
        (select key_id, day from usage_days where account_id = ${account} ${newestFirst})
        union all
        select next.key_id, next.day from used cross join lateral (
          select key_id, day from usage_days
          where account_id = ${account} and key_id < used.key_id ${newestFirst}
        ) as next
      )
      select key_id, day from used`),
  );
  return new Map(rows.map(({ key_id, day }) => [Number(key_id), Number(day)]));
}

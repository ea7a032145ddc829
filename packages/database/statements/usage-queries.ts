/** Sums of usage by day, key or model, read from `usage_days`. */
import type { AccountId } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
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

/** Returns sums in no particular order; a group without usage has no row. */
export async function sumUsage(
  db: Database,
  account: AccountId,
  range: DayRange,
  by: UsageGroup,
): Promise<readonly UsageSum[]> {
  const column = GROUP_COLUMNS[by];
  const rows = await queryOrThrow(
    db
      .select({
        group: sql<string>`${column}::text`,
        calls: sum(usageDays.calls).mapWith(Number),
        inputTokens: sum(usageDays.inputTokens).mapWith(Number),
        outputTokens: sum(usageDays.outputTokens).mapWith(Number),
        charged: sum(usageDays.charged).mapWith(BigInt),
      })
      .from(usageDays)
      .where(
        and(
          eq(usageDays.accountId, account),
          gte(usageDays.day, range.from),
          lte(usageDays.day, range.to),
        ),
      )
      .groupBy(column),
  );
  return rows.map((row) => ({
    group: row.group,
    calls: row.calls ?? 0,
    inputTokens: row.inputTokens ?? 0,
    outputTokens: row.outputTokens ?? 0,
    charged: row.charged ?? 0n,
  }));
}

/**
 * What a statement shows: sums of use, calls and movements of money, newest first, page by page. Each
 * reads along an index of the account's own rows; none counts or skips what it does not show, but for
 * the cut between two files of an export.
 */
import type { AccountId, CallId, Generation, Instant, KeyId } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { and, desc, eq, gte, lt, lte, ne, type SQL, sql, sum } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toGeneration } from '../ledger/calls.ts';
import { calls, ledgerEntries, usageDays } from '../schema/ledger.ts';

/** Whole days since 1970-01-01, UTC, both included. */
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

/** In no particular order; a group without use has no row. */
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

export type CallCursor = Readonly<{ at: Instant; id: CallId }>;
export type CallFilter = Readonly<{
  keyId?: KeyId | undefined;
  model?: string | undefined;
  /** Whether the caller saw a success. */
  succeeded?: boolean | undefined;
  from?: Instant | undefined;
  /** Not included. */
  until?: Instant | undefined;
}>;

export type CallRecord = Readonly<{ keyId: KeyId; generation: Generation }>;

function buildFilter(
  account: AccountId,
  filter: CallFilter,
  before: CallCursor | null,
): SQL | undefined {
  const { keyId, model, succeeded, from, until } = filter;
  const success = sql`(${calls.httpStatus} is not null and ${calls.httpStatus} < 400)`;
  return and(
    eq(calls.accountId, account),
    keyId === undefined ? undefined : eq(calls.keyId, keyId),
    model === undefined ? undefined : eq(calls.model, model),
    succeeded === undefined ? undefined : succeeded ? success : sql`not ${success}`,
    from === undefined ? undefined : gte(calls.createdAt, new Date(from)),
    until === undefined ? undefined : lt(calls.createdAt, new Date(until)),
    before === null
      ? undefined
      : sql`(${calls.createdAt}, ${calls.id}) < (${new Date(before.at).toISOString()}::timestamptz, ${before.id})`,
  );
}

const NEWEST_FIRST = [desc(calls.createdAt), desc(calls.id)] as const;

/** Ended calls that Postgres has, newest first, those before the cursor. */
export async function listCalls(
  db: Database,
  account: AccountId,
  page: Readonly<{ filter: CallFilter; before: CallCursor | null; limit: number }>,
): Promise<readonly CallRecord[]> {
  const rows = await queryOrThrow(
    db
      .select()
      .from(calls)
      .where(buildFilter(account, page.filter, page.before))
      .orderBy(...NEWEST_FIRST)
      .limit(page.limit),
  );
  return rows.map((row) => ({ keyId: row.keyId, generation: toGeneration(row) }));
}

/** Where the next file of an export begins, when each holds `most` calls; null where this is the last. */
export async function nextPageCursor(
  db: Database,
  account: AccountId,
  page: Readonly<{ filter: CallFilter; before: CallCursor | null; limit: number }>,
): Promise<CallCursor | null> {
  const [last, next] = await queryOrThrow(
    db
      .select({ at: calls.createdAt, id: calls.id })
      .from(calls)
      .where(buildFilter(account, page.filter, page.before))
      .orderBy(...NEWEST_FIRST)
      .offset(page.limit - 1)
      .limit(2),
  );
  if (last === undefined || next === undefined) return null;
  return { at: last.at.getTime(), id: last.id };
}

/** One ended call of this account and no other, with the key it came by. */
export async function findCallRecord(
  db: Database,
  account: AccountId,
  id: CallId,
): Promise<CallRecord | undefined> {
  const [row] = await queryOrThrow(
    db
      .select()
      .from(calls)
      .where(and(eq(calls.accountId, account), eq(calls.id, id))),
  );
  return row === undefined ? undefined : { keyId: row.keyId, generation: toGeneration(row) };
}

export type BalanceTransaction = Readonly<{
  seq: number;
  id: string;
  kind: 'credit' | 'adjustment';
  delta: NanoUsd;
  postedAfter: NanoUsd;
  at: Instant;
}>;

/** Credits and adjustments, newest first, those before the line `beforeSeq`. */
export async function listBalanceTransactions(
  db: Database,
  account: AccountId,
  page: Readonly<{ beforeSeq: number | null; limit: number }>,
): Promise<readonly BalanceTransaction[]> {
  const { beforeSeq, limit } = page;
  const rows = await queryOrThrow(
    db
      .select()
      .from(ledgerEntries)
      .where(
        and(
          eq(ledgerEntries.accountId, account),
          // As the partial index says it.
          ne(ledgerEntries.kind, sql`'charge'`),
          beforeSeq === null ? undefined : lt(ledgerEntries.seq, beforeSeq),
        ),
      )
      .orderBy(desc(ledgerEntries.seq))
      .limit(limit),
  );
  return rows.map(({ seq, id, kind, delta, postedAfter, at }) => ({
    seq,
    id,
    kind: kind === 'credit' ? 'credit' : 'adjustment',
    delta,
    postedAfter,
    at: at.getTime(),
  }));
}

/**
 * The ended calls of one account, newest first, page by page along an index of the account's rows.
 * A filter that no index has (key, model, outcome, ending) is applied to a bounded number of calls, the
 * newest of the period; a page says where the search goes on. So no query reads every call of an
 * account, however many it has and however rare a match is.
 */
import {
  type AccountId,
  type CallId,
  DAY_MS,
  type Generation,
  type Instant,
  type KeyId,
} from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { and, desc, eq, gte, lt, lte, type SQL, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toEpochMs } from '../connection/raw-sql.ts';
import { toGeneration } from '../ledger/calls.ts';
import { calls, usageDays } from '../schema/ledger.ts';
import { type CallEndingKind, type EndingColumns, matchEnding } from './call-endings.ts';

export type CallCursor = Readonly<{ at: Instant; id: CallId }>;
/**
 * `succeeded`: the client received a success; `cut`: an answer that began and did not end, or
 * that the client did not wait for; `failed`: what did not succeed. A cut answer may have begun with
 * a success, so `cut` overlaps the others.
 */
export type CallOutcome = 'succeeded' | 'cut' | 'failed';

export type CallFilter = Readonly<{
  keyId?: KeyId | undefined;
  model?: string | undefined;
  outcome?: CallOutcome | undefined;
  ending?: CallEndingKind | undefined;
  from?: Instant | undefined;
  /** Exclusive. */
  until?: Instant | undefined;
}>;

export type CallRecord = Readonly<{ keyId: KeyId; generation: Generation }>;

/** The calls that one query reads at most: what a person waits for, and what a file takes. */
export const SEARCHED_CALLS = 20_000;
export const SEARCHED_CALLS_PER_FILE = 100_000;

function matchOutcome(outcome: CallOutcome, columns: EndingColumns): SQL {
  const { httpStatus } = columns;
  const succeeded = sql`(${httpStatus} is not null and ${httpStatus} < 400)`;
  if (outcome === 'succeeded') return succeeded;
  if (outcome === 'failed') return sql`not ${succeeded}`;
  return sql`(${matchEnding('client_left', columns)} or ${matchEnding('provider_cut', columns)})`;
}

type Search = Readonly<{ filter: CallFilter; before: CallCursor | null }>;

/** The last day on which the key or the model was called, by the sums by day; null for none. */
function lastUsedDay(account: AccountId, { filter, before }: Search): SQL {
  const { keyId, model, until } = filter;
  const matched = and(
    eq(usageDays.accountId, account),
    keyId === undefined ? undefined : eq(usageDays.keyId, keyId),
    model === undefined ? undefined : eq(usageDays.model, model),
    until === undefined ? undefined : lt(usageDays.day, Math.ceil(until / DAY_MS)),
    before === null ? undefined : lte(usageDays.day, Math.floor(before.at / DAY_MS)),
  );
  return sql`(select ${usageDays.day} from ${usageDays} where ${matched}
    order by ${usageDays.day} desc limit 1)`;
}

/**
 * The calls to search: those before the cursor in the period. A key or model that was not called
 * lately is searched from the last day on which it was, however many calls came after.
 */
function matchPeriod(account: AccountId, search: Search): SQL | undefined {
  const { filter, before } = search;
  const { keyId, model, from, until } = filter;
  return and(
    eq(calls.accountId, account),
    from === undefined ? undefined : gte(calls.createdAt, new Date(from)),
    until === undefined ? undefined : lt(calls.createdAt, new Date(until)),
    before === null
      ? undefined
      : sql`(${calls.createdAt}, ${calls.id}) < (${new Date(before.at).toISOString()}::timestamptz, ${before.id})`,
    keyId === undefined && model === undefined
      ? undefined
      : sql`${calls.createdAt} < to_timestamp((${lastUsedDay(account, search)} + 1) * ${DAY_MS / 1000}::bigint)`,
  );
}

const NEWEST_FIRST = [desc(calls.createdAt), desc(calls.id)] as const;

/**
 * The calls of the period, at most `searched`, and the condition of those that match. PostgreSQL
 * reads them in the order of the index and stops at the page's end.
 */
function searchCalls(db: Database, account: AccountId, search: Search, searched: number) {
  const { keyId, model, outcome, ending } = search.filter;
  const period = db
    .select()
    .from(calls)
    .where(matchPeriod(account, search))
    .orderBy(...NEWEST_FIRST)
    .limit(searched)
    .as('searched');
  const matches = and(
    keyId === undefined ? undefined : eq(period.keyId, keyId),
    model === undefined ? undefined : eq(period.model, model),
    outcome === undefined ? undefined : matchOutcome(outcome, period),
    ending === undefined ? undefined : matchEnding(ending, period),
  );
  return { period, matches, newestFirst: [desc(period.createdAt), desc(period.id)] as const };
}

export type CallPage = Readonly<{
  calls: readonly CallRecord[];
  /** Where older calls begin; null after the last one. */
  next: CallCursor | null;
  /** True if the search ended at its bound: whether older calls match is not known. */
  isPartial: boolean;
}>;

export type CallPageQuery = Search & Readonly<{ limit: number }>;

/** Lists ended calls before the cursor, newest first, among the `searched` newest of the period. */
export async function listCalls(
  db: Database,
  account: AccountId,
  query: CallPageQuery,
  searched: number = SEARCHED_CALLS,
): Promise<CallPage> {
  const { period, matches, newestFirst } = searchCalls(db, account, query, searched);
  const rows = await queryOrThrow(
    db
      .select()
      .from(period)
      .where(matches)
      .orderBy(...newestFirst)
      .limit(query.limit + 1),
  );
  const page = rows.slice(0, query.limit);
  const found = page.map((row) => ({ keyId: row.keyId, generation: toGeneration(row) }));
  const last = found.at(-1)?.generation;
  if (rows.length > query.limit && last !== undefined)
    return { calls: found, next: { at: last.createdAt, id: last.id }, isPartial: false };
  const end = matches === undefined ? null : await findSearchEnd(db, account, query, searched);
  return { calls: found, next: end, isPartial: end !== null };
}

/** The last call that a search reads; null if it reads every call of the period. */
async function findSearchEnd(
  db: Database,
  account: AccountId,
  search: Search,
  searched: number,
): Promise<CallCursor | null> {
  const [last, next] = await queryOrThrow(
    db
      .select({ at: calls.createdAt, id: calls.id })
      .from(calls)
      .where(matchPeriod(account, search))
      .orderBy(...NEWEST_FIRST)
      .offset(searched - 1)
      .limit(2),
  );
  if (last === undefined || next === undefined) return null;
  return { at: last.at.getTime(), id: last.id };
}

/**
 * Returns where the next file of an export begins if each holds at most `limit` calls and is
 * searched among `searched`; null for the last file.
 */
export async function nextPageCursor(
  db: Database,
  account: AccountId,
  query: CallPageQuery,
  searched: number = SEARCHED_CALLS_PER_FILE,
): Promise<CallCursor | null> {
  const { period, matches, newestFirst } = searchCalls(db, account, query, searched);
  const [last, next] = await queryOrThrow(
    db
      .select({ at: period.createdAt, id: period.id })
      .from(period)
      .where(matches)
      .orderBy(...newestFirst)
      .offset(query.limit - 1)
      .limit(2),
  );
  if (last !== undefined && next !== undefined) return { at: last.at.getTime(), id: last.id };
  return matches === undefined ? null : findSearchEnd(db, account, query, searched);
}

/** Finds one ended call of this account, with its key. */
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

/** The number of calls and what they cost, in one part of the time they span. */
export type CallBucket = Readonly<{ index: number; calls: number; failed: number }>;

/** Calls that ended alike: an HTTP status and the reason of their charge. */
export type CallEnding = Readonly<{
  httpStatus: number | null;
  reason: string | null;
  calls: number;
  charged: NanoUsd;
}>;

export type CallSummary = Readonly<{
  endings: readonly CallEnding[];
  /** `CALL_BUCKETS` equal parts from `from` to `until`; a part without a call is absent. */
  buckets: readonly CallBucket[];
  from: Instant;
  until: Instant;
}>;

export const CALL_BUCKETS = 48;

type SummaryRow = {
  index: number | string;
  status_code: number | string | null;
  reason: string | null;
  calls: number | string;
  charged: string;
  failed: boolean;
  from_ms: string | number;
  until_ms: string | number;
};

/**
 * Sums up the newest calls that match, at most `limit`, among the `searched` newest of the period.
 * Undefined where none matches.
 */
export async function summarizeCalls(
  db: Database,
  account: AccountId,
  filter: CallFilter,
  limit: number,
  searched: number = SEARCHED_CALLS,
): Promise<CallSummary | undefined> {
  const search = { filter, before: null };
  const { period, matches, newestFirst } = searchCalls(db, account, search, searched);
  const matching = db
    .select({
      at: sql`${period.createdAt}`.as('at'),
      statusCode: sql`${period.httpStatus}`.as('status_code'),
      reason: sql`${period.reason}`.as('ended'),
      charged: sql`${period.charged}`.as('cost'),
    })
    .from(period)
    .where(matches)
    .orderBy(...newestFirst)
    .limit(limit);
  const { rows } = await queryOrThrow(
    db.execute<SummaryRow>(sql`with newest as materialized (${matching}),
      span as (select min(at) as first, max(at) + interval '1 millisecond' as last from newest)
      select width_bucket(extract(epoch from at), extract(epoch from first), extract(epoch from last),
          ${CALL_BUCKETS}) - 1 as index,
        status_code, ended as reason, count(*) as calls, sum(cost)::text as charged,
        not (status_code is not null and status_code < 400) as failed,
        ${toEpochMs(sql`min(first)`)} as from_ms, ${toEpochMs(sql`min(last)`)} as until_ms
      from newest, span group by 1, 2, 3, 6`),
  );
  return rows.length === 0 ? undefined : toSummary(rows);
}

function toSummary(rows: readonly SummaryRow[]): CallSummary {
  const endings = new Map<string, CallEnding>();
  const buckets = new Map<number, CallBucket>();
  for (const row of rows) {
    const [index, count] = [Number(row.index), Number(row.calls)];
    const httpStatus = row.status_code === null ? null : Number(row.status_code);
    const name = `${httpStatus} ${row.reason}`;
    const ending = endings.get(name) ?? { httpStatus, reason: row.reason, calls: 0, charged: 0n };
    const charged = ending.charged + BigInt(row.charged);
    endings.set(name, { ...ending, calls: ending.calls + count, charged });
    const bucket = buckets.get(index) ?? { index, calls: 0, failed: 0 };
    const failed = bucket.failed + (row.failed ? count : 0);
    buckets.set(index, { index, calls: bucket.calls + count, failed });
  }
  const [first] = rows;
  return {
    endings: [...endings.values()],
    buckets: [...buckets.values()],
    from: Number(first?.from_ms ?? 0),
    until: Number(first?.until_ms ?? 0),
  };
}

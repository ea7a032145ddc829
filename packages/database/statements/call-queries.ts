/**
 * The ended calls of one account, newest first, page by page along an index of the account's rows.
 * Only the split between two files of an export counts rows it does not return.
 */
import type { AccountId, CallId, Generation, Instant, KeyId } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { and, desc, eq, gte, lt, type SQL, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toEpochMs } from '../connection/raw-sql.ts';
import { toGeneration } from '../ledger/calls.ts';
import { calls } from '../schema/ledger.ts';

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
  from?: Instant | undefined;
  /** Exclusive. */
  until?: Instant | undefined;
}>;

export type CallRecord = Readonly<{ keyId: KeyId; generation: Generation }>;

const SUCCEEDED = sql`(${calls.httpStatus} is not null and ${calls.httpStatus} < 400)`;
const CUT_REASONS = ['estimated_after_disconnect', 'estimated_after_upstream_cut'] as const;
/** nginx's code for a client that closed the connection first, which the gateway stores. */
const CLIENT_CLOSED = 499;
const CUT = sql`(${calls.httpStatus} = ${CLIENT_CLOSED} or ${calls.reason} in (${sql.join(
  CUT_REASONS.map((reason) => sql`${reason}`),
  sql`, `,
)}))`;
const OUTCOMES: Readonly<Record<CallOutcome, SQL>> = {
  succeeded: SUCCEEDED,
  cut: sql`coalesce(${CUT}, false)`,
  failed: sql`not ${SUCCEEDED}`,
};

function buildFilter(
  account: AccountId,
  filter: CallFilter,
  before: CallCursor | null,
): SQL | undefined {
  const { keyId, model, outcome, from, until } = filter;
  return and(
    eq(calls.accountId, account),
    keyId === undefined ? undefined : eq(calls.keyId, keyId),
    model === undefined ? undefined : eq(calls.model, model),
    outcome === undefined ? undefined : OUTCOMES[outcome],
    from === undefined ? undefined : gte(calls.createdAt, new Date(from)),
    until === undefined ? undefined : lt(calls.createdAt, new Date(until)),
    before === null
      ? undefined
      : sql`(${calls.createdAt}, ${calls.id}) < (${new Date(before.at).toISOString()}::timestamptz, ${before.id})`,
  );
}

const NEWEST_FIRST = [desc(calls.createdAt), desc(calls.id)] as const;

/** Lists ended calls before the cursor, newest first. */
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

/**
 * Returns where the next file of an export begins if each holds `limit` calls; null for the last
 * file.
 */
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
 * Sums up the newest calls that match, at most `limit`. It reads along the index of the account's
 * calls: no more than `limit` of them without a filter, and until so many match with one. Undefined
 * where none matches.
 */
export async function summarizeCalls(
  db: Database,
  account: AccountId,
  filter: CallFilter,
  limit: number,
): Promise<CallSummary | undefined> {
  const newest = sql`newest as materialized (
      select ${calls.createdAt} as at, ${calls.httpStatus} as status_code, ${calls.reason} as reason,
        ${calls.charged} as charged
      from ${calls} where ${buildFilter(account, filter, null)}
      order by ${calls.createdAt} desc, ${calls.id} desc limit ${limit})`;
  const { rows } = await queryOrThrow(
    db.execute<SummaryRow>(sql`with ${newest},
      span as (select min(at) as first, max(at) + interval '1 millisecond' as last from newest)
      select width_bucket(extract(epoch from at), extract(epoch from first), extract(epoch from last),
          ${CALL_BUCKETS}) - 1 as index,
        status_code, reason, count(*) as calls, sum(charged)::text as charged,
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

/**
 * The ended calls of one account, newest first, page by page along an index of the account's rows.
 * Only the split between two files of an export counts rows it does not return.
 */
import type { AccountId, CallId, Generation, Instant, KeyId } from '@farebox/ledger';
import { and, desc, eq, gte, lt, type SQL, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toGeneration } from '../ledger/calls.ts';
import { calls } from '../schema/ledger.ts';

export type CallCursor = Readonly<{ at: Instant; id: CallId }>;
export type CallFilter = Readonly<{
  keyId?: KeyId | undefined;
  model?: string | undefined;
  /** Whether the client received a success. */
  succeeded?: boolean | undefined;
  from?: Instant | undefined;
  /** Exclusive. */
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

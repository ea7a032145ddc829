/**
 * The calls that a correction may concern: charged for good, and not corrected yet. Those of a price
 * rule are read in portions, in the order of time and id, so that no request reads them all.
 */
import type { AccountId, CallId, Generation, Instant } from '@farebox/ledger';
import { BUCKETS, type Bucket, type Prices } from '@farebox/money';
import { and, asc, countDistinct, eq, gt, gte, inArray, lt, ne, notExists, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, toEpochMs, toTimestamp } from '../connection/raw-sql.ts';
import { toGeneration } from '../ledger/calls.ts';
import { calls } from '../schema/ledger.ts';
import { correctionCalls } from '../schema/operators.ts';

export type BilledGeneration = Readonly<{ accountId: AccountId; generation: Generation }>;

/** The calls of a price rule that were admitted in a period. */
export type RuleCalls = Readonly<{
  model: string;
  priceRule: string;
  from: Instant;
  /** Not contained. */
  until: Instant;
}>;

/** The last call of a portion; the next portion begins behind it. */
export type CallPosition = Readonly<{ createdAt: Instant; id: CallId }>;

/** Ends whose charge is the cost of the usage. */
const EXACT_REASONS = ['provider_reported', 'counted'];

/** A charge that a late settlement may still change: it would give back what was corrected again. */
const NOT_FINAL_REASON = 'expired_at_checkpoint';

/** A call that no correction has given anything back for, and that was charged for good. */
function isCorrectable(db: Database) {
  const corrected = db
    .select({ found: sql`1` })
    .from(correctionCalls)
    .where(
      and(eq(correctionCalls.accountId, calls.accountId), eq(correctionCalls.callId, calls.id)),
    );
  return and(gt(calls.charged, 0n), ne(calls.reason, NOT_FINAL_REASON), notExists(corrected));
}

function isOfRule({ model, priceRule, from, until }: RuleCalls) {
  return and(
    gte(calls.createdAt, new Date(from)),
    lt(calls.createdAt, new Date(until)),
    eq(calls.model, model),
    eq(calls.priceRule, priceRule),
    inArray(calls.reason, EXACT_REASONS),
    gt(calls.charged, 0n),
  );
}

function isBehind(after: CallPosition | null) {
  if (after === null) return undefined;
  return sql`(${calls.createdAt}, ${calls.id}) > (${toTimestamp(after.createdAt)}, ${after.id})`;
}

/** Lists the correctable calls of a rule behind `after`, oldest first. */
export async function listCallsOfRule(
  db: Database,
  rule: RuleCalls,
  after: CallPosition | null,
  limit: number,
): Promise<readonly BilledGeneration[]> {
  const rows = await queryOrThrow(
    db
      .select()
      .from(calls)
      .where(and(isOfRule(rule), isBehind(after), isCorrectable(db)))
      .orderBy(asc(calls.createdAt), asc(calls.id))
      .limit(limit),
  );
  return rows.map((row) => ({ accountId: row.accountId, generation: toGeneration(row) }));
}

/**
 * Returns the prices of a rule's first call, corrected or not: those that all its calls should have
 * been charged at. Undefined if it has no call with prices.
 */
export async function findChargedPrices(
  db: Database,
  rule: RuleCalls,
): Promise<Prices | undefined> {
  const [row] = await queryOrThrow(
    db
      .select()
      .from(calls)
      .where(isOfRule(rule))
      .orderBy(asc(calls.createdAt), asc(calls.id))
      .limit(1),
  );
  return (row && toGeneration(row).prices) ?? undefined;
}

/** Counts the accounts that have correctable calls of a rule. */
export async function countAccountsOfRule(db: Database, rule: RuleCalls): Promise<number> {
  const [row] = await queryOrThrow(
    db
      .select({ accounts: countDistinct(calls.accountId) })
      .from(calls)
      .where(and(isOfRule(rule), isCorrectable(db))),
  );
  return row?.accounts ?? 0;
}

/** What a portion of a rule's calls used. `last` is null if the portion is empty. */
type UsedKinds = Readonly<{
  calls: number;
  kinds: readonly Bucket[];
  /** Whether one was charged at other prices than those asked about. */
  isMixed: boolean;
  last: CallPosition | null;
}>;

type UsedKindsRow = Readonly<
  Record<Bucket, boolean | null> & {
    calls: string;
    is_mixed: boolean;
    last_at: string | null;
    last_id: string | null;
  }
>;

const KIND_COLUMNS = sql.raw(BUCKETS.map((bucket) => `bool_or(${bucket} > 0) as ${bucket}`).join());
const PRICE_COLUMNS = sql.raw(BUCKETS.map((bucket) => `${bucket}_price`).join());

/** Reads which kinds of tokens the next correctable calls of a rule used, `limit` calls at most. */
export async function readUsedKinds(
  db: Database,
  rule: RuleCalls,
  charged: Prices,
  after: CallPosition | null,
  limit: number,
): Promise<UsedKinds> {
  const portion = db
    .select()
    .from(calls)
    .where(and(isOfRule(rule), isBehind(after), isCorrectable(db)))
    .orderBy(asc(calls.createdAt), asc(calls.id))
    .limit(limit);
  const prices = sql.join(
    BUCKETS.map((bucket) => sql`${charged[bucket].toString()}::bigint`),
    sql`, `,
  );
  const row = await firstRow<UsedKindsRow>(
    db,
    sql`
      with portion as (${portion})
      select count(*) as calls, ${KIND_COLUMNS},
        coalesce(bool_or(row(${PRICE_COLUMNS}) is distinct from row(${prices})), false) as is_mixed,
        ${toEpochMs(sql`max(created_at)`)} as last_at,
        (array_agg(id order by created_at desc, id desc))[1] as last_id
      from portion`,
  );
  const { calls: count = '0', last_at: lastAt = null, last_id: lastId = null } = row ?? {};
  return {
    calls: Number(count),
    kinds: BUCKETS.filter((bucket) => row?.[bucket] === true),
    isMixed: row?.is_mixed === true,
    last: lastAt === null || lastId === null ? null : { createdAt: Number(lastAt), id: lastId },
  };
}

/** Finds a call by its id alone, if it was charged for good and not corrected yet. */
export async function findCorrectableCall(
  db: Database,
  id: CallId,
): Promise<BilledGeneration | undefined> {
  const [row] = await queryOrThrow(
    db
      .select()
      .from(calls)
      .where(and(eq(calls.id, id), isCorrectable(db)))
      .limit(1),
  );
  return row && { accountId: row.accountId, generation: toGeneration(row) };
}

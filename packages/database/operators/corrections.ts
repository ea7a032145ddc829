/**
 * Corrections of wrong bills by operators: planned page by page with what each call gives back,
 * proposed, approved, applied call by call. Above the limits of adjustments a second operator must
 * approve. A run that is interrupted continues with the calls that are still planned; the ledger
 * moves the money of each once, by the ids of the call and the correction.
 */
import type { AccountId, CallId, Instant } from '@farebox/ledger';
import { BUCKETS, type NanoUsd, type Prices } from '@farebox/money';
import { and, count, desc, eq, inArray, ne, type SQL, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toTimestamp } from '../connection/raw-sql.ts';
import { correctionCalls, corrections } from '../schema/operators.ts';
import { type AdjustmentLimits, appliedAlone, CORRECTIONS_LOCK } from './adjustments.ts';
import type { CallPosition, RuleCalls } from './correctable-calls.ts';

/** `planning`: its calls are being stored; it can be continued, or rejected. */
export type CorrectionState = 'planning' | 'proposed' | 'approved' | 'applied' | 'refused';
/** The calls of a price rule in a period, and the right prices in nano-USD per million tokens. */
export type CorrectionRule = RuleCalls & Readonly<{ prices: Partial<Prices> }>;
export type Correction = Readonly<{
  id: string;
  /** Null where it concerns one call. */
  rule: CorrectionRule | null;
  /** While it is planned: behind which call the plan goes on. Null before the first call. */
  plannedUntil: CallPosition | null;
  calls: number;
  accounts: number;
  amount: NanoUsd;
  reason: string;
  state: CorrectionState;
  proposedBy: string;
  proposedAt: Instant;
  decidedBy: string | null;
  decidedAt: Instant | null;
}>;
/** What a correction gives back for one call. */
export type PlannedCall = Readonly<{ accountId: AccountId; callId: CallId; amount: NanoUsd }>;
export type CorrectionProposal = Readonly<{
  id: string;
  rule: CorrectionRule | null;
  /** What the operator saw in the preview: the plan must be the same. */
  expected: Readonly<{ calls: number; amount: NanoUsd }>;
  reason: string;
  by: string;
  now: Instant;
}>;

const STATES: readonly CorrectionState[] = ['planning', 'proposed', 'approved', 'applied'];

function parseState(text: string): CorrectionState {
  return STATES.find((state) => state === text) ?? 'refused';
}

function parsePrices(stored: unknown): Partial<Prices> {
  const known = BUCKETS.flatMap((bucket) => {
    const price: unknown = Reflect.get(Object(stored), bucket);
    return typeof price === 'string' ? [[bucket, BigInt(price)] as const] : [];
  });
  return Object.fromEntries(known);
}

function toRule(row: typeof corrections.$inferSelect): CorrectionRule | null {
  const { model, priceRule, periodFrom, periodUntil, prices } = row;
  if (model === null || priceRule === null) return null;
  return {
    model,
    priceRule,
    from: periodFrom?.getTime() ?? 0,
    until: periodUntil?.getTime() ?? 0,
    prices: parsePrices(prices),
  };
}

function toCorrection(row: typeof corrections.$inferSelect): Correction {
  const { id, accounts, amount, reason, state, proposedBy, decidedBy } = row;
  const { plannedAt, plannedCall } = row;
  return {
    ...{ id, rule: toRule(row), calls: row.calls, accounts, amount, reason, proposedBy, decidedBy },
    plannedUntil:
      plannedAt === null || plannedCall === null
        ? null
        : { createdAt: plannedAt.getTime(), id: plannedCall },
    state: parseState(state),
    proposedAt: row.proposedAt.getTime(),
    decidedAt: row.decidedAt?.getTime() ?? null,
  };
}

export async function findCorrection(db: Database, id: string): Promise<Correction | undefined> {
  const [row] = await queryOrThrow(db.select().from(corrections).where(eq(corrections.id, id)));
  return row === undefined ? undefined : toCorrection(row);
}

/** Lists corrections, newest first. */
export async function listCorrections(db: Database, limit: number): Promise<readonly Correction[]> {
  const rows = await queryOrThrow(
    db.select().from(corrections).orderBy(desc(corrections.proposedAt)).limit(limit),
  );
  return rows.map(toCorrection);
}

/** The right prices as they are stored. */
function toStoredPrices(prices: Partial<Prices>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    BUCKETS.flatMap((bucket) => {
      const price = prices[bucket];
      return price === undefined ? [] : [[bucket, price.toString()]];
    }),
  );
}

/**
 * Starts a correction with the calls given; those of a rule are added afterwards. One with this id
 * that is stored already stays as it is.
 */
export async function insertCorrection(
  db: Database,
  proposal: CorrectionProposal,
  planned: readonly PlannedCall[],
): Promise<void> {
  const { id, rule, expected, reason, by, now } = proposal;
  await queryOrThrow(
    db.batch([
      db
        .insert(corrections)
        .values({
          ...{ id, reason, state: 'planning', proposedBy: by, proposedAt: new Date(now) },
          ...{ ...expected, accounts: 0 },
          ...{ model: rule?.model ?? null, priceRule: rule?.priceRule ?? null },
          prices: rule && toStoredPrices(rule.prices),
          periodFrom: rule && new Date(rule.from),
          periodUntil: rule && new Date(rule.until),
        })
        .onConflictDoNothing(),
      db.execute(insertPlanned(id, planned)),
    ]),
  );
}

/**
 * Inserts calls of a correction that is being planned. Idempotent; calls of another correction are
 * left out. The lock makes the sums of `finishPlan` contain what is inserted at the same time.
 */
function insertPlanned(id: string, planned: readonly PlannedCall[]): SQL {
  const rows = JSON.stringify(
    planned.map(({ accountId, callId, amount }) => ({
      account: accountId,
      call: callId,
      amount: amount.toString(),
    })),
  );
  return sql`
    with open as (select id from corrections where id = ${id} and state = 'planning' for share)
    insert into correction_calls (account_id, call_id, correction_id, amount, state)
    select r.account, r.call, open.id, r.amount, 'planned'
    from open, jsonb_to_recordset(${rows}::jsonb) as r (account text, call text, amount bigint)
    on conflict (account_id, call_id) do nothing`;
}

/**
 * Adds a page of calls to a correction that is being planned, and remembers the last call that was
 * read, whether or not it gives anything back. Idempotent.
 */
export async function addPlannedCalls(
  db: Database,
  id: string,
  planned: readonly PlannedCall[],
  until: CallPosition,
): Promise<void> {
  const at = toTimestamp(until.createdAt);
  await queryOrThrow(
    db.batch([
      db.execute(insertPlanned(id, planned)),
      db.execute(sql`update corrections set planned_at = ${at}, planned_call = ${until.id}
        where id = ${id} and state = 'planning'
          and (planned_at is null or (planned_at, planned_call) < (${at}, ${until.id}))`),
    ]),
  );
}

export type FinishedPlan = Readonly<{
  id: string;
  by: string;
  now: Instant;
  limits: AdjustmentLimits;
}>;

/** Sums the stored calls, and approves at once what is within the limits of one operator. */
function decideAlone({ id, by, now, limits }: FinishedPlan): SQL {
  const at = toTimestamp(now);
  return sql`
    with planned as (
      select account_id, amount::numeric from correction_calls where correction_id = ${id}
    ), moved as (
      select account_id, amount, proposed_by from ${appliedAlone(at)} as before
      union all select account_id, amount, ${by} from planned
    ), verdict as (
      select
        (select count(*) from planned) as calls,
        (select count(distinct account_id) from planned) as accounts,
        (select sum(amount) from planned) as amount,
        (select max(total) from (
          select sum(amount) as total from moved
          where account_id in (select account_id from planned) group by account_id) as by_account)
          <= ${limits.account.toString()}::numeric
        and (select sum(amount) from moved where lower(proposed_by) = lower(${by}))
          <= ${limits.operator.toString()}::numeric as alone
    )
    update corrections set accounts = verdict.accounts, planned_at = null, planned_call = null,
      state = case when alone then 'approved' else 'proposed' end,
      decided_by = case when alone then ${by} end, decided_at = case when alone then ${at} end
    from verdict where id = ${id} and state = 'planning'
      and verdict.calls = corrections.calls and verdict.amount = corrections.amount`;
}

/**
 * Proposes the calls that were stored, or approves them at once, if they are what the operator saw.
 * Otherwise the plan is deleted and undefined returned. One that was proposed before stays as it is.
 * The locks make concurrent proposals, of adjustments too, count each other toward the limits.
 */
export async function finishPlan(
  db: Database,
  plan: FinishedPlan,
): Promise<Correction | undefined> {
  const { id, by } = plan;
  await queryOrThrow(
    db.batch([
      db.execute(sql`select pg_advisory_xact_lock(${CORRECTIONS_LOCK})`),
      db.execute(sql`select pg_advisory_xact_lock(hashtextextended(lower(${by}), 1))`),
      db.execute(sql`select 1 from corrections where id = ${id} for update`),
      db.execute(decideAlone(plan)),
    ]),
  );
  await discardPlan(db, id);
  return await findCorrection(db, id);
}

/** Deletes a correction that is being planned, with its calls. */
export async function discardPlan(db: Database, id: string): Promise<void> {
  await queryOrThrow(
    db.batch([
      db.execute(sql`select 1 from corrections where id = ${id} for update`),
      db.execute(sql`delete from correction_calls where correction_id in
        (select id from corrections where id = ${id} and state = 'planning')`),
      db.execute(sql`delete from corrections where id = ${id} and state = 'planning'`),
    ]),
  );
}

export type DecideCorrectionResult =
  | Readonly<{ ok: true; correction: Correction }>
  | Readonly<{ ok: false; reason: 'not_found' | 'own_proposal' | 'already_decided' }>;

/**
 * Approves or refuses a proposal; its proposer may only refuse it. One that is still planned can be
 * refused only. A refused one frees its calls for another correction.
 */
export async function decideCorrection(
  db: Database,
  decision: Readonly<{ id: string; by: string; approved: boolean; now: Instant }>,
): Promise<DecideCorrectionResult> {
  const { id, by, approved, now } = decision;
  const isOpen = approved
    ? and(
        eq(corrections.state, 'proposed'),
        ne(sql`lower(${corrections.proposedBy})`, by.toLowerCase()),
      )
    : inArray(corrections.state, ['planning', 'proposed']);
  const [decided] = await queryOrThrow(
    db.batch([
      db
        .update(corrections)
        .set({ state: approved ? 'approved' : 'refused', decidedBy: by, decidedAt: new Date(now) })
        .where(and(eq(corrections.id, id), isOpen))
        .returning(),
      db.execute(sql`delete from correction_calls where correction_id in
        (select id from corrections where id = ${id} and state = 'refused')`),
    ]),
  );
  const row = decided[0];
  if (row !== undefined) return { ok: true, correction: toCorrection(row) };
  const existing = await findCorrection(db, id);
  if (existing === undefined) return { ok: false, reason: 'not_found' };
  return { ok: false, reason: existing.state === 'proposed' ? 'own_proposal' : 'already_decided' };
}

/**
 * Lists calls of an approved correction that the ledger has not answered yet, in a random order:
 * those of an account that can't be reached must not keep the others waiting.
 */
export async function listPlannedCalls(
  db: Database,
  id: string,
  limit: number,
): Promise<readonly PlannedCall[]> {
  return await queryOrThrow(
    db
      .select({
        accountId: correctionCalls.accountId,
        callId: correctionCalls.callId,
        amount: correctionCalls.amount,
      })
      .from(correctionCalls)
      .innerJoin(corrections, eq(corrections.id, correctionCalls.correctionId))
      .where(
        and(
          eq(correctionCalls.correctionId, id),
          eq(correctionCalls.state, 'planned'),
          eq(corrections.state, 'approved'),
        ),
      )
      .orderBy(sql`random()`)
      .limit(limit),
  );
}

type CorrectedCall = Readonly<{
  accountId: AccountId;
  callId: CallId;
  state: 'applied' | 'refused';
}>;

/** Records the ledger's answers for calls. Idempotent. */
export async function endCorrectedCalls(
  db: Database,
  ended: readonly CorrectedCall[],
  now: Instant,
): Promise<void> {
  const rows = JSON.stringify(
    ended.map(({ accountId, callId, state }) => ({ account: accountId, call: callId, state })),
  );
  await queryOrThrow(
    db.execute(sql`update correction_calls set state = r.state, ended_at = ${toTimestamp(now)}
      from jsonb_to_recordset(${rows}::jsonb) as r (account text, call text, state text)
      where account_id = r.account and call_id = r.call and correction_calls.state = 'planned'`),
  );
}

/** Ends an approved correction without planned calls; returns whether it has ended. Idempotent. */
export async function closeCorrection(db: Database, id: string): Promise<boolean> {
  await queryOrThrow(
    db.execute(sql`update corrections set state = 'applied'
      where id = ${id} and state = 'approved' and not exists (
        select 1 from correction_calls where correction_id = ${id} and state = 'planned')`),
  );
  return (await findCorrection(db, id))?.state === 'applied';
}

/** Counts the calls of a correction by state: `planned`, `applied`, `refused`. */
export async function countCorrectionCalls(
  db: Database,
  id: string,
): Promise<ReadonlyMap<string, number>> {
  const rows = await queryOrThrow(
    db
      .select({ state: correctionCalls.state, calls: count() })
      .from(correctionCalls)
      .where(eq(correctionCalls.correctionId, id))
      .groupBy(correctionCalls.state),
  );
  return new Map(rows.map(({ state, calls: found }) => [state, found]));
}

/**
 * Finds a correction that is being planned, or approved and not finished; any, so that one that can't
 * be finished does not keep the others waiting.
 */
export async function findUnfinishedCorrection(db: Database): Promise<Correction | undefined> {
  const [row] = await queryOrThrow(
    db
      .select()
      .from(corrections)
      .where(inArray(corrections.state, ['planning', 'approved']))
      .orderBy(sql`random()`)
      .limit(1),
  );
  return row && toCorrection(row);
}

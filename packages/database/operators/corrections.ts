/**
 * Corrections of wrong bills by operators: proposed with what each call gives back, approved,
 * applied call by call. Above the limits of adjustments a second operator must approve. A run that
 * is interrupted continues with the calls that are still planned; the ledger moves the money of
 * each once, by the ids of the call and the correction.
 */
import type { AccountId, CallId, Generation, Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { and, asc, count, desc, eq, gt, gte, inArray, lt, ne, notExists, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toGeneration } from '../ledger/calls.ts';
import { calls } from '../schema/ledger.ts';
import { correctionCalls, corrections } from '../schema/operators.ts';
import { type AdjustmentLimits, appliedAlone, CORRECTIONS_LOCK } from './adjustments.ts';

export type CorrectionState = 'proposed' | 'approved' | 'applied' | 'refused';
export type Correction = Readonly<{
  id: string;
  /** Null where it concerns one call. */
  model: string | null;
  priceRule: string | null;
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
  rule: Readonly<{ model: string; priceRule: string }> | null;
  planned: readonly PlannedCall[];
  reason: string;
  by: string;
  now: Instant;
  limits: AdjustmentLimits;
}>;
export type BilledGeneration = Readonly<{ accountId: AccountId; generation: Generation }>;

function parseState(text: string): CorrectionState {
  if (text === 'proposed' || text === 'approved' || text === 'applied') return text;
  return 'refused';
}

function toCorrection(row: typeof corrections.$inferSelect): Correction {
  return {
    ...row,
    state: parseState(row.state),
    proposedAt: row.proposedAt.getTime(),
    decidedAt: row.decidedAt?.getTime() ?? null,
  };
}

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

/** Lists the calls of a price rule that were admitted in a period and not corrected yet. */
export async function listCallsOfRule(
  db: Database,
  rule: Readonly<{ model: string; priceRule: string; from: Instant; until: Instant }>,
  limit: number,
): Promise<readonly BilledGeneration[]> {
  const rows = await queryOrThrow(
    db
      .select()
      .from(calls)
      .where(
        and(
          gte(calls.createdAt, new Date(rule.from)),
          lt(calls.createdAt, new Date(rule.until)),
          eq(calls.model, rule.model),
          eq(calls.priceRule, rule.priceRule),
          inArray(calls.reason, EXACT_REASONS),
          isCorrectable(db),
        ),
      )
      .orderBy(asc(calls.createdAt), asc(calls.id))
      .limit(limit),
  );
  return rows.map((row) => ({ accountId: row.accountId, generation: toGeneration(row) }));
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

/** Stores the calls, unless the correction had been stored before; those of another are left out. */
function insertPlan({ id, rule, planned, reason, by, now }: CorrectionProposal) {
  const rows = JSON.stringify(
    planned.map(({ accountId, callId, amount }) => ({
      account: accountId,
      call: callId,
      amount: amount.toString(),
    })),
  );
  return sql`
    with stored as (
      insert into corrections (id, model, price_rule, calls, accounts, amount, reason, state,
        proposed_by, proposed_at)
      values (${id}, ${rule?.model ?? null}, ${rule?.priceRule ?? null}, 0, 0, 0, ${reason},
        'proposed', ${by}, ${new Date(now).toISOString()}::timestamptz)
      on conflict (id) do nothing returning id)
    insert into correction_calls (account_id, call_id, correction_id, amount, state)
    select r.account, r.call, stored.id, r.amount, 'planned'
    from stored, jsonb_to_recordset(${rows}::jsonb) as r (account text, call text, amount bigint)
    on conflict (account_id, call_id) do nothing`;
}

/** Sums the stored calls, and approves at once what is within the limits of one operator. */
function decideAlone({ id, by, now, limits }: CorrectionProposal) {
  const at = sql`${new Date(now).toISOString()}::timestamptz`;
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
    update corrections set calls = verdict.calls, accounts = verdict.accounts,
      amount = verdict.amount, state = case when alone then 'approved' else 'proposed' end,
      decided_by = case when alone then ${by} end, decided_at = case when alone then ${at} end
    from verdict where id = ${id} and corrections.calls = 0 and verdict.calls > 0`;
}

export type ProposeCorrectionResult =
  | Readonly<{ ok: true; correction: Correction }>
  /** `conflict`: the id is another's. `nothing_to_correct`: every call was corrected meanwhile. */
  | Readonly<{ ok: false; reason: 'conflict' | 'nothing_to_correct' }>;

/**
 * Proposes a correction. Idempotent by its id: what was stored first counts. The locks make
 * concurrent proposals, of adjustments too, count each other toward the limits.
 */
export async function proposeCorrection(
  db: Database,
  proposal: CorrectionProposal,
): Promise<ProposeCorrectionResult> {
  const { id, by, reason } = proposal;
  await queryOrThrow(
    db.batch([
      db.execute(sql`select pg_advisory_xact_lock(${CORRECTIONS_LOCK})`),
      db.execute(sql`select pg_advisory_xact_lock(hashtextextended(lower(${by}), 1))`),
      db.execute(insertPlan(proposal)),
      db.execute(decideAlone(proposal)),
      db.delete(corrections).where(and(eq(corrections.id, id), eq(corrections.calls, 0))),
    ]),
  );
  const correction = await findCorrection(db, id);
  if (correction === undefined) return { ok: false, reason: 'nothing_to_correct' };
  const same = correction.proposedBy === by && correction.reason === reason;
  return same ? { ok: true, correction } : { ok: false, reason: 'conflict' };
}

export type DecideCorrectionResult =
  | Readonly<{ ok: true; correction: Correction }>
  | Readonly<{ ok: false; reason: 'not_found' | 'own_proposal' | 'already_decided' }>;

/**
 * Approves or refuses a proposal; its proposer may only refuse it. A refused one frees its calls for
 * another correction.
 */
export async function decideCorrection(
  db: Database,
  decision: Readonly<{ id: string; by: string; approved: boolean; now: Instant }>,
): Promise<DecideCorrectionResult> {
  const { id, by, approved, now } = decision;
  const isNotProposer = approved
    ? ne(sql`lower(${corrections.proposedBy})`, by.toLowerCase())
    : undefined;
  const [decided] = await queryOrThrow(
    db.batch([
      db
        .update(corrections)
        .set({ state: approved ? 'approved' : 'refused', decidedBy: by, decidedAt: new Date(now) })
        .where(and(eq(corrections.id, id), eq(corrections.state, 'proposed'), isNotProposer))
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

/** Lists calls of an approved correction that the ledger has not answered yet. */
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
      .orderBy(asc(correctionCalls.accountId), asc(correctionCalls.callId))
      .limit(limit),
  );
}

/** Records the ledger's answer for one call. Idempotent. */
export async function endCorrectedCall(
  db: Database,
  call: Readonly<{
    accountId: AccountId;
    callId: CallId;
    state: 'applied' | 'refused';
    now: Instant;
  }>,
): Promise<void> {
  const { accountId, callId, state, now } = call;
  await queryOrThrow(
    db
      .update(correctionCalls)
      .set({ state, endedAt: new Date(now) })
      .where(
        and(
          eq(correctionCalls.accountId, accountId),
          eq(correctionCalls.callId, callId),
          eq(correctionCalls.state, 'planned'),
        ),
      ),
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

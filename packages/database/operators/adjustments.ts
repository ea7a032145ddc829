/**
 * Adjustments of balances by operators: proposed, approved, applied. Above a limit a second
 * operator must approve, whatever the letter case of their names. The row records the decision;
 * that the money moves once is guaranteed by the ledger, by the proposal's id.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { and, asc, desc, eq, inArray, ne, type SQL, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { adjustments } from '../schema/operators.ts';

export type AdjustmentState = 'proposed' | 'approved' | 'applied' | 'refused';
export type Adjustment = Readonly<{
  id: string;
  accountId: AccountId;
  delta: NanoUsd;
  reason: string;
  state: AdjustmentState;
  proposedBy: string;
  proposedAt: Instant;
  decidedBy: string | null;
  decidedAt: Instant | null;
}>;

export type Proposal = Readonly<{
  id: string;
  accountId: AccountId;
  delta: NanoUsd;
  reason: string;
  by: string;
  now: Instant;
  limits: AdjustmentLimits;
}>;

/** What needs no second operator: amounts within a day, in either direction, in nano-USD. */
export type AdjustmentLimits = Readonly<{
  /** By all operators together, on one account. */
  account: NanoUsd;
  /** By one operator, on all accounts together. */
  operator: NanoUsd;
}>;
export type ProposeResult =
  | Readonly<{ ok: true; adjustment: Adjustment }>
  /** The id belongs to another proposal. */
  | Readonly<{ ok: false; reason: 'conflict' }>;

type Row = typeof adjustments.$inferSelect;

function parseState(text: string): AdjustmentState {
  if (text === 'proposed' || text === 'approved' || text === 'applied') return text;
  return 'refused';
}

function toAdjustment(row: Row): Adjustment {
  return {
    ...row,
    state: parseState(row.state),
    proposedAt: row.proposedAt.getTime(),
    decidedAt: row.decidedAt?.getTime() ?? null,
  };
}

export async function findAdjustment(db: Database, id: string): Promise<Adjustment | undefined> {
  const [row] = await queryOrThrow(db.select().from(adjustments).where(eq(adjustments.id, id)));
  return row === undefined ? undefined : toAdjustment(row);
}

/**
 * What was moved within a day without a second operator, in either direction, by adjustments and
 * corrections: `account_id`, `amount`, `proposed_by`. `now` is a timestamp of SQL. An adjustment is
 * decided when it is proposed, a correction once it is planned, which may be later.
 */
export function appliedAlone(now: SQL): SQL {
  return sql`(
    select account_id, abs(delta)::numeric as amount, proposed_by from adjustments
    where proposed_at > ${now} - interval '1 day' and state <> 'refused'
      and lower(decided_by) = lower(proposed_by)
    union all
    select c.account_id, c.amount::numeric, o.proposed_by
    from corrections o join correction_calls c on c.correction_id = o.id
    where o.decided_at > ${now} - interval '1 day' and o.state <> 'refused'
      and lower(o.decided_by) = lower(o.proposed_by))`;
}

/**
 * The advisory lock that a proposed correction holds alone. Proposed adjustments share it, so that
 * neither decides without the other's amounts.
 */
export const CORRECTIONS_LOCK = sql`hashtextextended('corrections', 2)`;

/**
 * Proposes an adjustment. What was applied within a day without a second operator counts toward the
 * limits: on this account by anyone, and by this operator on any account. So neither small steps
 * nor many accounts avoid a second approval. The locks make concurrent proposals count each other.
 * Every proposal locks its account before its operator, so none waits in a circle; before both it
 * takes its share of the lock of corrections, which are of many accounts at once.
 */
export async function proposeAdjustment(db: Database, proposal: Proposal): Promise<ProposeResult> {
  const { id, accountId, delta, reason, by, limits } = proposal;
  const amount = sql`abs(${delta.toString()}::numeric)`;
  const now = sql`${new Date(proposal.now).toISOString()}::timestamptz`;
  await queryOrThrow(
    db.batch([
      db.execute(sql`select pg_advisory_xact_lock_shared(${CORRECTIONS_LOCK})`),
      db.execute(sql`select pg_advisory_xact_lock(hashtextextended(${accountId}, 0))`),
      db.execute(sql`select pg_advisory_xact_lock(hashtextextended(lower(${by}), 1))`),
      db.execute(sql`
        insert into adjustments
          (id, account_id, delta, reason, state, proposed_by, proposed_at, decided_by, decided_at)
        select ${id}, ${accountId}, ${delta.toString()}::bigint, ${reason},
          case when alone then 'approved' else 'proposed' end, ${by}, ${now},
          case when alone then ${by} end, case when alone then ${now} end
        from (
          select ${amount} + coalesce(sum(a.amount) filter (where a.account_id = ${accountId}), 0)
              <= ${limits.account.toString()}::numeric
            and ${amount} + coalesce(sum(a.amount) filter (where lower(a.proposed_by) = lower(${by})), 0)
              <= ${limits.operator.toString()}::numeric as alone
          from ${appliedAlone(now)} as a
        ) as verdict
        on conflict (id) do nothing`),
    ]),
  );
  const adjustment = await findAdjustment(db, id);
  if (adjustment === undefined) throw new Error('A proposal that was stored is gone.');
  const same =
    adjustment.accountId === accountId &&
    adjustment.delta === delta &&
    adjustment.reason === reason;
  if (!same || adjustment.proposedBy !== by) return { ok: false, reason: 'conflict' };
  return { ok: true, adjustment };
}

export type DecideResult =
  | Readonly<{ ok: true; adjustment: Adjustment }>
  | Readonly<{ ok: false; reason: 'not_found' | 'own_proposal' | 'already_decided' }>;

/** Approves or refuses a proposal. The proposer may refuse (withdraw) it, but not approve it. */
export async function decideAdjustment(
  db: Database,
  decision: Readonly<{ id: string; by: string; approved: boolean; now: Instant }>,
): Promise<DecideResult> {
  const { id, by, approved, now } = decision;
  const isNotProposer = approved
    ? ne(sql`lower(${adjustments.proposedBy})`, by.toLowerCase())
    : undefined;
  const [row] = await queryOrThrow(
    db
      .update(adjustments)
      .set({ state: approved ? 'approved' : 'refused', decidedBy: by, decidedAt: new Date(now) })
      .where(and(eq(adjustments.id, id), eq(adjustments.state, 'proposed'), isNotProposer))
      .returning(),
  );
  if (row !== undefined) return { ok: true, adjustment: toAdjustment(row) };
  const existing = await findAdjustment(db, id);
  if (existing === undefined) return { ok: false, reason: 'not_found' };
  return { ok: false, reason: existing.state === 'proposed' ? 'own_proposal' : 'already_decided' };
}

/** Records the ledger's answer. Idempotent. */
export async function closeAdjustment(
  db: Database,
  id: string,
  state: 'applied' | 'refused',
): Promise<void> {
  const approved = and(eq(adjustments.id, id), eq(adjustments.state, 'approved'));
  await queryOrThrow(db.update(adjustments).set({ state }).where(approved));
}

/** Lists proposals that wait for a second operator or for the ledger, oldest first. */
export async function listOpenAdjustments(
  db: Database,
  limit: number,
): Promise<readonly Adjustment[]> {
  const rows = await queryOrThrow(
    db
      .select()
      .from(adjustments)
      .where(inArray(adjustments.state, ['proposed', 'approved']))
      .orderBy(asc(adjustments.proposedAt))
      .limit(limit),
  );
  return rows.map(toAdjustment);
}

/** Lists an account's adjustments, newest first. */
export async function listAdjustments(
  db: Database,
  accountId: AccountId,
  limit: number,
): Promise<readonly Adjustment[]> {
  const rows = await queryOrThrow(
    db
      .select()
      .from(adjustments)
      .where(eq(adjustments.accountId, accountId))
      .orderBy(desc(adjustments.proposedAt))
      .limit(limit),
  );
  return rows.map(toAdjustment);
}

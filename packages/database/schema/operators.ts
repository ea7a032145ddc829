/**
 * The tables of operators: the audit log, adjustments and reconciliation runs. A row of the audit
 * log is never changed or deleted: a trigger in the migration refuses it, and each row contains the
 * hash of the previous one. May import only drizzle and its siblings.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  unique,
  varchar,
} from 'drizzle-orm/pg-core';
import { accountId, instant } from './accounts.ts';

export const operatorActions = pgTable(
  'operator_actions',
  {
    seq: bigint('seq', { mode: 'number' }).primaryKey(),
    at: instant('at').notNull(),
    /** The operator, as the identity provider names them. */
    operator: varchar('operator', { length: 254 }).notNull(),
    action: varchar('action', { length: 40 }).notNull(),
    /** The account concerned, or null. */
    subject: varchar('subject', { length: 16 }),
    reason: varchar('reason', { length: 255 }).notNull(),
    outcome: varchar('outcome', { length: 40 }).notNull(),
    previousSeq: bigint('previous_seq', { mode: 'number' }).generatedAlwaysAs(
      sql`nullif(seq - 1, 0)`,
    ),
    previousHash: varchar('previous_hash', { length: 64 }).notNull(),
    hash: varchar('hash', { length: 64 }).notNull(),
  },
  (t) => [
    unique('operator_actions_hash').on(t.seq, t.hash),
    foreignKey({
      name: 'operator_actions_predecessor',
      columns: [t.previousSeq, t.previousHash],
      foreignColumns: [t.seq, t.hash],
    }),
    check('operator_actions_words', sql`${t.action} ~ '^[a-z_]+$' and ${t.outcome} ~ '^[a-z_]+$'`),
    check('operator_actions_hashes', sql`${t.previousHash} || ${t.hash} ~ '^[0-9a-f]{128}$'`),
    check('operator_actions_first', sql`${t.seq} >= 1`),
    index('operator_actions_subject').on(t.subject, t.seq),
  ],
);

/** Adjustments that operators propose. Above a limit, a second operator must approve. */
export const adjustments = pgTable(
  'adjustments',
  {
    id: varchar('id', { length: 32 }).primaryKey(),
    accountId: accountId(),
    delta: bigint('delta', { mode: 'bigint' }).notNull(),
    reason: varchar('reason', { length: 255 }).notNull(),
    state: varchar('state', { length: 16 }).notNull(),
    proposedBy: varchar('proposed_by', { length: 254 }).notNull(),
    proposedAt: instant('proposed_at').notNull(),
    decidedBy: varchar('decided_by', { length: 254 }),
    decidedAt: instant('decided_at'),
  },
  (t) => [
    check('adjustments_id_shape', sql`${t.id} ~ '^[0-9a-f]{32}$'`),
    check('adjustments_state', sql`${t.state} in ('proposed', 'approved', 'applied', 'refused')`),
    check('adjustments_decided', sql`(${t.state} = 'proposed') = (${t.decidedBy} is null)`),
    index('adjustments_state').on(t.state, t.proposedAt),
    index('adjustments_account').on(t.accountId),
  ],
);

/**
 * Corrections of wrong bills that operators propose: of one call, or of all calls with one price rule
 * in a period. Only in the customer's favor.
 */
export const corrections = pgTable(
  'corrections',
  {
    id: varchar('id', { length: 32 }).primaryKey(),
    /** Null where it concerns one call. */
    model: varchar('model', { length: 128 }),
    priceRule: varchar('price_rule', { length: 160 }),
    /** The period of a rule's calls; `period_until` is not contained. */
    periodFrom: instant('period_from'),
    periodUntil: instant('period_until'),
    /** The right prices of a rule, by kind of token; nano-USD per million tokens, as text. */
    prices: jsonb('prices'),
    /** While it is planned: the last call that was read, in the order of time and id. */
    plannedAt: instant('planned_at'),
    plannedCall: varchar('planned_call', { length: 32 }),
    /** The sums of `correction_calls`: as previewed while it is planned, then as proposed. */
    calls: integer('calls').notNull(),
    accounts: integer('accounts').notNull(),
    amount: bigint('amount', { mode: 'bigint' }).notNull(),
    reason: varchar('reason', { length: 255 }).notNull(),
    state: varchar('state', { length: 16 }).notNull(),
    proposedBy: varchar('proposed_by', { length: 254 }).notNull(),
    proposedAt: instant('proposed_at').notNull(),
    decidedBy: varchar('decided_by', { length: 254 }),
    decidedAt: instant('decided_at'),
    /** Owners are emailed in the order of their accounts: the last one, and when all were. */
    notifiedAccount: varchar('notified_account', { length: 16 }),
    notifiedAt: instant('notified_at'),
  },
  (t) => [
    check('corrections_id_shape', sql`${t.id} ~ '^[0-9a-f]{32}$'`),
    check('corrections_rule', sql`(${t.model} is null) = (${t.priceRule} is null)`),
    check('corrections_sums', sql`least(${t.calls}, ${t.accounts}, ${t.amount}) >= 0`),
    check(
      'corrections_state',
      sql`${t.state} in ('planning', 'proposed', 'approved', 'applied', 'refused')`,
    ),
    check(
      'corrections_decided',
      sql`(${t.state} in ('planning', 'proposed')) = (${t.decidedBy} is null)`,
    ),
    check('corrections_planned_until', sql`(${t.plannedAt} is null) = (${t.plannedCall} is null)`),
    check('corrections_period', sql`${t.periodFrom} < ${t.periodUntil}`),
    index('corrections_state').on(t.state, t.proposedAt),
  ],
);

/**
 * What a correction gives back for each call, fixed when it is proposed. A call is corrected once:
 * the primary key refuses a second row, so no call gives back more than it was charged.
 */
export const correctionCalls = pgTable(
  'correction_calls',
  {
    accountId: accountId(),
    callId: varchar('call_id', { length: 32 }).notNull(),
    correctionId: varchar('correction_id', { length: 32 })
      .notNull()
      .references(() => corrections.id),
    amount: bigint('amount', { mode: 'bigint' }).notNull(),
    /** `refused` if the ledger can't take it: its account is closed, or its balance is full. */
    state: varchar('state', { length: 16 }).notNull(),
    endedAt: instant('ended_at'),
  },
  (t) => [
    primaryKey({ columns: [t.accountId, t.callId] }),
    check('correction_calls_call_shape', sql`${t.callId} ~ '^[0-9a-f]{32}$'`),
    check('correction_calls_amount', sql`${t.amount} > 0`),
    check('correction_calls_state', sql`${t.state} in ('planned', 'applied', 'refused')`),
    check('correction_calls_ended', sql`(${t.state} = 'planned') = (${t.endedAt} is null)`),
    index('correction_calls_planned').on(t.correctionId, t.state),
  ],
);

/**
 * One row per reconciliation run. Postgres alone can't tell what has not reached it, so these rows
 * show operators how far the account objects are ahead.
 */
export const reconciliationRuns = pgTable(
  'reconciliation_runs',
  {
    at: instant('at').primaryKey(),
    accounts: integer('accounts').notNull(),
    /** Accounts with unacknowledged entries, and the number of those entries. */
    behind: integer('behind').notNull(),
    pending: bigint('pending', { mode: 'number' }).notNull(),
    /** Violated invariants. */
    broken: integer('broken').notNull(),
    /** Accounts that could not be reconciled, or were left for the next day. */
    unfinished: integer('unfinished').notNull(),
  },
  (t) => [
    check(
      'reconciliation_runs_counts',
      sql`least(${t.accounts}, ${t.behind}, ${t.pending}, ${t.broken}, ${t.unfinished}) >= 0`,
    ),
  ],
);

/**
 * The table of refunds. A row decides what becomes of a refund; the account object reserves and
 * posts its amount under the same id. May import only drizzle and its siblings.
 */
import { sql } from 'drizzle-orm';
import { bigint, check, index, pgTable, smallint, uniqueIndex, varchar } from 'drizzle-orm/pg-core';
import { accountId, instant } from './accounts.ts';

export const REFUND_STATES = [
  /** Waits for the link in the owner's email. */
  'requested',
  /** Confirmed; the account object may not have reserved it yet. */
  'confirmed',
  /** Reserved; waits for an operator. */
  'reserved',
  /** One operator approved it; its sum needs a second one. */
  'half_approved',
  'approved',
  /** In a file for the treasury: it may be on its way and can't be taken back. */
  'exported',
  /** The treasury reported its transaction; the providers have not confirmed it yet. */
  'sent',
  'paid',
  'declined',
  'cancelled',
  'expired',
] as const;
export type RefundState = (typeof REFUND_STATES)[number];

const nanoUsd = (name: string) => bigint(name, { mode: 'bigint' });

export const refunds = pgTable(
  'refunds',
  {
    id: varchar('id', { length: 32 }).primaryKey(),
    accountId: accountId(),
    chain: varchar('chain', { length: 8 }).notNull(),
    /** The address that its owner chose: 0x and 40 lowercase hexadecimal digits, for TRON too. */
    address: varchar('address', { length: 42 }).notNull(),
    /** What leaves the balance, and the network's fee, which the transfer leaves out. */
    amount: nanoUsd('amount').notNull(),
    fee: nanoUsd('fee').notNull(),
    state: varchar('state', { length: 16 }).notNull(),
    /** The SHA-256 of the emailed token; null once it was used or has expired. */
    confirmationHash: varchar('confirmation_hash', { length: 64 }),
    requestedAt: instant('requested_at').notNull(),
    confirmedAt: instant('confirmed_at'),
    /** The operators who approved it, the second one where its sum needs two. */
    approvedBy: varchar('approved_by', { length: 254 }),
    decidedBy: varchar('decided_by', { length: 254 }),
    decidedAt: instant('decided_at'),
    /** Why it was declined, as its owner reads it; a word from a closed list. */
    reason: varchar('reason', { length: 32 }),
    /** Counts the payments that were tried; the offline signer signs each once. */
    attempt: smallint('attempt').notNull().default(0),
    /** When its last file for the treasury was made; the refunds of one file share it. */
    exportedAt: instant('exported_at'),
    /** The operator who made that file. */
    exportedBy: varchar('exported_by', { length: 254 }),
    /**
     * The operator who reported this attempt's payment as failed. Neither this operator nor the one
     * who made the file can release the refund for another payment.
     */
    failureReportedBy: varchar('failure_reported_by', { length: 254 }),
    txHash: varchar('tx_hash', { length: 66 }),
    /** When a cron last worked on it in this state, and how often: the least recent comes first. */
    checkedAt: instant('checked_at'),
    checks: smallint('checks').notNull().default(0),
    endedAt: instant('ended_at'),
    /** When the account object has freed what an ended refund had reserved. */
    releasedAt: instant('released_at'),
    /** When its owner was emailed about its end. */
    notifiedAt: instant('notified_at'),
  },
  (t) => [
    check('refunds_id_shape', sql`${t.id} ~ '^[0-9a-f]{32}$'`),
    check('refunds_chain', sql`${t.chain} in ('tron', 'bsc', 'polygon')`),
    check('refunds_address_shape', sql`${t.address} ~ '^0x[0-9a-f]{40}$'`),
    check('refunds_amounts', sql`${t.fee} >= 0 and ${t.amount} > ${t.fee}`),
    check(
      'refunds_state',
      sql.raw(`state in (${REFUND_STATES.map((state) => `'${state}'`).join(', ')})`),
    ),
    check('refunds_transaction', sql`${t.txHash} ~ '^0x[0-9a-f]{64}$'`),
    check(
      'refunds_has_transaction',
      sql`(${t.state} in ('sent', 'paid')) = (${t.txHash} is not null)`,
    ),
    check(
      'refunds_ended',
      sql`(${t.state} in ('paid', 'declined', 'cancelled', 'expired')) = (${t.endedAt} is not null)`,
    ),
    check('refunds_reason_shape', sql`${t.reason} ~ '^[a-z_]+$'`),
    // One at a time: the next one can be requested once it has ended.
    uniqueIndex('refunds_open')
      .on(t.accountId)
      .where(sql`state not in ('paid', 'declined', 'cancelled', 'expired')`),
    uniqueIndex('refunds_confirmation').on(t.confirmationHash),
    uniqueIndex('refunds_payment').on(t.chain, t.txHash),
    index('refunds_account').on(t.accountId, t.requestedAt),
    index('refunds_state_requested').on(t.state, t.requestedAt),
    // The few that a cron has work with.
    index('refunds_unfinished')
      .on(t.requestedAt)
      .where(
        sql`state in ('requested', 'confirmed') or (ended_at is not null and (released_at is null or notified_at is null))`,
      ),
  ],
);

/**
 * The tables of emails, their events, suppressed mailboxes, notifications and announcements. All are
 * deleted with the account but suppressions, which are hashes, and the progress of announcements.
 */
import { sql } from 'drizzle-orm';
import { bigint, check, index, integer, pgTable, primaryKey, varchar } from 'drizzle-orm/pg-core';
import { accountId, accounts, instant } from './accounts.ts';

/** One row per email handed to the queue. It refers to the account, never to the address. */
export const emails = pgTable(
  'emails',
  {
    id: varchar('id', { length: 32 }).primaryKey(),
    /** Null for an email about an account that does not exist (any more). */
    accountId: varchar('account_id', { length: 16 }).references(() => accounts.id),
    kind: varchar('kind', { length: 32 }).notNull(),
    state: varchar('state', { length: 16 }).notNull(),
    /** The provider's own closed word for a bounce or rejection. */
    reason: varchar('reason', { length: 40 }),
    /** The provider's id of the email. */
    providerId: varchar('provider_id', { length: 128 }).unique('emails_provider_id'),
    queuedAt: instant('queued_at').notNull(),
    sentAt: instant('sent_at'),
    endedAt: instant('ended_at'),
  },
  (t) => [
    check('emails_id_shape', sql`${t.id} ~ '^[0-9a-f]{32}$'`),
    check('emails_kind_shape', sql`${t.kind} ~ '^[a-z_]+$'`),
    check('emails_reason_shape', sql`${t.reason} ~ '^[A-Za-z0-9_-]+$'`),
    check(
      'emails_state',
      sql`${t.state} in ('queued', 'sent', 'delivered', 'bounced', 'complained', 'rejected', 'delayed', 'suppressed', 'failed')`,
    ),
    index('emails_account').on(t.accountId, t.queuedAt),
    index('emails_queued_at').on(t.queuedAt),
    // Operators list the latest failures.
    index('emails_failures').on(t.state, t.queuedAt),
  ],
);

/** Events from the email provider, by its message id, so that each counts once. */
export const emailEvents = pgTable(
  'email_events',
  {
    id: varchar('id', { length: 64 }).primaryKey(),
    emailId: varchar('email_id', { length: 32 })
      .notNull()
      .references(() => emails.id, { onDelete: 'cascade' }),
    kind: varchar('kind', { length: 16 }).notNull(),
    at: instant('at').notNull(),
  },
  (t) => [
    check('email_events_kind_shape', sql`${t.kind} ~ '^[a-z_]+$'`),
    index('email_events_email').on(t.emailId),
  ],
);

/** Mailboxes that must not be emailed, as keyed hashes: they outlive the account. */
export const suppressions = pgTable(
  'suppressions',
  {
    mailboxHash: varchar('mailbox_hash', { length: 64 }).primaryKey(),
    reason: varchar('reason', { length: 16 }).notNull(),
    since: instant('since').notNull(),
  },
  (t) => [check('suppressions_reason', sql`${t.reason} in ('bounced', 'complained')`)],
);

/** How far each version of a legal text is announced, by the order of account ids. */
export const legalAnnouncements = pgTable(
  'legal_announcements',
  {
    document: varchar('document', { length: 16 }).notNull(),
    version: integer('version').notNull(),
    /** The last account whose email is queued; empty before the first. */
    lastAccount: varchar('last_account', { length: 16 }).notNull(),
    finishedAt: instant('finished_at'),
  },
  (t) => [
    primaryKey({ columns: [t.document, t.version] }),
    check('legal_announcements_document', sql`${t.document} ~ '^[a-z]+$'`),
  ],
);

/** Notifications of the account object about its keys and balance, as its owner sees them. */
export const notifications = pgTable(
  'notifications',
  {
    accountId: accountId(),
    id: varchar('id', { length: 64 }).notNull(),
    kind: varchar('kind', { length: 32 }).notNull(),
    keyId: bigint('key_id', { mode: 'number' }),
    model: varchar('model', { length: 128 }),
    amount: bigint('amount', { mode: 'bigint' }),
    /** The budget that is low or reached; null for the one of the key's whole life. */
    budgetPeriod: varchar('budget_period', { length: 8 }),
    at: instant('at').notNull(),
    dismissedAt: instant('dismissed_at'),
  },
  (t) => [
    primaryKey({ columns: [t.accountId, t.id] }),
    check('notifications_kind_shape', sql`${t.kind} ~ '^[a-z_]+$'`),
    check('notifications_model_shape', sql`${t.model} ~ '^[!-~]+$'`),
    check('notifications_budget_period', sql`${t.budgetPeriod} ~ '^[a-z]+$'`),
    index('notifications_account').on(t.accountId, t.at),
    index('notifications_at').on(t.at),
  ],
);

/**
 * The tables of webhooks: where an account's notifications are posted to, and what became of each
 * attempt. No secret is stored: the console derives it from its own secret, the id and the version.
 * All rows are deleted with the account. May import only drizzle and its siblings.
 */
import { sql } from 'drizzle-orm';
import { check, index, integer, pgTable, primaryKey, smallint, varchar } from 'drizzle-orm/pg-core';
import { accountId, instant } from './accounts.ts';

export const WEBHOOK_OUTCOMES = [
  /** The receiver answered with a status of success. */
  'delivered',
  /** It answered with another status, or with a redirect, which is not followed. */
  'rejected',
  'redirected',
  'timed_out',
  'unreachable',
  /** Its host has no address, or one that is not public. */
  'unresolved',
  'private_address',
  /** The webhook was disabled before the attempt. */
  'cancelled',
] as const;
export type WebhookOutcome = (typeof WEBHOOK_OUTCOMES)[number];

/** One per account. */
export const webhooks = pgTable(
  'webhooks',
  {
    id: varchar('id', { length: 16 }).primaryKey(),
    accountId: accountId().unique('webhooks_account'),
    /** As the owner wrote it, normalized. */
    endpoint: varchar('endpoint', { length: 255 }).notNull(),
    /** The kinds of notifications that are posted. */
    kinds: varchar('kinds', { length: 32 }).array().notNull(),
    /** Of the secret: each rotation adds one. */
    version: integer('version').notNull().default(1),
    rotatedAt: instant('rotated_at'),
    /** Events in a row that no attempt delivered. */
    failures: smallint('failures').notNull().default(0),
    /** When too many events in a row had failed. */
    disabledAt: instant('disabled_at'),
    /** When its owner was emailed about that. */
    notifiedAt: instant('notified_at'),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [
    check('webhooks_id_shape', sql`${t.id} ~ '^[0-9a-f]{16}$'`),
    check('webhooks_endpoint_shape', sql`${t.endpoint} ~ '^https?://[!-~]+$'`),
    check('webhooks_version', sql`${t.version} > 0 and ${t.failures} >= 0`),
    // The few whose owners a cron has to email.
    index('webhooks_disabled')
      .on(t.disabledAt)
      .where(sql`disabled_at is not null and notified_at is null`),
  ],
);

/** One row per attempt, written before it is due. */
export const webhookAttempts = pgTable(
  'webhook_attempts',
  {
    /** The id of the event, which is the same in every attempt. */
    eventId: varchar('event_id', { length: 32 }).notNull(),
    attempt: smallint('attempt').notNull(),
    accountId: accountId(),
    webhookId: varchar('webhook_id', { length: 16 })
      .notNull()
      .references(() => webhooks.id, { onDelete: 'cascade' }),
    /** The kind of the notification, or `test`. */
    kind: varchar('kind', { length: 32 }).notNull(),
    dueAt: instant('due_at').notNull(),
    /** Null until the attempt has ended. */
    endedAt: instant('ended_at'),
    outcome: varchar('outcome', { length: 16 }),
    /** The HTTP status of the answer, where there was one. */
    status: smallint('status'),
  },
  (t) => [
    primaryKey({ columns: [t.eventId, t.attempt] }),
    check('webhook_attempts_id_shape', sql`${t.eventId} ~ '^[0-9a-f]{32}$'`),
    check('webhook_attempts_kind_shape', sql`${t.kind} ~ '^[a-z_]+$'`),
    check(
      'webhook_attempts_outcome',
      sql.raw(`outcome in (${WEBHOOK_OUTCOMES.map((outcome) => `'${outcome}'`).join(', ')})`),
    ),
    check(
      'webhook_attempts_ended',
      sql`(${t.endedAt} is null) = (${t.outcome} is null) and ${t.attempt} > 0`,
    ),
    index('webhook_attempts_webhook').on(t.webhookId),
    index('webhook_attempts_account').on(t.accountId, t.dueAt),
    index('webhook_attempts_due_at').on(t.dueAt),
  ],
);

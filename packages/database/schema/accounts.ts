/**
 * Accounts and the identities of their owners. `migrations/` is generated from this folder.
 * Personal data is in `identities` alone; all financial tables refer to a random account id. No
 * column may hold content that a caller sent to a model or received, nor a network address: every
 * text is bounded, and patterned where we choose it. Files here may import only drizzle and each
 * other, because drizzle-kit bundles them.
 */
import { sql } from 'drizzle-orm';
import { check, index, pgTable, timestamp, varchar } from 'drizzle-orm/pg-core';

export const instant = (name: string) =>
  timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });
export const accountId = () =>
  varchar('account_id', { length: 16 })
    .notNull()
    .references(() => accounts.id);

export const accounts = pgTable(
  'accounts',
  {
    id: varchar('id', { length: 16 }).primaryKey(),
    createdAt: instant('created_at').notNull(),
    /** When the account object was known to be open; null if opening must be retried. */
    openedAt: instant('opened_at'),
    /** When its owner deleted it. No data that identifies the owner remains after that. */
    closedAt: instant('closed_at'),
    /**
     * When the object was reduced to its tombstone; null after `closed_at` if closing must be
     * retried.
     */
    wipedAt: instant('wiped_at'),
  },
  (t) => [
    check('accounts_id_shape', sql`${t.id} ~ '^[0-9a-f]{16}$'`),
    check('accounts_wiped_after_closed', sql`${t.wipedAt} is null or ${t.closedAt} is not null`),
    index('accounts_closing')
      .on(t.closedAt)
      .where(sql`${t.closedAt} is not null and ${t.wipedAt} is null`),
  ],
);

/** The only table with personal data of an account's owner. Deletion removes the row. */
export const identities = pgTable(
  'identities',
  {
    accountId: accountId().primaryKey(),
    /** As the user wrote it, for sending. */
    email: varchar('email', { length: 254 }).notNull(),
    /** The normalized form, for comparison. */
    emailKey: varchar('email_key', { length: 254 }).notNull().unique('identities_email_key'),
    /** A PHC string; the length leaves room for costlier parameters. */
    passwordHash: varchar('password_hash', { length: 255 }).notNull(),
    /** A BCP 47 tag such as `en` or `zh-Hant`. */
    language: varchar('language', { length: 35 }).notNull(),
    verifiedAt: instant('verified_at'),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [
    check('identities_language_shape', sql`${t.language} ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$'`),
  ],
);

/**
 * The tables of consents and receipts. Consents are deleted with the account; receipts identify no
 * user and are kept.
 */
import { sql } from 'drizzle-orm';
import { boolean, check, index, pgTable, primaryKey, varchar } from 'drizzle-orm/pg-core';
import { accountId, instant } from './accounts.ts';

/** Consents by group of emails or kind of email; packages/mail knows which of two rows holds. */
export const consents = pgTable(
  'consents',
  {
    accountId: accountId(),
    kind: varchar('kind', { length: 32 }).notNull(),
    given: boolean('given').notNull(),
    since: instant('since').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.accountId, t.kind] }),
    check('consents_kind_shape', sql`${t.kind} ~ '^[a-z_]+$'`),
  ],
);

/** Proof that a right was exercised, and when. Kept as evidence, and identifies no user. */
export const receipts = pgTable(
  'receipts',
  {
    id: varchar('id', { length: 32 }).primaryKey(),
    accountId: accountId(),
    kind: varchar('kind', { length: 32 }).notNull(),
    /** The consent or field concerned; a word from a closed list. */
    about: varchar('about', { length: 32 }),
    /** Who acted: the user, an operator for them, or a link in an email. */
    actor: varchar('actor', { length: 16 }).notNull(),
    at: instant('at').notNull(),
  },
  (t) => [
    check('receipts_id_shape', sql`${t.id} ~ '^[0-9a-f]{32}$'`),
    check('receipts_words', sql`${t.kind} ~ '^[a-z_]+$' and ${t.about} ~ '^[a-z_]+$'`),
    check('receipts_actor', sql`${t.actor} in ('user', 'operator', 'link')`),
    index('receipts_account').on(t.accountId, t.at),
  ],
);

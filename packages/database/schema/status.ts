/**
 * What the public status page shows: one row per component and day, which the console's cron
 * updates, and incidents that operators describe. No row is about an account. May import only
 * drizzle and its siblings.
 */
import { sql } from 'drizzle-orm';
import { boolean, check, integer, pgTable, primaryKey, varchar } from 'drizzle-orm/pg-core';
import { instant } from './accounts.ts';

const component = () => varchar('component', { length: 16 }).notNull();

export const statusDays = pgTable(
  'status_days',
  {
    component: component(),
    /** Whole days since 1970-01-01, UTC. */
    day: integer('day').notNull(),
    checks: integer('checks').notNull(),
    failures: integer('failures').notNull(),
    /** Of the last check. */
    isUp: boolean('is_up').notNull(),
    /** Since when `is_up` is what it is. */
    since: instant('since').notNull(),
    checkedAt: instant('checked_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.component, t.day] }),
    check('status_days_component', sql`${t.component} ~ '^[a-z0-9_-]+$'`),
    check('status_days_counts', sql`${t.failures} between 0 and ${t.checks}`),
  ],
);

export const statusIncidents = pgTable(
  'status_incidents',
  {
    id: varchar('id', { length: 32 }).primaryKey(),
    component: component(),
    /** Public: what happened and what users can do, in English. */
    summary: varchar('summary', { length: 250 }).notNull(),
    operator: varchar('operator', { length: 254 }).notNull(),
    openedAt: instant('opened_at').notNull(),
    resolvedAt: instant('resolved_at'),
  },
  (t) => [check('status_incidents_order', sql`${t.resolvedAt} >= ${t.openedAt}`)],
);

/** The table of attempt counters. */
import { index, integer, pgTable, varchar } from 'drizzle-orm/pg-core';
import { instant } from './accounts.ts';

/** Attempt counters. `bucket` is a keyed hash of what it counts, and reveals nothing of it. */
export const rateLimitCounters = pgTable(
  'rate_limit_counters',
  {
    bucket: varchar('bucket', { length: 64 }).primaryKey(),
    count: integer('count').notNull(),
    resetsAt: instant('resets_at').notNull(),
  },
  (t) => [index('rate_limit_counters_resets_at').on(t.resetsAt)],
);

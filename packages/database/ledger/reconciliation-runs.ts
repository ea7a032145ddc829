/**
 * One row for each run of the daily reconciliation: how many accounts it compared and how they
 * were.
 */
import { DAY_MS, type Instant } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { reconciliationRuns } from '../schema/operators.ts';

export type ReconciliationRun = Readonly<{
  at: Instant;
  accounts: number;
  behind: number;
  pending: number;
  broken: number;
  unfinished: number;
}>;

const RUN_RETENTION_MS = 30 * DAY_MS;

/** Records a run and deletes the runs of more than 30 days ago. Idempotent: `at` names the run. */
export async function recordReconciliation(db: Database, run: ReconciliationRun): Promise<void> {
  const old = new Date(run.at - RUN_RETENTION_MS).toISOString();
  await queryOrThrow(
    db.batch([
      db
        .insert(reconciliationRuns)
        .values({ ...run, at: new Date(run.at) })
        .onConflictDoNothing(),
      db.execute(sql`delete from reconciliation_runs where at < ${old}::timestamptz`),
    ]),
  );
}

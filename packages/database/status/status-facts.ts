/** What Postgres knows about the state of the components, without naming an account. */
import type { Instant } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toEpochMs, toTimestamp } from '../connection/raw-sql.ts';

export type StatusFacts = Readonly<{
  /**
   * Settled calls of the last quarter of an hour, those that the provider failed, and of how many
   * accounts they are.
   */
  providers: readonly Readonly<{
    provider: string;
    calls: number;
    failed: number;
    accounts: number;
    failedAccounts: number;
  }>[];
  chains: readonly Readonly<{ chain: string; advancedAt: Instant | null; isHalted: boolean }>[];
  /**
   * Emails of the last hours that have been queued for more than ten minutes, if none was sent in
   * the last ten. One that the queue lost stays queued for days and says nothing about the others.
   */
  emailsStuck: number;
  reconciledAt: Instant | null;
}>;

const WINDOW_MS = 15 * 60_000;
const STUCK_MS = 10 * 60_000;
const LOST_MS = 4 * 60 * 60_000;

type Row = Record<string, unknown>;

function toInstant(value: unknown): Instant | null {
  return value === null || value === undefined ? null : Number(value);
}

export async function readStatusFacts(db: Database, now: Instant): Promise<StatusFacts> {
  const [providers, chains, stuck, reconciled] = await queryOrThrow(
    db.batch([
      db.execute<Row>(sql`select provider, count(*) as calls, count(*) filter (where has_failed) as failed,
          count(distinct account_id) as accounts,
          count(distinct account_id) filter (where has_failed) as failed_accounts
        from (select *, reason in ('waived_upstream_error', 'estimated_after_upstream_cut')
          as has_failed from calls) as calls
        where created_at > ${toTimestamp(now - WINDOW_MS)} and reason is not null
          and reason <> 'not_sent' group by provider`),
      db.execute<Row>(sql`select chain, ${toEpochMs(sql`advanced_at`)} as advanced_at,
        halted_at is not null as is_halted from chain_cursors`),
      db.execute<Row>(sql`with latest as (select state, queued_at, sent_at from emails
          where queued_at > ${toTimestamp(now - LOST_MS)})
        select count(*) as count from latest
        where state = 'queued' and queued_at < ${toTimestamp(now - STUCK_MS)}
          and not exists (select 1 from latest where sent_at > ${toTimestamp(now - STUCK_MS)})`),
      db.execute<Row>(sql`select ${toEpochMs(sql`max(at)`)} as at from reconciliation_runs`),
    ]),
  );
  return {
    providers: providers.rows.map((row) => ({
      provider: String(row.provider),
      calls: Number(row.calls),
      failed: Number(row.failed),
      accounts: Number(row.accounts),
      failedAccounts: Number(row.failed_accounts),
    })),
    chains: chains.rows.map((row) => ({
      chain: String(row.chain),
      advancedAt: toInstant(row.advanced_at),
      isHalted: row.is_halted === true,
    })),
    emailsStuck: Number(stuck.rows[0]?.count ?? 0),
    reconciledAt: toInstant(reconciled.rows[0]?.at),
  };
}

/**
 * The health of the system as far as indexed queries on Postgres can tell; nothing here names an
 * account or a user. What has not reached Postgres is known only to the account objects, which the
 * daily reconciliation processes; it leaves one row per run.
 */
import { DAY_MS, type Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import type { ReconciliationRun } from '../ledger/reconciliation-runs.ts';

export type Health = Readonly<{
  /** Sums over the runs of the last day, in which every account is reconciled once. */
  reconciliation: Readonly<{ runs: number; latest: Instant | null }> &
    Omit<ReconciliationRun, 'at'>;
  closing: Readonly<{ accounts: number; oldest: Instant | null }>;
  /** Of the last day. */
  emails: readonly Readonly<{ kind: string; state: string; count: number }>[];
  /** Queued for more than ten minutes. */
  emailsStuck: number;
  notifications: readonly Readonly<{ kind: string; count: number }>[];
  shortfalls: Readonly<{ calls: number; amount: NanoUsd }>;
  signUpsWaiting: number;
  /** Unexpired counters, and the highest count. */
  rateLimits: Readonly<{ counters: number; highest: number }>;
  adjustments: Readonly<{ waiting: number; unfinished: number }>;
}>;

type Raw = Record<string, unknown>;

function toNumber(row: Raw | undefined, name: string): number {
  return Number(row?.[name] ?? 0);
}

function toInstant(row: Raw | undefined, name: string): Instant | null {
  const value = row?.[name];
  return value === null || value === undefined ? null : Number(value);
}

function toText(row: Raw, name: string): string {
  return String(row[name] ?? '');
}

function buildQueries(now: Instant) {
  const dayAgo = sql`${new Date(now - DAY_MS).toISOString()}::timestamptz`;
  const tenMinutesAgo = sql`${new Date(now - 600_000).toISOString()}::timestamptz`;
  const present = sql`${new Date(now).toISOString()}::timestamptz`;
  return {
    reconciliation: sql`select count(*) as ticks, extract(epoch from max(at)) * 1000 as latest,
      sum(accounts) as accounts, sum(behind) as behind, sum(pending) as pending,
      sum(broken) as broken, sum(unfinished) as unfinished from reconciliation_runs where at > ${dayAgo}`,
    closing: sql`select count(*) as accounts, extract(epoch from min(closed_at)) * 1000 as oldest
      from accounts where closed_at is not null and wiped_at is null`,
    emails: sql`select kind, state, count(*) as count from emails where queued_at > ${dayAgo}
      group by kind, state order by kind, state`,
    emailsStuck: sql`select count(*) as count from emails
      where state = 'queued' and queued_at < ${tenMinutesAgo}`,
    notifications: sql`select kind, count(*) as count from notifications where at > ${dayAgo}
      group by kind order by kind`,
    shortfalls: sql`select count(*) as calls, coalesce(sum(shortfall), 0)::text as amount
      from calls where shortfall > 0 and created_at > ${dayAgo}`,
    signUps: sql`select count(*) as count from sign_ups where expires_at > ${present}`,
    rateLimits: sql`select count(*) as counters, coalesce(max(count), 0) as highest
      from rate_limit_counters where resets_at > ${present}`,
    adjustments: sql`select count(*) filter (where state = 'proposed') as waiting,
      count(*) filter (where state = 'approved') as unfinished
      from adjustments where state in ('proposed', 'approved')`,
  };
}

export async function readHealth(db: Database, now: Instant): Promise<Health> {
  const queries = buildQueries(now);
  const [
    reconciliationResult,
    closing,
    emails,
    stuck,
    notifications,
    shortfallResult,
    signUps,
    rateLimits,
    waiting,
  ] = await queryOrThrow(
    db.batch([
      db.execute<Raw>(queries.reconciliation),
      db.execute<Raw>(queries.closing),
      db.execute<Raw>(queries.emails),
      db.execute<Raw>(queries.emailsStuck),
      db.execute<Raw>(queries.notifications),
      db.execute<Raw>(queries.shortfalls),
      db.execute<Raw>(queries.signUps),
      db.execute<Raw>(queries.rateLimits),
      db.execute<Raw>(queries.adjustments),
    ]),
  );
  const [run, open, shortfall] = [
    reconciliationResult.rows[0],
    closing.rows[0],
    shortfallResult.rows[0],
  ];
  return {
    reconciliation: {
      runs: toNumber(run, 'ticks'),
      latest: toInstant(run, 'latest'),
      accounts: toNumber(run, 'accounts'),
      behind: toNumber(run, 'behind'),
      pending: toNumber(run, 'pending'),
      broken: toNumber(run, 'broken'),
      unfinished: toNumber(run, 'unfinished'),
    },
    closing: { accounts: toNumber(open, 'accounts'), oldest: toInstant(open, 'oldest') },
    emails: emails.rows.map((row) => ({
      kind: toText(row, 'kind'),
      state: toText(row, 'state'),
      count: toNumber(row, 'count'),
    })),
    emailsStuck: toNumber(stuck.rows[0], 'count'),
    notifications: notifications.rows.map((row) => ({
      kind: toText(row, 'kind'),
      count: toNumber(row, 'count'),
    })),
    shortfalls: {
      calls: toNumber(shortfall, 'calls'),
      amount: BigInt(toText(shortfall ?? {}, 'amount')),
    },
    signUpsWaiting: toNumber(signUps.rows[0], 'count'),
    rateLimits: {
      counters: toNumber(rateLimits.rows[0], 'counters'),
      highest: toNumber(rateLimits.rows[0], 'highest'),
    },
    adjustments: {
      waiting: toNumber(waiting.rows[0], 'waiting'),
      unfinished: toNumber(waiting.rows[0], 'unfinished'),
    },
  };
}

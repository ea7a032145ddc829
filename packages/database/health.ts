/**
 * How the system is, from what Postgres can say by an index: nothing here names an account or a person.
 * What has not reached Postgres is known to the accounts' objects alone; the ledger's sweep meets each of
 * them daily and leaves a row a tick.
 */
import type { Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { sql } from 'drizzle-orm';
import { type Database, demand } from './connection.ts';
import { sweeps } from './schema-operators.ts';

export type SweepTick = Readonly<{
  at: Instant;
  accounts: number;
  behind: number;
  pending: number;
  broken: number;
  unfinished: number;
}>;

const TICKS_KEPT_MS = 30 * 86_400_000;

/** A tick that is told twice is the same; those of a month ago go. */
export async function recordSweep(db: Database, tick: SweepTick): Promise<void> {
  const old = new Date(tick.at - TICKS_KEPT_MS).toISOString();
  await demand(
    db.batch([
      db
        .insert(sweeps)
        .values({ ...tick, at: new Date(tick.at) })
        .onConflictDoNothing(),
      db.execute(sql`delete from sweeps where at < ${old}::timestamptz`),
    ]),
  );
}

export type Health = Readonly<{
  /** Sums over the ticks of the last day, in which every account is met once. */
  sweeps: Readonly<{ ticks: number; latest: Instant | null }> & Omit<SweepTick, 'at'>;
  closing: Readonly<{ accounts: number; oldest: Instant | null }>;
  /** Of the last day. */
  mails: readonly Readonly<{ kind: string; state: string; count: number }>[];
  /** Handed to the queue more than ten minutes ago and still there. */
  mailsStuck: number;
  notices: readonly Readonly<{ kind: string; count: number }>[];
  shortfalls: Readonly<{ calls: number; amount: NanoUsd }>;
  signUpsWaiting: number;
  /** Counters that still count, and the highest of them. */
  throttles: Readonly<{ counters: number; highest: number }>;
  adjustments: Readonly<{ waiting: number; unfinished: number }>;
}>;

type Raw = Record<string, unknown>;

function whole(row: Raw | undefined, name: string): number {
  return Number(row?.[name] ?? 0);
}

function instant(row: Raw | undefined, name: string): Instant | null {
  const value = row?.[name];
  return value === null || value === undefined ? null : Number(value);
}

function text(row: Raw, name: string): string {
  return String(row[name] ?? '');
}

function statements(now: Instant) {
  const dayAgo = sql`${new Date(now - 86_400_000).toISOString()}::timestamptz`;
  const tenMinutesAgo = sql`${new Date(now - 600_000).toISOString()}::timestamptz`;
  const present = sql`${new Date(now).toISOString()}::timestamptz`;
  return {
    sweeps: sql`select count(*) as ticks, extract(epoch from max(at)) * 1000 as latest,
      sum(accounts) as accounts, sum(behind) as behind, sum(pending) as pending,
      sum(broken) as broken, sum(unfinished) as unfinished from sweeps where at > ${dayAgo}`,
    closing: sql`select count(*) as accounts, extract(epoch from min(closed_at)) * 1000 as oldest
      from accounts where closed_at is not null and wiped_at is null`,
    mails: sql`select kind, state, count(*) as count from mails where queued_at > ${dayAgo}
      group by kind, state order by kind, state`,
    mailsStuck: sql`select count(*) as count from mails
      where state = 'queued' and queued_at < ${tenMinutesAgo}`,
    notices: sql`select kind, count(*) as count from notices where at > ${dayAgo}
      group by kind order by kind`,
    shortfalls: sql`select count(*) as calls, coalesce(sum(shortfall), 0)::text as amount
      from calls where shortfall > 0 and created_at > ${dayAgo}`,
    signUps: sql`select count(*) as count from sign_ups where expires_at > ${present}`,
    throttles: sql`select count(*) as counters, coalesce(max(count), 0) as highest
      from throttle_counters where resets_at > ${present}`,
    adjustments: sql`select count(*) filter (where state = 'proposed') as waiting,
      count(*) filter (where state = 'approved') as unfinished
      from adjustments where state in ('proposed', 'approved')`,
  };
}

export async function readHealth(db: Database, now: Instant): Promise<Health> {
  const ask = statements(now);
  const [swept, closing, mails, stuck, notices, short, signUps, throttles, waiting] = await demand(
    db.batch([
      db.execute<Raw>(ask.sweeps),
      db.execute<Raw>(ask.closing),
      db.execute<Raw>(ask.mails),
      db.execute<Raw>(ask.mailsStuck),
      db.execute<Raw>(ask.notices),
      db.execute<Raw>(ask.shortfalls),
      db.execute<Raw>(ask.signUps),
      db.execute<Raw>(ask.throttles),
      db.execute<Raw>(ask.adjustments),
    ]),
  );
  const [tick, open, shortfall] = [swept.rows[0], closing.rows[0], short.rows[0]];
  return {
    sweeps: {
      ticks: whole(tick, 'ticks'),
      latest: instant(tick, 'latest'),
      accounts: whole(tick, 'accounts'),
      behind: whole(tick, 'behind'),
      pending: whole(tick, 'pending'),
      broken: whole(tick, 'broken'),
      unfinished: whole(tick, 'unfinished'),
    },
    closing: { accounts: whole(open, 'accounts'), oldest: instant(open, 'oldest') },
    mails: mails.rows.map((row) => ({
      kind: text(row, 'kind'),
      state: text(row, 'state'),
      count: whole(row, 'count'),
    })),
    mailsStuck: whole(stuck.rows[0], 'count'),
    notices: notices.rows.map((row) => ({ kind: text(row, 'kind'), count: whole(row, 'count') })),
    shortfalls: {
      calls: whole(shortfall, 'calls'),
      amount: BigInt(text(shortfall ?? {}, 'amount')),
    },
    signUpsWaiting: whole(signUps.rows[0], 'count'),
    throttles: {
      counters: whole(throttles.rows[0], 'counters'),
      highest: whole(throttles.rows[0], 'highest'),
    },
    adjustments: {
      waiting: whole(waiting.rows[0], 'waiting'),
      unfinished: whole(waiting.rows[0], 'unfinished'),
    },
  };
}

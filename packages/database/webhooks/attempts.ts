/**
 * The attempts to deliver events to webhooks. A row exists before its attempt: the one without an
 * outcome is the next, and an event without such a row has ended. A queue may deliver a message
 * twice; the second one then changes nothing.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { desc, eq, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, type RawRow, toEpochMs, toTimestamp } from '../connection/raw-sql.ts';
import { WEBHOOK_OUTCOMES, type WebhookOutcome, webhookAttempts } from '../schema/webhooks.ts';

type QueuedEvent = Readonly<{ eventId: string; account: AccountId; kind: string; now: Instant }>;

/**
 * Writes the first attempt of an event, if the account is open and its webhook is enabled and wants
 * this kind. Idempotent. Returns whether the event still has an attempt to make.
 */
export async function queueEvent(
  db: Database,
  { eventId, account, kind, now }: QueuedEvent,
): Promise<boolean> {
  const row = await firstRow<RawRow & { is_new: boolean; is_due: boolean }>(
    db,
    sql`
    with added as (
      insert into webhook_attempts (event_id, attempt, account_id, webhook_id, kind, due_at)
      select ${eventId}, 1, w.account_id, w.id, ${kind}, ${toTimestamp(now)}
      from webhooks w join accounts a on a.id = w.account_id and a.closed_at is null
      where w.account_id = ${account} and w.disabled_at is null
        and ${kind}::varchar = any(w.kinds)
      on conflict do nothing
      returning event_id
    )
    select exists (select 1 from added) as is_new,
      exists (select 1 from webhook_attempts
        where event_id = ${eventId} and ended_at is null) as is_due`,
  );
  return row?.is_new === true || row?.is_due === true;
}

/** Writes the only attempt of a test. Returns false if the account has no webhook. */
export async function insertTestAttempt(
  db: Database,
  { eventId, account, now }: Omit<QueuedEvent, 'kind'>,
): Promise<boolean> {
  const row = await firstRow<RawRow>(
    db,
    sql`insert into webhook_attempts (event_id, attempt, account_id, webhook_id, kind, due_at)
      select ${eventId}, 1, account_id, id, 'test', ${toTimestamp(now)}
      from webhooks where account_id = ${account} returning event_id`,
  );
  return row !== undefined;
}

export type DueAttempt = Readonly<{
  attempt: number;
  dueAt: Instant;
  kind: string;
  webhookId: string;
  endpoint: string;
  version: number;
  rotatedAt: Instant | null;
  isEnabled: boolean;
}>;

type DueRow = RawRow & {
  attempt: number;
  due_at: string;
  kind: string;
  webhook_id: string;
  endpoint: string;
  version: number;
  rotated_at: string | null;
  is_enabled: boolean;
};

/** Finds the next attempt of an event; undefined once it has ended or its account is closed. */
export async function findDueAttempt(
  db: Database,
  eventId: string,
): Promise<DueAttempt | undefined> {
  const row = await firstRow<DueRow>(
    db,
    sql`select t.attempt, ${toEpochMs(sql`t.due_at`)} as due_at, t.kind, t.webhook_id,
        w.endpoint, w.version, ${toEpochMs(sql`w.rotated_at`)} as rotated_at,
        w.disabled_at is null as is_enabled
      from webhook_attempts t
      join webhooks w on w.id = t.webhook_id
      join accounts a on a.id = t.account_id and a.closed_at is null
      where t.event_id = ${eventId} and t.ended_at is null`,
  );
  if (row === undefined) return undefined;
  const { attempt, kind, webhook_id: webhookId, endpoint, version, rotated_at: rotatedAt } = row;
  return {
    ...{ attempt, kind, webhookId, endpoint, version },
    dueAt: Number(row.due_at),
    rotatedAt: rotatedAt === null ? null : Number(rotatedAt),
    isEnabled: row.is_enabled,
  };
}

export type AttemptResult = Readonly<{
  eventId: string;
  attempt: number;
  outcome: WebhookOutcome;
  status: number | null;
  endedAt: Instant;
  /** When to try again; null where this was the last attempt. */
  retryAt: Instant | null;
  /** The webhook is disabled by this many events in a row that no attempt delivered. */
  maxFailures: number;
}>;

/**
 * Ends an attempt and writes the next one. A delivered event sets the webhook's failures to zero;
 * one whose last attempt failed adds one. Idempotent by event and attempt. Tests count for nothing.
 */
export async function recordAttempt(db: Database, result: AttemptResult): Promise<void> {
  const { eventId, attempt, outcome, status, retryAt, maxFailures } = result;
  const endedAt = toTimestamp(result.endedAt);
  const isDelivered = outcome === 'delivered';
  const isFailed = !isDelivered && outcome !== 'cancelled' && retryAt === null;
  const failures = sql`case when ${isDelivered}::boolean then 0 else w.failures + 1 end`;
  await queryOrThrow(
    db.execute(sql`
    with ended as (
      update webhook_attempts set ended_at = ${endedAt}, outcome = ${outcome},
        status = ${status}::smallint
      where event_id = ${eventId} and attempt = ${attempt}::smallint and ended_at is null
      returning account_id, webhook_id, kind
    ), next as (
      insert into webhook_attempts (event_id, attempt, account_id, webhook_id, kind, due_at)
      select ${eventId}, ${attempt + 1}::smallint, account_id, webhook_id, kind,
        ${retryAt === null ? sql`null::timestamptz` : toTimestamp(retryAt)}
      from ended where ${retryAt !== null}::boolean
      on conflict do nothing
    )
    update webhooks w set failures = ${failures},
      disabled_at = case when ${isFailed}::boolean and w.failures + 1 >= ${maxFailures}::int
        then coalesce(w.disabled_at, ${endedAt}) else w.disabled_at end
    from ended
    where w.id = ended.webhook_id and ended.kind <> 'test'
      and (${isDelivered || isFailed}::boolean)`),
  );
}

export type WebhookAttempt = Readonly<{
  eventId: string;
  attempt: number;
  kind: string;
  dueAt: Instant;
  endedAt: Instant | null;
  outcome: WebhookOutcome | null;
  status: number | null;
}>;

function toOutcome(word: string | null): WebhookOutcome | null {
  return WEBHOOK_OUTCOMES.find((known) => known === word) ?? null;
}

/** Lists the attempts of an account, newest first. */
export async function listAttempts(
  db: Database,
  account: AccountId,
  limit: number,
): Promise<readonly WebhookAttempt[]> {
  const rows = await queryOrThrow(
    db
      .select()
      .from(webhookAttempts)
      .where(eq(webhookAttempts.accountId, account))
      .orderBy(desc(webhookAttempts.dueAt), desc(webhookAttempts.attempt))
      .limit(limit),
  );
  return rows.map(({ eventId, attempt, kind, dueAt, endedAt, outcome, status }) => ({
    ...{ eventId, attempt, kind, status },
    outcome: toOutcome(outcome),
    dueAt: dueAt.getTime(),
    endedAt: endedAt?.getTime() ?? null,
  }));
}

/** Deletes a bounded number of attempts that were due before a time; returns how many. */
export async function deleteOldAttempts(
  db: Database,
  limits: Readonly<{ before: Instant; limit: number }>,
): Promise<number> {
  const { rows } = await queryOrThrow(
    db.execute(sql`delete from webhook_attempts where (event_id, attempt) in
      (select event_id, attempt from webhook_attempts
        where due_at <= ${toTimestamp(limits.before)} limit ${limits.limit}::int) returning 1`),
  );
  return rows.length;
}

/**
 * One row per email handed to the queue, the provider's events about it, and the mailboxes that
 * must not be emailed any more. No row holds an address or any text of an email: a mailbox is a
 * keyed hash.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { desc, eq, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import {
  firstRow,
  type RawRow,
  toEpochMs,
  toTimestamp,
  unnestTexts,
} from '../connection/raw-sql.ts';
import { emails, suppressions } from '../schema/email.ts';

export type EmailState =
  | 'queued'
  | 'sent'
  | 'delivered'
  | 'bounced'
  | 'complained'
  | 'rejected'
  | 'delayed'
  | 'suppressed'
  | 'failed';

export type NewEmail = Readonly<{ id: string; accountId: AccountId | null; kind: string }>;

/** Idempotent. */
export async function insertEmails(
  db: Database,
  newEmails: readonly NewEmail[],
  now: Instant,
): Promise<void> {
  if (newEmails.length === 0) return;
  const rows = newEmails.map((mail) => ({ ...mail, state: 'queued', queuedAt: new Date(now) }));
  await queryOrThrow(db.insert(emails).values(rows).onConflictDoNothing());
}

export type EmailToSend = Readonly<{
  state: string;
  queuedAt: Instant;
  /** Why the mailbox is suppressed, or null. */
  suppressed: string | null;
}>;

/** Returns undefined if the row was deleted with its account. */
export async function findEmailToSend(
  db: Database,
  query: Readonly<{ id: string; mailboxHash: string }>,
): Promise<EmailToSend | undefined> {
  const row = await firstRow<
    RawRow & { state: string; queued_at: string; suppressed: string | null }
  >(
    db,
    sql`select m.state, ${toEpochMs(sql`m.queued_at`)} as queued_at, s.reason as suppressed
      from emails m
      left join suppressions s on s.mailbox_hash = ${query.mailboxHash}
      where m.id = ${query.id}`,
  );
  if (row === undefined) return undefined;
  const { state, suppressed } = row;
  return { state, suppressed, queuedAt: Number(row.queued_at) };
}

/** Records that the provider accepted the email. If an event arrived first, its state stays. */
export async function markEmailSent(
  db: Database,
  sent: Readonly<{ id: string; providerId: string | null; now: Instant }>,
): Promise<void> {
  await queryOrThrow(
    db.execute(sql`update emails
      set provider_id = ${sent.providerId}, sent_at = ${toTimestamp(sent.now)},
        state = case when state in ('queued', 'failed') then 'sent' else state end
      where id = ${sent.id}`),
  );
}

/** Records that the email will not be sent. `reason` is a word from a closed list. */
export async function markEmailNotSent(
  db: Database,
  outcome: Readonly<{
    id: string;
    state: 'rejected' | 'suppressed' | 'failed';
    reason: string;
    now: Instant;
  }>,
): Promise<void> {
  await queryOrThrow(
    db.execute(sql`update emails
      set state = ${outcome.state}, reason = ${outcome.reason}, ended_at = ${toTimestamp(outcome.now)}
      where id = ${outcome.id} and state = 'queued'`),
  );
}

export type EmailEvent = Readonly<{
  /** The id of the message that carried the event: each counts once. */
  id: string;
  /** The id of the email, from its tag; the provider's id is the fallback. */
  emailId: string | null;
  providerId: string;
  kind: string;
  at: Instant;
  /** Null if the event is only recorded. */
  change: Readonly<{
    state: EmailState;
    reason: string | null;
    isFinal: boolean;
    /** The states that this one may follow; later states stay. */
    from: readonly EmailState[];
  }> | null;
  suppress: Readonly<{ mailboxHash: string; reason: 'bounced' | 'complained' }> | null;
}>;

/** Records an event. The suppression is inserted even if the email was deleted with its account. */
export async function recordEmailEvent(
  db: Database,
  event: EmailEvent,
): Promise<'recorded' | 'duplicate' | 'unknown_mail'> {
  const { change, suppress } = event;
  const ended = change?.isFinal === true ? toTimestamp(event.at) : sql`null`;
  const row = await firstRow<RawRow & { found: boolean; seen: boolean }>(
    db,
    sql`
    with found as (
      select id from emails where id = ${event.emailId} or provider_id = ${event.providerId}
      order by (id = ${event.emailId}) desc nulls last limit 1
    ), seen as (
      insert into email_events (id, email_id, kind, at)
      select ${event.id}, id, ${event.kind}, ${toTimestamp(event.at)} from found
      on conflict do nothing
      returning email_id
    ), moved as (
      update emails set state = ${change?.state ?? ''}, reason = ${change?.reason ?? null},
        ended_at = coalesce(${ended}, ended_at)
      where id in (select email_id from seen)
        and state in (select value from ${unnestTexts(change?.from ?? [])})
    ), suppressed as (
      insert into suppressions (mailbox_hash, reason, since)
      select ${suppress?.mailboxHash ?? ''}, ${suppress?.reason ?? ''}, ${toTimestamp(event.at)}
      where ${suppress !== null}::boolean
        and (exists (select 1 from seen) or not exists (select 1 from found))
      on conflict do nothing
    )
    select exists (select 1 from found) as found, exists (select 1 from seen) as seen`,
  );
  if (row?.found !== true) return 'unknown_mail';
  return row.seen ? 'recorded' : 'duplicate';
}

export type Suppression = Readonly<{ reason: 'bounced' | 'complained'; since: Instant }>;

export async function findSuppression(
  db: Database,
  mailboxHash: string,
): Promise<Suppression | undefined> {
  const [row] = await queryOrThrow(
    db.select().from(suppressions).where(eq(suppressions.mailboxHash, mailboxHash)),
  );
  if (row === undefined) return undefined;
  const reason = row.reason === 'complained' ? 'complained' : 'bounced';
  return { reason, since: row.since.getTime() };
}

export type EmailDelivery = Readonly<{
  id: string;
  kind: string;
  state: string;
  reason: string | null;
  queuedAt: Instant;
  sentAt: Instant | null;
  endedAt: Instant | null;
}>;

/** Lists what happened to the emails of an account, newest first. */
export async function listEmailDeliveries(
  db: Database,
  account: AccountId,
  limit: number,
): Promise<readonly EmailDelivery[]> {
  const rows = await queryOrThrow(
    db
      .select()
      .from(emails)
      .where(eq(emails.accountId, account))
      .orderBy(desc(emails.queuedAt), desc(emails.id))
      .limit(limit),
  );
  return rows.map(({ id, kind, state, reason, queuedAt, sentAt, endedAt }) => ({
    id,
    kind,
    state,
    reason,
    queuedAt: queuedAt.getTime(),
    sentAt: sentAt?.getTime() ?? null,
    endedAt: endedAt?.getTime() ?? null,
  }));
}

/**
 * Deletes old emails with their events, and old notifications. An email queued for longer than the
 * queue keeps messages is marked as lost. Handles a bounded number of each and returns how many
 * rows were deleted.
 */
export async function deleteOldEmails(
  db: Database,
  limits: Readonly<{ now: Instant; retentionMs: number; lostAfterMs: number; limit: number }>,
): Promise<number> {
  const old = toTimestamp(limits.now - limits.retentionMs);
  const lost = toTimestamp(limits.now - limits.lostAfterMs);
  const limit = sql`${limits.limit}::int`;
  const [, ...deleted] = await queryOrThrow(
    db.batch([
      db.execute(sql`update emails set state = 'failed', reason = 'lost', ended_at = ${toTimestamp(limits.now)}
        where id in (select id from emails
          where state = 'queued' and queued_at <= ${lost} limit ${limit})`),
      db.execute(sql`delete from emails where id in
        (select id from emails where queued_at <= ${old} limit ${limit}) returning 1`),
      db.execute(sql`delete from notifications where (account_id, id) in
        (select account_id, id from notifications where at <= ${old} limit ${limit}) returning 1`),
    ]),
  );
  return deleted.reduce((sum, { rows }) => sum + rows.length, 0);
}

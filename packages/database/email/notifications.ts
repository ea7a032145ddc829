/**
 * Notifications of account objects: recorded once, with the email that reports them, and shown in
 * the console until their owner dismisses them.
 */
import type { AccountId, Instant, KeyId, Notification } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { and, desc, eq, isNull, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, type RawRow, toTimestamp } from '../connection/raw-sql.ts';
import { notifications } from '../schema/email.ts';

/** The data of the email about a notification. */
export type NotificationRecipient = Readonly<{
  email: string;
  language: string;
  /** The key of the notification, by the name its owner gave it. */
  key: Readonly<{ name: string; last4: string }> | null;
  /** The state of the email about it, also if it was queued earlier. */
  emailState: string;
}>;
type RecipientRow = RawRow & {
  email: string;
  language: string;
  name: string | null;
  last4: string | null;
  email_state: string;
};

/** Records a notification. Idempotent. Returns undefined, and records nothing, without an owner. */
export async function recordNotification(
  db: Database,
  notification: Notification,
  /** Null if no email is to be sent. */
  emailId: string | null,
  now: Instant,
): Promise<NotificationRecipient | undefined> {
  const { account, id, kind, keyId, model, amount, budgetPeriod = null } = notification;
  const row = await firstRow<RecipientRow>(
    db,
    sql`
    with owner as (
      select account_id, email, language from identities where account_id = ${account}
    ), kept as (
      insert into notifications (account_id, id, kind, key_id, model, amount, budget_period, at)
      select account_id, ${id}, ${kind}, ${keyId}::bigint, ${model},
        ${amount === null ? null : amount.toString()}::bigint, ${budgetPeriod}::varchar,
        ${toTimestamp(notification.at)}
      from owner
      on conflict do nothing
    ), queued as (
      insert into emails (id, account_id, kind, state, queued_at)
      select ${emailId}, account_id, ${kind}, 'queued', ${toTimestamp(now)} from owner
      where ${emailId !== null}::boolean
      on conflict do nothing
    )
    select o.email, o.language, k.name, k.last4, coalesce(m.state, 'queued') as email_state
    from owner o
    left join api_keys k on k.account_id = o.account_id and k.key_id = ${keyId}::bigint
    left join emails m on m.id = ${emailId}`,
  );
  if (row === undefined) return undefined;
  const { email, language, name, last4, email_state: emailState } = row;
  const key = name === null || last4 === null ? null : { name, last4 };
  return { email, language, key, emailState };
}

export type OpenNotification = Readonly<{
  id: string;
  /** A `NotificationKind`, or a word of a newer release. */
  kind: string;
  keyId: KeyId | null;
  model: string | null;
  amount: NanoUsd | null;
  /** A `BudgetPeriod`, or a word of a newer release. */
  budgetPeriod: string | null;
  at: Instant;
}>;

export async function listOpenNotifications(
  db: Database,
  account: AccountId,
  limit: number,
): Promise<readonly OpenNotification[]> {
  const rows = await queryOrThrow(
    db
      .select()
      .from(notifications)
      .where(and(eq(notifications.accountId, account), isNull(notifications.dismissedAt)))
      .orderBy(desc(notifications.at), desc(notifications.id))
      .limit(limit),
  );
  return rows.map(({ id, kind, keyId, model, amount, budgetPeriod, at }) => ({
    id,
    kind,
    keyId,
    model,
    amount,
    budgetPeriod,
    at: at.getTime(),
  }));
}

/** Dismisses an open notification of this account; any other stays as it is. */
export async function dismissNotification(
  db: Database,
  account: AccountId,
  id: string,
  now: Instant,
): Promise<void> {
  await queryOrThrow(
    db
      .update(notifications)
      .set({ dismissedAt: new Date(now) })
      .where(
        and(
          eq(notifications.accountId, account),
          eq(notifications.id, id),
          isNull(notifications.dismissedAt),
        ),
      ),
  );
}

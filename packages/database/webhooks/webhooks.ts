/** The webhook of an account: at most one, with the kinds of notifications that it is sent. */
import type { AccountId, Instant } from '@farebox/ledger';
import { and, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, type RawRow, toTimestamp } from '../connection/raw-sql.ts';
import { identities } from '../schema/accounts.ts';
import { webhooks } from '../schema/webhooks.ts';

export type Webhook = Readonly<{
  id: string;
  endpoint: string;
  kinds: readonly string[];
  version: number;
  rotatedAt: Instant | null;
  disabledAt: Instant | null;
}>;

export async function findWebhook(db: Database, account: AccountId): Promise<Webhook | undefined> {
  const [row] = await queryOrThrow(
    db.select().from(webhooks).where(eq(webhooks.accountId, account)),
  );
  if (row === undefined) return undefined;
  const { id, endpoint, kinds, version, rotatedAt, disabledAt } = row;
  return {
    ...{ id, endpoint, kinds, version },
    rotatedAt: rotatedAt?.getTime() ?? null,
    disabledAt: disabledAt?.getTime() ?? null,
  };
}

/**
 * Returns false, and changes nothing, if the account has a webhook already or is closed. The lock
 * makes a deletion at the same time come before, or find the webhook.
 */
export async function insertWebhook(
  db: Database,
  webhook: Readonly<{
    id: string;
    account: AccountId;
    endpoint: string;
    kinds: readonly string[];
    now: Instant;
  }>,
): Promise<boolean> {
  const { id, account, endpoint, kinds, now } = webhook;
  const row = await firstRow<RawRow>(
    db,
    sql`insert into webhooks (id, account_id, endpoint, kinds, created_at)
      select ${id}, a.id, ${endpoint}, string_to_array(${kinds.join(' ')}, ' '), ${toTimestamp(now)}
      from accounts a where a.id = ${account} and a.closed_at is null for share
      on conflict do nothing returning id`,
  );
  return row !== undefined;
}

/** A new endpoint starts without failures. */
export async function updateEndpoint(
  db: Database,
  account: AccountId,
  endpoint: string,
): Promise<void> {
  await queryOrThrow(
    db
      .update(webhooks)
      .set({ endpoint, failures: 0, disabledAt: null, notifiedAt: null })
      .where(eq(webhooks.accountId, account)),
  );
}

export async function updateKinds(
  db: Database,
  account: AccountId,
  kinds: readonly string[],
): Promise<void> {
  await queryOrThrow(
    db
      .update(webhooks)
      .set({ kinds: [...kinds] })
      .where(eq(webhooks.accountId, account)),
  );
}

export async function enableWebhook(db: Database, account: AccountId): Promise<void> {
  await queryOrThrow(
    db
      .update(webhooks)
      .set({ failures: 0, disabledAt: null, notifiedAt: null })
      .where(and(eq(webhooks.accountId, account), isNotNull(webhooks.disabledAt))),
  );
}

/** Adds one to the version of the secret. Returns the webhook, or undefined if there is none. */
export async function rotateWebhook(
  db: Database,
  account: AccountId,
  now: Instant,
): Promise<Readonly<{ id: string; version: number }> | undefined> {
  const [row] = await queryOrThrow(
    db
      .update(webhooks)
      .set({ version: sql`${webhooks.version} + 1`, rotatedAt: new Date(now) })
      .where(eq(webhooks.accountId, account))
      .returning({ id: webhooks.id, version: webhooks.version }),
  );
  return row;
}

/** Deletes the webhook with its attempts. */
export async function deleteWebhook(db: Database, account: AccountId): Promise<void> {
  await queryOrThrow(db.delete(webhooks).where(eq(webhooks.accountId, account)));
}

export type DisabledWebhook = Readonly<{
  id: string;
  account: AccountId;
  endpoint: string;
  disabledAt: Instant;
  email: string;
  language: string;
}>;

/** Lists disabled webhooks whose owners were not emailed about it yet. */
export async function listDisabledWebhooks(
  db: Database,
  limit: number,
): Promise<readonly DisabledWebhook[]> {
  const rows = await queryOrThrow(
    db
      .select({
        id: webhooks.id,
        account: webhooks.accountId,
        endpoint: webhooks.endpoint,
        disabledAt: webhooks.disabledAt,
        email: identities.email,
        language: identities.language,
      })
      .from(webhooks)
      .innerJoin(identities, eq(identities.accountId, webhooks.accountId))
      .where(and(isNotNull(webhooks.disabledAt), isNull(webhooks.notifiedAt)))
      .orderBy(webhooks.disabledAt)
      .limit(limit),
  );
  return rows.flatMap(({ disabledAt, ...row }) =>
    disabledAt === null ? [] : [{ ...row, disabledAt: disabledAt.getTime() }],
  );
}

/** A webhook that was enabled in the meantime stays as it is. */
export async function markOwnerNotified(
  db: Database,
  { id, disabledAt }: Pick<DisabledWebhook, 'id' | 'disabledAt'>,
  now: Instant,
): Promise<void> {
  await queryOrThrow(
    db
      .update(webhooks)
      .set({ notifiedAt: new Date(now) })
      .where(and(eq(webhooks.id, id), eq(webhooks.disabledAt, new Date(disabledAt)))),
  );
}

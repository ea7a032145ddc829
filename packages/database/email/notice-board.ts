/** Notices as their owner sees them: what is open, newest first, until they dismiss it. */
import type { AccountId, Instant, KeyId } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { and, desc, eq, isNull } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { notifications } from '../schema/users.ts';

export type OpenNotification = Readonly<{
  id: string;
  /** A `NoticeKind`, or a word of a release ahead. */
  kind: string;
  keyId: KeyId | null;
  model: string | null;
  amount: NanoUsd | null;
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
  return rows.map(({ id, kind, keyId, model, amount, at }) => ({
    id,
    kind,
    keyId,
    model,
    amount,
    at: at.getTime(),
  }));
}

/** Only the account's own; what is dismissed already, or nobody's, stays as it is. */
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

/**
 * Notifications for the owner on their way to the queue: written in the transaction that raises
 * them, deleted once they are sent. An id derives from the event, so a notification sent twice
 * counts once. A closed account raises none.
 */
import type { NanoUsd } from '@farebox/money';
import { BUDGET_PERIODS, NOTIFICATION_KINDS, type Notification } from './contract/index.ts';
import { fromSql, toSqlSaturating } from './sql-amounts.ts';
import { isClosed, type Tx } from './transaction.ts';

const INSERT = `INSERT INTO notifications (id, kind, key_id, model, amount, at, budget_period)
  VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`;
const OLDEST = `SELECT id, kind, key_id, model, amount, at, budget_period FROM notifications
  ORDER BY at, id LIMIT ?`;
const DROP = 'DELETE FROM notifications WHERE id = ?';
const DROP_ALL = 'DELETE FROM notifications';
const COUNT = 'SELECT count(*) AS n FROM notifications';

type NotificationRow = {
  id: string;
  kind: string;
  key_id: number | null;
  model: string | null;
  amount: number | null;
  at: number;
  budget_period: string | null;
};

export function countNotifications(sql: SqlStorage): number {
  return sql.exec<{ n: number }>(COUNT).one().n;
}

export function notify(tx: Tx, notification: Omit<Notification, 'account'>): void {
  if (isClosed(tx.cache)) return;
  const { id, kind, keyId, model, amount, at, budgetPeriod = null } = notification;
  const storedAmount = amount === null ? null : toSqlSaturating(amount);
  tx.sql.exec(INSERT, id, kind, keyId, model, storedAmount, at, budgetPeriod);
  tx.cache.pendingNotifications = countNotifications(tx.sql);
}

export function oldestNotifications(tx: Tx, limit: number): readonly Notification[] {
  const { account } = tx.cache;
  return tx.sql
    .exec<NotificationRow>(OLDEST, limit)
    .toArray()
    .map((row) => {
      const kind = NOTIFICATION_KINDS.find((candidate) => candidate === row.kind);
      if (kind === undefined) throw new RangeError('stored word not in its closed list');
      const amount: NanoUsd | null = row.amount === null ? null : fromSql(row.amount);
      const budgetPeriod = BUDGET_PERIODS.find((period) => period === row.budget_period) ?? null;
      const { id, key_id: keyId, model, at } = row;
      return { account, id, kind, keyId, model, amount, at, budgetPeriod };
    });
}

export function deleteNotifications(tx: Tx, ids: readonly string[]): void {
  for (const id of ids) tx.sql.exec(DROP, id);
  tx.cache.pendingNotifications = countNotifications(tx.sql);
}

export function deleteAllNotifications(tx: Tx): void {
  tx.sql.exec(DROP_ALL);
  tx.cache.pendingNotifications = 0;
}

/**
 * What the owner should hear of, on its way to the queue: written in the transaction that noticed it,
 * deleted once it was sent. Ids are made of what happened, so that a notice sent twice is one. Of a
 * closed account nothing is noticed: there is nobody left to tell.
 */
import type { NanoUsd } from '@farebox/money';
import { fromSql, toSqlSaturating } from './amounts.ts';
import { NOTICE_KINDS, type Notice } from './contract.ts';
import type { Shelf } from './shelf.ts';

const INSERT = `INSERT INTO notices (id, kind, key_id, model, amount, at) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`;
const OLDEST = 'SELECT id, kind, key_id, model, amount, at FROM notices ORDER BY at, id LIMIT ?';
const DROP = 'DELETE FROM notices WHERE id = ?';
const DROP_ALL = 'DELETE FROM notices';
const COUNT = 'SELECT count(*) AS n FROM notices';

type NoticeRow = {
  id: string;
  kind: string;
  key_id: number | null;
  model: string | null;
  amount: number | null;
  at: number;
};

export function countNotices(sql: SqlStorage): number {
  return sql.exec<{ n: number }>(COUNT).one().n;
}

export function note(shelf: Shelf, notice: Omit<Notice, 'account'>): void {
  if (shelf.memory.closed) return;
  const { id, kind, keyId, model, amount, at } = notice;
  const written = amount === null ? null : toSqlSaturating(amount);
  shelf.sql.exec(INSERT, id, kind, keyId, model, written, at);
  shelf.memory.notices = countNotices(shelf.sql);
}

export function oldestNotices(shelf: Shelf, most: number): readonly Notice[] {
  const { account } = shelf.memory;
  return shelf.sql
    .exec<NoticeRow>(OLDEST, most)
    .toArray()
    .map((row) => {
      const kind = NOTICE_KINDS.find((known) => known === row.kind);
      if (kind === undefined) throw new RangeError('stored word not in its closed list');
      const amount: NanoUsd | null = row.amount === null ? null : fromSql(row.amount);
      return { account, id: row.id, kind, keyId: row.key_id, model: row.model, amount, at: row.at };
    });
}

export function dropNotices(shelf: Shelf, ids: readonly string[]): void {
  for (const id of ids) shelf.sql.exec(DROP, id);
  shelf.memory.notices = countNotices(shelf.sql);
}

export function dropAllNotices(shelf: Shelf): void {
  shelf.sql.exec(DROP_ALL);
  shelf.memory.notices = 0;
}

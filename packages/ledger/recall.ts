/**
 * What the object remembers of its own tables, and how what lines took reaches the keys' rows. It
 * promises that reading it again gives exactly what was remembered: the lines that are not in the rows
 * yet are added up anew.
 */
import { LARGEST_AMOUNT, type NanoUsd } from '@farebox/money';
import { fromSql, fromSqlText, smaller, toSql, toSqlSaturating } from './amounts.ts';
import { DAY_MS } from './bounds.ts';
import type { AccountId, KeyId, KeyLimits } from './contract.ts';
import { addToHabit, type Habit } from './habits.ts';
import { countNotices } from './notices.ts';
import type { Key, Memory, RetiredSecret, Shelf } from './shelf.ts';

type SpendingRow = {
  spent: number;
  habit_day: number;
  habit_today: number;
  habit_usual: number;
  habit_days: number;
};

type KeyRow = SpendingRow & {
  id: number;
  secret_hash: string;
  budget: number | null;
  expires_at: number | null;
  models: string | null;
  calls_per_minute: number | null;
  concurrent_calls: number | null;
  revoked_at: number | null;
  created_at: number;
  notice_at: number | null;
  pause_at: number | null;
  paused_at: number | null;
  resumed_day: number;
  noticed_day: number;
  dear: number;
};

type AccountRow = { id: string; state: string; low_balance: number | null; low: number };

const ACCOUNT = 'SELECT id, state, low_balance, low FROM account';
const LAST_AT = 'SELECT at FROM entries ORDER BY seq DESC LIMIT 1';
/** What lines took from each key, day by day; a line's time is never before that of the one before it. */
const TAKEN = `SELECT key_id, at / ${DAY_MS} AS day, CAST(-sum(delta) AS TEXT) AS spent FROM entries
  WHERE kind = 'charge' AND seq > ?1 AND seq <= ?2 GROUP BY key_id, day ORDER BY key_id, day`;
type Taken = { key_id: number; day: number; spent: string };
const MARKS = 'SELECT seq, acknowledged FROM account';
const SPENDING = `SELECT spent, habit_day, habit_today, habit_usual, habit_days FROM keys WHERE id = ?`;
const WRITE_SPENDING = `UPDATE keys SET spent = ?, habit_day = ?, habit_today = ?, habit_usual = ?,
  habit_days = ? WHERE id = ?`;
const RETIRED =
  'SELECT hash, until FROM retired_secrets WHERE key_id = ? ORDER BY until DESC, hash';

function limitsOf(row: KeyRow): KeyLimits {
  return {
    budget: row.budget === null ? null : fromSql(row.budget),
    expiresAt: row.expires_at,
    models: row.models === null ? null : row.models.split('\n').filter((name) => name !== ''),
    callsPerMinute: row.calls_per_minute,
    concurrentCalls: row.concurrent_calls,
  };
}

function habitOf(row: SpendingRow): Habit {
  const { habit_day: day, habit_days: days } = row;
  return { day, days, today: fromSql(row.habit_today), usual: fromSql(row.habit_usual) };
}

function keyOf(row: KeyRow, retired: readonly RetiredSecret[]): Key {
  return {
    keyId: row.id,
    secretHash: row.secret_hash,
    retired,
    limits: limitsOf(row),
    brakes: { noticeAt: row.notice_at, pauseAt: row.pause_at },
    createdAt: row.created_at,
    revokedAt: row.revoked_at,
    spent: fromSql(row.spent),
    held: 0n,
    open: 0,
    admitted: [],
    habit: habitOf(row),
    pausedAt: row.paused_at,
    resumedDay: row.resumed_day,
    noticedDay: row.noticed_day,
    dear: row.dear === 1,
  };
}

function memoryOf(sql: SqlStorage): Memory {
  const row = sql.exec<AccountRow>(ACCOUNT).one();
  const account: AccountId = row.id;
  return {
    account,
    keys: new Map(),
    held: 0n,
    open: 0,
    closed: row.state === 'closed',
    lastAt: sql.exec<{ at: number }>(LAST_AT).toArray()[0]?.at ?? 0,
    lowBalance: row.low_balance === null ? null : fromSql(row.low_balance),
    low: row.low === 1,
    notices: countNotices(sql),
  };
}

/** Reads what the object remembers from its own tables: after a start, and after a failed transaction. */
export function recall(sql: SqlStorage): Memory {
  const memory = memoryOf(sql);
  for (const row of sql.exec<KeyRow>('SELECT * FROM keys').toArray()) {
    const retired = sql.exec<{ hash: string; until: number }>(RETIRED, row.id).toArray();
    memory.keys.set(row.id, keyOf(row, retired));
  }
  const { seq, acknowledged } = sql.exec<{ seq: number; acknowledged: number }>(MARKS).one();
  for (const taken of sql.exec<Taken>(TAKEN, acknowledged, seq)) {
    const key = memory.keys.get(taken.key_id);
    if (key === undefined) continue;
    const amount = fromSqlText(taken.spent);
    key.spent = addSpending(key.spent, amount);
    key.habit = addToHabit(key.habit, taken.day, amount);
  }
  const holds = sql.exec<{ key_id: number; amount: number }>('SELECT key_id, amount FROM holds');
  for (const hold of holds) remember(memory, hold.key_id, fromSql(hold.amount), 1);
  return memory;
}

/** Counts a hold in (`by` = 1) or out (`by` = -1). */
export function remember(memory: Memory, keyId: KeyId, amount: NanoUsd, by: 1 | -1): void {
  const moved = by === 1 ? amount : -amount;
  memory.held += moved;
  memory.open += by;
  const key = memory.keys.get(keyId);
  if (key === undefined) return;
  key.held += moved;
  key.open += by;
}

export function addSpending(spent: NanoUsd, amount: NanoUsd): NanoUsd {
  return smaller(spent + amount, LARGEST_AMOUNT);
}

/** Adds the lines above `after` up to `upTo` to their keys' rows; whoever acknowledges lines calls it once. */
export function foldSpending(shelf: Shelf, after: number, upTo: number): void {
  const { sql } = shelf;
  for (const taken of sql.exec<Taken>(TAKEN, after, upTo).toArray()) {
    const row = sql.exec<SpendingRow>(SPENDING, taken.key_id).toArray()[0];
    if (row === undefined) continue;
    const amount = fromSqlText(taken.spent);
    const { day, today, usual, days } = addToHabit(habitOf(row), taken.day, amount);
    const spent = toSql(addSpending(fromSql(row.spent), amount));
    const written = [spent, day, toSqlSaturating(today), toSql(usual), days];
    sql.exec(WRITE_SPENDING, ...written, taken.key_id);
  }
}

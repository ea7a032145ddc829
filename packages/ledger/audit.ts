/**
 * Reads the whole book and names every invariant that does not hold. It promises to write nothing and
 * to repair nothing: what is broken is for people to look at.
 */
import { fromSql, fromSqlText } from './amounts.ts';
import { REVOKED_LATELY_MS } from './bounds.ts';
import type { Audit, Instant, KeyId } from './contract.ts';
import type { Habit } from './habits.ts';
import { recall } from './recall.ts';
import type { Shelf } from './shelf.ts';

const ACCOUNT =
  'SELECT posted, held, seq, acknowledged, wiped, pruned_count, pruned_delta FROM account';
type AccountSums = {
  posted: number;
  held: number;
  seq: number;
  acknowledged: number;
  wiped: number;
  pruned_count: number;
  pruned_delta: string;
};
const LINES = `SELECT count(*) AS count, coalesce(max(seq), 0) AS last,
  CAST(coalesce(sum(delta), 0) AS TEXT) AS delta FROM entries`;
type LineSums = { count: number; last: number; delta: string };

/** Each counts its own breaches: anything but zero is one. */
const COUNTS: readonly (readonly [invariant: string, sql: string])[] = [
  [
    'running_balance',
    `SELECT count(*) AS n FROM entries e JOIN entries p ON p.seq = e.seq - 1
     WHERE e.posted_after <> p.posted_after + e.delta`,
  ],
  [
    'last_line_is_balance',
    `SELECT count(*) AS n FROM entries e JOIN account a ON e.seq = a.seq
     WHERE e.posted_after <> a.posted`,
  ],
  ['hold_ends_once', 'SELECT count(*) AS n FROM holds h JOIN entries e ON e.id = h.id'],
  [
    'bill_is_its_lines',
    `SELECT count(*) AS n FROM entries e LEFT JOIN entries b ON b.id = e.call_id AND b.seq <> e.seq
     WHERE e.kind = 'charge' AND e.id = e.call_id AND e.charged <> -e.delta
        OR e.kind = 'charge' AND e.id <> e.call_id AND b.seq IS NOT NULL
           AND e.charged <> b.charged - e.delta`,
  ],
  ['hold_has_key', 'SELECT count(*) AS n FROM holds WHERE key_id NOT IN (SELECT id FROM keys)'],
];

/** Of acknowledged lines (keys.ts), and only while every line is still here to be added up. */
const SPENDING = `SELECT count(*) AS n FROM keys k, account a WHERE a.pruned_count = 0 AND k.spent <>
  (SELECT min(9007199254740991, coalesce(-sum(e.delta), 0)) FROM entries e
   WHERE e.key_id = k.id AND e.seq <= a.acknowledged)`;

function count(shelf: Shelf, sql: string): number {
  return shelf.sql.exec<{ n: number }>(sql).one().n;
}

function sameAsRecalled(shelf: Shelf): boolean {
  const fresh = recall(shelf.sql);
  const { memory } = shelf;
  if (fresh.held !== memory.held || fresh.open !== memory.open) return false;
  if (fresh.keys.size !== memory.keys.size) return false;
  for (const [id, key] of fresh.keys) {
    const known = memory.keys.get(id);
    if (known?.held !== key.held || known.open !== key.open || known.spent !== key.spent)
      return false;
    if (!sameHabit(known.habit, key.habit) || known.pausedAt !== key.pausedAt) return false;
  }
  return fresh.notices === memory.notices && fresh.low === memory.low;
}

function sameHabit(a: Habit, b: Habit): boolean {
  return a.day === b.day && a.today === b.today && a.usual === b.usual && a.days === b.days;
}

function revokedLately(shelf: Shelf, now: Instant): readonly KeyId[] {
  const keys = [...shelf.memory.keys.values()];
  return keys
    .filter(({ revokedAt }) => revokedAt !== null && revokedAt > now - REVOKED_LATELY_MS)
    .map(({ keyId }) => keyId);
}

export function audit(shelf: Shelf, now: Instant): Audit {
  const account = shelf.sql.exec<AccountSums>(ACCOUNT).one();
  const lines = shelf.sql.exec<LineSums>(LINES).one();
  const posted = fromSql(account.posted);
  const held = fromSql(account.held);
  const broken: string[] = [];
  const expect = (invariant: string, holds: boolean): void => {
    if (!holds) broken.push(invariant);
  };
  const sum = fromSqlText(account.pruned_delta) + fromSqlText(lines.delta);
  expect('posted_is_sum_of_lines', sum === posted);
  expect('lines_contiguous', lines.count + account.pruned_count === account.seq);
  // A tombstone has kept no call, not even the last.
  const last = account.wiped === 1 ? lines.last <= account.seq : lines.last === account.seq;
  expect('last_line_is_last', last);
  expect('held_is_sum_of_holds', recall(shelf.sql).held === held);
  expect('balance_bounds', 0n <= held && held <= posted);
  for (const [invariant, sql] of COUNTS) expect(invariant, count(shelf, sql) === 0);
  expect('key_spending', count(shelf, SPENDING) === 0);
  expect('memory_is_tables', sameAsRecalled(shelf));
  return {
    posted,
    held,
    lastSeq: account.seq,
    acknowledgedSeq: account.acknowledged,
    revokedLately: revokedLately(shelf, now),
    broken,
  };
}

/**
 * The end of an account. Closing takes effect at once: nothing new is held, every key is revoked. When
 * the last call has ended and Postgres has the last line, the object forgets everything but its
 * tombstone: closed, the last sequence, the balance that was left, and the lines of money from outside,
 * whose ids keep a transfer from ever counting twice. Nothing opens it again. Each step is one
 * transaction, so that a crash between any two leaves one that is simply taken next.
 */
import { fromSql, fromSqlText } from './amounts.ts';
import type { AccountStanding, CloseResult, Instant } from './contract.ts';
import { outboxMarks } from './entries.ts';
import { revokeAllKeys } from './keys.ts';
import { dropAllNotices } from './notices.ts';
import { readBalance, type Shelf } from './shelf.ts';

const CLOSE = "UPDATE account SET state = 'closed' WHERE one = 1 AND state <> 'closed'";
const WIPED = 'SELECT wiped FROM account';

/**
 * Selective, not `deleteAll`: that is not part of a transaction with what is written after it, and takes
 * the alarm with it, so a crash behind it would leave an object that never existed and could be opened.
 */
const FORGET: readonly string[] = [
  "DELETE FROM entries WHERE kind = 'charge'",
  // The operator's words to an adjustment; its id and amount stay.
  "UPDATE entries SET source = NULL WHERE kind = 'adjustment'",
  'DELETE FROM keys',
  'DELETE FROM retired_secrets',
  'DELETE FROM notices',
];
const KEPT = `SELECT count(*) AS count, CAST(coalesce(sum(delta), 0) AS TEXT) AS delta FROM entries`;
const TOMBSTONE = `UPDATE account SET wiped = 1, waived = 0, expired = 0, low_balance = NULL, low = 0,
  pruned_count = ?, pruned_delta = ? WHERE one = 1`;

function isWiped(shelf: Shelf): boolean {
  return shelf.sql.exec<{ wiped: number }>(WIPED).one().wiped === 1;
}

/** Whether nothing but the last step is left, which nobody else's verb would bring about. */
export function wantsWiping(shelf: Shelf): boolean {
  const { memory } = shelf;
  if (!memory.closed || memory.open > 0 || isWiped(shelf)) return false;
  const { seq, acknowledged } = outboxMarks(shelf);
  return seq === acknowledged;
}

export function wipeIfDone(shelf: Shelf): void {
  if (!wantsWiping(shelf)) return;
  for (const statement of FORGET) shelf.sql.exec(statement);
  const balance = readBalance(shelf);
  const kept = shelf.sql.exec<{ count: number; delta: string }>(KEPT).one();
  const forgotten = balance.posted - fromSqlText(kept.delta);
  shelf.sql.exec(TOMBSTONE, balance.seq - kept.count, forgotten.toString());
  const { memory } = shelf;
  memory.keys.clear();
  memory.lowBalance = null;
  memory.low = false;
  memory.notices = 0;
}

/** For good. Calls in flight still end, by settling or by their deadlines. */
export function close(shelf: Shelf, now: Instant): CloseResult {
  const { memory } = shelf;
  if (!memory.closed) {
    shelf.sql.exec(CLOSE);
    memory.closed = true;
    revokeAllKeys(shelf, now);
    dropAllNotices(shelf);
  }
  wipeIfDone(shelf);
  return { wiped: isWiped(shelf), posted: readBalance(shelf).posted, openCalls: memory.open };
}

type StandingRow = {
  state: string;
  posted: number;
  held: number;
  seq: number;
  acknowledged: number;
};
const STANDING = 'SELECT state, posted, held, seq, acknowledged FROM account';

function stateOf(text: string): AccountStanding['state'] {
  return text === 'frozen' || text === 'closed' ? text : 'open';
}

export function standing(shelf: Shelf): AccountStanding {
  const row = shelf.sql.exec<StandingRow>(STANDING).one();
  return {
    state: stateOf(row.state),
    posted: fromSql(row.posted),
    held: fromSql(row.held),
    openCalls: shelf.memory.open,
    lowBalance: shelf.memory.lowBalance,
    pendingEntries: row.seq - row.acknowledged,
  };
}

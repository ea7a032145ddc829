/**
 * Counts of refused calls, by key, code and hour, as gateway isolates bring them
 * (docs/decisions/0045-refused-calls-are-counted.md). They inform the owner and decide nothing: a
 * count may be lost, so no message about them is repeated. Their number is bounded, and the oldest
 * are dropped.
 */
import { HOUR_MS, MAX_REFUSED_COUNTS, type RefusedCalls } from './contract/index.ts';
import { isClosed, type Tx } from './transaction.ts';

/** How long counts are kept. */
const RETENTION_HOURS = 7 * 24;
/** The rows of one account: a week of a dozen reasons, each hour. */
export const MAX_ROWS = 2_000;
/** What a count is added to at most: a million a minute for an hour. */
const MAX_COUNT = 60_000_000;
/** How far the clock of a gateway may be ahead of the object's. */
const MAX_AHEAD_HOURS = 1;
const CODE = /^[a-z_]{1,40}$/;

const ADD = `INSERT INTO refused_calls (key_id, code, hour, count, last_at) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT (key_id, code, hour) DO UPDATE SET count = min(count + ?4, ${MAX_COUNT}),
    last_at = max(last_at, ?5)`;
const DELETE_OLD = 'DELETE FROM refused_calls WHERE hour < ?';
const COUNT = 'SELECT count(*) AS n FROM refused_calls';
const DELETE_OLDEST = `DELETE FROM refused_calls WHERE (key_id, code, hour) IN
  (SELECT key_id, code, hour FROM refused_calls ORDER BY last_at LIMIT ?)`;
const LIST = `SELECT key_id AS keyId, code, hour, count, last_at AS lastAt FROM refused_calls
  ORDER BY last_at DESC, key_id, code`;

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && value <= MAX_COUNT;
}

function isAcceptable({ cache, now }: Tx, counted: RefusedCalls): boolean {
  const { keyId, code, hour, count, lastAt } = counted;
  const thisHour = Math.floor(now / HOUR_MS);
  return (
    cache.keys.has(keyId) &&
    CODE.test(code) &&
    isCount(count) &&
    Math.floor(lastAt / HOUR_MS) === hour &&
    hour > thisHour - RETENTION_HOURS &&
    hour <= thisHour + MAX_AHEAD_HOURS
  );
}

/** Adds the counts of keys that the account has; others, and those of a closed account, are dropped. */
export function countRefused(tx: Tx, refused: readonly RefusedCalls[]): void {
  if (isClosed(tx.cache)) return;
  const accepted = refused.slice(0, MAX_REFUSED_COUNTS).filter((item) => isAcceptable(tx, item));
  if (accepted.length === 0) return;
  for (const { keyId, code, hour, count, lastAt } of accepted)
    tx.sql.exec(ADD, keyId, code, hour, count, lastAt);
  tx.sql.exec(DELETE_OLD, Math.floor(tx.now / HOUR_MS) - RETENTION_HOURS + 1);
  const excess = tx.sql.exec<{ n: number }>(COUNT).one().n - MAX_ROWS;
  if (excess > 0) tx.sql.exec(DELETE_OLDEST, excess);
}

type Row = { keyId: number; code: string; hour: number; count: number; lastAt: number };

/** Lists the counts of the last week, the latest first. */
export function listRefused(tx: Tx): readonly RefusedCalls[] {
  const oldest = Math.floor(tx.now / HOUR_MS) - RETENTION_HOURS;
  return tx.sql
    .exec<Row>(LIST)
    .toArray()
    .filter(({ hour }) => hour > oldest);
}

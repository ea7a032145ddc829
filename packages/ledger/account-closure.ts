/**
 * The closure of an account. It takes effect at once: no new hold, every key revoked. When the last
 * call has ended and Postgres has the last entry, the object deletes everything but its tombstone:
 * the state, the last sequence number, the remaining balance, and the entries of credits and
 * adjustments, whose ids keep a transfer from counting twice. A refund that was reserved before stays
 * reserved, and is paid or released after. A closed account never opens again.
 *
 * The tombstone is written first, in the transaction that deletes everything but the charges. These
 * may be millions, so they go in steps, oldest first, as if they were pruned; no call is known any
 * more meanwhile (docs/decisions/0063-wipes-in-steps.md). Each step is one transaction, so after a
 * crash the next step simply follows.
 */

import { type AccountStatus, type CloseResult, DAY_MS, type Instant } from './contract/index.ts';
import {
  CORRECTION_SOURCE,
  deleteWipedCharges,
  hasCharges,
  isTombstone,
  outboxPosition,
  REFUND_SOURCE,
} from './entries.ts';
import { revokeAllKeys } from './keys.ts';
import { CHARGES_PER_WIPE_STEP } from './limits.ts';
import { deleteAllNotifications } from './notifications.ts';
import { clearDailyCounters, isClosed, readBalance, type Tx } from './transaction.ts';

const CLOSE = "UPDATE account SET state = 'closed' WHERE singleton = 1";

/**
 * Deletes selectively: `deleteAll` is not part of a transaction with later writes and removes the
 * alarm, so a crash after it would leave an object that looks new and could be opened again.
 */
const WIPE_STATEMENTS: readonly string[] = [
  // The operator's note on an adjustment. Its id and amount stay, and what a refund depends on. The
  // first condition is the predicate of the index.
  `UPDATE entries SET source = NULL WHERE kind <> 'charge' AND kind = 'adjustment'
    AND source NOT IN ('${REFUND_SOURCE}', '${CORRECTION_SOURCE}')`,
  'DELETE FROM keys',
  'DELETE FROM retired_secrets',
  'DELETE FROM notifications',
  'DELETE FROM refused_calls',
];
const TOMBSTONE = `UPDATE account SET wiped = 1, waived = 0, expired = 0, refused = 0, shortfalls = 0,
  early_declines = 0, low_balance = NULL, is_low = 0, chain_seq = seq WHERE singleton = 1`;

/** Checks whether nothing but the tombstone is left. */
function isWiped(tx: Tx): boolean {
  return isTombstone(tx) && !hasCharges(tx);
}

/** How long a closed account waits for operators to mend a backlog that can't be chained. */
const MAX_CHAIN_WAIT_MS = 7 * DAY_MS;

/** When the account was last changed, which its closure does by revoking its keys. */
function lastChangeAt({ cache }: Tx): Instant {
  const revokedAt = [...cache.keys.values()].map((key) => key.revokedAt ?? 0);
  return Math.max(cache.lastEntryAt, ...revokedAt);
}

/**
 * Checks whether the tombstone can be written, which no verb would trigger. Entries that are not
 * chained yet are chained first: a statement of a closed account would lack them for good. Those that
 * can't be chained (`isChainBroken`) delay what the owner asked for by a week, and no longer;
 * statements count them as not chained.
 */
function isReadyForTombstone(tx: Tx, isChainBroken: boolean): boolean {
  const { cache } = tx;
  if (!isClosed(cache) || cache.holds.size > 0 || isTombstone(tx)) return false;
  const { seq, acknowledged } = outboxPosition(tx);
  if (seq !== acknowledged) return false;
  if (cache.balance.chain_seq >= seq) return true;
  return isChainBroken && tx.now >= lastChangeAt(tx) + MAX_CHAIN_WAIT_MS;
}

/** Checks whether a step of the wipe can be done now. */
export function isReadyToWipe(tx: Tx, isChainBroken = false): boolean {
  return isTombstone(tx) ? hasCharges(tx) : isReadyForTombstone(tx, isChainBroken);
}

function writeTombstone(tx: Tx): void {
  const { cache } = tx;
  if (cache.balance.chain_seq < cache.balance.seq)
    tx.emit({ event: 'unexpected', where: 'account.wipe_unchained', call: null });
  for (const statement of WIPE_STATEMENTS) tx.sql.exec(statement);
  tx.sql.exec(TOMBSTONE);
  clearDailyCounters(cache.balance);
  // Nothing is left to chain.
  cache.balance.chain_seq = cache.balance.seq;
  cache.keys.clear();
  cache.lowBalance = null;
  cache.isBalanceLow = false;
  cache.pendingNotifications = 0;
}

/** Does one step of the wipe, which is the only one of an account with few charges. */
export function wipeIfReady(tx: Tx, maxCharges: number, isChainBroken = false): void {
  if (!isReadyToWipe(tx, isChainBroken)) return;
  if (!isTombstone(tx)) writeTombstone(tx);
  deleteWipedCharges(tx, maxCharges);
}

/** Closes the account permanently. Open calls still end, by settlement or deadline. */
export function close(tx: Tx): CloseResult {
  const { cache } = tx;
  if (!isClosed(cache)) {
    tx.sql.exec(CLOSE);
    cache.balance.state = 'closed';
    revokeAllKeys(tx);
    deleteAllNotifications(tx);
  }
  wipeIfReady(tx, CHARGES_PER_WIPE_STEP);
  return { wiped: isWiped(tx), posted: readBalance(tx).posted, openCalls: cache.holds.size };
}

export function accountStatus({ cache }: Tx): AccountStatus {
  const { state, posted, held, seq } = cache.balance;
  return {
    state,
    posted,
    held,
    reserved: cache.reserved,
    openCalls: cache.holds.size,
    lowBalance: cache.lowBalance,
    pendingEntries: seq - cache.acknowledged,
  };
}

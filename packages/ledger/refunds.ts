/**
 * Refunds of deposits. A refund reserves its amount, which no call can use then, until it is paid or
 * released; each step takes effect once, however often it is repeated. The rows are kept after the
 * account is closed, because a refund may be paid after that.
 */
import type { NanoUsd } from '@farebox/money';
import type {
  PayRefundResult,
  ReleaseRefundResult,
  ReserveRefundRequest,
  ReserveRefundResult,
} from './contract/index.ts';
import {
  appendCreditOrAdjustment,
  CORRECTION_SOURCE,
  REFUND_ENTRY_PREFIX,
  REFUND_SOURCE,
} from './entries.ts';
import { computeUnspentDeposits, type MoneyEntry } from './refundable.ts';
import { fromSql, minBigInt, toSql } from './sql-amounts.ts';
import { changeBalance, readBalance, type Tx } from './transaction.ts';

type RefundRow = { amount: number; state: string };
type MoneyRow = { kind: string; source: string | null; delta: number; posted_after: number };

const FIND = 'SELECT amount, state FROM refunds WHERE id = ?';
const INSERT = "INSERT INTO refunds (id, amount, state) VALUES (?, ?, 'reserved')";
const END = "UPDATE refunds SET state = ? WHERE id = ? AND state = 'reserved'";
/** Written like the predicate of the index. */
const MONEY_ENTRIES = `SELECT kind, source, delta, posted_after FROM entries
  WHERE kind <> 'charge' ORDER BY seq`;

function findRefund(tx: Tx, id: string): RefundRow | undefined {
  return tx.sql.exec<RefundRow>(FIND, id).toArray()[0];
}

function toMoneyKind({ kind, source, delta }: MoneyRow): MoneyEntry['kind'] {
  if (kind === 'credit') return source === 'deposit' ? 'deposit' : 'gift';
  if (source === REFUND_SOURCE) return 'refund';
  if (source === CORRECTION_SOURCE) return 'correction';
  return delta > 0 ? 'gift' : 'debit';
}

/** Returns what can be reserved: the unspent deposits, less what is held or reserved. */
export function readRefundable(tx: Tx): NanoUsd {
  const entries = tx.sql
    .exec<MoneyRow>(MONEY_ENTRIES)
    .toArray()
    .map((row) => ({
      kind: toMoneyKind(row),
      delta: fromSql(row.delta),
      postedAfter: fromSql(row.posted_after),
    }));
  const { posted, held } = readBalance(tx);
  const left = computeUnspentDeposits(entries, posted) - tx.cache.reserved;
  const refundable = minBigInt(left, posted - held);
  return refundable > 0n ? refundable : 0n;
}

/** Changes what is reserved; a negative amount frees it. */
function addReserved(tx: Tx, amount: NanoUsd): void {
  tx.cache.reserved += amount;
  changeBalance(tx).held += amount;
}

export function reserveRefund(tx: Tx, { id, amount }: ReserveRefundRequest): ReserveRefundResult {
  const found = findRefund(tx, id);
  if (found !== undefined) {
    if (fromSql(found.amount) !== amount) return { ok: false, reason: 'conflict' };
    return found.state === 'released' ? { ok: false, reason: 'released' } : { ok: true };
  }
  if (amount <= 0n) return { ok: false, reason: 'not_positive' };
  if (amount > readRefundable(tx)) return { ok: false, reason: 'insufficient' };
  tx.sql.exec(INSERT, id, toSql(amount));
  addReserved(tx, amount);
  return { ok: true };
}

export function releaseRefund(tx: Tx, id: string): ReleaseRefundResult {
  const found = findRefund(tx, id);
  if (found === undefined) return { ok: false, reason: 'unknown' };
  if (found.state === 'paid') return { ok: false, reason: 'paid' };
  if (found.state === 'released') return { ok: true };
  tx.sql.exec(END, 'released', id);
  addReserved(tx, -fromSql(found.amount));
  return { ok: true };
}

/** Posts the refund: what it reserved leaves the balance. */
export function payRefund(tx: Tx, id: string): PayRefundResult {
  const found = findRefund(tx, id);
  if (found === undefined) return { ok: false, reason: 'unknown' };
  if (found.state === 'released') return { ok: false, reason: 'released' };
  if (found.state === 'paid') return { ok: true, posted: readBalance(tx).posted };
  const amount = fromSql(found.amount);
  tx.sql.exec(END, 'paid', id);
  addReserved(tx, -amount);
  const posted = appendCreditOrAdjustment(tx, {
    id: `${REFUND_ENTRY_PREFIX}${id}`,
    kind: 'adjustment',
    delta: -amount,
    source: REFUND_SOURCE,
  });
  return { ok: true, posted };
}

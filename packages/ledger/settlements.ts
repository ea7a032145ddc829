/**
 * The end of a hold: settled, settled late, or expired. Each hold ends exactly once. The balance
 * never goes below zero and never uses another call's hold; Farebox absorbs what is missing as a
 * shortfall. Every call leaves an entry, even one that cost nothing.
 */
import { MAX_AMOUNT, type NanoUsd } from '@farebox/money';
import { applyHold } from './cache.ts';
import { NOT_REPORTED, reportToCells } from './call-columns.ts';
import type { Instant, SettleRequest, SettleResult } from './contract/index.ts';
import {
  appendCharge,
  type ChargeDetails,
  type EntryRow,
  findEntry,
  type HoldColumns,
  type HoldRow,
  lateId,
  OPENING_COLUMN_LIST,
  REPORT_COLUMNS,
  type SqlRow,
} from './entries.ts';
import { chargeKey } from './keys.ts';
import { toUtcDay, WAIVERS_PER_DAY } from './limits.ts';
import { countOutcome } from './refusals.ts';
import { fromSql, minBigInt } from './sql-amounts.ts';
import { toSqlCell } from './sql-cells.ts';
import {
  BALANCE_COLUMN_LIST,
  type BalanceRow,
  type MutableBalance,
  readBalance,
  resetDailyCounters,
  type Tx,
  toMutableBalance,
} from './transaction.ts';

const LOOKUP = `SELECT ${BALANCE_COLUMN_LIST},
    h.id, h.amount, h.max_output, h.fingerprint, ${OPENING_COLUMN_LIST}
  FROM account a LEFT JOIN holds h ON h.id = ?`;
type LookupRow = SqlRow & BalanceRow & HoldColumns & { id: string | null };
const DELETE_HOLD = 'DELETE FROM holds WHERE id = ?';

type Charge = Pick<SettleRequest, 'reason' | 'cost' | 'usage'>;

/** The charge of a waived call beyond the daily cap; null for a call that no provider bills. */
function waivedCharge({ usage, waivedCost, waivedUsage }: SettleRequest): Charge | null {
  if (waivedCost === undefined) return null;
  return { reason: 'estimated_usage_missing', cost: waivedCost, usage: waivedUsage ?? usage };
}

/**
 * Calls that produced nothing and that the provider may bill are free only up to the daily waiver
 * cap; after that their estimate is charged, so that waivers can't be farmed.
 */
function resolveCharge(tx: Tx, balance: MutableBalance, request: SettleRequest): Charge {
  resetDailyCounters(balance, toUtcDay(tx.now));
  const { reason, cost, usage } = request;
  const charge = waivedCharge(request);
  if (charge === null) return { reason, cost, usage };
  balance.waived += 1;
  return balance.waived <= WAIVERS_PER_DAY ? { reason, cost, usage } : charge;
}

function settlementFingerprint(request: SettleRequest): string {
  return `${request.reason}|${request.cost}|${request.waivedCost ?? ''}`;
}

/** Copies the report of the settlement into the charge. */
function buildChargeDetails(
  request: SettleRequest,
  entryId: string,
): Omit<ChargeDetails, AmountField> {
  return { ...request, entryId, fingerprint: settlementFingerprint(request) };
}
type AmountField = 'reason' | 'usage' | 'taken' | 'charged' | 'shortfall';

export function settle(tx: Tx, request: SettleRequest): SettleResult {
  if (request.cost < 0n || (request.waivedCost ?? 0n) < 0n) throw new RangeError('negative cost');
  const row = tx.sql.exec<LookupRow>(LOOKUP, request.id).one();
  const { id } = row;
  if (id === null) return settleClosedHold(tx, request);
  const hold: HoldRow = { ...row, id };
  const balance = toMutableBalance(row);
  releaseHold(tx, balance, hold);
  const { cost, ...resolved } = resolveCharge(tx, balance, request);
  const taken = minBigInt(cost, balance.posted - balance.held);
  const shortfall = cost - taken;
  const amounts = { taken, charged: taken, shortfall };
  const details = { ...buildChargeDetails(request, id), ...resolved, ...amounts };
  countOutcome(tx, balance, hold.key_id, { reason: resolved.reason, shortfall });
  appendCharge(tx, balance, hold, details);
  chargeKey(tx, hold.key_id, taken);
  emitShortfall(tx, id, shortfall);
  return { ok: true, charged: taken, shortfall, late: false };
}

function releaseHold(tx: Tx, balance: MutableBalance, hold: HoldRow): void {
  const amount = fromSql(hold.amount);
  tx.sql.exec(DELETE_HOLD, hold.id);
  applyHold(tx.cache, hold.key_id, amount, -1);
  balance.held -= amount;
}

function emitShortfall(tx: Tx, call: string, shortfall: NanoUsd): void {
  if (shortfall === 0n) return;
  const { account } = tx.cache;
  tx.emit({ event: 'shortfall', account, call, nanoUsd: shortfall.toString() });
}

/**
 * Handles a settlement without an open hold: a repeat, a call that expired before, or an unknown
 * id.
 */
function settleClosedHold(tx: Tx, request: SettleRequest): SettleResult {
  const base = findEntry(tx, request.id);
  if (base === undefined || base.call_id === null) return { ok: false, reason: 'unknown' };
  if (base.settle_fingerprint !== null) return replaySettlement(base, request, false);
  const late = findEntry(tx, lateId(request.id));
  return late === undefined ? settleLate(tx, base, request) : replaySettlement(late, request, true);
}

function isSameSettlement(row: EntryRow, request: SettleRequest): boolean {
  if (row.settle_fingerprint !== settlementFingerprint(request)) return false;
  const charge = row.reason === request.reason ? null : waivedCharge(request);
  const cells = reportToCells(charge === null ? request : { ...request, usage: charge.usage });
  return REPORT_COLUMNS.every((name, index) => row[name] === toSqlCell(cells[index] ?? null));
}

function replaySettlement(row: EntryRow, request: SettleRequest, late: boolean): SettleResult {
  if (!isSameSettlement(row, request)) return { ok: false, reason: 'conflict' };
  const shortfall = fromSql(row.shortfall);
  return { ok: true, charged: fromSql(row.charged), shortfall, late };
}

/** Adds or gives back the difference between the exact cost and what expiry charged. */
function settleLate(tx: Tx, base: EntryRow, request: SettleRequest): SettleResult {
  const balance = readBalance(tx);
  const { cost, ...resolved } = resolveCharge(tx, balance, request);
  const previous = fromSql(base.charged);
  const taken = lateAdjustment(balance, cost - previous);
  const charged = previous + taken;
  const shortfall = cost > charged ? cost - charged : 0n;
  const hold: HoldRow = {
    ...base,
    id: request.id,
    amount: base.held,
    fingerprint: base.hold_fingerprint ?? '',
  };
  const details = {
    ...buildChargeDetails(request, lateId(request.id)),
    ...resolved,
    taken,
    charged,
    shortfall,
  };
  countOutcome(tx, balance, base.key_id, { reason: resolved.reason, shortfall });
  appendCharge(tx, balance, hold, details);
  chargeKey(tx, base.key_id, taken);
  emitShortfall(tx, request.id, shortfall);
  return { ok: true, charged, shortfall, late: true };
}

function lateAdjustment(balance: MutableBalance, difference: NanoUsd): NanoUsd {
  if (difference >= 0n) return minBigInt(difference, balance.posted - balance.held);
  return -minBigInt(-difference, MAX_AMOUNT - balance.posted);
}

const SELECT_EXPIRED = 'SELECT * FROM holds WHERE deadline <= ? ORDER BY deadline, id LIMIT ?';
const NEXT_DEADLINE = 'SELECT min(deadline) AS at FROM holds';
const MAX_EXPIRED_PER_BATCH = 200;

export function nextDeadline(tx: Tx): Instant | null {
  return tx.sql.exec<{ at: number | null }>(NEXT_DEADLINE).one().at;
}

/**
 * Ends holds past their deadline and returns their number. A hold with a checkpoint is charged its
 * floor. A hold without one is void and Farebox absorbs its cost: the full hold is never charged
 * on a guess.
 */
export function expire(tx: Tx): number {
  const expired = tx.sql
    .exec<HoldRow & { floor: number }>(SELECT_EXPIRED, tx.now, MAX_EXPIRED_PER_BATCH)
    .toArray();
  if (expired.length === 0) return 0;
  const balance = readBalance(tx);
  resetDailyCounters(balance, toUtcDay(tx.now));
  for (const hold of expired) {
    const floor = fromSql(hold.floor);
    releaseHold(tx, balance, hold);
    balance.expired += 1;
    const details: ChargeDetails = {
      entryId: hold.id,
      reason: floor > 0n ? 'expired_at_checkpoint' : 'expired_unsettled',
      ...NOT_REPORTED,
      fingerprint: null,
      taken: floor,
      charged: floor,
      shortfall: 0n,
    };
    appendCharge(tx, balance, hold, details);
    chargeKey(tx, hold.key_id, floor);
    const { account } = tx.cache;
    tx.emit({ event: 'hold_expired', account, call: hold.id, charged: floor.toString() });
  }
  return expired.length;
}

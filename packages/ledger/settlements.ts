/**
 * How a hold ends: settled, settled late, or expired. It promises that each ends exactly once, that the
 * balance never goes below zero and never touches another call's hold (what is missing is the house's
 * shortfall), and that every call leaves a line, also one that cost nothing.
 */
import { MAX_AMOUNT, type NanoUsd } from '@farebox/money';
import { applyHold } from './cache.ts';
import type { Instant, SettleReason, SettleRequest, SettleResult } from './contract/index.ts';
import {
  appendCharge,
  type ChargeDetails,
  type EntryRow,
  findEntry,
  formatSurcharges,
  type HoldRow,
  lateId,
} from './entries.ts';
import { chargeKey } from './keys.ts';
import { toUtcDay, WAIVERS_PER_DAY } from './limits.ts';
import { fromSql, minBigInt } from './sql-amounts.ts';
import {
  type BalanceRow,
  type MutableBalance,
  readBalance,
  resetDailyCounters,
  type Tx,
  toMutableBalance,
} from './transaction.ts';

const LOOKUP = `SELECT a.state, a.posted, a.held, a.seq, a.day, a.waived, a.expired,
    h.id, h.key_id, h.amount, h.max_output, h.asked, h.model, h.provider, h.dialect, h.stream,
    h.created_at
  FROM account a LEFT JOIN holds h ON h.id = ?`;
type LookupRow = BalanceRow & Omit<HoldRow, 'id'> & { id: string | null };
const DELETE_HOLD = 'DELETE FROM holds WHERE id = ?';

type Charge = Readonly<{ reason: SettleReason; cost: NanoUsd }>;

/** A waiver is a kindness to bad luck, not a way to be served: beyond the day's cap it costs. */
function resolveCharge(tx: Tx, balance: MutableBalance, request: SettleRequest): Charge {
  const { reason, cost, waivedCost } = request;
  if (reason !== 'waived_empty' && reason !== 'waived_upstream_error') return { reason, cost };
  resetDailyCounters(balance, toUtcDay(tx.now));
  balance.waived += 1;
  if (balance.waived <= WAIVERS_PER_DAY || waivedCost === undefined) return { reason, cost };
  return { reason: 'estimated_usage_missing', cost: waivedCost };
}

function settlementFingerprint(request: SettleRequest): string {
  return `${request.reason}|${request.cost}|${request.waivedCost ?? ''}`;
}

function buildChargeDetails(
  request: SettleRequest,
  entryId: string,
): Omit<ChargeDetails, AmountField> {
  const { httpStatus, usage, prices, fees } = request;
  return { entryId, httpStatus, usage, prices, fees, fingerprint: settlementFingerprint(request) };
}
type AmountField = 'reason' | 'taken' | 'charged' | 'shortfall';

export function settle(tx: Tx, request: SettleRequest): SettleResult {
  if (request.cost < 0n || (request.waivedCost ?? 0n) < 0n) throw new RangeError('negative cost');
  const row = tx.sql.exec<LookupRow>(LOOKUP, request.id).one();
  const { id } = row;
  if (id === null) return settleClosedHold(tx, request);
  const hold = { ...row, id };
  const balance = toMutableBalance(row);
  releaseHold(tx, balance, hold);
  const { reason, cost } = resolveCharge(tx, balance, request);
  const taken = minBigInt(cost, balance.posted - balance.held);
  const shortfall = cost - taken;
  const details = { ...buildChargeDetails(request, id), reason, taken, charged: taken, shortfall };
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

/** The hold is gone: this is a repeat, or the settlement of a call that had expired, or nonsense. */
function settleClosedHold(tx: Tx, request: SettleRequest): SettleResult {
  const base = findEntry(tx, request.id);
  if (base === undefined || base.call_id === null) return { ok: false, reason: 'unknown' };
  if (base.settle_asked !== null) return replaySettlement(base, request, false);
  const late = findEntry(tx, lateId(request.id));
  return late === undefined ? settleLate(tx, base, request) : replaySettlement(late, request, true);
}

function replaySettlement(row: EntryRow, request: SettleRequest, late: boolean): SettleResult {
  const { usage, prices } = request;
  const same =
    row.settle_asked === settlementFingerprint(request) &&
    row.http_status === request.httpStatus &&
    row.fees === formatSurcharges(request.fees) &&
    row.u0 === usage.input_uncached &&
    row.u1 === usage.cache_read &&
    row.u2 === usage.cache_write_5m &&
    row.u3 === usage.cache_write_1h &&
    row.u4 === usage.output &&
    row.u5 === usage.output_reasoning &&
    row.p0 === Number(prices.input_uncached) &&
    row.p1 === Number(prices.cache_read) &&
    row.p2 === Number(prices.cache_write_5m) &&
    row.p3 === Number(prices.cache_write_1h) &&
    row.p4 === Number(prices.output);
  if (!same) return { ok: false, reason: 'conflict' };
  const shortfall = fromSql(row.shortfall);
  return { ok: true, charged: fromSql(row.charged), shortfall, late };
}

/** Expiry took the floor or nothing; the exact bill is that plus, or minus, the difference. */
function settleLate(tx: Tx, base: EntryRow, request: SettleRequest): SettleResult {
  const balance = readBalance(tx);
  const { reason, cost } = resolveCharge(tx, balance, request);
  const previous = fromSql(base.charged);
  const taken = lateAdjustment(balance, cost - previous);
  const charged = previous + taken;
  const shortfall = cost > charged ? cost - charged : 0n;
  const hold: HoldRow = {
    ...base,
    id: request.id,
    amount: base.held,
    asked: base.hold_asked ?? '',
  };
  const details = {
    ...buildChargeDetails(request, lateId(request.id)),
    reason,
    taken,
    charged,
    shortfall,
  };
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
 * Ends holds of which nothing more was heard. One with a checkpoint costs its floor, one without is
 * void and the house pays: the full hold is never taken on a guess. Returns how many it ended.
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
      httpStatus: null,
      usage: null,
      prices: null,
      fees: [],
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

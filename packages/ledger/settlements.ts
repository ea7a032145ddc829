/**
 * The end of a hold: settled, settled late, or expired. Each hold ends exactly once. The balance
 * never goes below zero and never uses another call's hold; Farebox absorbs what is missing as a
 * shortfall. Every call leaves an entry, even one that cost nothing.
 */
import { MAX_AMOUNT, type NanoUsd } from '@farebox/money';
import { removeHold } from './cache.ts';
import { NOT_REPORTED } from './call-columns.ts';
import type { Instant, SettleRequest, SettleResult } from './contract/index.ts';
import {
  appendLateCharge,
  type ChargeDetails,
  type EntryRow,
  endCall,
  findEntry,
  lateId,
} from './entries.ts';
import { chargeKey } from './keys.ts';
import { toUtcDay, WAIVERS_PER_DAY } from './limits.ts';
import { isSameReport, reportToText } from './metadata-text.ts';
import { countOutcome } from './refusals.ts';
import { fromSql, minBigInt } from './sql-amounts.ts';
import {
  changeBalance,
  type MutableBalance,
  type OpenHold,
  resetDailyCounters,
  type Tx,
} from './transaction.ts';

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
function buildChargeDetails(request: SettleRequest): Omit<ChargeDetails, AmountField> {
  return { ...request, fingerprint: settlementFingerprint(request) };
}
type AmountField = 'reason' | 'usage' | 'taken' | 'charged' | 'shortfall';

export function settle(tx: Tx, request: SettleRequest): SettleResult {
  if (request.cost < 0n || (request.waivedCost ?? 0n) < 0n) throw new RangeError('negative cost');
  const hold = tx.cache.holds.get(request.id);
  if (hold === undefined) return settleClosedHold(tx, request);
  const balance = changeBalance(tx);
  releaseHold(tx, balance, hold);
  const { cost, ...resolved } = resolveCharge(tx, balance, request);
  const taken = minBigInt(cost, balance.posted - balance.held);
  const shortfall = cost - taken;
  const amounts = { taken, charged: taken, shortfall };
  const details = { ...buildChargeDetails(request), ...resolved, ...amounts };
  const { keyId } = hold.opening;
  countOutcome(tx, balance, keyId, { reason: resolved.reason, shortfall });
  endCall(tx, hold, details);
  chargeKey(tx, keyId, taken);
  emitShortfall(tx, hold.id, shortfall);
  return { ok: true, charged: taken, shortfall, late: false };
}

function releaseHold(tx: Tx, balance: MutableBalance, hold: OpenHold): void {
  removeHold(tx.cache, hold);
  balance.held -= hold.amount;
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
  const report = charge === null ? request : { ...request, usage: charge.usage };
  return row.report !== null && isSameReport(row.report, reportToText(report));
}

function replaySettlement(row: EntryRow, request: SettleRequest, late: boolean): SettleResult {
  if (!isSameSettlement(row, request)) return { ok: false, reason: 'conflict' };
  const shortfall = fromSql(row.shortfall ?? 0);
  return { ok: true, charged: fromSql(row.charged ?? 0), shortfall, late };
}

/** Adds or gives back the difference between the exact cost and what expiry charged. */
function settleLate(tx: Tx, base: EntryRow, request: SettleRequest): SettleResult {
  const balance = changeBalance(tx);
  const { cost, ...resolved } = resolveCharge(tx, balance, request);
  const previous = fromSql(base.charged ?? 0);
  const taken = lateAdjustment(balance, cost - previous);
  const charged = previous + taken;
  const shortfall = cost > charged ? cost - charged : 0n;
  const amounts = { taken, charged, shortfall };
  const keyId = base.key_id ?? 0;
  countOutcome(tx, balance, keyId, { reason: resolved.reason, shortfall });
  appendLateCharge(tx, base, { ...buildChargeDetails(request), ...resolved, ...amounts });
  chargeKey(tx, keyId, taken);
  emitShortfall(tx, request.id, shortfall);
  return { ok: true, charged, shortfall, late: true };
}

function lateAdjustment(balance: MutableBalance, difference: NanoUsd): NanoUsd {
  if (difference >= 0n) return minBigInt(difference, balance.posted - balance.held);
  return -minBigInt(-difference, MAX_AMOUNT - balance.posted);
}

const MAX_EXPIRED_PER_BATCH = 200;

export function nextDeadline(tx: Tx): Instant | null {
  let next: Instant | null = null;
  for (const { deadline } of tx.cache.holds.values())
    if (next === null || deadline < next) next = deadline;
  return next;
}

function listExpired({ cache, now }: Tx): readonly OpenHold[] {
  return [...cache.holds.values()]
    .filter(({ deadline }) => deadline <= now)
    .sort((a, b) => a.deadline - b.deadline || a.row - b.row)
    .slice(0, MAX_EXPIRED_PER_BATCH);
}

/**
 * Ends holds past their deadline and returns their number. A hold with a checkpoint is charged its
 * floor. A hold without one is void and Farebox absorbs its cost: the full hold is never charged
 * on a guess.
 */
export function expire(tx: Tx): number {
  const expired = listExpired(tx);
  if (expired.length === 0) return 0;
  const balance = changeBalance(tx);
  resetDailyCounters(balance, toUtcDay(tx.now));
  for (const hold of expired) {
    const { floor } = hold;
    releaseHold(tx, balance, hold);
    balance.expired += 1;
    endCall(tx, hold, {
      reason: floor > 0n ? 'expired_at_checkpoint' : 'expired_unsettled',
      ...NOT_REPORTED,
      fingerprint: null,
      taken: floor,
      charged: floor,
      shortfall: 0n,
    });
    chargeKey(tx, hold.opening.keyId, floor);
    const { account } = tx.cache;
    tx.emit({ event: 'hold_expired', account, call: hold.id, charged: floor.toString() });
  }
  return expired.length;
}

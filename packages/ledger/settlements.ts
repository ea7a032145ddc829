/**
 * How a hold ends: settled, settled late, or expired. It promises that each ends exactly once, that the
 * balance never goes below zero and never touches another call's hold (what is missing is the house's
 * shortfall), and that every call leaves a line, also one that cost nothing.
 */
import { LARGEST_AMOUNT, type NanoUsd } from '@farebox/money';
import { fromSql, smaller } from './amounts.ts';
import { dayOf, WAIVERS_PER_DAY } from './bounds.ts';
import type { Instant, SettleReason, SettleRequest, SettleResult } from './contract.ts';
import {
  appendCall,
  type Ending,
  type EntryRow,
  feesText,
  findEntry,
  type HoldRow,
  lateId,
} from './entries.ts';
import { spend } from './keys.ts';
import { remember } from './recall.ts';
import {
  type AccountRow,
  type Balance,
  balanceOf,
  readBalance,
  rollDay,
  type Shelf,
} from './shelf.ts';

const LOOK = `SELECT a.state, a.posted, a.held, a.seq, a.day, a.waived, a.expired,
    h.id, h.key_id, h.amount, h.max_output, h.asked, h.model, h.provider, h.dialect, h.stream,
    h.created_at
  FROM account a LEFT JOIN holds h ON h.id = ?`;
type Looked = AccountRow & Omit<HoldRow, 'id'> & { id: string | null };
const END = 'DELETE FROM holds WHERE id = ?';

type Charge = Readonly<{ reason: SettleReason; cost: NanoUsd }>;

/** A waiver is a kindness to bad luck, not a way to be served: beyond the day's cap it costs. */
function chargeOf(balance: Balance, request: SettleRequest, now: Instant): Charge {
  const { reason, cost, waivedCost } = request;
  if (reason !== 'waived_empty' && reason !== 'waived_upstream_error') return { reason, cost };
  rollDay(balance, dayOf(now));
  balance.waived += 1;
  if (balance.waived <= WAIVERS_PER_DAY || waivedCost === undefined) return { reason, cost };
  return { reason: 'estimated_usage_missing', cost: waivedCost };
}

function askedOf(request: SettleRequest): string {
  return `${request.reason}|${request.cost}|${request.waivedCost ?? ''}`;
}

function endingOf(request: SettleRequest, entryId: string): Omit<Ending, Amounts> {
  const { httpStatus, usage, prices, fees } = request;
  return { entryId, httpStatus, usage, prices, fees, asked: askedOf(request) };
}
type Amounts = 'reason' | 'taken' | 'charged' | 'shortfall';

export function settle(shelf: Shelf, request: SettleRequest, now: Instant): SettleResult {
  if (request.cost < 0n || (request.waivedCost ?? 0n) < 0n) throw new RangeError('negative cost');
  const looked = shelf.sql.exec<Looked>(LOOK, request.id).one();
  const { id } = looked;
  if (id === null) return settleEnded(shelf, request, now);
  const hold = { ...looked, id };
  const balance = balanceOf(looked);
  release(shelf, balance, hold);
  const { reason, cost } = chargeOf(balance, request, now);
  const taken = smaller(cost, balance.posted - balance.held);
  const shortfall = cost - taken;
  const ending = { ...endingOf(request, id), reason, taken, charged: taken, shortfall };
  appendCall(shelf, balance, hold, ending, now);
  spend(shelf, hold.key_id, taken);
  tellShortfall(shelf, id, shortfall);
  return { ok: true, charged: taken, shortfall, late: false };
}

function release(shelf: Shelf, balance: Balance, hold: HoldRow): void {
  const amount = fromSql(hold.amount);
  shelf.sql.exec(END, hold.id);
  remember(shelf.memory, hold.key_id, amount, -1);
  balance.held -= amount;
}

function tellShortfall(shelf: Shelf, call: string, shortfall: NanoUsd): void {
  if (shortfall === 0n) return;
  const { account } = shelf.memory;
  shelf.tell({ event: 'shortfall', account, call, nanoUsd: shortfall.toString() });
}

/** The hold is gone: this is a repeat, or the settlement of a call that had expired, or nonsense. */
function settleEnded(shelf: Shelf, request: SettleRequest, now: Instant): SettleResult {
  const base = findEntry(shelf, request.id);
  if (base === undefined || base.call_id === null) return { ok: false, reason: 'unknown' };
  if (base.settle_asked !== null) return repeated(base, request, false);
  const late = findEntry(shelf, lateId(request.id));
  return late === undefined ? settleLate(shelf, base, request, now) : repeated(late, request, true);
}

function repeated(row: EntryRow, request: SettleRequest, late: boolean): SettleResult {
  const { usage, prices } = request;
  const same =
    row.settle_asked === askedOf(request) &&
    row.http_status === request.httpStatus &&
    row.fees === feesText(request.fees) &&
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
function settleLate(
  shelf: Shelf,
  base: EntryRow,
  request: SettleRequest,
  now: Instant,
): SettleResult {
  const balance = readBalance(shelf);
  const { reason, cost } = chargeOf(balance, request, now);
  const before = fromSql(base.charged);
  const taken = lateDifference(balance, cost - before);
  const charged = before + taken;
  const shortfall = cost > charged ? cost - charged : 0n;
  const hold: HoldRow = {
    ...base,
    id: request.id,
    amount: base.held,
    asked: base.hold_asked ?? '',
  };
  const ending = { ...endingOf(request, lateId(request.id)), reason, taken, charged, shortfall };
  appendCall(shelf, balance, hold, ending, now);
  spend(shelf, base.key_id, taken);
  tellShortfall(shelf, request.id, shortfall);
  return { ok: true, charged, shortfall, late: true };
}

function lateDifference(balance: Balance, difference: NanoUsd): NanoUsd {
  if (difference >= 0n) return smaller(difference, balance.posted - balance.held);
  return -smaller(-difference, LARGEST_AMOUNT - balance.posted);
}

const DUE = 'SELECT * FROM holds WHERE deadline <= ? ORDER BY deadline, id LIMIT ?';
const NEXT_DEADLINE = 'SELECT min(deadline) AS at FROM holds';
const EXPIRED_AT_ONCE = 200;

export function nextDeadline(shelf: Shelf): Instant | null {
  return shelf.sql.exec<{ at: number | null }>(NEXT_DEADLINE).one().at;
}

/**
 * Ends holds of which nothing more was heard. One with a checkpoint costs its floor, one without is
 * void and the house pays: the full hold is never taken on a guess. Returns how many it ended.
 */
export function expire(shelf: Shelf, now: Instant): number {
  const due = shelf.sql.exec<HoldRow & { floor: number }>(DUE, now, EXPIRED_AT_ONCE).toArray();
  if (due.length === 0) return 0;
  const balance = readBalance(shelf);
  rollDay(balance, dayOf(now));
  for (const hold of due) {
    const floor = fromSql(hold.floor);
    release(shelf, balance, hold);
    balance.expired += 1;
    const ending: Ending = {
      entryId: hold.id,
      reason: floor > 0n ? 'expired_at_checkpoint' : 'expired_unsettled',
      httpStatus: null,
      usage: null,
      prices: null,
      fees: [],
      asked: null,
      taken: floor,
      charged: floor,
      shortfall: 0n,
    };
    appendCall(shelf, balance, hold, ending, now);
    spend(shelf, hold.key_id, floor);
    const { account } = shelf.memory;
    shelf.tell({ event: 'hold_expired', account, call: hold.id, charged: floor.toString() });
  }
  return due.length;
}

/**
 * Admission: a call is let in by reserving the dearest way it can end, or refused without a trace. It
 * promises that no two calls ever reserve the same money, and that a refusal writes nothing (but for the
 * one that pauses its key), so that a flood of them can't wear out the object. A hold ends in `settlements.ts`, never here.
 */
import type { NanoUsd } from '@farebox/money';
import { fitting, mostAsked, termsFor, wellFormed } from './afford.ts';
import { fromSql, smaller, toSql } from './amounts.ts';
import {
  CONCURRENCY_RETRY_SECONDS,
  dayOf,
  HELD_RETRY_SECONDS,
  openCallsAllowed,
} from './bounds.ts';
import { watchDear, whetherPaused, whetherTooMuchAtOnce } from './brakes.ts';
import type {
  CheckpointRequest,
  CheckpointResult,
  HoldRefusal,
  HoldRequest,
  HoldResult,
  Instant,
} from './contract.ts';
import { findKey, keyRefusal } from './keys.ts';
import { remember } from './recall.ts';
import {
  type AccountRow,
  type Balance,
  balanceOf,
  type Key,
  type Shelf,
  writeHeld,
} from './shelf.ts';

/** The balance and, in the same statement, what is known of this id: open, ended, or nothing. */
const LOOK = `SELECT a.state, a.posted, a.held, a.seq, a.day, a.waived, a.expired, e.seq AS ended,
    coalesce(h.asked, e.hold_asked) AS asked, coalesce(h.amount, e.held) AS amount,
    coalesce(h.max_output, e.max_output) AS max_output
  FROM account a LEFT JOIN holds h ON h.id = ?1 LEFT JOIN entries e ON e.id = ?1`;
type Looked = AccountRow & {
  ended: number | null;
  asked: string | null;
  amount: number | null;
  max_output: number | null;
};

const INSERT = `INSERT INTO holds (id, key_id, amount, floor, deadline, max_output, asked, model,
  provider, dialect, stream, created_at) VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)`;

const MINUTE_MS = 60_000;

function refuse(refusal: HoldRefusal): HoldResult {
  return { ok: false, ...refusal };
}

/** Everything that makes a hold the hold it is; two requests with one id must agree on all of it. */
function fingerprint(request: HoldRequest): string {
  const { output } = request;
  const limit =
    output.kind === 'explicit' ? `=${output.tokens}` : `<${output.most}>${output.least}`;
  return [
    request.key.keyId,
    request.model,
    request.provider,
    request.dialect,
    request.stream ? 's' : 'j',
    request.inputWorst,
    request.outputPrice,
    request.choices,
    limit,
    request.deadline,
  ].join('|');
}

function repeated(looked: Looked, asked: string, request: HoldRequest): HoldResult | undefined {
  if (looked.asked === null && looked.ended === null) return undefined;
  if (looked.asked !== asked || looked.max_output === null) return refuse({ reason: 'conflict' });
  const { deadline } = request;
  return {
    ok: true,
    held: fromSql(looked.amount ?? undefined),
    maxOutput: looked.max_output,
    deadline,
  };
}

function whetherAllowed(
  key: Key,
  balance: Balance,
  request: HoldRequest,
  now: Instant,
): HoldRefusal | undefined {
  if (balance.state === 'closed') return { reason: 'account_closed' };
  if (balance.state === 'frozen') return { reason: 'account_frozen' };
  const reason = keyRefusal(key, now);
  if (reason !== undefined) return { reason };
  const { models } = key.limits;
  const allowed = models === null || models.includes(request.model);
  return allowed ? undefined : { reason: 'model_not_allowed' };
}

/** Exact over any 60 seconds; the list is never longer than the limit. */
function whetherTooFast(key: Key, now: Instant): HoldRefusal | undefined {
  const { callsPerMinute } = key.limits;
  if (callsPerMinute === null) return undefined;
  key.admitted = key.admitted.filter((at) => at > now - MINUTE_MS && at <= now);
  if (key.admitted.length < callsPerMinute) return undefined;
  const oldest = key.admitted[0] ?? now;
  const retryAfterSeconds = Math.max(1, Math.ceil((oldest + MINUTE_MS - now) / 1000));
  return { reason: 'rate_limited', retryAfterSeconds };
}

function whetherTooMany(
  shelf: Shelf,
  key: Key,
  balance: Balance,
  now: Instant,
): HoldRefusal | undefined {
  const { concurrentCalls } = key.limits;
  const expired = balance.day === dayOf(now) ? balance.expired : 0;
  const tooMany =
    (concurrentCalls !== null && key.open >= concurrentCalls) ||
    shelf.memory.open >= openCallsAllowed(expired);
  if (!tooMany) return undefined;
  return {
    reason: 'too_many_concurrent_calls',
    retryAfterSeconds: CONCURRENCY_RETRY_SECONDS,
  };
}

/** What the key's own budget still allows; undefined means that it has none. */
function roomOf(key: Key): NanoUsd | undefined {
  const { budget } = key.limits;
  return budget === null ? undefined : budget - key.spent - key.held;
}

function whetherAffordable(
  key: Key,
  balance: Balance,
  request: HoldRequest,
  amount: NanoUsd,
): HoldRefusal | undefined {
  const available = balance.posted - balance.held;
  const room = roomOf(key);
  const spendable = room === undefined ? available : smaller(room, available);
  const fits = Math.min(mostAsked(request), fitting(request, spendable));
  if (room !== undefined && room < amount) {
    return { reason: 'key_budget_spent', short: amount - room, fits };
  }
  if (balance.posted < amount)
    return { reason: 'balance_empty', short: amount - balance.posted, fits };
  if (available >= amount) return undefined;
  const short = amount - available;
  return { reason: 'balance_held', short, fits, retryAfterSeconds: HELD_RETRY_SECONDS };
}

export function hold(shelf: Shelf, request: HoldRequest, now: Instant): HoldResult {
  if (!wellFormed(request)) throw new RangeError('malformed hold');
  const key = findKey(shelf, request.key, now);
  if (key === undefined) return refuse({ reason: 'key_unknown' });
  const looked = shelf.sql.exec<Looked>(LOOK, request.id).one();
  const asked = fingerprint(request);
  const answered = repeated(looked, asked, request);
  if (answered !== undefined) return answered;
  const balance = balanceOf(looked);
  const barred =
    whetherAllowed(key, balance, request, now) ??
    whetherPaused(shelf, key, now) ??
    whetherTooFast(key, now) ??
    whetherTooMany(shelf, key, balance, now);
  if (barred !== undefined) return refuse(barred);
  const available = balance.posted - balance.held;
  const room = roomOf(key);
  const terms = termsFor(request, room === undefined ? available : smaller(room, available));
  const poor =
    whetherAffordable(key, balance, request, terms.amount) ??
    whetherTooMuchAtOnce(key, terms.amount, now);
  if (poor !== undefined) return refuse(poor);
  watchDear(shelf, key, request, now);
  keep(shelf, balance, request, asked, terms, now);
  if (key.limits.callsPerMinute !== null) key.admitted.push(now);
  return {
    ok: true,
    held: terms.amount,
    maxOutput: terms.maxOutput,
    deadline: request.deadline,
  };
}

function keep(
  shelf: Shelf,
  balance: Balance,
  request: HoldRequest,
  asked: string,
  terms: Readonly<{ amount: NanoUsd; maxOutput: number }>,
  now: Instant,
): void {
  shelf.sql.exec(
    INSERT,
    request.id,
    request.key.keyId,
    toSql(terms.amount),
    request.deadline,
    terms.maxOutput,
    asked,
    request.model,
    request.provider,
    request.dialect,
    request.stream ? 1 : 0,
    now,
  );
  remember(shelf.memory, request.key.keyId, terms.amount, 1);
  balance.held += terms.amount;
  writeHeld(shelf, balance);
}

const OPEN = `SELECT h.key_id, h.amount, h.floor, h.deadline, a.state, e.seq AS ended
  FROM account a LEFT JOIN holds h ON h.id = ?1
  LEFT JOIN entries e ON e.id = ?1 AND e.call_id = ?1`;
type OpenRow = {
  key_id: number | null;
  amount: number | null;
  floor: number | null;
  deadline: number | null;
  state: string;
  ended: number | null;
};
const RAISE = 'UPDATE holds SET floor = ?, deadline = ? WHERE id = ?';

/** Raises the floor (never above the hold), moves the deadline out, and says whether to stop. */
export function checkpoint(shelf: Shelf, request: CheckpointRequest): CheckpointResult {
  const row = shelf.sql.exec<OpenRow>(OPEN, request.id).one();
  if (row.key_id === null || row.amount === null || row.floor === null || row.deadline === null) {
    return { ok: false, reason: row.ended === null ? 'unknown' : 'ended' };
  }
  const wanted = smaller(request.floor, fromSql(row.amount));
  const floor = Math.max(row.floor, toSql(wanted));
  const deadline = Math.max(row.deadline, request.deadline);
  shelf.sql.exec(RAISE, floor, deadline, request.id);
  if (row.state === 'closed') return { ok: true, stop: 'account_closed' };
  if (row.state === 'frozen') return { ok: true, stop: 'account_frozen' };
  const revoked = shelf.memory.keys.get(row.key_id)?.revokedAt ?? null;
  return { ok: true, stop: revoked === null ? null : 'key_revoked' };
}

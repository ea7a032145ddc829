/**
 * Admission: a call is admitted by reserving its worst-case cost, or declined. No two calls reserve
 * the same money. A decline writes nothing (except the one that pauses its key), so that a flood of
 * declined calls can't overload the object. Holds end in settlements.ts.
 */
import type { NanoUsd } from '@farebox/money';
import { applyHold } from './cache.ts';
import { columnsFrom, openingToCells } from './call-columns.ts';
import type {
  CallOpening,
  CheckpointRequest,
  CheckpointResult,
  HoldDecline,
  HoldRequest,
  HoldResult,
  Instant,
} from './contract/index.ts';
import { OPENING_COLUMN_LIST } from './entries.ts';
import {
  affordableOutput,
  computeTerms,
  type HoldTerms,
  isValidHoldRequest,
  requestedMaxOutput,
} from './hold-amount.ts';
import { findKey, keyError } from './keys.ts';
import { CONCURRENCY_RETRY_SECONDS, HELD_RETRY_SECONDS } from './limits.ts';
import { addAdmission, providerWindow } from './recent-calls.ts';
import { allowedOpenCalls, checkRefusals } from './refusals.ts';
import { alertOnExpensiveModel, checkBurst, checkPaused } from './spend-guard.ts';
import { fromSql, minBigInt, toSql } from './sql-amounts.ts';
import { toSqlCell } from './sql-cells.ts';
import {
  BALANCE_COLUMN_LIST,
  type BalanceRow,
  type Key,
  type MutableBalance,
  type Tx,
  toMutableBalance,
  writeHeld,
} from './transaction.ts';

/**
 * Reads the balance and, in the same statement, the state of this call: open, ended, or unknown.
 */
const LOOKUP = `SELECT ${BALANCE_COLUMN_LIST}, e.seq AS ended,
    coalesce(h.fingerprint, e.hold_fingerprint) AS fingerprint, coalesce(h.amount, e.held) AS amount,
    coalesce(h.max_output, e.max_output) AS max_output
  FROM account a LEFT JOIN holds h ON h.id = ?1 LEFT JOIN entries e ON e.id = ?1`;
type LookupRow = BalanceRow & {
  ended: number | null;
  fingerprint: string | null;
  amount: number | null;
  max_output: number | null;
};

const INSERT_HOLD = `INSERT INTO holds (id, amount, floor, deadline, max_output, fingerprint,
  ${OPENING_COLUMN_LIST}) VALUES (?, ?, 0, ?, ?, ?${', ?'.repeat(columnsFrom('opening').length)})`;

function declined(decline: HoldDecline): HoldResult {
  return { ok: false, ...decline };
}

/** Identifies a hold request; two requests with one id must have the same fingerprint. */
function fingerprint(request: HoldRequest): string {
  const { output } = request;
  const limit = output.kind === 'explicit' ? `=${output.tokens}` : `<${output.max}>${output.min}`;
  return [
    request.key.keyId,
    request.model,
    request.provider,
    request.dialect,
    request.stream ? 's' : 'j',
    request.maxInputCost,
    request.maxOutputPrice,
    request.choices,
    limit,
    request.deadline,
  ].join('|');
}

function replayHold(
  row: LookupRow,
  requestFingerprint: string,
  request: HoldRequest,
): HoldResult | undefined {
  if (row.fingerprint === null && row.ended === null) return undefined;
  if (row.fingerprint !== requestFingerprint || row.max_output === null)
    return declined({ reason: 'conflict' });
  const { deadline } = request;
  return {
    ok: true,
    held: fromSql(row.amount ?? undefined),
    maxOutput: row.max_output,
    deadline,
  };
}

function checkAccess(
  key: Key,
  balance: MutableBalance,
  request: HoldRequest,
  now: Instant,
): HoldDecline | undefined {
  if (balance.state === 'closed') return { reason: 'account_closed' };
  if (balance.state === 'frozen') return { reason: 'account_frozen' };
  const reason = keyError(key, now);
  if (reason !== undefined) return { reason };
  const { models } = key.limits;
  const allowed = models === null || models.includes(request.model);
  return allowed ? undefined : { reason: 'model_not_allowed' };
}

/** Checks the key's limit exactly over any 60 seconds. */
function checkRateLimit(key: Key, now: Instant): HoldDecline | undefined {
  const { callsPerMinute } = key.limits;
  if (callsPerMinute === null) return undefined;
  const waitMs = key.recentCalls.waitMs(callsPerMinute, now);
  if (waitMs === 0) return undefined;
  return { reason: 'rate_limited', retryAfterSeconds: Math.ceil(waitMs / 1_000) };
}

/**
 * Checks the account's share of the provider's rate, which all accounts use through one
 * organisation.
 */
function checkProviderShare(
  { cache, now }: Tx,
  { provider, providerCallsPerMinute }: HoldRequest,
): HoldDecline | undefined {
  if (providerCallsPerMinute === undefined) return undefined;
  const waitMs = providerWindow(cache, provider).waitMs(providerCallsPerMinute, now);
  if (waitMs === 0) return undefined;
  return { reason: 'provider_share_exceeded', retryAfterSeconds: Math.ceil(waitMs / 1_000) };
}

function checkConcurrency(tx: Tx, key: Key, balance: MutableBalance): HoldDecline | undefined {
  const { concurrentCalls } = key.limits;
  const tooMany =
    (concurrentCalls !== null && key.openCalls >= concurrentCalls) ||
    tx.cache.openCalls >= allowedOpenCalls(tx, balance);
  if (!tooMany) return undefined;
  return {
    reason: 'too_many_concurrent_calls',
    retryAfterSeconds: CONCURRENCY_RETRY_SECONDS,
  };
}

/** Returns what is left of the key's budget, or undefined if it has none. */
function remainingBudget(key: Key): NanoUsd | undefined {
  const { budget } = key.limits;
  return budget === null ? undefined : budget - key.spent - key.held;
}

function checkFunds(
  key: Key,
  balance: MutableBalance,
  request: HoldRequest,
  amount: NanoUsd,
): HoldDecline | undefined {
  const available = balance.posted - balance.held;
  const remaining = remainingBudget(key);
  const spendable = remaining === undefined ? available : minBigInt(remaining, available);
  const maxAffordableOutput = Math.min(
    requestedMaxOutput(request),
    affordableOutput(request, spendable),
  );
  if (remaining !== undefined && remaining < amount) {
    return {
      reason: 'key_limit_exceeded',
      missingAmount: amount - remaining,
      affordableOutput: maxAffordableOutput,
    };
  }
  if (balance.posted < amount)
    return {
      reason: 'insufficient_balance',
      missingAmount: amount - balance.posted,
      affordableOutput: maxAffordableOutput,
    };
  if (available >= amount) return undefined;
  const missingAmount = amount - available;
  return {
    reason: 'balance_held',
    missingAmount,
    affordableOutput: maxAffordableOutput,
    retryAfterSeconds: HELD_RETRY_SECONDS,
  };
}

export function hold(tx: Tx, request: HoldRequest): HoldResult {
  const { now } = tx;
  if (!isValidHoldRequest(request)) throw new RangeError('malformed hold');
  const key = findKey(tx, request.key);
  if (key === undefined) return declined({ reason: 'invalid_api_key' });
  const row = tx.sql.exec<LookupRow>(LOOKUP, request.id).one();
  const requestFingerprint = fingerprint(request);
  const replayed = replayHold(row, requestFingerprint, request);
  if (replayed !== undefined) return replayed;
  const balance = toMutableBalance(row);
  const denied =
    checkAccess(key, balance, request, now) ??
    checkPaused(tx, key) ??
    checkRateLimit(key, now) ??
    checkRefusals(tx, key, balance) ??
    checkProviderShare(tx, request) ??
    checkConcurrency(tx, key, balance);
  if (denied !== undefined) return declined(denied);
  const available = balance.posted - balance.held;
  const remaining = remainingBudget(key);
  const terms = computeTerms(
    request,
    remaining === undefined ? available : minBigInt(remaining, available),
  );
  const unaffordable =
    checkFunds(key, balance, request, terms.amount) ?? checkBurst(key, terms.amount, now);
  if (unaffordable !== undefined) return declined(unaffordable);
  alertOnExpensiveModel(tx, key, request);
  insertHold(tx, balance, request, requestFingerprint, terms);
  addAdmission(tx.cache, key.keyId, request.provider, now);
  return {
    ok: true,
    held: terms.amount,
    maxOutput: terms.maxOutput,
    deadline: request.deadline,
  };
}

function insertHold(
  tx: Tx,
  balance: MutableBalance,
  request: HoldRequest,
  requestFingerprint: string,
  terms: HoldTerms,
): void {
  const { keyId } = request.key;
  const opening: CallOpening = { ...request, keyId, createdAt: tx.now };
  tx.sql.exec(
    INSERT_HOLD,
    request.id,
    toSql(terms.amount),
    request.deadline,
    terms.maxOutput,
    requestFingerprint,
    ...openingToCells(opening).map(toSqlCell),
  );
  applyHold(tx.cache, keyId, terms.amount, 1);
  balance.held += terms.amount;
  writeHeld(tx, balance);
}

const SELECT_OPEN_HOLD = `SELECT h.key_id, h.amount, h.floor, h.deadline, a.state, e.seq AS ended
  FROM account a LEFT JOIN holds h ON h.id = ?1
  LEFT JOIN entries e ON e.id = ?1 AND e.call_id = ?1`;
type OpenHoldRow = {
  key_id: number | null;
  amount: number | null;
  floor: number | null;
  deadline: number | null;
  state: string;
  ended: number | null;
};
const RAISE_FLOOR = 'UPDATE holds SET floor = ?, deadline = ? WHERE id = ?';

/** Raises the floor (never above the hold), extends the deadline, and returns whether to stop. */
export function checkpoint(tx: Tx, request: CheckpointRequest): CheckpointResult {
  const row = tx.sql.exec<OpenHoldRow>(SELECT_OPEN_HOLD, request.id).one();
  if (row.key_id === null || row.amount === null || row.floor === null || row.deadline === null) {
    return { ok: false, reason: row.ended === null ? 'unknown' : 'ended' };
  }
  const requestedFloor = minBigInt(request.floor, fromSql(row.amount));
  const floor = Math.max(row.floor, toSql(requestedFloor));
  const deadline = Math.max(row.deadline, request.deadline);
  tx.sql.exec(RAISE_FLOOR, floor, deadline, request.id);
  if (row.state === 'closed') return { ok: true, stop: 'account_closed' };
  if (row.state === 'frozen') return { ok: true, stop: 'account_frozen' };
  const revoked = tx.cache.keys.get(row.key_id)?.revokedAt ?? null;
  return { ok: true, stop: revoked === null ? null : 'key_revoked' };
}

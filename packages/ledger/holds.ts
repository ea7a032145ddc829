/**
 * Admission: a call is admitted by reserving its worst-case cost, or declined. No two calls reserve
 * the same money. A decline writes nothing (except the one that pauses its key or finds its budget
 * used up), so that a flood of declined calls can't overload the object. Holds end in settlements.ts.
 */
import type { NanoUsd } from '@farebox/money';
import { alertOnDecline } from './budget-alerts.ts';
import { addHold } from './cache.ts';
import type {
  CallOpening,
  CheckpointRequest,
  CheckpointResult,
  EarlyGrant,
  HoldDecline,
  HoldRequest,
  HoldResult,
  Instant,
} from './contract/index.ts';
import { EARLY_DECLINES_PER_DAY } from './early-grants.ts';
import { findEntry } from './entries.ts';
import {
  affordableOutput,
  computeTerms,
  type HoldTerms,
  isValidHoldRequest,
  requestedMaxOutput,
} from './hold-amount.ts';
import { type Budget, checkBudgets, listBudgets, spendableWithin } from './key-budgets.ts';
import { keyQuota } from './key-quota.ts';
import { findKey, keyError } from './keys.ts';
import { CONCURRENCY_RETRY_SECONDS, HELD_RETRY_SECONDS, toUtcDay } from './limits.ts';
import { openingToText } from './metadata-text.ts';
import { addAdmission, providerWindow } from './recent-calls.ts';
import { allowedOpenCalls, checkRefusals } from './refusals.ts';
import { alertOnExpensiveModel, checkBurst, checkPaused } from './spend-guard.ts';
import { fromSql, minBigInt, toSql } from './sql-amounts.ts';
import {
  changeBalance,
  type Key,
  type MutableBalance,
  readBalance,
  resetDailyCounters,
  type Tx,
} from './transaction.ts';

type Balance = Readonly<MutableBalance>;

const INSERT_HOLD = `INSERT INTO entries (row, id, kind, call_id, key_id, held, max_output, deadline,
  floor, hold_fingerprint, opening) VALUES (?1, ?2, 'charge', ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8)
  ON CONFLICT (id) DO NOTHING`;

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

function replay(
  request: HoldRequest,
  requestFingerprint: string,
  found: Readonly<{ fingerprint: string | null; amount: NanoUsd; maxOutput: number }>,
): HoldResult {
  if (found.fingerprint !== requestFingerprint) return declined({ reason: 'conflict' });
  const { deadline } = request;
  return { ok: true, held: found.amount, maxOutput: found.maxOutput, deadline };
}

/** Answers a repeated hold of a call that has ended; undefined if no entry has its id. */
function replayEnded(
  tx: Tx,
  request: HoldRequest,
  requestFingerprint: string,
): HoldResult | undefined {
  const entry = findEntry(tx, request.id);
  if (entry === undefined) return undefined;
  return replay(request, requestFingerprint, {
    fingerprint: entry.hold_fingerprint,
    amount: entry.held === null ? 0n : fromSql(entry.held),
    maxOutput: entry.max_output ?? 0,
  });
}

function checkAccess(
  key: Key,
  balance: Balance,
  request: HoldRequest,
  now: Instant,
): HoldDecline | undefined {
  if (balance.state === 'closed') return { reason: 'account_closed' };
  if (balance.state === 'frozen') return { reason: 'account_frozen' };
  const reason = keyError(key, now);
  if (reason !== undefined) return { reason };
  return checkModel(key, request);
}

/** Checks the model against those that the key may call, by name and by price. */
function checkModel({ limits }: Key, request: HoldRequest): HoldDecline | undefined {
  const { models, maxOutputPrice = null } = limits;
  const { model, outputPrice = request.maxOutputPrice } = request;
  if (models !== null && !models.includes(model)) return { reason: 'model_not_allowed' };
  if (maxOutputPrice === null || outputPrice <= maxOutputPrice) return undefined;
  return { reason: 'model_too_expensive', model, outputPrice, maxOutputPrice };
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

function checkConcurrency(tx: Tx, key: Key, balance: Balance): HoldDecline | undefined {
  const { concurrentCalls } = key.limits;
  const tooMany =
    (concurrentCalls !== null && key.openCalls >= concurrentCalls) ||
    tx.cache.holds.size >= allowedOpenCalls(tx, balance);
  if (!tooMany) return undefined;
  return {
    reason: 'too_many_concurrent_calls',
    retryAfterSeconds: CONCURRENCY_RETRY_SECONDS,
  };
}

function checkFunds(
  tx: Tx,
  budgets: readonly Budget[],
  balance: Balance,
  request: HoldRequest,
  amount: NanoUsd,
): HoldDecline | undefined {
  const available = balance.posted - balance.held;
  const spendable = spendableWithin(budgets, available);
  const maxAffordableOutput = Math.min(
    requestedMaxOutput(request),
    affordableOutput(request, spendable),
  );
  const exceeded = checkBudgets(tx, budgets, amount, maxAffordableOutput);
  if (exceeded !== undefined) return exceeded;
  // What a refund reserves does not come back within seconds, as what calls hold does.
  const unreserved = balance.posted - tx.cache.reserved;
  if (unreserved < amount)
    return {
      reason: 'insufficient_balance',
      missingAmount: amount - unreserved,
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

type Admission = Readonly<{ ok: true; terms: HoldTerms }> | Readonly<{ ok: false } & HoldDecline>;

/** Decides on a new call. Writes nothing but a pause of its key and an alert that a budget is used up. */
function admit(tx: Tx, key: Key, request: HoldRequest): Admission {
  const { now } = tx;
  const balance = readBalance(tx);
  const denied =
    checkAccess(key, balance, request, now) ??
    checkPaused(tx, key) ??
    checkRateLimit(key, now) ??
    checkRefusals(tx, key, balance) ??
    checkProviderShare(tx, request) ??
    checkConcurrency(tx, key, balance);
  if (denied !== undefined) return { ok: false, ...denied };
  const available = balance.posted - balance.held;
  const budgets = listBudgets(tx, key);
  const terms = computeTerms(request, spendableWithin(budgets, available));
  const unaffordable =
    checkFunds(tx, budgets, balance, request, terms.amount) ?? checkBurst(key, terms.amount, now);
  if (unaffordable === undefined) return { ok: true, terms };
  if (unaffordable.reason === 'key_limit_exceeded') alertOnDecline(tx, key, budgets, terms.amount);
  return { ok: false, ...unaffordable };
}

/** Whether the key's limits leave room for calls that are on their way. */
function hasRoom(tx: Tx, key: Key, request: HoldRequest, balance: Balance): boolean {
  const { callsPerMinute, concurrentCalls } = key.limits;
  const half = (limit: number) => Math.floor(limit / 2);
  const { provider, providerCallsPerMinute: share } = request;
  return (
    (callsPerMinute === null || key.recentCalls.waitMs(half(callsPerMinute), tx.now) === 0) &&
    (concurrentCalls === null || key.openCalls < half(concurrentCalls)) &&
    (share === undefined || providerWindow(tx.cache, provider).waitMs(half(share), tx.now) === 0) &&
    tx.cache.holds.size < half(allowedOpenCalls(tx, balance)) &&
    key.refusals.count === 0
  );
}

/** Decides what the gateway's isolate may risk after an admitted hold. */
function grantEarly(tx: Tx, key: Key, request: HoldRequest): Readonly<{ early?: EarlyGrant }> {
  const { cache, now } = tx;
  const { early } = request;
  const balance = readBalance(tx);
  if (early === undefined || !hasRoom(tx, key, request, balance)) return {};
  const isUsedUp = balance.early_declines >= EARLY_DECLINES_PER_DAY;
  if (isUsedUp && balance.day === toUtcDay(now)) return {};
  const risk = cache.earlyGrants.grant(early.isolate, now);
  const available = balance.posted - balance.held;
  const spendable = spendableWithin(listBudgets(tx, key), available);
  return risk === 0n || spendable <= 0n ? {} : { early: { risk, spendable } };
}

/** The platform pays for what the provider did for this call: it happens a few times a day at most. */
function countEarlyDecline(tx: Tx): void {
  const balance = changeBalance(tx);
  resetDailyCounters(balance, toUtcDay(tx.now));
  balance.early_declines += 1;
  tx.cache.earlyGrants.pause(tx.now);
  tx.emit({ event: 'early_send_declined', account: tx.cache.account });
}

/**
 * Admits a call by reserving its worst case, or declines it. What a declined call did at its
 * provider already is counted.
 */
export function hold(tx: Tx, request: HoldRequest): HoldResult {
  const result = decide(tx, request);
  if (!result.ok && request.early?.sent === true) countEarlyDecline(tx);
  return withQuota(tx, request, result);
}

/** Adds what the key's limits leave; a wrong secret is told nothing. */
function withQuota(tx: Tx, { key: { keyId } }: HoldRequest, result: HoldResult): HoldResult {
  if (!result.ok && result.reason === 'invalid_api_key') return result;
  const key = tx.cache.keys.get(keyId);
  const quota = key === undefined ? undefined : keyQuota(tx, key);
  return quota === undefined ? result : { ...result, quota };
}

/**
 * Admits or declines. A repeated request gets the answer of the first one: an open call is known in
 * memory, and one that has ended is looked up where the answer would be a decline, or where its id
 * stops the insert.
 */
function decide(tx: Tx, request: HoldRequest): HoldResult {
  if (!isValidHoldRequest(request)) throw new RangeError('malformed hold');
  const key = findKey(tx, request.key);
  if (key === undefined) return declined({ reason: 'invalid_api_key' });
  const requestFingerprint = fingerprint(request);
  const open = tx.cache.holds.get(request.id);
  if (open !== undefined) return replay(request, requestFingerprint, open);
  const admission = admit(tx, key, request);
  if (!admission.ok) return replayEnded(tx, request, requestFingerprint) ?? admission;
  const { terms } = admission;
  const wasUsed = key.openCalls > 0 || key.spent > 0n || key.baseline.activeDays > 0;
  if (!insertHold(tx, request, requestFingerprint, terms)) {
    const replayed = replayEnded(tx, request, requestFingerprint);
    return replayed ?? declined({ reason: 'conflict' });
  }
  alertOnExpensiveModel(tx, key, request, wasUsed);
  addAdmission(tx.cache, key.keyId, request.provider, tx.now);
  const { amount, maxOutput } = terms;
  const { deadline } = request;
  return { ok: true, held: amount, maxOutput, deadline, ...grantEarly(tx, key, request) };
}

function toOpening(request: HoldRequest, now: Instant): CallOpening {
  const { model, provider, dialect, stream, key } = request;
  return { model, provider, dialect, stream, keyId: key.keyId, createdAt: now };
}

/** Returns false, having changed nothing, if a row has the id. */
function insertHold(
  tx: Tx,
  request: HoldRequest,
  requestFingerprint: string,
  terms: HoldTerms,
): boolean {
  const { cache, sql } = tx;
  const { id, deadline, key } = request;
  const { amount, maxOutput } = terms;
  const opening = toOpening(request, tx.now);
  const row = cache.nextRow;
  const inserted = sql.exec(
    INSERT_HOLD,
    row,
    id,
    key.keyId,
    toSql(amount),
    maxOutput,
    deadline,
    requestFingerprint,
    openingToText(opening),
  );
  if (inserted.rowsWritten === 0) return false;
  cache.nextRow += 1;
  const details = { fingerprint: requestFingerprint, opening, floor: 0n, deadline };
  addHold(cache, { row, id, amount, maxOutput, ...details });
  changeBalance(tx).held += amount;
  return true;
}

const RAISE_FLOOR = 'UPDATE entries SET floor = ?, deadline = ? WHERE row = ?';

/** Raises the floor (never above the hold), extends the deadline, and returns whether to stop. */
export function checkpoint(tx: Tx, request: CheckpointRequest): CheckpointResult {
  const open = tx.cache.holds.get(request.id);
  if (open === undefined) {
    const hasEnded = findEntry(tx, request.id)?.call_id === request.id;
    return { ok: false, reason: hasEnded ? 'ended' : 'unknown' };
  }
  const floor = minBigInt(request.floor, open.amount);
  if (floor > open.floor) open.floor = floor;
  open.deadline = Math.max(open.deadline, request.deadline);
  tx.sql.exec(RAISE_FLOOR, toSql(open.floor), open.deadline, open.row);
  const { state } = readBalance(tx);
  if (state === 'closed') return { ok: true, stop: 'account_closed' };
  if (state === 'frozen') return { ok: true, stop: 'account_frozen' };
  const revoked = tx.cache.keys.get(open.opening.keyId)?.revokedAt ?? null;
  return { ok: true, stop: revoked === null ? null : 'key_revoked' };
}

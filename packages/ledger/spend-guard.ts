/**
 * The guard against a stolen key: spending far above the key's typical day notifies the owner, and
 * further above it the key is paused until the next day. Holds of open calls count from the start,
 * so a hundred concurrent calls spend no more than a hundred in sequence. They delay further calls
 * but pause nothing, because a hold is a worst case and not a charge.
 */
import type { NanoUsd } from '@farebox/money';
import type { HoldDecline, HoldRequest, Instant } from './contract/index.ts';
import { CONCURRENCY_RETRY_SECONDS, EXPENSIVE_OUTPUT_PRICE, toUtcDay } from './limits.ts';
import { notify } from './notifications.ts';
import {
  addSpendToBaseline,
  alertThreshold,
  baselineOn,
  isBelowThresholds,
  pauseThreshold,
} from './spend-baseline.ts';
import type { Key, Tx } from './transaction.ts';

const PAUSE = 'UPDATE keys SET paused_at = ? WHERE id = ?';
const SET_LAST_ALERT_DAY = 'UPDATE keys SET last_alert_day = ? WHERE id = ?';
const SET_USED_EXPENSIVE_MODEL = 'UPDATE keys SET used_expensive_model = 1 WHERE id = ?';

/** Returns when the key was paused, or null if it is not; a pause ends at midnight UTC. */
export function pausedAt(key: Key, now: Instant): Instant | null {
  if (key.pausedAt === null || key.spendGuard.pauseMultiple === null) return null;
  return toUtcDay(key.pausedAt) < toUtcDay(now) ? null : key.pausedAt;
}

/** Returns what the key may spend today before it is paused, or null if nothing pauses it today. */
function pauseThresholdFor(
  key: Key,
  now: Instant,
): Readonly<{ threshold: NanoUsd; spent: NanoUsd }> | null {
  const day = toUtcDay(now);
  if (key.spendGuard.pauseMultiple === null || key.guardDisabledDay === day) return null;
  const baseline = baselineOn(key.baseline, day);
  const threshold = pauseThreshold(key.spendGuard, baseline);
  return threshold === null ? null : { threshold, spent: baseline.today };
}

function pauseIfAboveThreshold(tx: Tx, key: Key, now: Instant): boolean {
  if (key.revokedAt !== null || pausedAt(key, now) !== null) return false;
  const spending = pauseThresholdFor(key, now);
  if (spending === null || spending.spent <= spending.threshold) return false;
  key.pausedAt = now;
  tx.sql.exec(PAUSE, now, key.keyId);
  const { keyId } = key;
  const amount = spending.spent;
  notify(tx, {
    id: `key_paused:${keyId}:${now}`,
    kind: 'key_paused',
    keyId,
    model: null,
    amount,
    at: now,
  });
  return true;
}

function alertIfUnusual(tx: Tx, key: Key, now: Instant): void {
  const day = toUtcDay(now);
  if (key.lastAlertDay === day || key.revokedAt !== null) return;
  const threshold = alertThreshold(key.spendGuard, key.baseline);
  if (threshold === null || key.baseline.today <= threshold) return;
  key.lastAlertDay = day;
  tx.sql.exec(SET_LAST_ALERT_DAY, day, key.keyId);
  const { keyId } = key;
  const id = `unusual_spending:${keyId}:${day}`;
  notify(tx, {
    id,
    kind: 'unusual_spending',
    keyId,
    model: null,
    amount: key.baseline.today,
    at: now,
  });
}

/**
 * Adds a charge at `now` to the key's spending; pauses the key or alerts its owner past a
 * threshold.
 */
export function recordSpend(tx: Tx, key: Key, amount: NanoUsd, now: Instant): void {
  key.baseline = addSpendToBaseline(key.baseline, toUtcDay(now), amount);
  if (amount <= 0n || isBelowThresholds(key.baseline)) return;
  if (!pauseIfAboveThreshold(tx, key, now)) alertIfUnusual(tx, key, now);
}

/**
 * Checks the pause before anything is reserved. Pausing writes once; a decline after it does not.
 */
export function checkPaused(tx: Tx, key: Key): HoldDecline | undefined {
  const { now } = tx;
  if (pausedAt(key, now) === null) {
    if (isBelowThresholds(key.baseline) || !pauseIfAboveThreshold(tx, key, now)) return undefined;
  }
  return { reason: 'key_paused' };
}

/**
 * Declines a call that could take the key past its pause threshold while its other calls are open.
 * A single call is admitted below the threshold, however much it reserves.
 */
export function checkBurst(key: Key, amount: NanoUsd, now: Instant): HoldDecline | undefined {
  if (key.held === 0n) return undefined;
  const spending = pauseThresholdFor(key, now);
  if (spending === null || spending.spent + key.held + amount <= spending.threshold)
    return undefined;
  return { reason: 'too_many_concurrent_calls', retryAfterSeconds: CONCURRENCY_RETRY_SECONDS };
}

/**
 * Notifies the owner when a key calls an expensive model for the first time. Skipped if it is the
 * key's first call ever: the key was probably created for that model.
 */
export function alertOnExpensiveModel(
  tx: Tx,
  key: Key,
  request: HoldRequest,
  wasUsedBefore: boolean,
): void {
  if (key.usedExpensiveModel || request.maxOutputPrice < EXPENSIVE_OUTPUT_PRICE) return;
  key.usedExpensiveModel = true;
  tx.sql.exec(SET_USED_EXPENSIVE_MODEL, key.keyId);
  if (!wasUsedBefore) return;
  const { keyId } = key;
  const { model } = request;
  notify(tx, {
    id: `expensive_model:${keyId}`,
    kind: 'expensive_model',
    keyId,
    model,
    amount: null,
    at: tx.now,
  });
}

/**
 * Bounds what calls cost that end without a charge. A provider that refuses a request charges
 * nothing for most refusals, and neither does Farebox; but each counts against the rate of the
 * organisation that all accounts share. So an account has a daily allowance of them, which grows
 * with what it spends, and a key whose calls are refused in a row slows down. What an account leaves
 * unpaid (shortfalls, expired holds) reduces its concurrency for the rest of the day.
 */
import type { NanoUsd } from '@farebox/money';
import type {
  Authenticated,
  Instant,
  KeyCredential,
  RefusalDecline,
  SettleReason,
} from './contract/index.ts';
import { DAY_MS } from './contract/index.ts';
import { authenticateKey } from './keys.ts';
import { CONCURRENCY_RETRY_SECONDS, maxOpenCalls, toUtcDay } from './limits.ts';
import { nextRefusalRow, REFUSAL_ROW_MS, refusalPauseMs } from './refusal-row.ts';
import { baselineOn } from './spend-baseline.ts';
import {
  type AccountCache,
  changeBalance,
  type Key,
  type MutableBalance,
  resetDailyCounters,
  type Tx,
} from './transaction.ts';

/** Refused calls per account and day that are free of any condition. */
export const REFUSALS_PER_DAY = 200;
/** 0.01 USD spent today allows one more refused call. */
const NANO_USD_PER_REFUSAL = 10_000_000n;

/** Returns what the account's keys spent on `day`. */
function spentOn(cache: AccountCache, day: number): NanoUsd {
  let spent = 0n;
  for (const { baseline } of cache.keys.values()) {
    const { today } = baselineOn(baseline, day);
    if (today > 0n) spent += today;
  }
  return spent;
}

/** Returns how many calls of this day may be refused. */
function refusalAllowance(cache: AccountCache, day: number): number {
  return REFUSALS_PER_DAY + Number(spentOn(cache, day) / NANO_USD_PER_REFUSAL);
}

/** The daily counters, or zeros when the day is over. */
function countersOn(balance: Readonly<MutableBalance>, day: number) {
  const { refused, expired, shortfalls } = balance;
  return balance.day === day
    ? { refused, expired, shortfalls }
    : { refused: 0, expired: 0, shortfalls: 0 };
}

function untilTomorrow(now: Instant): number {
  return Math.ceil((DAY_MS - (now % DAY_MS)) / 1_000);
}

/** Declines a call of an account whose refusals of the day are used up, or of a key with a row. */
export function checkRefusals(
  { cache, now }: Tx,
  key: Key,
  balance: Readonly<MutableBalance>,
): RefusalDecline | undefined {
  const day = toUtcDay(now);
  const { refused } = countersOn(balance, day);
  // The sum over the keys is only needed once the fixed part is used up.
  if (refused >= REFUSALS_PER_DAY && refused >= refusalAllowance(cache, day)) {
    return { reason: 'refusal_limit_exceeded', retryAfterSeconds: untilTomorrow(now) };
  }
  const pauseMs = refusalPauseMs(key.refusals.count);
  if (pauseMs === 0 || now - key.refusals.lastAt > REFUSAL_ROW_MS) return undefined;
  const waitMs = key.refusals.lastAt + pauseMs - now;
  // One call at a time, or a burst would pass before its first refusal is known.
  if (waitMs <= 0 && key.openCalls === 0) return undefined;
  const retryAfterSeconds = Math.max(CONCURRENCY_RETRY_SECONDS, Math.ceil(waitMs / 1_000));
  return { reason: 'refused_calls_slowed', retryAfterSeconds };
}

/**
 * Returns how many calls the account may have open now. Once half of the refusals of the day are
 * used up, no more calls are open than could still be refused.
 */
export function allowedOpenCalls({ cache, now }: Tx, balance: Readonly<MutableBalance>): number {
  const day = toUtcDay(now);
  const { refused, expired, shortfalls } = countersOn(balance, day);
  const unpaid = maxOpenCalls(expired + shortfalls);
  if (refused < REFUSALS_PER_DAY / 2) return unpaid;
  return Math.min(unpaid, Math.max(1, refusalAllowance(cache, day) - refused));
}

/**
 * Counts how a call ended, in the day's counters and in the row of its key. The caller has reset the
 * counters of an earlier day. The first shortfall of a day and the end of the allowance raise an
 * alert.
 */
export function countOutcome(
  { cache, now, emit }: Tx,
  balance: MutableBalance,
  keyId: number,
  { reason, shortfall }: Readonly<{ reason: SettleReason; shortfall: NanoUsd }>,
): void {
  const { account } = cache;
  const key = cache.keys.get(keyId);
  if (key !== undefined) key.refusals = nextRefusalRow(key.refusals, reason, now);
  if (reason === 'upstream_refused') {
    balance.refused += 1;
    if (balance.refused === REFUSALS_PER_DAY)
      emit({ event: 'account_slowed', account, reason: 'refusals' });
  }
  if (shortfall > 0n) {
    balance.shortfalls += 1;
    if (balance.shortfalls === 1) emit({ event: 'account_slowed', account, reason: 'shortfall' });
  }
}

/** Counts a refused request that has no hold, such as a count of tokens. */
export function refuse(tx: Tx, credential: KeyCredential): Authenticated<RefusalDecline | null> {
  const key = authenticateKey(tx, credential);
  if (typeof key === 'string') return { ok: false, reason: key };
  const balance = changeBalance(tx);
  resetDailyCounters(balance, toUtcDay(tx.now));
  countOutcome(tx, balance, key.keyId, { reason: 'upstream_refused', shortfall: 0n });
  return { ok: true, value: checkRefusals(tx, key, balance) ?? null };
}

/**
 * The context of a transaction: the object's SQL, the cache of its tables, the time, and the log
 * events to emit after the commit. The cache is written through and discarded whole when a
 * transaction throws; the balance is never read from it.
 */
import type { NanoUsd } from '@farebox/money';
import type { LogEvent } from '@farebox/telemetry';
import type { AccountId, Instant, KeyId, KeyLimits, SpendGuard } from './contract/index.ts';
import type { RefusalRow } from './refusal-row.ts';
import type { SlidingWindow } from './sliding-window.ts';
import type { SpendBaseline } from './spend-baseline.ts';
import { fromSql, toSql } from './sql-amounts.ts';

export type Key = {
  readonly keyId: KeyId;
  secretHash: string;
  /** Earlier secrets that are still valid. */
  retiredSecrets: readonly RetiredSecret[];
  limits: KeyLimits;
  spendGuard: SpendGuard;
  readonly createdAt: Instant;
  revokedAt: Instant | null;
  spent: NanoUsd;
  /** The sum of this key's open holds. */
  held: NanoUsd;
  openCalls: number;
  /** The calls admitted in the last minute. */
  readonly recentCalls: SlidingWindow;
  refusals: RefusalRow;
  baseline: SpendBaseline;
  pausedAt: Instant | null;
  /** The day on which the owner resumed the key. */
  guardDisabledDay: number;
  /** The day of the last alert about unusual spending. */
  lastAlertDay: number;
  /** Whether the key has called an expensive model. */
  usedExpensiveModel: boolean;
};

export type RetiredSecret = Readonly<{ hash: string; expiresAt: Instant }>;

export type AccountCache = {
  readonly account: AccountId;
  readonly keys: Map<KeyId, Key>;
  /** The calls admitted in the last minute, by provider. */
  readonly providerCalls: Map<string, SlidingWindow>;
  /** The sum of all open holds; must equal `account.held`. */
  held: NanoUsd;
  openCalls: number;
  closed: boolean;
  /** The time of the last entry; no entry is dated before it, whatever the clock says. */
  lastEntryAt: Instant;
  lowBalance: NanoUsd | null;
  /** Whether the balance is below the threshold, so that the owner was notified. */
  isBalanceLow: boolean;
  /** The number of notifications to send. */
  pendingNotifications: number;
};

export type Tx = Readonly<{
  sql: SqlStorage;
  cache: AccountCache;
  /** The time at which the transaction began. */
  now: Instant;
  /** Logs the event once the transaction has committed. */
  emit: (event: LogEvent) => void;
}>;

/** What an account did on `day` that is bounded per day; reset at midnight UTC. */
const DAILY_COUNTERS = ['waived', 'expired', 'refused', 'shortfalls'] as const;
type DailyCounters = Record<(typeof DAILY_COUNTERS)[number], number>;

export type BalanceRow = DailyCounters & {
  state: string;
  posted: number;
  held: number;
  seq: number;
  day: number;
};

/** The account's row while a transaction works on it. */
export type MutableBalance = DailyCounters & {
  readonly state: string;
  posted: NanoUsd;
  held: NanoUsd;
  seq: number;
  day: number;
};

const BALANCE_COLUMNS = ['state', 'posted', 'held', 'seq', 'day', ...DAILY_COUNTERS] as const;
/** The columns of `BalanceRow`, where the account's table is `a`. */
export const BALANCE_COLUMN_LIST = BALANCE_COLUMNS.map((name) => `a.${name}`).join(', ');

const SELECT_BALANCE = `SELECT ${BALANCE_COLUMN_LIST} FROM account a`;
const UPDATE_BALANCE = `UPDATE account SET posted = ?, held = ?, seq = ?, day = ?,
  ${DAILY_COUNTERS.map((name) => `${name} = ?`).join(', ')} WHERE singleton = 1`;
const UPDATE_HELD = 'UPDATE account SET held = ? WHERE singleton = 1';

export function toMutableBalance(row: BalanceRow): MutableBalance {
  return { ...row, posted: fromSql(row.posted), held: fromSql(row.held) };
}

export function readBalance(tx: Tx): MutableBalance {
  return toMutableBalance(tx.sql.exec<BalanceRow>(SELECT_BALANCE).one());
}

/** Checks in constant time the invariants of every transaction; a violation rolls it back. */
function assertInvariants(tx: Tx, balance: MutableBalance): void {
  const violation =
    balance.held < 0n || balance.held > balance.posted
      ? 'balance_bounds'
      : balance.held !== tx.cache.held
        ? 'held_is_sum_of_holds'
        : undefined;
  if (violation !== undefined) throw new InvariantViolation(violation);
}

/** Thrown when the ledger itself is wrong. Carries no amount and no id. */
export class InvariantViolation extends Error {
  readonly invariant: string;
  constructor(invariant: string) {
    super(`invariant broken: ${invariant}`);
    this.invariant = invariant;
  }
}

export function writeBalance(tx: Tx, balance: MutableBalance): void {
  assertInvariants(tx, balance);
  const { seq, day } = balance;
  const counters = DAILY_COUNTERS.map((name) => balance[name]);
  tx.sql.exec(UPDATE_BALANCE, toSql(balance.posted), toSql(balance.held), seq, day, ...counters);
}

export function writeHeld(tx: Tx, balance: MutableBalance): void {
  assertInvariants(tx, balance);
  tx.sql.exec(UPDATE_HELD, toSql(balance.held));
}

/** Resets the daily counters at midnight UTC. */
export function resetDailyCounters(balance: MutableBalance, day: number): void {
  if (balance.day === day) return;
  balance.day = day;
  for (const name of DAILY_COUNTERS) balance[name] = 0;
}

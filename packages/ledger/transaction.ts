/**
 * What every transition works with: the object's SQL, what the object remembers of its own tables, and
 * where signals go once the transaction has committed. The memory is a cache of rows (written through,
 * thrown away whole when a transaction throws); the balance is never answered from it.
 */
import type { NanoUsd } from '@farebox/money';
import type { LogEvent } from '@farebox/telemetry';
import type { AccountId, Instant, KeyId, KeyLimits, SpendGuard } from './contract/index.ts';
import type { SpendBaseline } from './spend-baseline.ts';
import { fromSql, toSql } from './sql-amounts.ts';

export type Key = {
  readonly keyId: KeyId;
  secretHash: string;
  /** Secrets before that one, each while it still opens. */
  retiredSecrets: readonly RetiredSecret[];
  limits: KeyLimits;
  spendGuard: SpendGuard;
  readonly createdAt: Instant;
  revokedAt: Instant | null;
  spent: NanoUsd;
  /** Of this key's open holds. */
  held: NanoUsd;
  openCalls: number;
  /** When its calls of the last minute were admitted; lost on restart, which is harmless. */
  recentAdmissions: Instant[];
  baseline: SpendBaseline;
  pausedAt: Instant | null;
  /** The day on which its owner took the brake off. */
  guardDisabledDay: number;
  /** The day its owner was last told of unusual spending. */
  lastAlertDay: number;
  /** Whether it has called a dear model. */
  usedExpensiveModel: boolean;
};

export type RetiredSecret = Readonly<{ hash: string; expiresAt: Instant }>;

export type AccountCache = {
  readonly account: AccountId;
  readonly keys: Map<KeyId, Key>;
  /** Of all open holds: what `account.held` must equal. */
  held: NanoUsd;
  openCalls: number;
  closed: boolean;
  /** Of the last line: none is dated before it, whatever the clock says. */
  lastEntryAt: Instant;
  lowBalance: NanoUsd | null;
  /** Whether the balance is below it, so that its owner knows. */
  isBalanceLow: boolean;
  /** How many wait to be sent. */
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

export type BalanceRow = {
  state: string;
  posted: number;
  held: number;
  seq: number;
  day: number;
  waived: number;
  expired: number;
};

/** The account's row while a transition works on it. */
export type MutableBalance = {
  readonly state: string;
  posted: NanoUsd;
  held: NanoUsd;
  seq: number;
  day: number;
  waived: number;
  expired: number;
};

const SELECT_BALANCE = 'SELECT state, posted, held, seq, day, waived, expired FROM account';
const UPDATE_BALANCE = `UPDATE account SET posted = ?, held = ?, seq = ?, day = ?, waived = ?, expired = ?
  WHERE singleton = 1`;
const UPDATE_HELD = 'UPDATE account SET held = ? WHERE singleton = 1';

export function toMutableBalance(row: BalanceRow): MutableBalance {
  return { ...row, posted: fromSql(row.posted), held: fromSql(row.held) };
}

export function readBalance(tx: Tx): MutableBalance {
  return toMutableBalance(tx.sql.exec<BalanceRow>(SELECT_BALANCE).one());
}

/** Asserts in constant time what must hold after every transition; a breach rolls it back. */
function assertInvariants(tx: Tx, balance: MutableBalance): void {
  const violation =
    balance.held < 0n || balance.held > balance.posted
      ? 'balance_bounds'
      : balance.held !== tx.cache.held
        ? 'held_is_sum_of_holds'
        : undefined;
  if (violation !== undefined) throw new InvariantViolation(violation);
}

/** Thrown, never returned: it means that the book itself is wrong. Carries no amount and no id. */
export class InvariantViolation extends Error {
  readonly invariant: string;
  constructor(invariant: string) {
    super(`invariant broken: ${invariant}`);
    this.invariant = invariant;
  }
}

export function writeBalance(tx: Tx, balance: MutableBalance): void {
  assertInvariants(tx, balance);
  const { seq, day, waived, expired } = balance;
  tx.sql.exec(
    UPDATE_BALANCE,
    toSql(balance.posted),
    toSql(balance.held),
    seq,
    day,
    waived,
    expired,
  );
}

export function writeHeld(tx: Tx, balance: MutableBalance): void {
  assertInvariants(tx, balance);
  tx.sql.exec(UPDATE_HELD, toSql(balance.held));
}

/** The day's counts start again at midnight UTC. */
export function resetDailyCounters(balance: MutableBalance, day: number): void {
  if (balance.day === day) return;
  balance.day = day;
  balance.waived = 0;
  balance.expired = 0;
}

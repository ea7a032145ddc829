/**
 * The context of a transaction: the object's SQL, the cache of its tables, the time, and the log
 * events to emit after the commit. The cache is written through and discarded whole when a
 * transaction throws. The account's row is part of it: verbs change it in memory, and a transaction
 * writes it once, at its end.
 */
import type { NanoUsd } from '@farebox/money';
import type { LogEvent } from '@farebox/telemetry';
import type {
  AccountId,
  AccountState,
  CallId,
  CallOpening,
  Instant,
  KeyId,
  KeyLimits,
  SpendGuard,
} from './contract/index.ts';
import type { EarlyGrants } from './early-grants.ts';
import type { PeriodSpending } from './period-spending.ts';
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
  /** Charged in the day, week and month of the last charge. */
  readonly periodSpending: PeriodSpending;
  /** The alerts that declined calls raised since the object started. */
  readonly budgetAlerts: Set<string>;
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

/** The row of an open call. */
export type OpenHold = {
  readonly row: number;
  readonly id: CallId;
  readonly amount: NanoUsd;
  readonly maxOutput: number;
  readonly fingerprint: string;
  readonly opening: CallOpening;
  floor: NanoUsd;
  deadline: Instant;
};

export type AccountCache = {
  readonly account: AccountId;
  /** The account's row. */
  readonly balance: MutableBalance;
  readonly keys: Map<KeyId, Key>;
  /** The open calls, oldest row first. */
  readonly holds: Map<CallId, OpenHold>;
  /** The number of the next row of `entries`. */
  nextRow: number;
  /** The last entry that Postgres has. */
  acknowledged: number;
  /**
   * No charge up to this entry is kept; pruning looks for the next ones after it. The object starts
   * with the number of pruned charges, which were the oldest ones.
   */
  prunedTo: number;
  /** The calls admitted in the last minute, by provider. */
  readonly providerCalls: Map<string, SlidingWindow>;
  /** The sum of all open holds. */
  held: NanoUsd;
  /** The sum of all reserved refunds; with the holds it must equal `balance.held`. */
  reserved: NanoUsd;
  /** The time of the last entry; no entry is dated before it, whatever the clock says. */
  lastEntryAt: Instant;
  lowBalance: NanoUsd | null;
  /** Whether the balance is below the threshold, so that the owner was notified. */
  isBalanceLow: boolean;
  /** The number of notifications to send. */
  pendingNotifications: number;
  readonly earlyGrants: EarlyGrants;
};

export type Tx = Readonly<{
  sql: SqlStorage;
  cache: AccountCache;
  /** The time at which the transaction began. */
  now: Instant;
  /** Logs the event once the transaction has committed. */
  emit: (event: LogEvent) => void;
  changes: Changes;
}>;

/** What a transaction did so far to the account's row. */
export type Changes = {
  isBalanceChanged: boolean;
  /** The entries it appended, and the sum of their amounts. */
  entries: number;
  posted: NanoUsd;
};

export function noChanges(): Changes {
  return { isBalanceChanged: false, entries: 0, posted: 0n };
}

/** What an account did on `day` that is bounded per day; reset at midnight UTC. */
const DAILY_COUNTERS = ['waived', 'expired', 'refused', 'shortfalls', 'early_declines'] as const;
type DailyCounters = Record<(typeof DAILY_COUNTERS)[number], number>;

type BalanceRow = DailyCounters & {
  state: string;
  posted: number;
  held: number;
  seq: number;
  day: number;
  chain_seq: number;
  chain_hash: string;
};

/** The account's row in memory. */
export type MutableBalance = DailyCounters & {
  state: AccountState;
  posted: NanoUsd;
  held: NanoUsd;
  seq: number;
  day: number;
  /** The last entry that is chained, and its hash; below `seq` while older entries are not. */
  chain_seq: number;
  chain_hash: string;
};

const BALANCE_COLUMNS = [
  ...['state', 'posted', 'held', 'seq', 'day', 'chain_seq', 'chain_hash'],
  ...DAILY_COUNTERS,
];
const SELECT_BALANCE = `SELECT ${BALANCE_COLUMNS.join(', ')} FROM account`;
const UPDATE_BALANCE = `UPDATE account SET posted = ?, held = ?, seq = ?, open_from = ?,
  early_until = ?, early_isolates = ?, day = ?, chain_seq = ?, chain_hash = ?,
  ${DAILY_COUNTERS.map((name) => `${name} = ?`).join(', ')} WHERE singleton = 1`;

function parseState(text: string): AccountState {
  if (text === 'open' || text === 'frozen' || text === 'closed') return text;
  throw new RangeError('stored word not in its closed list');
}

export function loadBalance(sql: SqlStorage): MutableBalance {
  const row = sql.exec<BalanceRow>(SELECT_BALANCE).one();
  const { state, posted, held } = row;
  return { ...row, state: parseState(state), posted: fromSql(posted), held: fromSql(held) };
}

export function readBalance(tx: Tx): Readonly<MutableBalance> {
  return tx.cache.balance;
}

/** Returns the account's row to change; it is written when the transaction ends. */
export function changeBalance(tx: Tx): MutableBalance {
  tx.changes.isBalanceChanged = true;
  return tx.cache.balance;
}

/** The row below which no call is open: where the open calls are looked for at the start. */
function openFrom({ holds, nextRow }: AccountCache): number {
  for (const { row } of holds.values()) return row;
  return nextRow;
}

/** The invariants of a transaction that are checked in constant time. */
function findViolation(tx: Tx, before: BalanceBefore): string | undefined {
  const { balance, held, reserved } = tx.cache;
  if (balance.held < 0n || balance.held > balance.posted) return 'balance_bounds';
  if (balance.held !== held + reserved) return 'held_is_sum_of_holds';
  if (balance.posted !== before.posted + tx.changes.posted) return 'posted_is_sum_of_entries';
  return balance.seq === before.seq + tx.changes.entries ? undefined : 'entries_contiguous';
}

export type BalanceBefore = Readonly<{ posted: NanoUsd; seq: number }>;

/**
 * Writes the account's row at the end of a transaction that changed it. `before` is the row as the
 * transaction found it. A violated invariant throws, which rolls the transaction back.
 */
export function writeBalance(tx: Tx, before: BalanceBefore): void {
  if (!tx.changes.isBalanceChanged) return;
  const violation = findViolation(tx, before);
  if (violation !== undefined) throw new InvariantViolation(violation);
  const { balance } = tx.cache;
  const { posted, held, seq, day, chain_seq, chain_hash } = balance;
  const counters = DAILY_COUNTERS.map((name) => balance[name]);
  const { until, isolates } = tx.cache.earlyGrants;
  const chain = [chain_seq, chain_hash];
  tx.sql.exec(
    UPDATE_BALANCE,
    toSql(posted),
    toSql(held),
    seq,
    openFrom(tx.cache),
    until,
    isolates,
    day,
    ...chain,
    ...counters,
  );
}

/** Thrown when the ledger itself is wrong. Carries no amount and no id. */
export class InvariantViolation extends Error {
  readonly invariant: string;
  constructor(invariant: string) {
    super(`invariant broken: ${invariant}`);
    this.invariant = invariant;
  }
}

/** Resets the daily counters at midnight UTC. */
export function resetDailyCounters(balance: MutableBalance, day: number): void {
  if (balance.day === day) return;
  balance.day = day;
  clearDailyCounters(balance);
}

export function clearDailyCounters(balance: MutableBalance): void {
  for (const name of DAILY_COUNTERS) balance[name] = 0;
}

export function isClosed({ balance }: AccountCache): boolean {
  return balance.state === 'closed';
}

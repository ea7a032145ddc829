/**
 * What every transition works with: the object's SQL, what the object remembers of its own tables, and
 * where signals go once the transaction has committed. The memory is a cache of rows (written through,
 * thrown away whole when a transaction throws); the balance is never answered from it.
 */
import type { NanoUsd } from '@farebox/money';
import type { Signal } from '@farebox/signals';
import { fromSql, toSql } from './amounts.ts';
import type { AccountId, Instant, KeyBrakes, KeyId, KeyLimits } from './contract.ts';
import type { Habit } from './habits.ts';

export type Key = {
  readonly keyId: KeyId;
  secretHash: string;
  /** Secrets before that one, each while it still opens. */
  retired: readonly RetiredSecret[];
  limits: KeyLimits;
  brakes: KeyBrakes;
  readonly createdAt: Instant;
  revokedAt: Instant | null;
  spent: NanoUsd;
  /** Of this key's open holds. */
  held: NanoUsd;
  open: number;
  /** When its calls of the last minute were admitted; lost on restart, which is harmless. */
  admitted: Instant[];
  habit: Habit;
  pausedAt: Instant | null;
  /** The day on which its owner took the brake off. */
  resumedDay: number;
  /** The day its owner was last told of unusual spending. */
  noticedDay: number;
  /** Whether it has called a dear model. */
  dear: boolean;
};

export type RetiredSecret = Readonly<{ hash: string; until: Instant }>;

export type Memory = {
  readonly account: AccountId;
  readonly keys: Map<KeyId, Key>;
  /** Of all open holds: what `account.held` must equal. */
  held: NanoUsd;
  open: number;
  closed: boolean;
  /** Of the last line: none is dated before it, whatever the clock says. */
  lastAt: Instant;
  lowBalance: NanoUsd | null;
  /** Whether the balance is below it, so that its owner knows. */
  low: boolean;
  /** How many wait to be sent. */
  notices: number;
};

export type Shelf = Readonly<{
  sql: SqlStorage;
  memory: Memory;
  /** Says `what` once the transaction has committed. */
  tell: (what: Signal) => void;
}>;

export type AccountRow = {
  state: string;
  posted: number;
  held: number;
  seq: number;
  day: number;
  waived: number;
  expired: number;
};

/** The account's row while a transition works on it. */
export type Balance = {
  readonly state: string;
  posted: NanoUsd;
  held: NanoUsd;
  seq: number;
  day: number;
  waived: number;
  expired: number;
};

const ACCOUNT = 'SELECT state, posted, held, seq, day, waived, expired FROM account';
const WRITE = `UPDATE account SET posted = ?, held = ?, seq = ?, day = ?, waived = ?, expired = ?
  WHERE one = 1`;
const WRITE_HELD = 'UPDATE account SET held = ? WHERE one = 1';

export function balanceOf(row: AccountRow): Balance {
  return { ...row, posted: fromSql(row.posted), held: fromSql(row.held) };
}

export function readBalance(shelf: Shelf): Balance {
  return balanceOf(shelf.sql.exec<AccountRow>(ACCOUNT).one());
}

/** Asserts in constant time what must hold after every transition; a breach rolls it back. */
function assertWhole(shelf: Shelf, balance: Balance): void {
  const broken =
    balance.held < 0n || balance.held > balance.posted
      ? 'balance_bounds'
      : balance.held !== shelf.memory.held
        ? 'held_is_sum_of_holds'
        : undefined;
  if (broken !== undefined) throw new InvariantBroken(broken);
}

/** Thrown, never returned: it means that the book itself is wrong. Carries no amount and no id. */
export class InvariantBroken extends Error {
  readonly invariant: string;
  constructor(invariant: string) {
    super(`invariant broken: ${invariant}`);
    this.invariant = invariant;
  }
}

export function writeBalance(shelf: Shelf, balance: Balance): void {
  assertWhole(shelf, balance);
  const { seq, day, waived, expired } = balance;
  shelf.sql.exec(WRITE, toSql(balance.posted), toSql(balance.held), seq, day, waived, expired);
}

export function writeHeld(shelf: Shelf, balance: Balance): void {
  assertWhole(shelf, balance);
  shelf.sql.exec(WRITE_HELD, toSql(balance.held));
}

/** The day's counts start again at midnight UTC. */
export function rollDay(balance: Balance, day: number): void {
  if (balance.day === day) return;
  balance.day = day;
  balance.waived = 0;
  balance.expired = 0;
}

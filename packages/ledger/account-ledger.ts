/**
 * The ledger of one account: opening, transactions, and the outbox to Postgres. Every verb is one
 * transaction with no await in it (a throw alone undoes nothing in a Durable Object;
 * `transactionSync` does). Nothing is stored before `open`.
 */
import { type LogEvent, logEvent } from '@farebox/telemetry';
import { loadCache } from './cache.ts';
import type { AccountId, Entry, Instant } from './contract/index.ts';
import { acknowledge, entriesAfter, outboxPosition } from './entries.ts';
import { toUtcDay } from './limits.ts';
import { migrate, tablesExist } from './tables.ts';
import {
  type AccountCache,
  InvariantViolation,
  noChanges,
  type Tx,
  writeBalance,
} from './transaction.ts';

/** The part of a Durable Object's storage that holds the ledger. */
export type LedgerStorage = Readonly<{
  sql: SqlStorage;
  transactionSync: <T>(closure: () => T) => T;
}>;

const OPEN = `INSERT INTO account (singleton, id, state, posted, held, seq, acknowledged, day, waived,
  expired, refused, shortfalls, pruned_count, pruned_delta)
  VALUES (1, ?, 'open', 0, 0, 0, 0, ?, 0, 0, 0, 0, 0, '0')
  ON CONFLICT (singleton) DO NOTHING`;

export type Outbox = Readonly<{
  account: AccountId;
  entries: readonly Entry[];
  /** The number of all unacknowledged entries. */
  pending: number;
}>;

const EMPTY_OUTBOX: Outbox = { account: '', entries: [], pending: 0 };

export class AccountLedger {
  readonly #storage: LedgerStorage;
  readonly #now: () => Instant;
  readonly #emit: (event: LogEvent) => void;
  #cache: AccountCache | undefined;

  constructor(
    storage: LedgerStorage,
    now: () => Instant,
    emit: (event: LogEvent) => void = logEvent,
  ) {
    this.#storage = storage;
    this.#now = now;
    this.#emit = emit;
    if (!tablesExist(storage.sql)) return;
    storage.transactionSync(() => migrate(storage.sql, now()));
    this.#cache = loadCache(storage.sql, now());
  }

  open(account: AccountId): void {
    if (this.#cache !== undefined) return;
    const { sql } = this.#storage;
    const now = this.#now();
    this.#cache = this.#storage.transactionSync(() => {
      migrate(sql, now);
      sql.exec(OPEN, account, toUtcDay(now));
      return loadCache(sql, now);
    });
  }

  /**
   * Runs `work` in one transaction and returns its result, or `ifNotOpen` before the account is
   * open. When `work` throws, neither rows nor cache keep its changes, and no event is logged.
   */
  run<Args extends readonly unknown[], Result>(
    ifNotOpen: NoInfer<Result>,
    work: (tx: Tx, ...args: Args) => Result,
    ...args: Args
  ): Result {
    const cache = this.#cache;
    if (cache === undefined) return ifNotOpen;
    const { sql } = this.#storage;
    const events: LogEvent[] = [];
    const emit = (event: LogEvent): void => {
      events.push(event);
    };
    const { posted, seq } = cache.balance;
    const tx: Tx = { sql, cache, now: this.#now(), emit, changes: noChanges() };
    try {
      const result = this.#storage.transactionSync(() => {
        const value = work(tx, ...args);
        writeBalance(tx, { posted, seq });
        return value;
      });
      for (const event of events) this.#emit(event);
      return result;
    } catch (thrown) {
      this.#cache = loadCache(sql, tx.now);
      if (thrown instanceof InvariantViolation) {
        const { account } = cache;
        this.#emit({ event: 'invariant_broken', account, invariant: thrown.invariant });
      }
      throw thrown;
    }
  }

  get pendingNotificationCount(): number {
    return this.#cache?.pendingNotifications ?? 0;
  }

  /**
   * Returns the entries that Postgres has not acknowledged, oldest first; with `after`, those that
   * follow that sequence number, which repairs a gap.
   */
  outbox(limit: number, after?: number): Outbox {
    return this.run(EMPTY_OUTBOX, readOutbox, limit, after);
  }

  /** Returns the sequence number that was acknowledged before. */
  acknowledge(seq: number): number {
    return this.run(0, acknowledge, seq);
  }
}

function readOutbox(tx: Tx, limit: number, after: number | undefined): Outbox {
  const position = outboxPosition(tx);
  const from = after ?? position.acknowledged;
  const entries = from < position.seq ? entriesAfter(tx, from, limit) : [];
  return { account: tx.cache.account, entries, pending: position.seq - position.acknowledged };
}

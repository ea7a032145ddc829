/**
 * One account's book: every verb, each one transaction with no await in it (a throw alone undoes
 * nothing in a Durable Object; `transactionSync` does). `now` is always the caller's. It promises that a
 * verb asked twice answers twice the same, and that before `open` nothing whatever is stored.
 */
import type { NanoUsd } from '@farebox/money';
import { type LogEvent, logEvent } from '@farebox/telemetry';
import { accountStatus, close, isReadyToWipe, wipeIfReady } from './account-closure.ts';
import { audit } from './audit.ts';
import { loadCache } from './cache.ts';
import type * as C from './contract/index.ts';
import { adjust, credit, freeze } from './credits-and-adjustments.ts';
import { bindAddress, listAddresses } from './deposit-addresses.ts';
import { acknowledge, entriesAfter, findGeneration, outboxPosition, prune } from './entries.ts';
import { checkpoint, hold } from './holds.ts';
import {
  type KeyUpdateResult,
  listKeyStatuses,
  type RollSecretRequest,
  resumeKey,
  revokeLeaked,
  rollKey,
  setLowBalance,
  updateKey,
} from './key-updates.ts';
import { authenticateKey, putKey, revokeKey, toKeyStatus } from './keys.ts';
import { toUtcDay } from './limits.ts';
import { deleteNotifications, oldestNotifications } from './notifications.ts';
import { expire, nextDeadline, settle } from './settlements.ts';
import { migrate, tablesExist } from './tables.ts';
import { type AccountCache, InvariantViolation, readBalance, type Tx } from './transaction.ts';

/** The part of a Durable Object's storage that a book is kept in. */
export type LedgerStorage = Readonly<{
  sql: SqlStorage;
  transactionSync: <T>(closure: () => T) => T;
}>;

const OPEN = `INSERT INTO account (one, id, state, posted, held, seq, acknowledged, day, waived,
  expired, pruned_count, pruned_delta) VALUES (1, ?, 'open', 0, 0, 0, 0, ?, 0, 0, 0, '0')
  ON CONFLICT (one) DO NOTHING`;

const EMPTY_AUDIT: C.Audit = {
  posted: 0n,
  held: 0n,
  lastSeq: 0,
  acknowledgedSeq: 0,
  recentlyRevoked: [],
  violations: [],
};
const UNKNOWN_KEY: KeyUpdateResult = { ok: false, reason: 'unknown' };
/** An account that was never opened has nothing to wipe. */
const NEVER_OPENED: C.CloseResult = { wiped: true, posted: 0n, openCalls: 0 };
const MAX_ENTRIES_PER_PAGE = 1_000;

export type Outbox = Readonly<{
  account: C.AccountId;
  entries: readonly C.Entry[];
  /** How many wait in all. */
  pending: number;
}>;

export class AccountLedger {
  readonly #storage: LedgerStorage;
  readonly #emit: (event: LogEvent) => void;
  #cache: AccountCache | undefined;

  constructor(storage: LedgerStorage, now: C.Instant, emit: (event: LogEvent) => void = logEvent) {
    this.#storage = storage;
    this.#emit = emit;
    if (!tablesExist(storage.sql)) return;
    storage.transactionSync(() => migrate(storage.sql, now));
    this.#cache = loadCache(storage.sql);
  }

  get isOpen(): boolean {
    return this.#cache !== undefined;
  }

  /** Runs `work` in one transaction; whatever throws leaves neither rows nor memory behind. */
  #transact<T>(whenNotOpen: T, work: (tx: Tx) => T): T {
    const cache = this.#cache;
    if (cache === undefined) return whenNotOpen;
    const events: LogEvent[] = [];
    const emit = (event: LogEvent): void => {
      events.push(event);
    };
    try {
      const { sql } = this.#storage;
      const result = this.#storage.transactionSync(() => work({ sql, cache, emit }));
      for (const event of events) this.#emit(event);
      return result;
    } catch (thrown) {
      this.#cache = loadCache(this.#storage.sql);
      if (thrown instanceof InvariantViolation) {
        const { account } = cache;
        this.#emit({ event: 'invariant_broken', account, invariant: thrown.invariant });
      }
      throw thrown;
    }
  }

  open(account: C.AccountId, now: C.Instant): void {
    if (this.#cache !== undefined) return;
    const { sql } = this.#storage;
    this.#cache = this.#storage.transactionSync(() => {
      migrate(sql, now);
      sql.exec(OPEN, account, toUtcDay(now));
      return loadCache(sql);
    });
  }

  hold(request: C.HoldRequest, now: C.Instant): C.HoldResult {
    return this.#transact<C.HoldResult>({ ok: false, reason: 'invalid_api_key' }, (tx) =>
      hold(tx, request, now),
    );
  }

  checkpoint(request: C.CheckpointRequest): C.CheckpointResult {
    return this.#transact<C.CheckpointResult>({ ok: false, reason: 'unknown' }, (tx) =>
      checkpoint(tx, request),
    );
  }

  settle(request: C.SettleRequest, now: C.Instant): C.SettleResult {
    return this.#transact<C.SettleResult>({ ok: false, reason: 'unknown' }, (tx) =>
      settle(tx, request, now),
    );
  }

  expire(now: C.Instant): number {
    return this.#transact(0, (tx) => expire(tx, now));
  }

  bindAddress(address: C.DepositAddress): C.BindAddressResult {
    return this.#transact<C.BindAddressResult>({ ok: false, reason: 'not_open' }, (tx) =>
      bindAddress(tx, address),
    );
  }

  addresses(): readonly C.DepositAddress[] {
    return this.#transact<readonly C.DepositAddress[]>([], (tx) => listAddresses(tx));
  }

  credit(request: C.CreditRequest, now: C.Instant): C.CreditResult {
    return this.#transact<C.CreditResult>({ ok: false, reason: 'not_open' }, (tx) =>
      credit(tx, request, now),
    );
  }

  adjust(request: C.AdjustRequest, now: C.Instant): C.AdjustResult {
    return this.#transact<C.AdjustResult>({ ok: false, reason: 'not_open' }, (tx) =>
      adjust(tx, request, now),
    );
  }

  freeze(frozen: boolean): void {
    this.#transact(undefined, (tx) => freeze(tx, frozen));
  }

  close(now: C.Instant): C.CloseResult {
    return this.#transact(NEVER_OPENED, (tx) => close(tx, now));
  }

  /** The last step of closing, once nothing stands in its way. */
  wipeIfReady(): void {
    this.#transact(undefined, wipeIfReady);
  }

  get isReadyToWipe(): boolean {
    return this.#transact(false, isReadyToWipe);
  }

  status(): C.AccountStatus | null {
    return this.#transact<C.AccountStatus | null>(null, accountStatus);
  }

  keys(now: C.Instant): readonly C.KeyStatus[] {
    return this.#transact<readonly C.KeyStatus[]>([], (tx) => listKeyStatuses(tx, now));
  }

  updateKey(keyId: C.KeyId, update: C.KeyUpdate): KeyUpdateResult {
    return this.#transact(UNKNOWN_KEY, (tx) => updateKey(tx, keyId, update));
  }

  rollKey(request: RollSecretRequest, now: C.Instant): KeyUpdateResult {
    return this.#transact(UNKNOWN_KEY, (tx) => rollKey(tx, request, now));
  }

  resumeKey(keyId: C.KeyId, now: C.Instant): KeyUpdateResult {
    return this.#transact(UNKNOWN_KEY, (tx) => resumeKey(tx, keyId, now));
  }

  setLowBalance(threshold: NanoUsd | null): void {
    this.#transact(undefined, (tx) => setLowBalance(tx, threshold));
  }

  revokeLeaked(
    credential: C.KeyCredential,
    now: C.Instant,
  ): Readonly<{ alreadyRevoked: boolean }> | null {
    return this.#transact<Readonly<{ alreadyRevoked: boolean }> | null>(null, (tx) =>
      revokeLeaked(tx, credential, now),
    );
  }

  /** How many notices wait to be sent. */
  get pendingNotificationCount(): number {
    return this.#cache?.pendingNotifications ?? 0;
  }

  listNotifications(limit: number): readonly C.Notification[] {
    return this.#transact<readonly C.Notification[]>([], (tx) => oldestNotifications(tx, limit));
  }

  deleteNotifications(ids: readonly string[]): void {
    this.#transact(undefined, (tx) => deleteNotifications(tx, ids));
  }

  putKey(request: C.PutKeyRequest, now: C.Instant): C.PutKeyResult {
    return this.#transact<C.PutKeyResult>({ ok: false, reason: 'not_open' }, (tx) =>
      putKey(tx, request, now),
    );
  }

  revokeKey(keyId: C.KeyId, now: C.Instant): C.RevokeKeyResult {
    return this.#transact<C.RevokeKeyResult>({ ok: false, reason: 'unknown' }, (tx) =>
      revokeKey(tx, keyId, now),
    );
  }

  generation(
    credential: C.KeyCredential,
    id: C.CallId,
    now: C.Instant,
  ): C.Authenticated<C.Generation | null> {
    return this.#authenticated(credential, now, (tx) => findGeneration(tx, id));
  }

  credits(credential: C.KeyCredential, now: C.Instant): C.Authenticated<C.Balance> {
    return this.#authenticated(credential, now, (tx) => {
      const { posted, held } = readBalance(tx);
      return { posted, held };
    });
  }

  key(credential: C.KeyCredential, now: C.Instant): C.Authenticated<C.KeyStatus> {
    return this.#authenticated(credential, now, (_shelf, key) => toKeyStatus(key, now));
  }

  #authenticated<T>(
    credential: C.KeyCredential,
    now: C.Instant,
    read: (tx: Tx, key: Exclude<ReturnType<typeof authenticateKey>, string>) => T,
  ): C.Authenticated<T> {
    return this.#transact<C.Authenticated<T>>({ ok: false, reason: 'invalid_api_key' }, (tx) => {
      const key = authenticateKey(tx, credential, now);
      if (typeof key === 'string') return { ok: false, reason: key };
      return { ok: true, value: read(tx, key) };
    });
  }

  listEntries(afterSeq: number, limit: number): readonly C.Entry[] {
    const boundedLimit = Math.max(0, Math.min(limit, MAX_ENTRIES_PER_PAGE));
    return this.#transact<readonly C.Entry[]>([], (tx) => entriesAfter(tx, afterSeq, boundedLimit));
  }

  /** What Postgres has not acknowledged yet, oldest first; or, to repair a gap, what follows `after`. */
  outbox(limit: number, after?: number): Outbox {
    const empty: Outbox = { account: '', entries: [], pending: 0 };
    return this.#transact<Outbox>(empty, (tx) => {
      const position = outboxPosition(tx);
      const from = after ?? position.acknowledged;
      const entries = from < position.seq ? entriesAfter(tx, from, limit) : [];
      return { account: tx.cache.account, entries, pending: position.seq - position.acknowledged };
    });
  }

  acknowledge(seq: number): number {
    return this.#transact(0, (tx) => acknowledge(tx, seq));
  }

  prune(now: C.Instant): number {
    return this.#transact(0, (tx) => prune(tx, now));
  }

  nextDeadline(): C.Instant | null {
    return this.#transact<C.Instant | null>(null, nextDeadline);
  }

  audit(now: C.Instant): C.Audit {
    return this.#transact(EMPTY_AUDIT, (tx) => audit(tx, now));
  }
}

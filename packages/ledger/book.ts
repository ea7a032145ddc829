/**
 * One account's book: every verb, each one transaction with no await in it (a throw alone undoes
 * nothing in a Durable Object; `transactionSync` does). `now` is always the caller's. It promises that a
 * verb asked twice answers twice the same, and that before `open` nothing whatever is stored.
 */
import type { NanoUsd } from '@farebox/money';
import { type Signal, signal } from '@farebox/signals';
import { addresses, bindAddress } from './addresses.ts';
import { audit } from './audit.ts';
import { dayOf } from './bounds.ts';
import { close, standing, wantsWiping, wipeIfDone } from './closing.ts';
import type * as C from './contract.ts';
import { acknowledge, entriesAfter, findGeneration, outboxMarks, prune } from './entries.ts';
import { adjust, credit, freeze } from './funds.ts';
import { checkpoint, hold } from './holds.ts';
import {
  changeKey,
  type KeyDone,
  type NewSecret,
  resumeKey,
  revokeLeaked,
  rollKey,
  setLowBalance,
  standings,
} from './key-changes.ts';
import { prove, putKey, revokeKey, standingOf } from './keys.ts';
import { dropNotices, oldestNotices } from './notices.ts';
import { recall } from './recall.ts';
import { expire, nextDeadline, settle } from './settlements.ts';
import { InvariantBroken, type Memory, readBalance, type Shelf } from './shelf.ts';
import { migrate, tablesExist } from './tables.ts';

/** The part of a Durable Object's storage that a book is kept in. */
export type Storage = Readonly<{
  sql: SqlStorage;
  transactionSync: <T>(closure: () => T) => T;
}>;

const OPEN = `INSERT INTO account (one, id, state, posted, held, seq, acknowledged, day, waived,
  expired, pruned_count, pruned_delta) VALUES (1, ?, 'open', 0, 0, 0, 0, ?, 0, 0, 0, '0')
  ON CONFLICT (one) DO NOTHING`;

const NOTHING: C.Audit = {
  posted: 0n,
  held: 0n,
  lastSeq: 0,
  acknowledgedSeq: 0,
  revokedLately: [],
  broken: [],
};
const NO_KEY: KeyDone = { ok: false, reason: 'unknown' };
/** An account that was never opened has nothing to wipe. */
const NEVER_OPENED: C.CloseResult = { wiped: true, posted: 0n, openCalls: 0 };
const MOST_ENTRIES_AT_ONCE = 1_000;

export type Outbox = Readonly<{
  account: C.AccountId;
  entries: readonly C.Entry[];
  /** How many wait in all. */
  pending: number;
}>;

export class Book {
  readonly #storage: Storage;
  readonly #tell: (what: Signal) => void;
  #memory: Memory | undefined;

  constructor(storage: Storage, now: C.Instant, tell: (what: Signal) => void = signal) {
    this.#storage = storage;
    this.#tell = tell;
    if (!tablesExist(storage.sql)) return;
    storage.transactionSync(() => migrate(storage.sql, now));
    this.#memory = recall(storage.sql);
  }

  get isOpen(): boolean {
    return this.#memory !== undefined;
  }

  /** Runs `work` in one transaction; whatever throws leaves neither rows nor memory behind. */
  #transact<T>(closed: T, work: (shelf: Shelf) => T): T {
    const memory = this.#memory;
    if (memory === undefined) return closed;
    const said: Signal[] = [];
    const tell = (what: Signal): void => {
      said.push(what);
    };
    try {
      const { sql } = this.#storage;
      const answer = this.#storage.transactionSync(() => work({ sql, memory, tell }));
      for (const what of said) this.#tell(what);
      return answer;
    } catch (thrown) {
      this.#memory = recall(this.#storage.sql);
      if (thrown instanceof InvariantBroken) {
        const { account } = memory;
        this.#tell({ event: 'invariant_broken', account, invariant: thrown.invariant });
      }
      throw thrown;
    }
  }

  open(account: C.AccountId, now: C.Instant): void {
    if (this.#memory !== undefined) return;
    const { sql } = this.#storage;
    this.#memory = this.#storage.transactionSync(() => {
      migrate(sql, now);
      sql.exec(OPEN, account, dayOf(now));
      return recall(sql);
    });
  }

  hold(request: C.HoldRequest, now: C.Instant): C.HoldResult {
    return this.#transact<C.HoldResult>({ ok: false, reason: 'key_unknown' }, (shelf) =>
      hold(shelf, request, now),
    );
  }

  checkpoint(request: C.CheckpointRequest): C.CheckpointResult {
    return this.#transact<C.CheckpointResult>({ ok: false, reason: 'unknown' }, (shelf) =>
      checkpoint(shelf, request),
    );
  }

  settle(request: C.SettleRequest, now: C.Instant): C.SettleResult {
    return this.#transact<C.SettleResult>({ ok: false, reason: 'unknown' }, (shelf) =>
      settle(shelf, request, now),
    );
  }

  expire(now: C.Instant): number {
    return this.#transact(0, (shelf) => expire(shelf, now));
  }

  bindAddress(address: C.DepositAddress): C.BindAddressResult {
    return this.#transact<C.BindAddressResult>({ ok: false, reason: 'not_open' }, (shelf) =>
      bindAddress(shelf, address),
    );
  }

  addresses(): readonly C.DepositAddress[] {
    return this.#transact<readonly C.DepositAddress[]>([], (shelf) => addresses(shelf));
  }

  credit(request: C.CreditRequest, now: C.Instant): C.CreditResult {
    return this.#transact<C.CreditResult>({ ok: false, reason: 'not_open' }, (shelf) =>
      credit(shelf, request, now),
    );
  }

  adjust(request: C.AdjustRequest, now: C.Instant): C.AdjustResult {
    return this.#transact<C.AdjustResult>({ ok: false, reason: 'not_open' }, (shelf) =>
      adjust(shelf, request, now),
    );
  }

  freeze(frozen: boolean): void {
    this.#transact(undefined, (shelf) => freeze(shelf, frozen));
  }

  close(now: C.Instant): C.CloseResult {
    return this.#transact(NEVER_OPENED, (shelf) => close(shelf, now));
  }

  /** The last step of closing, once nothing stands in its way. */
  wipeIfDone(): void {
    this.#transact(undefined, wipeIfDone);
  }

  get wantsWiping(): boolean {
    return this.#transact(false, wantsWiping);
  }

  standing(): C.AccountStanding | null {
    return this.#transact<C.AccountStanding | null>(null, standing);
  }

  keys(now: C.Instant): readonly C.KeyStanding[] {
    return this.#transact<readonly C.KeyStanding[]>([], (shelf) => standings(shelf, now));
  }

  changeKey(keyId: C.KeyId, change: C.KeyChange): KeyDone {
    return this.#transact(NO_KEY, (shelf) => changeKey(shelf, keyId, change));
  }

  rollKey(request: NewSecret, now: C.Instant): KeyDone {
    return this.#transact(NO_KEY, (shelf) => rollKey(shelf, request, now));
  }

  resumeKey(keyId: C.KeyId, now: C.Instant): KeyDone {
    return this.#transact(NO_KEY, (shelf) => resumeKey(shelf, keyId, now));
  }

  setLowBalance(threshold: NanoUsd | null): void {
    this.#transact(undefined, (shelf) => setLowBalance(shelf, threshold));
  }

  revokeLeaked(proof: C.KeyProof, now: C.Instant): Readonly<{ alreadyRevoked: boolean }> | null {
    return this.#transact<Readonly<{ alreadyRevoked: boolean }> | null>(null, (shelf) =>
      revokeLeaked(shelf, proof, now),
    );
  }

  /** How many notices wait to be sent. */
  get waitingNotices(): number {
    return this.#memory?.notices ?? 0;
  }

  notices(most: number): readonly C.Notice[] {
    return this.#transact<readonly C.Notice[]>([], (shelf) => oldestNotices(shelf, most));
  }

  dropNotices(ids: readonly string[]): void {
    this.#transact(undefined, (shelf) => dropNotices(shelf, ids));
  }

  putKey(request: C.PutKeyRequest, now: C.Instant): C.PutKeyResult {
    return this.#transact<C.PutKeyResult>({ ok: false, reason: 'not_open' }, (shelf) =>
      putKey(shelf, request, now),
    );
  }

  revokeKey(keyId: C.KeyId, now: C.Instant): C.RevokeKeyResult {
    return this.#transact<C.RevokeKeyResult>({ ok: false, reason: 'unknown' }, (shelf) =>
      revokeKey(shelf, keyId, now),
    );
  }

  generation(proof: C.KeyProof, id: C.CallId, now: C.Instant): C.Proven<C.Generation | null> {
    return this.#proven(proof, now, (shelf) => findGeneration(shelf, id));
  }

  credits(proof: C.KeyProof, now: C.Instant): C.Proven<C.Credits> {
    return this.#proven(proof, now, (shelf) => {
      const { posted, held } = readBalance(shelf);
      return { posted, held };
    });
  }

  key(proof: C.KeyProof, now: C.Instant): C.Proven<C.KeyStanding> {
    return this.#proven(proof, now, (_shelf, key) => standingOf(key, now));
  }

  #proven<T>(
    proof: C.KeyProof,
    now: C.Instant,
    read: (shelf: Shelf, key: Exclude<ReturnType<typeof prove>, string>) => T,
  ): C.Proven<T> {
    return this.#transact<C.Proven<T>>({ ok: false, reason: 'key_unknown' }, (shelf) => {
      const key = prove(shelf, proof, now);
      if (typeof key === 'string') return { ok: false, reason: key };
      return { ok: true, value: read(shelf, key) };
    });
  }

  statement(afterSeq: number, most: number): readonly C.Entry[] {
    const bounded = Math.max(0, Math.min(most, MOST_ENTRIES_AT_ONCE));
    return this.#transact<readonly C.Entry[]>([], (shelf) =>
      entriesAfter(shelf, afterSeq, bounded),
    );
  }

  /** What Postgres has not acknowledged yet, oldest first; or, to repair a gap, what follows `after`. */
  outbox(most: number, after?: number): Outbox {
    const nothing: Outbox = { account: '', entries: [], pending: 0 };
    return this.#transact<Outbox>(nothing, (shelf) => {
      const marks = outboxMarks(shelf);
      const from = after ?? marks.acknowledged;
      const entries = from < marks.seq ? entriesAfter(shelf, from, most) : [];
      return { account: shelf.memory.account, entries, pending: marks.seq - marks.acknowledged };
    });
  }

  acknowledge(seq: number): number {
    return this.#transact(0, (shelf) => acknowledge(shelf, seq));
  }

  prune(now: C.Instant): number {
    return this.#transact(0, (shelf) => prune(shelf, now));
  }

  nextDeadline(): C.Instant | null {
    return this.#transact<C.Instant | null>(null, nextDeadline);
  }

  audit(now: C.Instant): C.Audit {
    return this.#transact(NOTHING, (shelf) => audit(shelf, now));
  }
}

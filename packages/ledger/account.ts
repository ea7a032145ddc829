/**
 * The object that keeps one account's book. Its public methods are exactly the verbs (every public
 * method of a Durable Object answers over RPC, TypeScript's `private` ones too: hence `#`). It never
 * imports the database: how lines reach Postgres is given to it.
 */
import { DurableObject } from 'cloudflare:workers';
import type { NanoUsd } from '@farebox/money';
import { Book } from './book.ts';
import type * as C from './contract.ts';
import { Dispatch, type Surroundings } from './dispatch.ts';
import type { KeyDone, NewSecret } from './key-changes.ts';
import { secureRandom } from './randomness.ts';

/** What the object needs from the Worker it lives in. */
export type House<Env> = Readonly<{
  deliver: (env: Env, account: C.AccountId, entries: readonly C.Entry[]) => Promise<C.Delivery>;
  lastDelivered: (env: Env, account: C.AccountId) => Promise<number>;
  /** Hands notices on, at least once: it returns when they are safe elsewhere and throws when not. */
  notify?: (env: Env, notices: readonly C.Notice[]) => Promise<void>;
  now?: () => C.Instant;
  random?: () => number;
}>;

/** A Worker's class extends it with a constructor that passes its house. */
export class AccountObject<Env> extends DurableObject<Env> {
  readonly #book: Book;
  readonly #now: () => C.Instant;
  #dispatch: Dispatch;

  constructor(ctx: DurableObjectState, env: Env, house: House<Env>) {
    super(ctx, env);
    this.#now = house.now ?? Date.now;
    this.#book = new Book(ctx.storage, this.#now());
    const around: Surroundings = {
      deliver: (account, entries) => house.deliver(env, account, entries),
      lastDelivered: (account) => house.lastDelivered(env, account),
      notify: async (notices) => house.notify?.(env, notices),
      setAlarm: (at) => void ctx.storage.setAlarm(at),
      now: this.#now,
      random: house.random ?? secureRandom,
    };
    // A stand-in: no verb runs before the stored alarm is known.
    this.#dispatch = new Dispatch(this.#book, around, Number.MAX_SAFE_INTEGER);
    void ctx.blockConcurrencyWhile(async () => {
      this.#dispatch = new Dispatch(this.#book, around, await ctx.storage.getAlarm());
    });
  }

  open(account: C.AccountId): void {
    this.#book.open(account, this.#now());
  }

  hold(request: C.HoldRequest): C.HoldResult {
    const result = this.#book.hold(request, this.#now());
    if (result.ok) this.#dispatch.armFor(result.deadline);
    else this.#dispatch.tend();
    this.#dispatch.armForNotices();
    return result;
  }

  checkpoint(request: C.CheckpointRequest): C.CheckpointResult {
    this.#dispatch.tend();
    return this.#book.checkpoint(request);
  }

  settleMany(requests: readonly C.SettleRequest[]): readonly C.SettleResult[] {
    return requests.map((request) => this.settle(request));
  }

  settle(request: C.SettleRequest): C.SettleResult {
    const result = this.#book.settle(request, this.#now());
    if (result.ok) this.#dispatch.armForOutbox();
    return result;
  }

  bindAddress(address: C.DepositAddress): C.BindAddressResult {
    return this.#book.bindAddress(address);
  }

  addresses(): readonly C.DepositAddress[] {
    return this.#book.addresses();
  }

  credit(request: C.CreditRequest): C.CreditResult {
    const result = this.#book.credit(request, this.#now());
    if (result.ok) this.#dispatch.armForOutbox();
    return result;
  }

  adjust(request: C.AdjustRequest): C.AdjustResult {
    const result = this.#book.adjust(request, this.#now());
    if (result.ok) this.#dispatch.armForOutbox();
    return result;
  }

  freeze(frozen: boolean): void {
    this.#book.freeze(frozen);
  }

  close(): C.CloseResult {
    const result = this.#book.close(this.#now());
    if (!result.wiped) this.#dispatch.armForOutbox();
    return result;
  }

  standing(): C.AccountStanding | null {
    this.#dispatch.tend();
    return this.#book.standing();
  }

  keys(): readonly C.KeyStanding[] {
    return this.#book.keys(this.#now());
  }

  changeKey(keyId: C.KeyId, change: C.KeyChange): KeyDone {
    return this.#book.changeKey(keyId, change);
  }

  /** The secrets before still open until `previousUntil`. */
  rollKey(request: NewSecret): KeyDone {
    return this.#book.rollKey(request, this.#now());
  }

  resumeKey(keyId: C.KeyId): KeyDone {
    return this.#book.resumeKey(keyId, this.#now());
  }

  setLowBalance(threshold: NanoUsd | null): void {
    this.#book.setLowBalance(threshold);
  }

  /** Null where the proof opens nothing. */
  revokeLeaked(proof: C.KeyProof): Readonly<{ alreadyRevoked: boolean }> | null {
    const revoked = this.#book.revokeLeaked(proof, this.#now());
    this.#dispatch.armForNotices();
    return revoked;
  }

  putKey(request: C.PutKeyRequest): C.PutKeyResult {
    return this.#book.putKey(request, this.#now());
  }

  revokeKey(keyId: C.KeyId): C.RevokeKeyResult {
    return this.#book.revokeKey(keyId, this.#now());
  }

  generation(key: C.KeyProof, id: C.CallId): C.Proven<C.Generation | null> {
    this.#dispatch.tend();
    return this.#book.generation(key, id, this.#now());
  }

  credits(key: C.KeyProof): C.Proven<C.Credits> {
    this.#dispatch.tend();
    return this.#book.credits(key, this.#now());
  }

  key(key: C.KeyProof): C.Proven<C.KeyStanding> {
    this.#dispatch.tend();
    return this.#book.key(key, this.#now());
  }

  statement(afterSeq: number, most: number): readonly C.Entry[] {
    return this.#book.statement(afterSeq, most);
  }

  /** What the sweep asks: whatever a lost alarm left undone starts again, and the book is checked. */
  audit(): C.Audit {
    this.#dispatch.tend();
    this.#book.prune(this.#now());
    return this.#book.audit(this.#now());
  }

  override async alarm(): Promise<void> {
    await this.#dispatch.alarm();
  }
}

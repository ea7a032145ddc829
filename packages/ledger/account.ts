/**
 * The object that keeps one account's book. Its public methods are exactly the verbs (every public
 * method of a Durable Object answers over RPC, TypeScript's `private` ones too: hence `#`). It never
 * imports the database: how lines reach Postgres is given to it.
 */
import { DurableObject } from 'cloudflare:workers';
import { Book } from './book.ts';
import type * as C from './contract.ts';
import { Dispatch, type Surroundings } from './dispatch.ts';
import { secureRandom } from './randomness.ts';

/** What the object needs from the Worker it lives in. */
export type House<Env> = Readonly<{
  deliver: (env: Env, account: C.AccountId, entries: readonly C.Entry[]) => Promise<C.Delivery>;
  lastDelivered: (env: Env, account: C.AccountId) => Promise<number>;
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

  close(): void {
    this.#book.close(this.#now());
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
    return this.#book.audit();
  }

  override async alarm(): Promise<void> {
    await this.#dispatch.alarm();
  }
}

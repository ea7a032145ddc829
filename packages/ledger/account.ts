/**
 * The object that keeps one account's book. Its public methods are exactly the verbs (every public
 * method of a Durable Object answers over RPC, TypeScript's `private` ones too: hence `#`). It never
 * imports the database: how lines reach Postgres is given to it.
 */
import { DurableObject } from 'cloudflare:workers';
import { Book } from './book.ts';
import type * as C from './contract.ts';
import { Dispatch } from './dispatch.ts';
import { secureRandom } from './randomness.ts';

/** What the object needs from the Worker it lives in. */
export type House<Env> = Readonly<{
  deliver: (env: Env, account: C.AccountId, entries: readonly C.Entry[]) => Promise<C.Delivery>;
  lastDelivered: (env: Env, account: C.AccountId) => Promise<number>;
  now?: () => C.Instant;
  random?: () => number;
}>;

export function accountObject<Env>(house: House<Env>) {
  const now = house.now ?? Date.now;

  return class AccountObject extends DurableObject<Env> {
    readonly #book: Book;
    #dispatch: Dispatch;

    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env);
      this.#book = new Book(ctx.storage, now());
      const around = {
        deliver: (account: C.AccountId, entries: readonly C.Entry[]) =>
          house.deliver(env, account, entries),
        lastDelivered: (account: C.AccountId) => house.lastDelivered(env, account),
        setAlarm: (at: C.Instant) => void ctx.storage.setAlarm(at),
        now,
        random: house.random ?? secureRandom,
      };
      // Until the stored alarm is known it counts as set: no verb runs before it is.
      this.#dispatch = new Dispatch(this.#book, around, Number.MAX_SAFE_INTEGER);
      void ctx.blockConcurrencyWhile(async () => {
        this.#dispatch = new Dispatch(this.#book, around, await ctx.storage.getAlarm());
      });
    }

    open(account: C.AccountId): void {
      this.#book.open(account, now());
    }

    hold(request: C.HoldRequest): C.HoldResult {
      const result = this.#book.hold(request, now());
      if (result.ok) this.#dispatch.armFor(result.deadline);
      else this.#dispatch.tend();
      return result;
    }

    checkpoint(request: C.CheckpointRequest): C.CheckpointResult {
      this.#dispatch.tend();
      return this.#book.checkpoint(request);
    }

    settle(request: C.SettleRequest): C.SettleResult {
      const result = this.#book.settle(request, now());
      if (result.ok) this.#dispatch.armForOutbox();
      return result;
    }

    credit(request: C.CreditRequest): C.CreditResult {
      const result = this.#book.credit(request, now());
      if (result.ok) this.#dispatch.armForOutbox();
      return result;
    }

    adjust(request: C.AdjustRequest): C.AdjustResult {
      const result = this.#book.adjust(request, now());
      if (result.ok) this.#dispatch.armForOutbox();
      return result;
    }

    freeze(frozen: boolean): void {
      this.#book.freeze(frozen);
    }

    close(): void {
      this.#book.close(now());
    }

    putKey(request: C.PutKeyRequest): C.PutKeyResult {
      return this.#book.putKey(request, now());
    }

    revokeKey(keyId: C.KeyId): C.RevokeKeyResult {
      return this.#book.revokeKey(keyId, now());
    }

    generation(key: C.KeyProof, id: C.CallId): C.Proven<C.Generation | null> {
      this.#dispatch.tend();
      return this.#book.generation(key, id, now());
    }

    credits(key: C.KeyProof): C.Proven<C.Credits> {
      this.#dispatch.tend();
      return this.#book.credits(key, now());
    }

    key(key: C.KeyProof): C.Proven<C.KeyStanding> {
      this.#dispatch.tend();
      return this.#book.key(key, now());
    }

    statement(afterSeq: number, most: number): readonly C.Entry[] {
      return this.#book.statement(afterSeq, most);
    }

    /** What the sweep asks: whatever a lost alarm left undone starts again, and the book is checked. */
    audit(): C.Audit {
      this.#dispatch.tend();
      this.#book.prune(now());
      return this.#book.audit();
    }

    override async alarm(): Promise<void> {
      await this.#dispatch.alarm();
    }
  };
}

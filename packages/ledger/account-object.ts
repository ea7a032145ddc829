/**
 * The object that keeps one account's book. Its public methods are exactly the verbs (every public
 * method of a Durable Object answers over RPC, TypeScript's `private` ones too: hence `#`). It never
 * imports the database: how lines reach Postgres is given to it.
 */
import { DurableObject } from 'cloudflare:workers';
import type { NanoUsd } from '@farebox/money';
import { AccountLedger } from './account-ledger.ts';
import { type BackgroundDeps, BackgroundTasks } from './background-tasks.ts';
import type * as C from './contract/index.ts';
import type { KeyUpdateResult, RollSecretRequest } from './key-updates.ts';
import { secureRandom } from './random.ts';

/** What the object needs from the Worker it lives in. */
export type AccountObjectDeps<Env> = Readonly<{
  deliver: (
    env: Env,
    account: C.AccountId,
    entries: readonly C.Entry[],
  ) => Promise<C.DeliveryResult>;
  lastDeliveredSeq: (env: Env, account: C.AccountId) => Promise<number>;
  /** Hands notices on, at least once: it returns when they are safe elsewhere and throws when not. */
  notify?: (env: Env, notifications: readonly C.Notification[]) => Promise<void>;
  now?: () => C.Instant;
  random?: () => number;
}>;

/** A Worker's class extends it with a constructor that passes its house. */
export class AccountObject<Env> extends DurableObject<Env> {
  readonly #ledger: AccountLedger;
  readonly #now: () => C.Instant;
  #backgroundTasks: BackgroundTasks;

  constructor(ctx: DurableObjectState, env: Env, deps: AccountObjectDeps<Env>) {
    super(ctx, env);
    this.#now = deps.now ?? Date.now;
    this.#ledger = new AccountLedger(ctx.storage, this.#now());
    const backgroundDeps: BackgroundDeps = {
      deliver: (account, entries) => deps.deliver(env, account, entries),
      lastDeliveredSeq: (account) => deps.lastDeliveredSeq(env, account),
      notify: async (notifications) => deps.notify?.(env, notifications),
      setAlarm: (at) => void ctx.storage.setAlarm(at),
      now: this.#now,
      random: deps.random ?? secureRandom,
    };
    // A stand-in: no verb runs before the stored alarm is known.
    this.#backgroundTasks = new BackgroundTasks(
      this.#ledger,
      backgroundDeps,
      Number.MAX_SAFE_INTEGER,
    );
    void ctx.blockConcurrencyWhile(async () => {
      this.#backgroundTasks = new BackgroundTasks(
        this.#ledger,
        backgroundDeps,
        await ctx.storage.getAlarm(),
      );
    });
  }

  open(account: C.AccountId): void {
    this.#ledger.open(account, this.#now());
  }

  hold(request: C.HoldRequest): C.HoldResult {
    const result = this.#ledger.hold(request, this.#now());
    if (result.ok) this.#backgroundTasks.scheduleAlarm(result.deadline);
    else this.#backgroundTasks.ensureAlarm();
    this.#backgroundTasks.scheduleNotifications();
    return result;
  }

  checkpoint(request: C.CheckpointRequest): C.CheckpointResult {
    this.#backgroundTasks.ensureAlarm();
    return this.#ledger.checkpoint(request);
  }

  settleMany(requests: readonly C.SettleRequest[]): readonly C.SettleResult[] {
    return requests.map((request) => this.settle(request));
  }

  settle(request: C.SettleRequest): C.SettleResult {
    const result = this.#ledger.settle(request, this.#now());
    if (result.ok) this.#backgroundTasks.scheduleOutboxFlush();
    return result;
  }

  bindAddress(address: C.DepositAddress): C.BindAddressResult {
    return this.#ledger.bindAddress(address);
  }

  addresses(): readonly C.DepositAddress[] {
    return this.#ledger.addresses();
  }

  credit(request: C.CreditRequest): C.CreditResult {
    const result = this.#ledger.credit(request, this.#now());
    if (result.ok) this.#backgroundTasks.scheduleOutboxFlush();
    return result;
  }

  adjust(request: C.AdjustRequest): C.AdjustResult {
    const result = this.#ledger.adjust(request, this.#now());
    if (result.ok) this.#backgroundTasks.scheduleOutboxFlush();
    return result;
  }

  freeze(frozen: boolean): void {
    this.#ledger.freeze(frozen);
  }

  close(): C.CloseResult {
    const result = this.#ledger.close(this.#now());
    if (!result.wiped) this.#backgroundTasks.scheduleOutboxFlush();
    return result;
  }

  status(): C.AccountStatus | null {
    this.#backgroundTasks.ensureAlarm();
    return this.#ledger.status();
  }

  keys(): readonly C.KeyStatus[] {
    return this.#ledger.keys(this.#now());
  }

  updateKey(keyId: C.KeyId, update: C.KeyUpdate): KeyUpdateResult {
    return this.#ledger.updateKey(keyId, update);
  }

  /** The secrets before still open until `previousUntil`. */
  rollKey(request: RollSecretRequest): KeyUpdateResult {
    return this.#ledger.rollKey(request, this.#now());
  }

  resumeKey(keyId: C.KeyId): KeyUpdateResult {
    return this.#ledger.resumeKey(keyId, this.#now());
  }

  setLowBalance(threshold: NanoUsd | null): void {
    this.#ledger.setLowBalance(threshold);
  }

  /** Null where the proof opens nothing. */
  revokeLeaked(credential: C.KeyCredential): Readonly<{ alreadyRevoked: boolean }> | null {
    const revoked = this.#ledger.revokeLeaked(credential, this.#now());
    this.#backgroundTasks.scheduleNotifications();
    return revoked;
  }

  putKey(request: C.PutKeyRequest): C.PutKeyResult {
    return this.#ledger.putKey(request, this.#now());
  }

  revokeKey(keyId: C.KeyId): C.RevokeKeyResult {
    return this.#ledger.revokeKey(keyId, this.#now());
  }

  generation(key: C.KeyCredential, id: C.CallId): C.Authenticated<C.Generation | null> {
    this.#backgroundTasks.ensureAlarm();
    return this.#ledger.generation(key, id, this.#now());
  }

  credits(key: C.KeyCredential): C.Authenticated<C.Balance> {
    this.#backgroundTasks.ensureAlarm();
    return this.#ledger.credits(key, this.#now());
  }

  key(key: C.KeyCredential): C.Authenticated<C.KeyStatus> {
    this.#backgroundTasks.ensureAlarm();
    return this.#ledger.key(key, this.#now());
  }

  listEntries(afterSeq: number, limit: number): readonly C.Entry[] {
    return this.#ledger.listEntries(afterSeq, limit);
  }

  /** What the sweep asks: whatever a lost alarm left undone starts again, and the book is checked. */
  audit(): C.Audit {
    this.#backgroundTasks.ensureAlarm();
    this.#ledger.prune(this.#now());
    return this.#ledger.audit(this.#now());
  }

  override async alarm(): Promise<void> {
    await this.#backgroundTasks.alarm();
  }
}

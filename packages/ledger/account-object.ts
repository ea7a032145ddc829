/**
 * The Durable Object that holds one account's ledger. Its methods are the verbs of verbs.ts and
 * nothing else: every method on the prototype answers over RPC, TypeScript's `private` ones too,
 * hence `#`. It never imports the database; the Worker supplies the way to Postgres.
 */
import { DurableObject } from 'cloudflare:workers';
import { AccountLedger } from './account-ledger.ts';
import { type BackgroundDeps, BackgroundTasks } from './background-tasks.ts';
import { decodeVerbs, encodeResults } from './batch-message.ts';
import type { AccountId, Instant } from './contract/index.ts';
import { CHARGES_PER_WIPE_STEP } from './limits.ts';
import { secureRandom } from './random.ts';
import { type Account, runBatch, VERBS, type VerbMethods } from './verbs.ts';

/** What the object needs from the Worker it runs in. */
export type AccountObjectDeps = Readonly<{
  deliver: BackgroundDeps['deliver'];
  lastDeliveredSeq: BackgroundDeps['lastDeliveredSeq'];
  /**
   * Sends notifications at least once: returns when they are stored elsewhere, throws otherwise.
   */
  notify: BackgroundDeps['notify'];
  storedEntries: BackgroundDeps['storedEntries'];
  storeHashes: BackgroundDeps['storeHashes'];
  now?: () => Instant;
  random?: () => number;
  chargesPerWipeStep?: number;
}>;

export interface AccountObject extends VerbMethods {
  readonly __DURABLE_OBJECT_BRAND: never;
}

/** A Worker's class extends it with a constructor that passes its dependencies. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the static block defines these methods.
export class AccountObject extends DurableObject<unknown> {
  #account: Account;

  static {
    const verbs: Readonly<Record<string, (account: Account, ...args: never[]) => unknown>> = VERBS;
    for (const [name, verb] of Object.entries(verbs)) {
      const value = function (this: AccountObject, ...args: never[]): unknown {
        return verb(this.#account, ...args);
      };
      Object.defineProperty(AccountObject.prototype, name, { value });
    }
  }

  constructor(ctx: DurableObjectState, env: unknown, deps: AccountObjectDeps) {
    super(ctx, env);
    const { now = Date.now, random = secureRandom } = deps;
    const { chargesPerWipeStep = CHARGES_PER_WIPE_STEP } = deps;
    const ledger = new AccountLedger(ctx.storage, now);
    const setAlarm = (at: Instant): void => void ctx.storage.setAlarm(at);
    const limits = { chargesPerWipeStep };
    const backgroundDeps: BackgroundDeps = { ...deps, ...limits, setAlarm, now, random };
    // A placeholder: no verb runs before the stored alarm is known.
    const noAlarmNeeded = Number.MAX_SAFE_INTEGER;
    this.#account = { ledger, tasks: new BackgroundTasks(ledger, backgroundDeps, noAlarmNeeded) };
    void ctx.blockConcurrencyWhile(async () => {
      const alarmAt = await ctx.storage.getAlarm();
      this.#account = { ledger, tasks: new BackgroundTasks(ledger, backgroundDeps, alarmAt) };
    });
  }

  open(account: AccountId): void {
    this.#account.ledger.open(account);
  }

  /** Runs the verbs of a text that `encodeVerbs` made; returns a text for `decodeResults`. */
  batch(verbs: string): string {
    return encodeResults(runBatch(this.#account, decodeVerbs(verbs)));
  }

  override async alarm(): Promise<void> {
    await this.#account.tasks.alarm();
  }
}
